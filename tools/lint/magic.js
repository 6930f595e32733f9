// magic - every *_MAGIC number is defined once and no two are the same, so a
// checked cast can never accept another type's object.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

function mistakes(root) {
  const seen = new Map();
  const found = [];
  const walk = (dir) => {
    for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
      const at = path.join(dir, entry.name);
      if (entry.isDirectory()) walk(at);
      else if (/\.[ch]$/.test(entry.name)) scan(at);
    }
  };
  const scan = (file) => {
    const text = fs.readFileSync(file, 'utf8');
    for (const m of text.matchAll(/#define\s+(\w*_MAGIC)\s+(0x[0-9a-fA-F]+)u?/g)) {
      const value = Number(m[2]);
      const where = `${path.relative(root, file)} ${m[1]}`;
      if (seen.has(value)) found.push(`${where} is also ${seen.get(value)}`);
      seen.set(value, where);
    }
  };
  walk(path.join(root, 'src'));
  return found;
}

if (require.main === module) {
  const found = mistakes(process.argv[2] || path.join(__dirname, '..', '..'));
  for (const line of found) console.error(line);
  process.exit(found.length ? 1 : 0);
}

module.exports = { mistakes };
