// memory - the process idle on the lab portal, and what an idle WebSocket
// connection costs it.
//
//   node bench/memory.js [CONNECTIONS] [ROUNDS]
'use strict';

const fs = require('node:fs');

const lib = require('./lib/bench.js');

const CONNECTIONS = Number(process.argv[2] || 10000);
const ROUNDS = Number(process.argv[3] || 5);

// A masked text frame with a zero mask.
function frame(text) {
  const length = Buffer.byteLength(text);
  const head = length < 126 ? Buffer.from([0x81, 0x80 | length, 0, 0, 0, 0])
    : Buffer.from([0x81, 0xfe, length >> 8, length & 255, 0, 0, 0, 0]);
  return Buffer.concat([head, Buffer.from(text)]);
}

function session(port, hello) {
  const net = require('node:net');
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    let text = '';
    socket.on('error', reject);
    socket.on('connect', () => socket.write('GET /ws HTTP/1.1\r\nHost: a\r\n' +
      'Connection: upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ' +
      'dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'));
    socket.on('data', (data) => {
      text += data.toString('latin1');
      if (text.includes('SUBSCRIBED')) {
        socket.removeAllListeners('data');
        socket.resume();
        resolve(socket);
      } else if (text.includes('"CONNECTED"') && !socket.said) {
        socket.said = true;
        socket.write(frame('{"type":"SUBSCRIBE","topics":["tenant"]}'));
      } else if (text.includes('101 ') && !socket.greeted) {
        socket.greeted = true;
        socket.write(hello);
      }
    });
  });
}

/** Idle bytes of the process, and bytes of each connection after the 1,000th. */
async function round(data, token) {
  const server = await lib.startFieldline(0, data);
  await fetch(`${server.url}/api/v1/stops`,
    { headers: { authorization: `Bearer ${token}` } });
  const idle = lib.residentBytes(server.child.pid);
  const hello = frame(JSON.stringify({ type: 'CONNECT', token }));
  const sockets = [];
  const open = async (count) => {
    while (sockets.length < count) {
      sockets.push(...await Promise.all(
        Array.from({ length: 100 }, () => session(server.port, hello))));
    }
    return lib.residentBytes(server.child.pid);
  };
  const first = await open(1000);
  const all = await open(CONNECTIONS);
  for (const socket of sockets) socket.destroy();
  await lib.stop(server.child);
  return { idle, each: (all - first) / (CONNECTIONS - 1000) };
}

async function main() {
  const data = lib.labData();
  const token = lib.token(1, 1, 'LOGISTICS_MANAGE');
  const rounds = [];
  for (let i = 0; i < ROUNDS; i++) rounds.push(await round(data, token));
  const idle = lib.median(rounds.map((one) => one.idle)) / 2 ** 20;
  const each = lib.median(rounds.map((one) => one.each));
  lib.report('memory', [
    `Medians of ${ROUNDS}. Idle on the lab portal, ` +
    `${require('node:os').cpus().length} workers: ${idle.toFixed(1)} MB ` +
    `resident (asked: at most 24; ${(idle / 24).toFixed(2)} of it).`, '',
    'An idle WebSocket connection (connected, signed in, subscribed), from ' +
    `1,000 to ${CONNECTIONS} of them: ${Math.round(each)} bytes in the ` +
    `process (asked: at most 2,048; ${(each / 2048).toFixed(2)} of it).`]);
  fs.rmSync(data, { recursive: true });
}

main();
