// house - a small source tree in a directory of its own, for a rule to judge.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const REPOSITORY = path.join(__dirname, '..', '..');

// house(t, {'src/net/stream.c': text, ...}): its root; gone after the test t.
function house(t, files) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'house-'));
  t.after(() => fs.rmSync(root, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), text);
  }
  return root;
}

module.exports = { REPOSITORY, house };
