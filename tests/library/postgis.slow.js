// The library's geohashes and distances are PostGIS's, of 100,000 random
// points. In `./dev test all` only: it needs Debian's PostGIS.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');

const { points, asked } = require('../lib/geo.js');
const { Postgres } = require('../lib/postgres.js');

const COUNT = 100000;
const OUR_RADIUS = 6371008.8; // PostGIS has more digits: (2a + b) / 3
const THEIR_RADIUS = 6371008.771415059;

test('ST_GeoHash and ST_DistanceSphere say the same', async (t) => {
  const server = await Postgres.start();
  t.after(() => server.stop());
  const list = points(COUNT);
  const said = asked(list);
  const file = path.join(server.dir, 'points');
  fs.writeFileSync(file, list.map((p, i) =>
    [i, p.lat, p.lng, p.lat2, p.lng2, p.precision].join('\t')).join('\n'));
  server.sql('create extension postgis');
  server.sql(`create table p (i int primary key, lat float8, lng float8,
    lat2 float8, lng2 float8, digits int)`);
  server.sql(`copy p from '${file}'`);
  server.sql(`copy (select st_geohash(st_setsrid(st_point(lng, lat),
      4326), digits), st_distancesphere(st_setsrid(st_point(lng, lat), 4326),
      st_setsrid(st_point(lng2, lat2), 4326)) from p order by i)
      to '${file}.out'`);
  const rows = fs.readFileSync(`${file}.out`, 'utf8').trim().split('\n');
  assert.equal(rows.length, COUNT);
  for (const [i, row] of rows.entries()) {
    const [hash, metres] = row.split('\t');
    assert.equal(said[i].hash, hash);
    const scaled = Number(metres) * OUR_RADIUS / THEIR_RADIUS;
    // Near the antipode theirs has fewer digits.
    assert.ok(Math.abs(said[i].metres - scaled) <=
      1e-9 * scaled + (scaled > 2e7 ? 1 : 1e-6), `${said[i].metres} ${scaled}`);
  }
});
