// live - simulated drivers send positions each second to dispatchers: the time
// from send to receipt, with the conflation window and without, and the
// processor time it took. Server on core 0, load on core 1.
//
//   node bench/live.js [SECONDS] [DRIVERS] [DISPATCHERS] [ROUNDS]
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const WebSocket = require('ws');

const lib = require('./lib/bench.js');

const SECONDS = Number(process.argv[2] || 12);
const DRIVERS = Number(process.argv[3] || 1000);
const DISPATCHERS = Number(process.argv[4] || 20);
const ROUNDS = Number(process.argv[5] || 5);

function session(url, token, topics, onMessage) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`,
      { perMessageDeflate: false, skipUTF8Validation: true });
    socket.on('error', reject);
    socket.on('open', () => socket.send(
      JSON.stringify({ type: 'CONNECT', token })));
    socket.on('message', (data) => {
      if (onMessage.ready) return onMessage(data);
      const message = JSON.parse(data);
      if (message.type === 'CONNECTED' && topics.length) {
        socket.send(JSON.stringify({ type: 'SUBSCRIBE', topics }));
      } else if (['CONNECTED', 'SUBSCRIBED'].includes(message.type)) {
        resolve(socket);
      } else if (message.type === 'ERROR') {
        reject(new Error(data));
      }
    });
  });
}

async function run(app, data) {
  const server = await lib.startFieldline(0, data, ['--workers', '1'], app);
  const manage = lib.token(1, 1, 'LOGISTICS_MANAGE');
  const samples = [];
  let measuring = false, sent = 0;
  // The driver writes when he sent into the payload; one clock, one machine.
  const receive = (payload) => {
    const at = /"sent":(\d+)/.exec(payload.latin1Slice(0, payload.length));
    if (measuring) samples.push(Number(process.hrtime.bigint() / 1000n) - Number(at[1]));
  };
  receive.ready = false;
  const ignore = () => {};
  const desks = [];
  for (let i = 0; i < DISPATCHERS; i++) {
    desks.push(await session(server.url, manage,
      ['role:LOGISTICS_MANAGE'], receive));
  }
  const drivers = [];
  while (drivers.length < DRIVERS) {
    drivers.push(...await Promise.all(Array.from({ length: 50 },
      () => session(server.url, manage, [], ignore))));
  }
  receive.ready = ignore.ready = true;

  // Spread over the second, as phones are: a slot each 5 ms.
  const SLOT_MS = 5, slots = 1000 / SLOT_MS;
  let slot = 0;
  const timer = setInterval(() => {
    for (let i = slot % slots; i < DRIVERS; i += slots) {
      const now = Number(process.hrtime.bigint() / 1000n);
      drivers[i].send(`{"type":"DRIVER_LOCATION_UPDATED","payload":{` +
        `"driverId":"${i}","lat":${(40 + i / 1e4).toFixed(5)},` +
        `"lng":-74.00213,"speed":31,"sent":${now}}}`);
      if (measuring) sent++;
    }
    slot++;
  }, SLOT_MS);
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const cpu = lib.processorSeconds(server.child.pid);
  measuring = true;
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  measuring = false;
  const spent = lib.processorSeconds(server.child.pid) - cpu;
  clearInterval(timer);
  for (const socket of [...drivers, ...desks]) socket.terminate();
  await lib.stop(server.child);
  samples.sort((a, b) => a - b);
  return { samples, sent, cores: spent / SECONDS };
}

function withoutConflation() {
  const app = fs.mkdtempSync(path.join(os.tmpdir(), 'fieldline-app-'));
  fs.cpSync(lib.LAB, app, { recursive: true });
  const file = path.join(app, 'app.yaml');
  const text = fs.readFileSync(file, 'utf8');
  fs.writeFileSync(file, text.replace('debounce: 100ms', 'debounce: 0ms'));
  return app;
}

/** One row of the table: the median of each figure over the rounds. */
function row(name, asked, rounds) {
  const of = (figure) => lib.median(rounds.map(figure));
  const at = (p) => of(({ samples }) => lib.percentile(samples, p) / 1000);
  return { last: at(0.999), asked, text: `| ${name} | ` +
    `${Math.round(of(({ sent }) => sent / SECONDS))} | ` +
    `${Math.round(of(({ samples }) => samples.length / SECONDS))} | ` +
    `${[0.5, 0.99, 0.999].map((p) => at(p).toFixed(1)).join(' / ')} | ` +
    `${asked} | ${of(({ cores }) => cores).toFixed(2)} |` };
}

async function main() {
  const data = lib.labData();
  const bare = withoutConflation();
  const on = [], off = [];
  for (let round = 0; round < ROUNDS; round++) {
    on.push(await run(lib.LAB, data));
    off.push(await run(bare, data));
  }
  const rows = [row('100 ms', 150, on), row('off', 50, off)];
  lib.report('live', [
    `${DRIVERS} simulated drivers, a position each second, to ${DISPATCHERS} ` +
    `dispatchers, ${SECONDS} s, medians of ${ROUNDS}; one worker on core 0, all ` +
    `clients in one Node ${process.version} process (npm ws ` +
    `${require('ws/package.json').version}) on core 1, whose own delays are in ` +
    'the figures.', '',
    '| conflation | positions/s | deliveries/s | send to receipt P50 / P99 / ' +
    'P99.9 ms | asked P99.9 | server cores |',
    '|---|--:|--:|--:|--:|--:|', ...rows.map(({ text }) => text), '',
    `P99.9 to what was asked: ${rows.map(({ last, asked }) =>
      (last / asked).toFixed(2)).join(' and ')} (at most 1).`]);
  fs.rmSync(data, { recursive: true });
  fs.rmSync(bare, { recursive: true });
}

main();
