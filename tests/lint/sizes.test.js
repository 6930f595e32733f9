// sizes - what is short enough to be read.
'use strict';

const assert = require('node:assert');
const { test } = require('node:test');

const { mistakes } = require('../../tools/lint/sizes.js');
const { house } = require('./house.js');

// A function of so many lines, its signature of two lines and braces counted.
function func(name, lines) {
  return `static int ${name}(int a,\n    int b)\n{\n` +
    '    a += b;\n'.repeat(lines - 4) + '}\n';
}

test('a function of 70 lines passes, one of 71 is refused', (t) => {
  const text = `int x;\n\n${func('fits', 70)}\n${func('is_long', 71)}`;
  assert.deepStrictEqual(mistakes(house(t, { 'src/net/a.c': text })),
    ['src/net/a.c:74: is_long() has 71 lines, more than 70']);
});

test('a table is no function, however long', (t) => {
  const text = `static const int t[] = {\n${'    1,\n'.repeat(99)}};\n`;
  assert.deepStrictEqual(mistakes(house(t, { 'src/net/a.c': text })), []);
});

test('a flat switch that is stated may be longer', (t) => {
  const text = func('candidate', 90);
  const root = house(t,
    { 'src/proto/http.c': text, 'src/proto/http1.c': text });
  assert.deepStrictEqual(mistakes(root),
    ['src/proto/http1.c:1: candidate() has 90 lines, more than 70']);
});

test('a file of 800 lines passes, one of 801 is refused', (t) => {
  const root = house(t, {
    'src/net/a.c': 'int a;\n'.repeat(800),
    'tests/b.c': 'int b;\n'.repeat(801),
  });
  assert.deepStrictEqual(mistakes(root),
    ['tests/b.c: 801 lines, more than 800']);
});
