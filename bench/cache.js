// cache - the library's cache: a hit beside npm lru-cache, and the miss ratios
// of its policies on recorded traces.
//
//   node bench/cache.js [--traces DIR]
//
// Traces: cloudphysics.oraclegeneral.bin and cache2k-web07.bin in DIR; without
// them (FIELDLINE_TRACES, ../shared/data) that part is left out.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const { BUILD, ROOT, median, pinned, report } = require('./lib/bench.js');

const KEYS = [1000, 100000];
const ROUNDS = 5;
const PAIRS = 15;
const PASSES = 2000000;
const TRACES = [['cloudphysics.oraclegeneral.bin', 'oracle'],
  ['cache2k-web07.bin', 'words']];
const SHARDS = 16;
const POLICIES = ['lru', 'sieve', 's3fifo', 'tide', 'belady'];

function program(name, args, processors = '0') {
  const [command, ...rest] = pinned(processors,
    path.join(BUILD, 'bench', name), args.map(String));
  return execFileSync(command, rest, { encoding: 'utf8' })
    .trim().split('\n').map((line) => JSON.parse(line));
}

function speed(keys, threads, policy = 'tide', many = []) {
  const runs = Array.from({ length: ROUNDS }, () => program('cache_speed',
    [keys, threads, policy, ...many], threads > 1 ? '0,1' : '0')[0]);
  return { ns: median(runs.map((run) => run.ns)), overhead: runs[0].overhead };
}

// A process of its own, on the same processor: hits in a random order.
function peerMain(count) {
  const { LRUCache } = require('lru-cache');
  const keys = Array.from({ length: count },
    (_, i) => `/v1/stops/${String(i).padStart(5, '0')}`);
  const cache = new LRUCache({ max: count, ttl: 300000, ttlAutopurge: false });
  for (const key of keys) cache.set(key, { key });
  for (let i = count - 1; i > 0; i--) {
    const other = Math.floor(Math.random() * (i + 1));
    [keys[i], keys[other]] = [keys[other], keys[i]];
  }
  let found = 0;
  const run = () => {
    const began = process.hrtime.bigint();
    for (let i = 0; i < PASSES; i++) if (cache.get(keys[i % count])) found++;
    return Number(process.hrtime.bigint() - began) / PASSES;
  };
  run();
  const ns = median(Array.from({ length: ROUNDS }, run));
  if (!found) throw new Error('nothing was found');
  console.log(JSON.stringify({ ns }));
}

function peer(count) {
  const [command, ...rest] = pinned(0, process.execPath,
    [__filename, '--peer', String(count)]);
  return JSON.parse(execFileSync(command, rest, { encoding: 'utf8' })).ns;
}

/** The two in turn: a disturbance of the machine spoils one pair of them. */
function pairs(keys) {
  const runs = Array.from({ length: PAIRS }, () => {
    const own = program('cache_speed', [keys, 1])[0].ns;
    return { own, other: peer(keys) };
  });
  const ratios = runs.map((run) => run.own / run.other).sort((a, b) => a - b);
  return { own: median(runs.map((run) => run.own)),
    other: median(runs.map((run) => run.other)), ratio: median(ratios),
    least: ratios[0], most: ratios.at(-1) };
}

function hits() {
  const version = JSON.parse(fs.readFileSync(path.join(ROOT, 'node_modules',
    'lru-cache', 'package.json'), 'utf8')).version;
  const lines = ['| keys | Fieldline | many (16) | its `lru` | ' +
    `npm lru-cache ${version} | ratio |`, '|--:|--:|--:|--:|--:|--:|'];
  for (const keys of KEYS) {
    const pair = pairs(keys);
    lines.push(`| ${keys} | ${pair.own.toFixed(0)} ns | ` +
      `${speed(keys, 1, 'tide', ['many']).ns.toFixed(0)} ns | ` +
      `${speed(keys, 1, 'lru').ns.toFixed(0)} ns | ${pair.other.toFixed(0)} ns | ` +
      `${pair.ratio.toFixed(2)} (${pair.least.toFixed(2)} to ` +
      `${pair.most.toFixed(2)}) |`);
  }
  const one = speed(KEYS[1], 1);
  const two = speed(KEYS[1], 2);
  return [...lines, '',
    `Two threads: ${(one.ns / two.ns).toFixed(2)} times one. ` +
    `An entry with a time to live and a tag costs ${one.overhead.toFixed(0)} ` +
    'bytes beyond its key and value (all that malloc gave).'];
}

function ratios(dir) {
  const lines = [`| trace | capacity | ${['LRU', 'SIEVE', 'S3-FIFO', 'tide',
    'Belady'].join(' | ')} | S3-FIFO, ${SHARDS} shards | tide, ${SHARDS} |`,
  '|---|--:|--:|--:|--:|--:|--:|--:|--:|'];
  const less = [0, 0];
  let count = 0;
  for (const [file, format] of TRACES) {
    const name = file.split('.')[0];
    const run = (shards) => program('cache_traces',
      [shards, format, path.join(dir, file)]);
    const many = run(SHARDS);
    for (const [i, row] of run(1).entries()) {
      lines.push(`| ${name} | ${Math.round(row.share * 100)} % | ` +
        `${POLICIES.map((p) => row[p].toFixed(4)).join(' | ')} | ` +
        `${many[i].s3fifo.toFixed(4)} | ${many[i].tide.toFixed(4)} |`);
      less[0] += row.s3fifo - row.tide;
      less[1] += many[i].s3fifo - many[i].tide;
      count++;
    }
  }
  const [one, more] = less.map((sum) => (sum / count).toFixed(4));
  return [...lines, '', 'One shard, but in the last two columns (a cache of ' +
    'fewer than 512 entries has one even there). Tide misses ' +
    `${one} less than S3-FIFO on average, ${more} with ${SHARDS} shards.`];
}

function main() {
  const at = process.argv.indexOf('--traces');
  const dir = at > 0 ? process.argv[at + 1] : process.env.FIELDLINE_TRACES ||
    path.join(ROOT, '..', 'shared', 'data');
  report('cache: a hit, in nanoseconds', hits());
  if (TRACES.every(([file]) => fs.existsSync(path.join(dir, file)))) {
    report('cache: miss ratios', ratios(dir));
  } else {
    console.log(`\nNo traces in ${dir}: miss ratios left out.`);
  }
}

if (process.argv[2] === '--peer') peerMain(Number(process.argv[3]));
else main();
