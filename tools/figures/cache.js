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

/** Two queues, and the ghosts that come back to main if it takes them. */
function tide() {
  svg('tide', 720, 250, [
    arrow([[40, 60], [118, 60]]), text(78, 52, 'new', 12),
    rect(120, 40, 150, 40, '#fde68a'), text(195, 65, 'small, a tenth'),
    arrow([[270, 60], [398, 60]]), text(334, 52, 'used', 12),
    rect(400, 40, 250, 40, '#bfdbfe'), text(525, 65, 'main'),
    arrow([[650, 50], [680, 50], [680, 20], [380, 20], [380, 50], [398, 50]]),
    text(530, 14, 'used: once more', 12),
    arrow([[195, 80], [195, 178]]), text(205, 110, 'unused', 12, INK, 'start'),
    arrow([[610, 80], [610, 178]]), text(620, 110, 'unused', 12, INK, 'start'),
    rect(120, 180, 150, 40, '#f3f4f6', SOFT), text(195, 205, 'ghosts of small'),
    rect(535, 180, 150, 40, '#f3f4f6', SOFT), text(610, 205, 'ghosts of main'),
    arrow([[270, 190], [440, 190], [440, 82]]),
    text(430, 140, 'back, unless away for much', 12, INK, 'end'),
    text(430, 155, 'longer than main is unused', 12, INK, 'end'),
    arrow([[533, 190], [500, 190], [500, 82]]),
    text(492, 237, 'back sooner than main\'s oldest was used, in small\'s place',
      12),
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
    ['1', format, path.join(dir, file)], { encoding: 'utf8' })
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
