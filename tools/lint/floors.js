// floors - a room includes its own headers and those of floors below it.
//
//   node tools/lint/floors.js [ROOT]
//
// Reads every #include under ROOT/src (the repository by default) and prints
// each one that goes up or sideways, and each library's header outside the
// rooms that are there to know it. Exits 1 if there is any.
'use strict';

const path = require('node:path');

const { sources, lines, run } = require('./tree.js');

const FLOORS = [
  ['base'],
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

// Headers of no room, and the rooms that may include them.
const KEPT = [
  [/^llhttp\.h$/, ['proto']],
  [/^web\/web\.h$/, ['app']], // the pages that the binary carries
  [/^uv\.h$/, ['net', 'store']], // store: the descriptor that libpq reads
  [/^(sqlite3|libpq-fe)\.h$/, ['store']],
  [/^libfyaml\.h$/, ['app']],
  [/^xxhash\.h$/, ['base']],
];

function judge(room, quoted, header) {
  const kept = KEPT.find(([name]) => name.test(header));
  if (kept) {
    return kept[1].includes(room) ? null
      : `${room}/ includes ${header}, which is for ${kept[1].join(', ')}`;
  }
  const to = header.split('/')[0];
  if (!quoted || to === 'fieldline' || to === room) return null;
  if (!floorOf.has(to)) {
    return `"${header}" names no room; write "room/header.h"`;
  }
  if (floorOf.get(to) < floorOf.get(room)) return null;
  const way = floorOf.get(to) === floorOf.get(room) ? 'sideways' : 'up';
  return `${room}/ (floor ${floorOf.get(room)}) includes ${way} into ` +
    `${to}/ (floor ${floorOf.get(to)})`;
}

function mistakes(root) {
  return sources(root, ['src']).flatMap((file) => {
    const room = file.split(path.sep)[1];
    if (!floorOf.has(room)) {
      return [`${file}: '${room}' stands on no floor; rooms are: ` +
        [...floorOf.keys()].join(' ')];
    }
    return lines(root, file).flatMap((line, i) => {
      const match = /^\s*#\s*include\s+(["<])([^">]+)/.exec(line);
      const wrong = match && judge(room, match[1] === '"', match[2]);
      return wrong ? [`${file}:${i + 1}: ${wrong}`] : [];
    });
  });
}

if (require.main === module) run(mistakes);

module.exports = { mistakes };
