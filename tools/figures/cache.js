// cache - draws the figures of docs/library/cache.md.
//
//   node tools/figures/cache.js BUILD [TRACES]
//
// The miss ratios are those of the library itself (bench/cache_traces of a
// build with benchmarks); the rest is drawn from its definition.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const OUT = path.join(__dirname, '..', '..', 'docs', 'library', 'figures');
const INK = '#1f2937', SOFT = '#9ca3af', BLUE = '#2563eb';
const LINES = { lru: '#9ca3af', sieve: '#d97706', s3fifo: '#059669',
  tide: '#2563eb', belady: '#1f2937' };

const n = (x) => Number(x.toFixed(1));
const text = (x, y, words, size = 13, fill = INK, anchor = 'middle') =>
  `<text x="${n(x)}" y="${n(y)}" font-size="${size}" fill="${fill}" ` +
  `text-anchor="${anchor}">${words}</text>`;
const rect = (x, y, w, h, fill, stroke = INK) =>
  `<rect x="${n(x)}" y="${n(y)}" width="${n(w)}" height="${n(h)}" rx="4" ` +
  `fill="${fill}" stroke="${stroke}"/>`;
const arrow = (points, stroke = INK) =>
  `<polyline points="${points.map((p) => p.map(n).join(',')).join(' ')}" ` +
  `fill="none" stroke="${stroke}" stroke-width="1.5" marker-end="url(#tip)"/>`;
const line = (points, stroke) =>
  `<polyline points="${points.map((p) => p.map(n).join(',')).join(' ')}" ` +
  `fill="none" stroke="${stroke}" stroke-width="2"/>`;

function svg(name, width, height, parts) {
  fs.mkdirSync(OUT, { recursive: true });
  fs.writeFileSync(path.join(OUT, `${name}.svg`),
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}"` +
    ` width="${width}" height="${height}" font-family="sans-serif">\n` +
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" ' +
    'markerWidth="8" markerHeight="8" orient="auto">' +
    `<path d="M0,0 L8,4 L0,8 z" fill="${INK}"/></marker></defs>\n` +
    `<rect width="${width}" height="${height}" fill="#ffffff"/>\n` +
    `${parts.join('\n')}\n</svg>\n`);
}

/** The three queues, at ebb and at flow. */
function tide() {
  const state = (top, title, held, first, why) => [
    text(20, top, title, 15, INK, 'start'), text(90, top, why, 12, SOFT,
      'start'),
    rect(120, top + 20, 150, 40, '#fde68a'), text(195, top + 45, 'small'),
    rect(330, top + 20, 150, 40, '#bfdbfe'), text(405, top + 45, 'main'),
    rect(540, top + 20, 110, 40, held), text(595, top + 45, 'held'),
    arrow([[40, top + 40], [118, top + 40]]),
    text(75, top + 32, 'new', 12),
    arrow([[270, top + 40], [328, top + 40]]), text(299, top + 32, 'used', 12),
    arrow([[195, top + 60], [195, top + 98]], INK),
    text(205, top + 90, 'unused: leaves', 12, INK, 'start'),
    ...first === 'held'
      ? [arrow([[595, top + 60], [595, top + 98]]),
        text(605, top + 90, 'leaves first', 12, INK, 'start')]
      : [arrow([[538, top + 40], [482, top + 40]]),
        text(510, top + 32, 'used', 12),
        arrow([[595, top + 60], [595, top + 98]]),
        text(590, top + 115, 'before main\'s, when main has to give', 12)],
  ];
  svg('tide', 720, 270, [
    ...state(30, 'ebb', '#bbf7d0', 'small', 'newcomers rarely return: what is ' +
      'held stays, a part of a loop is always found'),
    ...state(160, 'flow', '#fecaca', 'held', 'newcomers do return: S3-FIFO, ' +
      'and the held give way'),
  ]);
}

/** A load that races with a write is dead on arrival. */
function stamp() {
  const lane = (y, name) => [text(20, y + 4, name, 13, INK, 'start'),
    line([[110, y], [680, y]], SOFT)];
  const event = (x, y, words, up = true) => [
    `<circle cx="${x}" cy="${y}" r="5" fill="${BLUE}"/>`,
    text(x, up ? y - 12 : y + 24, words, 12)];
  svg('stamp', 720, 190, [
    ...lane(50, 'loader'), ...lane(110, 'writer'), ...lane(160, 'clock'),
    ...event(160, 50, 'stamp = 41'), ...event(270, 50, 'reads the row'),
    ...event(360, 110, 'changes the row: 42', false),
    ...event(470, 50, 'sets, with stamp 41'),
    ...event(600, 50, 'get: 42 &gt; 41, a miss'),
    ...event(360, 160, ''), text(520, 154, 'the row\'s tag moved at 42', 12),
  ]);
}

function ratios(build, dir) {
  const run = (format, file) => execFileSync(
    path.join(build, 'bench', 'cache_traces'),
    [format, path.join(dir, file)], { encoding: 'utf8' })
    .trim().split('\n').map((row) => JSON.parse(row));
  const parts = [];
  const panel = (left, title, rows, low, high) => {
    const top = 40, width = 300, height = 240;
    const x = (i) => left + i * width / (rows.length - 1);
    const y = (v) => top + height * (high - v) / (high - low);
    parts.push(text(left + width / 2, 22, title, 14));
    for (let v = low; v <= high + 1e-9; v += 0.1) {
      parts.push(line([[left, y(v)], [left + width, y(v)]], '#e5e7eb'),
        text(left - 8, y(v) + 4, v.toFixed(1), 11, SOFT, 'end'));
    }
    rows.forEach((row, i) => parts.push(
      text(x(i), top + height + 18, `${Math.round(row.share * 100)} %`, 11)));
    for (const [name, color] of Object.entries(LINES)) {
      parts.push(line(rows.map((row, i) => [x(i), y(row[name])]), color));
    }
  };
  panel(50, 'block storage: misses by capacity',
    run('oracle', 'cloudphysics.oraclegeneral.bin'), 0.4, 0.9);
  panel(420, 'web shop', run('words', 'cache2k-web07.bin'), 0.2, 0.7);
  Object.entries(LINES).forEach(([name, color], i) => parts.push(
    line([[60 + i * 130, 325], [85 + i * 130, 325]], color),
    text(92 + i * 130, 329, name, 12, INK, 'start')));
  svg('misses', 740, 345, parts);
}

tide();
stamp();
if (process.argv[3]) ratios(process.argv[2], process.argv[3]);
