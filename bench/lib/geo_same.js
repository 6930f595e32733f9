// geo_same - are our answers and those of Redis the same points?
//
// Redis does not keep a position but the number of its cell, 26 bits an axis,
// and measures to the cell's centre (Redis, geohash.h: longitude -180..180,
// latitude within 85.05112878). A point so moves by at most half a cell on each
// axis: on our sphere, at the equator where cells are widest,
//
//   MOVED_M = R (pi / 180) hypot(360, 170.10225756) / 2^27 = 0.330 m
//
// to which a micrometre is added for the rounding of both. Redis's sphere is
// larger, by one part in 3,562; it is asked for the same angle, so its radius
// and its distances are ours times that, and nothing is left to tolerate. Since
// a distance changes by no more than its point moves:
//
//   - a point that only one of two circles holds is no farther than MOVED_M
//     from the circle;
//   - the distances of the points at one place of two lists of the nearest
//     differ by at most 2 MOVED_M (each list's n-th distance by one of them,
//     the point's own by another); so does that of a point which only one list
//     holds from the last one of a full list, or from the radius;
//   - a list that is shorter lacks points no farther than MOVED_M from the
//     circle.
//
// Whatever else differs is a mistake of one of them.
'use strict';

const RADIUS_M = 6371008.8; // FL_GEO_RADIUS_M
const RADIANS = Math.PI / 180;
const REDIS_CELLS = 2 ** 26; // an axis
const REDIS_LNG_SPAN = 360, REDIS_LAT_SPAN = 2 * 85.05112878;
const ROUNDING_M = 1e-6;
const MOVED_M = RADIUS_M * RADIANS *
  Math.hypot(REDIS_LNG_SPAN, REDIS_LAT_SPAN) / (2 * REDIS_CELLS) + ROUNDING_M;

/** Metres on our sphere by the haversine; positions are latitude, longitude. */
function distance(all, a, b) {
  const lat = (i) => all[2 * i] * RADIANS, lng = (i) => all[2 * i + 1] * RADIANS;
  const y = Math.sin((lat(b) - lat(a)) / 2);
  const x = Math.sin((lng(b) - lng(a)) / 2);
  return 2 * RADIUS_M * Math.asin(Math.sqrt(
    y * y + Math.cos(lat(a)) * Math.cos(lat(b)) * x * x));
}

function check(holds, what, query, details) {
  if (holds) return;
  throw new Error(`query ${query}: ${what}: ${JSON.stringify(details)}; at ` +
    `most ${MOVED_M} m are explained`);
}

/** Our own answer: no point twice, nearest first, the distances right. */
function checkOurs(all, points, query, ours) {
  check(new Set(ours.ids).size === ours.ids.length, 'a point twice', query,
    ours.ids);
  ours.metres.forEach((metres, i) => {
    const right = distance(all, points + query, ours.ids[i]);
    check(Math.abs(metres - right) <= ROUNDING_M, 'a wrong distance', query,
      { id: ours.ids[i], metres, right });
    check(i === 0 || ours.metres[i - 1] <= metres, 'not in order', query,
      ours.metres);
  });
}

/** Ids that one list holds and the other does not. */
function only(ids, others) {
  const known = new Set(others);
  return ids.filter((id) => !known.has(id));
}

/** Two circles; how many points only one of them holds. */
function sameCircle(all, points, query, radius, ours, ids) {
  const odd = [...only(ours.ids, ids), ...only(ids, ours.ids)];
  for (const id of odd) {
    const metres = distance(all, points + query, id);
    check(Math.abs(metres - radius) <= MOVED_M, 'one circle lacks a point',
      query, { id, metres, radius });
  }
  check(new Set(ids).size === ids.length, 'Redis has a point twice', query, ids);
  return odd.length;
}

/** Two lists of the nearest max; at how many places they differ. */
function sameNearest(all, points, query, radius, max, ours, ids) {
  const metresOf = (id) => distance(all, points + query, id);
  const last = ours.ids.length === max ? ours.metres[max - 1] : radius;
  for (const id of [...only(ours.ids, ids), ...only(ids, ours.ids)]) {
    check(Math.abs(metresOf(id) - last) <= 2 * MOVED_M,
      'one list lacks a point', query, { id, metres: metresOf(id), last });
  }
  let odd = 0;
  for (let i = 0; i < Math.max(ids.length, ours.ids.length); i++) {
    if (ids[i] === ours.ids[i]) continue;
    odd++;
    if (i >= ids.length || i >= ours.ids.length) {
      const metres = i < ids.length ? metresOf(ids[i]) : ours.metres[i];
      check(Math.abs(metres - radius) <= MOVED_M, 'one list is too short',
        query, { place: i, metres, radius });
      continue;
    }
    check(Math.abs(metresOf(ids[i]) - ours.metres[i]) <= 2 * MOVED_M,
      'another order', query,
      { place: i, ours: ours.ids[i], redis: ids[i], metres: ours.metres[i],
        redisMetres: metresOf(ids[i]) });
  }
  return odd;
}

/** Reads what geo_engine wrote: of each query its circle and its nearest. */
function* oursOf(numbers) {
  let at = 0;
  const list = () => {
    const count = numbers[at++], ids = [], metres = [];
    for (let i = 0; i < count; i++) {
      ids.push(numbers[at++]);
      metres.push(numbers[at++]);
    }
    return { ids, metres };
  };
  while (at < numbers.length) yield { circle: list(), nearest: list() };
}

/**
 * Compares all answers and throws at the first that differ by more than the
 * cells of Redis explain. all: positions, points and then queries; redis:
 * { circles, nearest }, arrays of ids. How many points there were, and how many
 * of them differed within the tolerance.
 */
function compare({ all, points, radius, max, numbers, redis }) {
  const sum = { circle: 0, circleOdd: 0, nearest: 0, nearestOdd: 0 };
  const queries = all.length / 2 - points;
  let query = 0;
  check(redis.circles.length === queries && redis.nearest.length === queries,
    'Redis answered', 'all', [redis.circles.length, redis.nearest.length]);
  for (const ours of oursOf(numbers)) {
    checkOurs(all, points, query, ours.circle);
    checkOurs(all, points, query, ours.nearest);
    sum.circle += ours.circle.ids.length;
    sum.nearest += ours.nearest.ids.length;
    sum.circleOdd += sameCircle(all, points, query, radius, ours.circle,
      redis.circles[query]);
    sum.nearestOdd += sameNearest(all, points, query, radius, max, ours.nearest,
      redis.nearest[query]);
    query++;
  }
  check(query === queries, 'we answered', 'all', query);
  return sum;
}

module.exports = { MOVED_M, compare };
