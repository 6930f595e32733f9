// magic - every *_MAGIC number is defined once and no two are the same, so a
// checked cast can never accept another type's object.
'use strict';

const { sources, lines, run } = require('./tree.js');

const DEFINITION = /#define\s+(\w*_MAGIC)\s+(0x[0-9a-fA-F]+|\d+)[uU]?[lL]*\b/g;

function mistakes(root) {
  const seen = new Map();
  const found = [];
  for (const file of sources(root, ['src'])) {
    for (const match of lines(root, file).join('\n').matchAll(DEFINITION)) {
      const value = Number(match[2]);
      const where = `${file} ${match[1]}`;
      if (seen.has(value)) found.push(`${where} is also ${seen.get(value)}`);
      seen.set(value, where);
    }
  }
  return found;
}

if (require.main === module) run(mistakes);

module.exports = { mistakes };
