// floors - a room includes its own headers and those of floors below it.
//
//   node tools/lint/floors.js [ROOT]
//
// Reads every #include "room/..." under ROOT/src (the repository by default)
// and prints each one that goes up or sideways. Exits 1 if there is any.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const FLOORS = [
  ['base', 'web'], // web/ stands beside src/: pages as a table of bytes
  ['proto', 'geo', 'cache', 'metrics', 'trace', 'json'],
  ['net'],
  ['store', 'bus', 'outbox'],
  ['edge', 'feed'],
  ['data'],
  ['rest', 'hub', 'live', 'sync', 'proxy', 'files', 'ops'],
  ['app'],
  ['cli'],
];
const floorOf = new Map(
  FLOORS.flatMap((rooms, i) => rooms.map((room) => [room, i + 1])));

function sources(dir) {
  return fs.readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const at = path.join(dir, entry.name);
    if (entry.isDirectory()) return sources(at);
    return /\.[ch]$/.test(entry.name) ? [at] : [];
  });
}

function mistakes(root) {
  const found = [];
  const src = path.join(root, 'src');
  for (const file of sources(src)) {
    const room = path.relative(src, file).split(path.sep)[0];
    if (!floorOf.has(room)) {
      found.push(`${file}: '${room}' stands on no floor; rooms are: ` +
        [...floorOf.keys()].join(' '));
      continue;
    }
    fs.readFileSync(file, 'utf8').split('\n').forEach((line, i) => {
      const match = /^\s*#\s*include\s+"([^"]+)"/.exec(line);
      if (!match) return;
      const where = `${path.relative(root, file)}:${i + 1}`;
      const to = match[1].split('/')[0];
      if (match[1] === 'llhttp.h' || to === 'fieldline') return;
      if (!floorOf.has(to)) {
        found.push(`${where}: "${match[1]}" names no room; write ` +
          '"room/header.h"');
      } else if (to !== room && floorOf.get(to) >= floorOf.get(room)) {
        const way = floorOf.get(to) === floorOf.get(room) ? 'sideways' : 'up';
        found.push(`${where}: ${room}/ (floor ${floorOf.get(room)}) includes ` +
          `${way} into ${to}/ (floor ${floorOf.get(to)})`);
      }
    });
  }
  return found;
}

if (require.main === module) {
  const root = process.argv[2] || path.join(__dirname, '..', '..');
  const found = mistakes(root);
  for (const line of found) console.error(line);
  process.exit(found.length ? 1 : 0);
}

module.exports = { mistakes, FLOORS };
