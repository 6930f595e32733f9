// Memory returns after ten rounds of five thousand connections.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { after, before, describe, test } = require('node:test');

const { gather, textFrame } = require('../lib/crowd.js');
const { Server } = require('../lib/server.js');
const { Wire } = require('../lib/wire.js');

const ROUNDS = 10;
const CONNECTIONS = 5000;
const sanitized = /build-(asan|tsan)/.test(process.env.FIELDLINE_BIN || '');

describe('coming and going', () => {
  let server, token;

  before(async () => {
    server = await Server.start();
    token = server.token(1, 1, 'LOGISTICS_MANAGE');
  });
  after(() => server.stop()); // LeakSanitizer speaks here

  const resident = () => Number(/VmRSS:\s+(\d+)/.exec(
    fs.readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]);

  async function one() {
    const wire = await Wire.open(server);
    wire.send('GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n' +
      'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
    await wire.until((text) => text.includes('\r\n\r\n'));
    wire.send(textFrame(JSON.stringify({ type: 'CONNECT', token })));
    await wire.until((text) => text.includes('CONNECTED'));
    return wire;
  }

  test(`${ROUNDS} rounds of ${CONNECTIONS}`, async () => {
    const after = [];
    for (let round = 0; round < ROUNDS; round++) {
      const wires = await gather(CONNECTIONS, one);
      await Promise.all(wires.map((wire) => wire.close()));
      for (;;) {
        const { body } = await server.json('/api/performance');
        const metrics = await (await server.fetch('/metrics')).text();
        if (/fieldline_hub_sessions 0\n/.test(metrics)) break;
        assert.ok(body);
      }
      after.push(resident());
    }
    if (!sanitized) {
      const growth = after.at(-1) - after[1];
      assert.ok(growth < 4096, `resident KB after each round: ${after}`);
    }
  });
});
