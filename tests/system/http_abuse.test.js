// What broke other servers' HTTP/1.1: ambiguous messages are refused and the
// connection closed; slow peers end by time-out; pipelines keep their order.
'use strict';

const assert = require('node:assert');
const { after, before, describe, test } = require('node:test');

const { Server } = require('../lib/server.js');
const { Wire, replies } = require('../lib/wire.js');

const AMBIGUOUS = {
  'both lengths': 'POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n' +
    'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'two lengths': 'POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n' +
    'Content-Length: 4\r\n\r\nabcd',
  'the same length twice': 'POST /livez HTTP/1.1\r\nHost: a\r\n' +
    'Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc',
  'a list of lengths': 'POST /livez HTTP/1.1\r\nHost: a\r\n' +
    'Content-Length: 3, 3\r\n\r\nabc',
  'a signed length': 'POST /livez HTTP/1.1\r\nHost: a\r\n' +
    'Content-Length: +3\r\n\r\nabc',
  'an endless length': 'POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: ' +
    '99999999999999999999999\r\n\r\n',
  'bare line feeds': 'GET /livez HTTP/1.1\nHost: a\n\n',
  'a bare line feed in the head': 'GET /livez HTTP/1.1\r\nHost: a\nX: y\r\n\r\n',
  'a folded header': 'GET /livez HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n',
  'a space before the colon': 'GET /livez HTTP/1.1\r\nHost : a\r\n\r\n',
  'an unknown transfer coding': 'POST /livez HTTP/1.1\r\nHost: a\r\n' +
    'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
  'chunked that is not last': 'POST /livez HTTP/1.1\r\nHost: a\r\n' +
    'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
  'a chunk size that is no number': 'POST /api/v1/stops HTTP/1.1\r\nHost: a' +
    '\r\nAuthorization: Bearer TOKEN\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n',
  'a huge chunk size': 'POST /api/v1/stops HTTP/1.1\r\nHost: a\r\n' +
    'Authorization: Bearer TOKEN\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n',
  'a chunk without its end': 'POST /api/v1/stops HTTP/1.1\r\nHost: a\r\n' +
    'Authorization: Bearer TOKEN\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabX\r\n0\r\n\r\n',
  'no host': 'GET /livez HTTP/1.1\r\n\r\n',
  'two hosts': 'GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'a NUL in a value': 'GET /livez HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n',
  'a bad trailer': 'POST /api/v1/stops HTTP/1.1\r\nHost: a\r\n' +
    'Authorization: Bearer TOKEN\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nbad trailer\r\n\r\n',
};

describe('HTTP/1.1 that others got wrong', () => {
  let server, token;

  before(async () => {
    server = await Server.start({ sample: false });
    token = server.token(1, 1, 'LOGISTICS_MANAGE');
  });
  after(() => server.stop());

  for (const [what, bytes] of Object.entries(AMBIGUOUS)) {
    test(`${what}: refused, and what follows is not a request`, async () => {
      const wire = await Wire.open(server);
      wire.send(bytes.replace('TOKEN', token));
      wire.send('GET /livez HTTP/1.1\r\nHost: smuggled\r\n\r\n');
      const all = replies(await wire.closed);
      assert.strictEqual(all.length, 1, JSON.stringify(all));
      assert.ok([400, 413, 501].includes(all[0].status), all[0].head);
      assert.match(all[0].head, /connection: close/i);
    });
  }

  test('a head that is too long is 431, a target that is too long 414',
    async () => {
      let wire = await Wire.open(server);
      wire.send(`GET /livez HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(70000)}\r\n`);
      assert.strictEqual(replies(await wire.closed)[0].status, 431);
      wire = await Wire.open(server);
      wire.send(`GET /${'y'.repeat(9000)} HTTP/1.1\r\nHost: a\r\n\r\n`);
      assert.strictEqual(replies(await wire.closed)[0].status, 414);
    });

  test('pipelined requests are answered in order', async () => {
    const wire = await Wire.open(server);
    wire.send('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n' +
      'GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n' +
      'HEAD /livez HTTP/1.1\r\nHost: a\r\n\r\n' +
      'GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const text = await wire.closed;
    assert.deepStrictEqual(text.match(/HTTP\/1\.1 \d+/g),
      ['HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200', 'HTTP/1.1 200']);
    assert.strictEqual(text.match(/alive\n/g).length, 2);
  });

  test('HTTP/1.0 closes unless it asks to stay', async () => {
    let wire = await Wire.open(server);
    wire.send('GET /livez HTTP/1.0\r\n\r\n');
    assert.match(await wire.closed, /200[^]*alive\n$/);
    wire = await Wire.open(server);
    wire.send('GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    await wire.until((text) => text.endsWith('alive\n'));
    wire.send('GET /livez HTTP/1.0\r\n\r\n');
    assert.strictEqual((await wire.closed).match(/alive\n/g).length, 2);
  });

  test('an absolute-form target is served by its path', async () => {
    const wire = await Wire.open(server);
    wire.send('GET http://a/livez HTTP/1.1\r\nHost: a\r\n' +
      'Connection: close\r\n\r\n');
    assert.match(await wire.closed, /200[^]*alive\n$/);
  });

  test('Expect: 100-continue gets its 100 before the body is sent',
    async () => {
      const body = '{"lab_id":1}';
      const wire = await Wire.open(server);
      wire.send(`POST /api/v1/stops HTTP/1.1\r\nHost: a\r\nAuthorization: ` +
        `Bearer ${token}\r\nContent-Type: application/json\r\nExpect: ` +
        `100-continue\r\nContent-Length: ${body.length}\r\n` +
        'Connection: close\r\n\r\n');
      await wire.until((text) => text.startsWith('HTTP/1.1 100'));
      wire.send(body);
      assert.match(await wire.closed, /HTTP\/1\.1 4\d\d/);
    });

  test('paths that hide something are refused and never cached', async () => {
    for (const path of ['/api/v1/stops%2f1', '/api/v1//stops',
      '/api/v1/../v1/stops', '/api/v1/stops/1%00', '/api/v1/stops/1/x.css']) {
      const wire = await Wire.open(server);
      wire.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ` +
        `${token}\r\nConnection: close\r\n\r\n`);
      const [reply] = replies(await wire.closed);
      assert.ok([400, 404].includes(reply.status), `${path}: ${reply.head}`);
      assert.doesNotMatch(reply.head, /stored/);
    }
  });
});
