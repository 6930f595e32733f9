// Cross-site pages, compression bombs, and one reader that never reads.
'use strict';

const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const { after, before, describe, test } = require('node:test');

const WebSocket = require('ws');

const { gather, subscriber } = require('../lib/crowd.js');
const { Live } = require('../lib/live.js');
const { Server } = require('../lib/server.js');
const { Wire } = require('../lib/wire.js');

const MESSAGE_LIMIT = 1 << 20;
const CROWD = 10000;

describe('the hub and its abusers', () => {
  let server, token;

  before(async () => {
    server = await Server.start();
    token = server.token(1, 1, 'LOGISTICS_MANAGE');
  });
  after(() => server.stop());

  function upgradeStatus(headers) {
    return new Promise((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}/ws`,
        { headers });
      socket.on('open', () => {
        socket.close();
        resolve(101);
      });
      socket.on('unexpected-response', (_, reply) => resolve(reply.statusCode));
      socket.on('error', () => {});
    });
  }

  test('a page of another origin is refused, loopback included', async () => {
    for (const origin of ['http://evil.example', 'http://localhost:1',
      'http://127.0.0.1:1', 'null', `https://127.0.0.1:${server.port}`,
      `http://127.0.0.1:${server.port}.evil.example`]) {
      assert.strictEqual(await upgradeStatus({ Origin: origin }), 403, origin);
    }
  });

  test('a page of our own origin, and a client without one, may connect',
    async () => {
      assert.strictEqual(await upgradeStatus(
        { Origin: `http://127.0.0.1:${server.port}` }), 101);
      assert.strictEqual(await upgradeStatus({}), 101);
    });

  test('cross-origin reads of the API get no permission', async () => {
    const reply = await server.fetch('/api/v1/stops?limit=1',
      { token, headers: { origin: 'http://evil.example' } });
    assert.strictEqual(reply.headers.get('access-control-allow-origin'), null);
  });

  test('the decompressed size is limited: the exact limit passes, one more ' +
    'byte is close 1009', async () => {
    const options = { perMessageDeflate: { threshold: 0 } };
    for (const [size, code] of [[MESSAGE_LIMIT, 0], [MESSAGE_LIMIT + 1, 1009]]) {
      const live = await Live.open(server, token, { topics: [], options });
      assert.match(live.socket.extensions, /permessage-deflate/);
      const frame = '{"type":"PING","pad":""}';
      live.socket.send('{"type":"PING","pad":"' +
        'x'.repeat(size - frame.length) + '"}');
      if (code) {
        assert.strictEqual((await live.closed).code, code);
      } else {
        await live.next((m) => m.type === 'PONG' || m.type === 'ERROR');
        await live.close();
      }
    }
  });

  test('a token is nowhere but in the message: not in logs, metrics, or ' +
    'replies', async () => {
    const live = await Live.open(server, token);
    await server.fetch(`/api/v1/stops?token=${token}`);
    await server.fetch(`/nowhere/${token}`, { token });
    const wire = await Wire.open(server);
    wire.send(`GET / HTTP/9.9\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    await wire.closed;
    const metrics = await (await server.fetch('/metrics')).text();
    assert.ok(!metrics.includes(token));
    assert.ok(!JSON.stringify(live.messages).includes(token));
    assert.ok(!server.log.includes(token), server.log);
    assert.strictEqual((await server.fetch(`/api/v1/stops?token=${token}`))
      .status, 401);
    await live.close();
  });

  // P19. All of them hear of drivers; the one that never reads hears of stops
  // besides, which fills its queue while the others go on.
  test(`one reader among ${CROWD} that never reads is bounded and closed; ` +
    'the others see every change', async () => {
    const others = await gather(CROWD - 1,
      () => subscriber(server, token, ['resource:drivers']));
    const slow = await Live.open(server, token,
      { topics: ['resource:drivers', 'resource:stops'] });
    slow.socket.pause();
    const first = async (resource) => (await server.json(
      `/api/v1/${resource}?limit=1`, { token })).body.data[0].id;
    const stop = await first('stops'), driver = await first('drivers');
    const change = async (target, fields) => {
      const reply = await server.fetch(`/api/v1/${target}`, { token,
        method: 'PATCH', body: JSON.stringify(fields) });
      assert.strictEqual(reply.status, 200);
      await reply.arrayBuffer();
    };
    // What compresses to nothing would not fill the reader's queue.
    const padding = crypto.randomBytes(45000).toString('base64');
    const resident = () => Number(/VmRSS:\s+(\d+)/.exec(
      fs.readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]);
    const isClosed = async () => /fieldline_hub_closed_total\{reason="slow"\} 1/
      .test(await (await server.fetch('/metrics')).text());
    const before = resident();
    const told = [];
    for (let count = 0; !await isClosed();) {
      for (let i = 0; i < 50; i++) {
        await change(`stops/${stop}`, { notes: `${count++} ${padding}` });
      }
      told.push(`round ${told.length}`);
      await change(`drivers/${driver}`, { phone: told.at(-1) });
      assert.ok(count < 5000, 'the slow reader was never closed');
    }
    told.push('the end');
    await change(`drivers/${driver}`, { phone: told.at(-1) });
    for (const other of others) {
      await other.until((text) => text.includes('"phone":"the end"'));
      assert.deepStrictEqual([...other.received.matchAll(/"phone":"([^"]*)"/g)]
        .map(([, phone]) => phone), told);
    }
    if (!/build-(asan|tsan)/.test(process.env.FIELDLINE_BIN || '')) {
      assert.ok(resident() - before < 40 * 1024, 'memory is not bounded');
    }
    slow.socket.resume();
    assert.strictEqual((await slow.closed).code, 4008);
    await Promise.all(others.map((other) => other.close()));
  });
});
