// tree - what the checks of this folder share: the C files below some folders
// of a repository, and a check run from the command line.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const REPOSITORY = path.join(__dirname, '..', '..');
const FOLDERS = ['bench', 'include', 'src', 'tests', 'tools', 'web'];

// Paths of all .c and .h files, relative to root.
function sources(root, folders = FOLDERS) {
  const walk = (dir) => {
    if (!fs.existsSync(path.join(root, dir))) return [];
    return fs.readdirSync(path.join(root, dir), { withFileTypes: true })
      .flatMap((entry) => {
        const at = path.join(dir, entry.name);
        if (entry.isDirectory()) return walk(at);
        return /\.[ch]$/.test(entry.name) ? [at] : [];
      });
  };
  return folders.flatMap(walk);
}

function lines(root, file) {
  return fs.readFileSync(path.join(root, file), 'utf8').split('\n');
}

// Prints what check(root) found, one line each; exits 1 if there is any.
function run(check) {
  const found = check(process.argv[2] || REPOSITORY);
  for (const line of found) console.error(line);
  process.exit(found.length ? 1 : 0);
}

module.exports = { REPOSITORY, sources, lines, run };
