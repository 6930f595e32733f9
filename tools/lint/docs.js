// docs - docs/reference/*.md is what the program prints from its tables.
//
//   node tools/lint/docs.js BINARY [--write]
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const [binary, write] = process.argv.slice(2);
const folder = path.join(__dirname, '..', '..', 'docs', 'reference');
let status = 0;
for (const page of ['settings', 'metrics']) {
  const file = path.join(folder, `${page}.md`);
  const wanted = execFileSync(binary, ['docs', page], { encoding: 'utf8' });
  const there = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
  if (wanted === there) continue;
  if (write === '--write') {
    fs.writeFileSync(file, wanted);
    continue;
  }
  console.error(`docs/reference/${page}.md differs from '${binary} docs ` +
    `${page}'; run: node tools/lint/docs.js ${binary} --write`);
  status = 1;
}
process.exit(status);
