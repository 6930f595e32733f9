// Slow heads, slow bodies and readers that never read end by time-out, while
// the others are served.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { after, before, describe, test } = require('node:test');

const { Server, labWith } = require('../lib/server.js');
const { Wire } = require('../lib/wire.js');

describe('slow peers', () => {
  let server, token, app;

  before(async () => {
    app = labWith('http: {head_timeout: 200ms, ' +
      'body_timeout: 200ms, write_timeout: 300ms}');
    server = await Server.start({ app });
    token = server.token(1, 1, 'LOGISTICS_MANAGE');
  });
  after(async () => {
    await server.stop();
    fs.rmSync(app, { recursive: true });
  });

  test('a head that does not end is 408', async () => {
    const wire = await Wire.open(server);
    wire.send('GET /livez HTTP/1.1\r\nHost: a\r\n');
    assert.match(await wire.closed, /^(HTTP\/1\.1 408|$)/);
  });

  test('a head that drips one byte at a time ends all the same', async () => {
    const wire = await Wire.open(server);
    wire.send('GET /livez HTTP/1.1\r\nHost: a\r\nX: ');
    const drip = setInterval(() => wire.send('y'), 20);
    await wire.closed;
    clearInterval(drip);
  });

  test('a body that does not come is 408', async () => {
    const wire = await Wire.open(server);
    wire.send('POST /api/v1/stops HTTP/1.1\r\nHost: a\r\nAuthorization: ' +
      `Bearer ${token}\r\nContent-Type: application/json\r\n` +
      'Content-Length: 100\r\n\r\n{');
    assert.match(await wire.closed, /^HTTP\/1\.1 408/);
  });

  test('a peer that asks for much and reads nothing is cut off, and others ' +
    'are served meanwhile', async () => {
    const wire = await Wire.open(server);
    wire.socket.pause();
    const request = 'GET /api/v1/stops?limit=200 HTTP/1.1\r\nHost: a\r\n' +
      `Authorization: Bearer ${token}\r\n\r\n`;
    const cut = new Promise((resolve) => wire.socket.on('error', resolve));
    for (let i = 0; i < 400; i++) wire.send(request);
    for (let i = 0; i < 50; i++) {
      assert.strictEqual((await server.fetch('/livez')).status, 200);
    }
    const metric = async () => (await (await server.fetch('/metrics')).text());
    for (;;) {
      const text = await metric();
      if (/fieldline_http_bad_requests_total\{reason="slow reader"\} [1-9]/
        .test(text)) break;
    }
    wire.socket.resume();
    await Promise.race([cut, wire.closed]);
  });
});
