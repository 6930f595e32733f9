// The library's geohashes are those of the npm packages ngeohash and
// latlon-geohash, of 100,000 random points.
'use strict';

const assert = require('node:assert');
const test = require('node:test');

const ngeohash = require('ngeohash');

const { points, asked } = require('../lib/geo.js');

const COUNT = 100000;

test('geohash text, centers and neighbours equal those of others', async () => {
  const { default: latlon } = await import('latlon-geohash');
  const list = points(COUNT);
  const said = asked(list);
  assert.equal(said.length, COUNT);
  for (const [i, p] of list.entries()) {
    const { hash, lat, lng, neighbours } = said[i];
    assert.equal(hash, ngeohash.encode(p.lat, p.lng, p.precision));
    assert.equal(hash, latlon.encode(p.lat, p.lng, p.precision));
    const center = ngeohash.decode(hash);
    assert.ok(Math.abs(center.latitude - lat) < 1e-12);
    assert.ok(Math.abs(center.longitude - lng) < 1e-12);
    // Beyond a pole and the antimeridian each has its own way.
    const { latitude: dy, longitude: dx } = center.error;
    if (Math.abs(lat) + 2 * dy > 90 || Math.abs(lng) + 2 * dx > 180) continue;
    const around = latlon.neighbours(hash);
    assert.deepEqual(neighbours, ['n', 'ne', 'e', 'se', 's', 'sw', 'w', 'nw']
      .map((way) => around[way]));
  }
});
