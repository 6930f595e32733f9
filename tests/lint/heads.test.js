// heads - licence, head comment, threads, guard.
'use strict';

const assert = require('node:assert');
const { test } = require('node:test');

const { mistakes } = require('../../tools/lint/heads.js');
const { house } = require('./house.js');

const LICENCE = '/* SPDX-License-Identifier: MIT */\n';
const HEAD = '/*\n * lane - frames in order.\n * Threads: loop.\n */\n';

function judge(t, file, text) {
  return mistakes(house(t, { [file]: text }));
}

test('a file with licence, head and threads passes', (t) => {
  const guard = '#ifndef FIELDLINE_HUB_LANE_H\n#define FIELDLINE_HUB_LANE_H\n';
  assert.deepStrictEqual(judge(t, 'src/hub/lane.c', LICENCE + HEAD), []);
  assert.deepStrictEqual(
    judge(t, 'src/hub/lane.h', `${LICENCE}${HEAD}${guard}#endif\n`), []);
});

test('a file without its licence is refused', (t) => {
  const found = judge(t, 'tests/unit/hub/test_lane.c', `\n${HEAD}`);
  assert.match(found[0], /test_lane\.c: line 1 is not/);
});

test('a file without a head comment is refused', (t) => {
  const found = judge(t, 'src/hub/lane.c',
    `${LICENCE}#include "hub/lane.h"\n/* Threads: loop. */\n`);
  assert.deepStrictEqual(found,
    ['src/hub/lane.c: no comment on line 2 says what this is']);
});

test('a head that does not say who may call is refused', (t) => {
  const found = judge(t, 'src/hub/lane.c',
    `${LICENCE}/* lane - frames in order. */\nint x; /* Threads: loop. */\n`);
  assert.match(found[0], /has no 'Threads:'/);
});

test("a header guarded by another room's name is refused", (t) => {
  const guard = '#ifndef FIELDLINE_NET_LANE_H\n#define FIELDLINE_NET_LANE_H\n';
  const found = judge(t, 'src/hub/lane.h', `${LICENCE}${HEAD}${guard}#endif\n`);
  assert.match(found[0], /not guarded by FIELDLINE_HUB_LANE_H/);
});
