// A worker has so many places, and a WebSocket takes one as long as it lasts.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { after, before, describe, test } = require('node:test');

const { Live } = require('../lib/live.js');
const { Server, labWith } = require('../lib/server.js');
const { Wire } = require('../lib/wire.js');

const PLACES = 3;

describe('places for connections', () => {
  let server, app, token;

  before(async () => {
    app = labWith(`http: {connections: ${PLACES}}`);
    server = await Server.start({ app, workers: 1 });
    token = server.token(1, 1, 'LOGISTICS_MANAGE');
  });
  after(async () => {
    await server.stop();
    fs.rmSync(app, { recursive: true });
  });

  // One that stays, and the status it got.
  async function http() {
    const wire = await Wire.open(server);
    wire.send('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n');
    const text = await wire.until((came) => came.includes('\r\n\r\n'));
    wire.status = Number(text.split(' ')[1]);
    return wire;
  }

  // The server hears of an end when it hears of it.
  async function served() {
    for (;;) {
      const wire = await http();
      if (wire.status === 200) return wire;
      await wire.close();
    }
  }

  async function full() {
    const wire = await http();
    assert.strictEqual(wire.status, 503);
    assert.match(await wire.closed, /Retry-After: 1/);
  }

  test('both kinds take one, and give it back when they end', async () => {
    let live = await Live.open(server, token);
    let one = await http();
    const two = await http();
    assert.deepStrictEqual([one.status, two.status], [200, 200]);
    await full();
    await live.close();
    const three = await served();
    await full();
    await one.close();
    one = await served();
    await full();
    for (const wire of [one, two]) await wire.close();
    // Once more round: nothing was given back twice.
    const last = await served();
    await last.close();
    live = undefined;
    while (!live) live = await Live.open(server, token).catch(() => {});
    const fourth = await served();
    await full();
    for (const wire of [three, fourth]) await wire.close();
    await live.close();
  });
});
