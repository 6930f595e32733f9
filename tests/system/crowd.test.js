// Ten thousand at once want one thing that nobody has asked for before (P14):
// the database is asked once.
'use strict';

const assert = require('node:assert');
const { after, before, describe, test } = require('node:test');

const { gather } = require('../lib/crowd.js');
const { Server } = require('../lib/server.js');
const { Wire, replies } = require('../lib/wire.js');

const CROWD = 10000;

for (const store of ['sqlite', 'postgres']) {
  describe(`a crowd on ${store}`, () => {
    let server, token;

    before(async () => {
      server = await Server.start({ store });
      token = server.token(1, 1, 'LOGISTICS_MANAGE');
    });
    after(() => server.stop());

    // The sum of a metric's series whose labels fit.
    async function total(name, labels = '') {
      const text = await (await server.fetch('/metrics')).text();
      const line = new RegExp(`^${name}(?:{([^}]*)})? (\\S+)$`, 'gm');
      let sum = 0;
      for (const [, found = '', value] of text.matchAll(line)) {
        if (found.includes(labels)) sum += Number(value);
      }
      return sum;
    }

    const reads = () => total('fieldline_db_query_duration_seconds_count',
      'class="read"');
    const lookups = (result) => total('fieldline_cache_lookups_total',
      `result="${result}"`);

    test(`${CROWD} requests for one missing key are one database read`,
      async () => {
        const { body } = await server.json('/api/v1/stops?limit=1&fields=id',
          { token });
        const request = `GET /api/v1/stops/${body.data[0].id} HTTP/1.1\r\n` +
          `Host: a\r\nAuthorization: Bearer ${token}\r\n\r\n`;
        const crowd = await gather(CROWD, () => Wire.open(server));
        const readsBefore = await reads();
        const missesBefore = await lookups('miss');
        // All of them are there before the server sees the first.
        process.kill(server.pid, 'SIGSTOP');
        await Promise.all(crowd.map((wire) => new Promise((resolve) =>
          wire.socket.write(request, resolve))));
        process.kill(server.pid, 'SIGCONT');
        const answers = await Promise.all(crowd.map(async (wire) => replies(
          await wire.until((text) => replies(text)[0]?.body.endsWith('}')))[0]));
        const first = answers[0];
        assert.strictEqual(first.status, 200);
        for (const { status, body: text } of answers) {
          assert.strictEqual(status, 200);
          assert.strictEqual(text, first.body);
        }
        assert.strictEqual(await reads() - readsBefore, 1);
        assert.strictEqual(await lookups('miss') - missesBefore, 1);
        await Promise.all(crowd.map((wire) => wire.close()));
      });
  });
}
