'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');

const { mistakes } = require('../../tools/lint/floors.js');
const magic = require('../../tools/lint/magic.js');

function house(files) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'floors-'));
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), text);
  }
  return root;
}

test('this repository keeps the floors', () => {
  assert.deepStrictEqual(mistakes(path.join(__dirname, '..', '..')), []);
});

test('an include of a higher floor is refused', () => {
  const root = house({ 'src/net/stream.c': '#include "edge/edge.h"\n' });
  const found = mistakes(root);
  assert.strictEqual(found.length, 1);
  assert.match(found[0], /stream\.c:1: net\/ \(floor 3\) includes up into edge/);
});

test('an include of a neighbour on the same floor is refused', () => {
  const root = house({ 'src/hub/hub.c': '\n#include "rest/rest.h"\n' });
  assert.match(mistakes(root)[0], /hub\.c:2: .* sideways into rest/);
});

test('an include of one room, and of a lower floor, passes', () => {
  const root = house({
    'src/hub/hub.c': '#include "hub/hub.h"\n#include "data/data.h"\n',
  });
  assert.deepStrictEqual(mistakes(root), []);
});

test('a folder that is no room is refused', () => {
  const root = house({ 'src/misc/x.c': 'int x;\n' });
  assert.match(mistakes(root)[0], /'misc' stands on no floor/);
});

test('no two types share a magic number', () => {
  assert.deepStrictEqual(
    magic.mistakes(path.join(__dirname, '..', '..')), []);
  const root = house({
    'src/a/a.h': '#define A_MAGIC 0x12u\n',
    'src/b/b.h': '#define B_MAGIC 0x12u\n',
  });
  assert.strictEqual(magic.mistakes(root).length, 1);
});
