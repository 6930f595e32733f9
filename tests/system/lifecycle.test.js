// Start, health, drain, stop.
'use strict';

const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const { after, before, describe, test } = require('node:test');

const { Live } = require('../lib/live.js');
const { BINARY, LAB, Server, fieldline } = require('../lib/server.js');

describe('life cycle', () => {
  let server;

  before(async () => {
    server = await Server.start();
  });
  after(() => server.process.exitCode === null && server.stop());

  test('/livez answers and /readyz?verbose names every check', async () => {
    assert.strictEqual((await server.fetch('/livez')).status, 200);
    const live = await Live.open(server,
      server.token(1, 1, 'LOGISTICS_MANAGE'), { topics: [] });
    await live.close();
    const reply = await server.fetch('/readyz?verbose');
    const text = await reply.text();
    assert.strictEqual(reply.status, 200, text);
    assert.match(text, /\[\+\] serving ok\n\[\+\] feed ok\n/);
    assert.match(text, /\[\+\] warm-up: .* took [0-9.]+ ms/);
  });

  test('/metrics is valid for promtool', async () => {
    const text = await (await server.fetch('/metrics')).text();
    execFileSync('promtool', ['check', 'metrics'], { input: text,
      stdio: ['pipe', 'inherit', 'inherit'] });
    assert.match(text, /fieldline_http_requests_total\{route="\/livez"/);
  });

  test('/api/performance has what dashboards ask for', async () => {
    const { body } = await server.json('/api/performance');
    for (const name of ['uptime', 'connectionsActive', 'messagesProcessed',
      'averageResponseTime', 'messagesPerSecond']) {
      assert.strictEqual(typeof body[name], 'number', name);
    }
    for (const name of ['p50', 'p95', 'p99', 'p99.9']) {
      assert.strictEqual(typeof body.percentiles[name], 'number', name);
    }
  });

  test('SIGTERM tells live sessions to come back, and exits 0', async () => {
    const live = await Live.open(server,
      server.token(1, 1, 'LOGISTICS_MANAGE'));
    assert.strictEqual(await server.stop(), 0);
    const { code } = await live.closed;
    assert.notStrictEqual(code, 1006);
  });

  test('a second server with a wrong secret refuses the first one\'s tokens',
    async () => {
      const other = await Server.start({ sample: false,
        env: { FIELDLINE_SECRET: 'another secret that is long enough, too' } });
      const token = other.token(1, 1, 'LOGISTICS_MANAGE');
      const reply = await other.fetch('/api/v1/stops', { token });
      assert.strictEqual(reply.status, 401);
      assert.match(reply.headers.get('content-type'), /problem\+json/);
      assert.match(reply.headers.get('www-authenticate'), /^Bearer/);
      await other.stop();
    });

  test('check exits 0 on the lab portal and says so', () => {
    assert.match(fieldline(['check', LAB]), /lab-portal/);
  });

  test('a wrong option is named', () => {
    assert.throws(() => execFileSync(BINARY, ['serve', LAB, '--prot', '1'],
      { stdio: 'pipe' }), (error) => {
      assert.strictEqual(error.status, 2);
      assert.match(error.stderr.toString(), /--prot/);
      return true;
    });
  });
});
