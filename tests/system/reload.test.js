// P53: a reload keeps connections, a stop never hangs on one.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');

const { Live } = require('../lib/live.js');
const { LAB, Server } = require('../lib/server.js');

/** Resolves when the server's log holds what fits. */
function logged(server, pattern) {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (!pattern.test(server.log)) return;
      server.process.stderr.off('data', look);
      resolve();
    };
    server.process.stderr.on('data', look);
    server.exited.then(() => reject(new Error(`it ended:\n${server.log}`)));
    look();
  });
}

/** A connection over which a test says exactly what it wants. */
async function connect(server) {
  const socket = net.connect(server.port, '127.0.0.1');
  socket.setEncoding('utf8');
  socket.received = '';
  socket.on('data', (text) => { socket.received += text; });
  socket.on('error', () => {});
  socket.ended = new Promise((resolve) => { socket.on('close', resolve); });
  await new Promise((resolve) => { socket.on('connect', resolve); });
  return socket;
}

function answered(socket, pattern) {
  return new Promise((resolve) => {
    const look = () => {
      if (!pattern.test(socket.received)) return;
      socket.off('data', look);
      socket.received = '';
      resolve();
    };
    socket.on('data', look);
    look();
  });
}

describe('a reload', () => {
  let server;
  let app;
  let file;
  let right;

  before(async () => {
    app = fs.mkdtempSync(path.join(os.tmpdir(), 'fieldline-app-'));
    for (const name of ['app.yaml', 'migrations']) {
      fs.cpSync(path.join(LAB, name), path.join(app, name),
        { recursive: true });
    }
    file = path.join(app, 'app.yaml');
    right = fs.readFileSync(file, 'utf8');
    server = await Server.start({ app, sample: false,
      env: { FIELDLINE_HTTP_DRAIN: '500ms' } });
  });
  after(async () => {
    if (server.process.exitCode === null) await server.stop();
    fs.rmSync(app, { recursive: true });
  });

  test('keeps connections, whether the file is right or wrong', async () => {
    const token = server.token(1, 1, 'LOGISTICS_MANAGE');
    const live = await Live.open(server, token, { topics: [] });
    const kept = await connect(server);
    const ask = 'GET /livez HTTP/1.1\r\nHost: lab\r\n\r\n';
    kept.write(ask);
    await answered(kept, /^HTTP\/1.1 200 /);

    fs.writeFileSync(file, right.replace('cache:', 'cash:'));
    server.process.kill('SIGHUP');
    await logged(server, /app\.yaml:\d+:1: error: unknown key 'cash'/);
    await logged(server, /app\.reload\.refused/);
    kept.write(ask);
    await answered(kept, /^HTTP\/1.1 200 /);

    fs.writeFileSync(file, right.replace('memory: 8MB', 'memory: 9MB'));
    server.process.kill('SIGHUP');
    await logged(server, /app\.reload file=/);
    kept.write(ask);
    await answered(kept, /^HTTP\/1.1 200 /);
    const { body } = await server.json('/api/performance');
    assert.strictEqual(body.cache.bytesMax, 9 * 1024 * 1024);

    live.send({ type: 'PING' });
    await live.next((m) => m.type === 'PONG');
    kept.destroy();
    await live.close();
  });

  test('memory for the cache grows and shrinks with what is in it', async () => {
    const token = server.token(1, 1, 'LOGISTICS_MANAGE');
    const status = async () =>
      (await server.fetch('/api/v1/clinics', { token })).headers
        .get('cache-status');
    const reload = async (megabytes) => {
      const done = (server.log.match(/app\.reload file=/g) || []).length + 1;
      fs.writeFileSync(file,
        right.replace('memory: 8MB', `memory: ${megabytes}MB`));
      server.process.kill('SIGHUP');
      await logged(server, new RegExp(`(app\\.reload file=[^]*){${done}}`));
    };
    assert.match(await status(), /^fieldline; fwd=miss; stored/);
    for (const megabytes of [12, 4, 64]) {
      await reload(megabytes);
      assert.match(await status(), /^fieldline; hit/);
      const { body } = await server.json('/api/performance');
      assert.strictEqual(body.cache.bytesMax, megabytes << 20);
      assert.strictEqual(body.cache.entries, 1);
    }
  });

  test('the log level counts from the reload on', async () => {
    const seen = server.log.length;
    const megabytes = async () =>
      (await server.json('/api/performance')).body.cache.bytesMax >> 20;
    fs.writeFileSync(file,
      `${right.replace('memory: 8MB', 'memory: 10MB')}\nlog: warn\n`);
    server.process.kill('SIGHUP');
    while (await megabytes() !== 10) continue;
    assert.doesNotMatch(server.log.slice(seen), /app\.reload file=/);
    fs.writeFileSync(file, right);
  });

  test('a stop does not hang on silent connections', async () => {
    const idle = await connect(server);
    const half = await connect(server);
    half.write('GET /livez HTTP/1.1\r\nHos');
    const live = await Live.open(server,
      server.token(1, 1, 'LOGISTICS_MANAGE'), { topics: [] });
    live.socket.pause(); // a peer that never answers the closing handshake
    assert.strictEqual(await server.stop(), 0);
    await idle.ended;
    await half.ended;
    live.socket.terminate();
  });
});
