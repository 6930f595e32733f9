// geo - draws the figures of docs/library/geo.md.
//
//   node tools/figures/geo.js BUILD
//
// Covers are asked of the library itself (tests/library/geo_cells of a build
// with tests); the rest is drawn from its definition.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const OUT = path.join(__dirname, '..', '..', 'docs', 'library', 'figures');
const LETTERS = '0123456789bcdefghjkmnpqrstuvwxyz';
const INK = '#1f2937', SOFT = '#9ca3af', BLUE = '#2563eb', FILL = '#bfdbfe';
const TINTS = ['#bfdbfe', '#fde68a', '#bbf7d0', '#fecaca', '#ddd6fe',
  '#fed7aa', '#a5f3fc', '#e9d5ff', '#d9f99d'];

const n = (x) => Number(x.toFixed(2));

function svg(name, width, height, parts) {
  fs.mkdirSync(OUT, { recursive: true });
  fs.writeFileSync(path.join(OUT, `${name}.svg`),
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}"` +
    ` width="${width}" height="${height}" font-family="sans-serif">\n` +
    `<rect width="${width}" height="${height}" fill="#ffffff"/>\n` +
    `${parts.join('\n')}\n</svg>\n`);
}

const rect = (x, y, w, h, fill, stroke = INK, thick = 1) =>
  `<rect x="${n(x)}" y="${n(y)}" width="${n(w)}" height="${n(h)}" ` +
  `fill="${fill}" stroke="${stroke}" stroke-width="${thick}"/>`;
const text = (x, y, words, size = 13, fill = INK, anchor = 'middle') =>
  `<text x="${n(x)}" y="${n(y)}" font-size="${size}" fill="${fill}" ` +
  `text-anchor="${anchor}">${words}</text>`;
const line = (points, stroke, thick = 1.5) =>
  `<polyline points="${points.map((p) => p.map(n).join(',')).join(' ')}" ` +
  `fill="none" stroke="${stroke}" stroke-width="${thick}"/>`;
const circle = (x, y, r, fill, stroke = 'none', thick = 1.5) =>
  `<circle cx="${n(x)}" cy="${n(y)}" r="${n(r)}" fill="${fill}" ` +
  `stroke="${stroke}" stroke-width="${thick}"/>`;

/** Column and row of a number whose bits take turns, the column's first. */
function place(number, bits) {
  let x = 0, y = 0;
  for (let bit = bits - 1; bit >= 0; bit--) {
    const one = (number >> bit) & 1;
    if ((bits - 1 - bit) % 2 === 0) x = x * 2 + one;
    else y = y * 2 + one;
  }
  return [x, y];
}

/** The 32 children of a cell of even and of odd precision, in their order. */
function cells() {
  const parts = [];
  const panel = (left, title, columns, rows, oddFirst) => {
    const side = 46, top = 50;
    const path_ = [];
    parts.push(text(left + columns * side / 2, 28, title, 15));
    for (let i = 0; i < 32; i++) {
      let [x, y] = place(i, 5);
      if (oddFirst) [x, y] = [y, x];
      const px = left + x * side, py = top + (rows - 1 - y) * side;
      parts.push(rect(px, py, side, side, 'none', SOFT));
      parts.push(text(px + side / 2, py + side / 2 + 5, LETTERS[i], 15));
      path_.push([px + side / 2, py + side / 2]);
    }
    parts.push(`<g opacity="0.45">${line(path_, BLUE, 2)}</g>`);
  };
  panel(30, 'first, third, … letter: 8 × 4', 8, 4, false);
  panel(460, 'second, fourth, … letter: 4 × 8', 4, 8, true);
  parts.push(text(30, 290, 'Each letter is five cuts in half, longitude and ' +
    'latitude by turns.', 13, INK, 'start'));
  parts.push(text(30, 312, 'The line joins the cells in the order of their ' +
    'numbers: the Z-curve.', 13, INK, 'start'));
  svg('cells', 680, 440, parts);
}

/** One circle, covered under three limits. */
function covers(build) {
  const at = { lat: 52.52, lng: 13.405, metres: 5000 };
  const parts = [];
  const size = 230;
  const degree = 111195, squeeze = Math.cos(at.lat * Math.PI / 180);
  const reach = at.metres * 1.9;
  [8, 32, 128].forEach((max, i) => {
    const left = 15 + i * (size + 15), top = 40;
    const x = (lng) => left + size / 2 +
      (lng - at.lng) * degree * squeeze / reach * size / 2;
    const y = (lat) => top + size / 2 -
      (lat - at.lat) * degree / reach * size / 2;
    const rows = execFileSync(path.join(build, 'tests', 'library', 'geo_cells'),
      [at.lat, at.lng, at.metres, max].map(String), { encoding: 'utf8' })
      .trim().split('\n').map((row) => row.split(' ').map(Number));
    parts.push(`<clipPath id="c${i}">${rect(left, top, size, size, INK)}` +
      '</clipPath>', `<g clip-path="url(#c${i})">`);
    for (const [south, west, north, east] of rows) {
      parts.push(rect(x(west), y(north), x(east) - x(west),
        y(south) - y(north), FILL, BLUE, 0.8));
    }
    parts.push(circle(x(at.lng), y(at.lat), at.metres / reach * size / 2,
      'none', INK, 2), '</g>');
    parts.push(rect(left, top, size, size, 'none', SOFT));
    parts.push(text(left + size / 2, 28, `at most ${max}: ${rows.length} ` +
      'cells', 14));
  });
  svg('covers', 750, 285, parts);
}

/** Points around two towns, cut into leaves along the curve. */
function leaves() {
  let state = 7;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const normal = () => random() + random() + random() - 1.5;
  const side = 360, left = 20, top = 20, bits = 7, leaf = 12;
  const points = [];
  while (points.length < 9 * leaf) {
    const [cx, cy, s] = points.length % 3 ? [0.3, 0.35, 0.16] : [0.75, 0.7, 0.22];
    const x = cx + normal() * s, y = cy + normal() * s;
    if (x < 0 || x >= 1 || y < 0 || y >= 1) continue;
    let key = 0;
    for (let bit = bits - 1; bit >= 0; bit--) {
      const at = 2 ** (bits - bit);
      key = key * 4 + 2 * (Math.floor(x * at) & 1) + (Math.floor(y * at) & 1);
    }
    points.push({ x, y, key });
  }
  points.sort((a, b) => a.key - b.key);
  const firsts = [];
  for (let i = 0; i < points.length; i += leaf) {
    firsts.push(i ? points[i].key : 0);
  }
  const parts = [];
  const edge = 2 ** bits, px = side / edge;
  const owner = Array.from({ length: edge }, () => []);
  for (let key = 0, own = 0; key < edge * edge; key++) {
    while (own + 1 < firsts.length && key >= firsts[own + 1]) own++;
    const [x, y] = place(key, 2 * bits);
    owner[y][x] = own;
  }
  owner.forEach((row, y) => {
    for (let x = 0, end; x < edge; x = end) {
      for (end = x + 1; end < edge && row[end] === row[x];) end++;
      parts.push(`<rect x="${n(left + x * px)}" ` +
        `y="${n(top + (edge - 1 - y) * px)}" width="${n((end - x) * px)}" ` +
        `height="${n(px + 0.3)}" fill="${TINTS[row[x]]}"/>`);
    }
  });
  for (const p of points) {
    parts.push(circle(left + p.x * side, top + side - p.y * side, 2.2, INK));
  }
  parts.push(circle(left + 0.36 * side, top + side - 0.42 * side, 46, 'none',
    BLUE, 2));
  parts.push(rect(left + 0.36 * side - 46, top + side - 0.42 * side - 46, 92,
    92, 'none', BLUE, 1));
  [`${firsts.length} leaves of ${leaf} points, each an interval of the`,
    'Z-curve: small where points crowd, large where', 'there are few.', '',
    'A search walks the keys of the circle’s box and', 'skips from a leaf ' +
    'to the next key in the box;', 'of the leaves it meets it measures every ' +
    'point.'].forEach((words, i) =>
    parts.push(text(400, 60 + i * 24, words, 14, INK, 'start')));
  svg('leaves', 760, 400, parts);
}

/** Sides north of a point, counted along its meridian. */
function polygon() {
  const ring = [[60, 210], [110, 60], [200, 150], [270, 40], [350, 190],
    [230, 240], [150, 190]];
  const parts = [
    `<polygon points="${ring.map((p) => p.join(',')).join(' ')}" ` +
    `fill="${FILL}" stroke="${BLUE}" stroke-width="2"/>`];
  const ask = (x, y, count, words) => {
    parts.push(`<line x1="${x}" y1="${y}" x2="${x}" y2="20" stroke="${INK}" ` +
      'stroke-dasharray="4 3"/>', circle(x, y, 4, INK),
    text(x + 8, y + 5, `${count}: ${words}`, 13, INK, 'start'));
  };
  ask(120, 160, 1, 'inside');
  ask(175, 215, 2, 'outside');
  ask(300, 160, 1, 'inside');
  ask(380, 120, 0, 'outside');
  parts.push(text(70, 272, 'How many sides stand north of it? An odd number ' +
    'says inside,', 13, INK, 'start'), text(70, 292, 'where the pole is ' +
    'outside; where it is inside, an even one.', 13, INK, 'start'));
  svg('polygon', 480, 310, parts);
}

const build = path.resolve(process.argv[2] || 'build-asan');
cells();
covers(build);
leaves();
polygon();
