// floors - the include graph of the rooms, and who may know a library.
'use strict';

const assert = require('node:assert');
const { test } = require('node:test');

const { mistakes } = require('../../tools/lint/floors.js');
const { REPOSITORY, house } = require('./house.js');

test('this repository keeps the floors', () => {
  assert.deepStrictEqual(mistakes(REPOSITORY), []);
});

test('an include of a higher floor is refused', (t) => {
  const root = house(t, { 'src/net/stream.c': '#include "edge/edge.h"\n' });
  const found = mistakes(root);
  assert.strictEqual(found.length, 1);
  assert.match(found[0], /stream\.c:1: net\/ \(floor 3\) includes up into edge/);
});

test('an include of a neighbour on the same floor is refused', (t) => {
  const root = house(t, { 'src/hub/hub.c': '\n#include "rest/rest.h"\n' });
  assert.match(mistakes(root)[0], /hub\.c:2: .* sideways into rest/);
});

test('an include of one room, and of a lower floor, passes', (t) => {
  const root = house(t, {
    'src/hub/hub.c': '#include "hub/hub.h"\n#include "data/data.h"\n',
  });
  assert.deepStrictEqual(mistakes(root), []);
});

test('a folder that is no room is refused', (t) => {
  const root = house(t, { 'src/misc/x.c': 'int x;\n' });
  assert.match(mistakes(root)[0], /'misc' stands on no floor/);
});

test('a header that names no room is refused', (t) => {
  const root = house(t, { 'src/hub/hub.c': '#include "lane.h"\n' });
  assert.match(mistakes(root)[0], /"lane\.h" names no room/);
});

test("a library's header passes only in the rooms that know it", (t) => {
  const root = house(t, {
    'src/store/sqlite.c': '#include <sqlite3.h>\n',
    'src/data/read.c': '#include <stdio.h>\n#include <sqlite3.h>\n',
  });
  assert.deepStrictEqual(mistakes(root), [
    'src/data/read.c:2: data/ includes sqlite3.h, which is for store',
  ]);
});
