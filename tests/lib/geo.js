// geo - random points, and what the library says of them: geo_print, built
// beside the server that is tested.
'use strict';

const { execFileSync } = require('node:child_process');
const path = require('node:path');

const { Random } = require('./random.js');

const BINARY = process.env.FIELDLINE_BIN ||
  path.join(__dirname, '..', '..', 'build', 'fieldline');
const PRINT = path.join(path.dirname(BINARY), 'tests', 'library', 'geo_print');

/** Pairs of points: {lat, lng, lat2, lng2, precision}. */
function points(count) {
  const random = new Random();
  const real = (low, high) => low +
    (random.below(2 ** 31) / 2 ** 31 + random.below(2 ** 21) / 2 ** 52) *
    (high - low);
  return Array.from({ length: count }, () => {
    const lat = real(-90, 90), lng = real(-180, 180);
    const near = random.chance(50);
    return { lat, lng,
      lat2: near ? Math.max(-90, Math.min(90, lat + real(-1, 1)))
        : real(-90, 90),
      lng2: near ? Math.max(-180, Math.min(180, lng + real(-1, 1)))
        : real(-180, 180),
      precision: 1 + random.below(12) };
  });
}

/** Of each: {hash, lat, lng, neighbours (N, NE, E, SE, S, SW, W, NW), metres}. */
function asked(list) {
  const input = list.map((p) =>
    `${p.lat} ${p.lng} ${p.lat2} ${p.lng2} ${p.precision}\n`).join('');
  return execFileSync(PRINT, { input, encoding: 'utf8',
    maxBuffer: 1 << 30 }).trim().split('\n').map((line) => {
    const [hash, lat, lng, ...rest] = line.split(' ');
    return { hash, lat: Number(lat), lng: Number(lng),
      neighbours: rest.slice(0, 8), metres: Number(rest[8]) };
  });
}

module.exports = { points, asked };
