// coldstart - from exec to the first 200, beside nginx with a static file.
//
//   node bench/coldstart.js [ROUNDS]
'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');

const lib = require('./lib/bench.js');

const ROUNDS = Number(process.argv[2] || 25);

/** Asks again and again, without a pause, until a 200 comes. */
function firstOk(port, head) {
  return new Promise((resolve) => {
    const attempt = () => {
      const socket = net.connect(port, '127.0.0.1');
      socket.on('connect', () => socket.write(head));
      socket.on('data', (data) => {
        socket.destroy();
        if (data.toString('latin1').startsWith('HTTP/1.1 200')) resolve();
        else attempt();
      });
      socket.on('error', () => setImmediate(attempt));
    };
    attempt();
  });
}

async function timed(command, args, port, head, env) {
  const began = process.hrtime.bigint();
  const child = spawn(command, args, { stdio: 'ignore', env });
  await firstOk(port, head);
  const took = Number(process.hrtime.bigint() - began) / 1e6;
  await lib.stop(child);
  return took;
}

async function main() {
  const data = lib.labData();
  const token = lib.token(1, 1, 'LOGISTICS_MANAGE');
  const dir = lib.peerDir(os.tmpdir());
  fs.writeFileSync(path.join(dir, 'index.html'), 'x'.repeat(1024));
  const own = [], peer = [];
  for (let round = 0; round < ROUNDS; round++) {
    let port = await lib.freePort();
    own.push(await timed(lib.BINARY, ['serve', lib.LAB, '--data', data,
      '--listen', `127.0.0.1:${port}`], port,
    'GET /api/v1/stops?limit=25 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ' +
      `${token}\r\n\r\n`, { ...process.env, FIELDLINE_SECRET: lib.SECRET }));
    port = await lib.freePort();
    const configuration = path.join(dir, 'nginx.conf');
    fs.writeFileSync(configuration, `daemon off; pid ${dir}/pid;
worker_processes 2; error_log ${dir}/error.log; events {}
http { access_log off; server { listen 127.0.0.1:${port}; root ${dir}; } }`);
    peer.push(await timed('nginx', ['-c', configuration, '-p', dir], port,
      'GET /index.html HTTP/1.1\r\nHost: a\r\n\r\n', process.env));
  }
  const line = (name, values) => {
    const sorted = [...values].sort((a, b) => a - b);
    return `| ${name} | ${sorted[0].toFixed(1)} | ` +
      `${lib.median(values).toFixed(1)} | ${sorted.at(-1).toFixed(1)} |`;
  };
  lib.report('coldstart', [
    'From exec to the first 200, milliseconds, the two in turn, ' +
    `${ROUNDS} rounds. Fieldline's first answer is a list of 25 stops of the ` +
    "lab portal with its data, from the database; nginx's is a file of 1 KB.",
    '', '| server | least | median | most |', '|---|--:|--:|--:|',
    line('fieldline, lab portal', own),
    line(`nginx ${lib.version('nginx', ['-v'])}, static file`, peer), '',
    `Asked: under 25 ms. Reached: ${lib.median(own).toFixed(1)} ms, ` +
    `${(lib.median(own) / lib.median(peer)).toFixed(2)} times nginx's.`]);
  fs.rmSync(data, { recursive: true });
  fs.rmSync(dir, { recursive: true });
}

main();
