// magic - no two types answer to one number.
'use strict';

const assert = require('node:assert');
const { test } = require('node:test');

const { mistakes } = require('../../tools/lint/magic.js');
const { REPOSITORY, house } = require('./house.js');

test('no two types of this repository share a magic number', () => {
  assert.deepStrictEqual(mistakes(REPOSITORY), []);
});

test('one number for two types is refused, however it is written', (t) => {
  const root = house(t, {
    'src/hub/a.h': '#define A_MAGIC 0x12u\n',
    'src/hub/b.h': '#define B_MAGIC 0x13u\n',
    'src/net/c.h': '#define C_MAGIC 18u\n',
  });
  assert.deepStrictEqual(mistakes(root),
    ['src/net/c.h C_MAGIC is also src/hub/a.h A_MAGIC']);
});
