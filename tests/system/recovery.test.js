// After a break a client gets exactly what it missed, in order, or is told
// that it must reload; never silence.
'use strict';

const assert = require('node:assert');
const { after, before, describe, test } = require('node:test');

const { Live } = require('../lib/live.js');
const { Server } = require('../lib/server.js');

for (const store of ['sqlite', 'postgres']) {
  describe(`coming back on ${store}`, () => {
    let server, token, stops;

    before(async () => {
      server = await Server.start({ store });
      token = server.token(1, 1, 'LOGISTICS_MANAGE');
      const { body } = await server.json('/api/v1/stops?limit=5', { token });
      stops = body.data.map((stop) => stop.id);
    });
    after(() => server.stop());

    async function write(notes, id = stops[0]) {
      const reply = await server.fetch(`/api/v1/stops/${id}`, { token,
        method: 'PATCH', body: JSON.stringify({ notes }) });
      assert.strictEqual(reply.status, 200);
      await reply.arrayBuffer();
      return reply.headers.get('fieldline-position');
    }

    test('from a position: what was missed, then what comes, each once',
      async () => {
        const position = await write('seen');
        for (let i = 0; i < 30; i++) await write(`missed ${i}`, stops[i % 5]);
        const storm = (async () => {
          for (let i = 0; i < 30; i++) await write(`storm ${i}`, stops[i % 5]);
        })();
        const live = await Live.open(server, token, { position });
        await storm;
        await write('last');
        await live.next((m) => m.data?.notes === 'last');
        assert.deepStrictEqual(live.changes.map((m) => m.data.notes), [
          ...Array.from({ length: 30 }, (_, i) => `missed ${i}`),
          ...Array.from({ length: 30 }, (_, i) => `storm ${i}`), 'last']);
        await live.close();
      });

    test('topics that overlap carry a change once', async () => {
      const live = await Live.open(server, token, { topics: ['tenant',
        'role:LOGISTICS_MANAGE', `record:stops/${stops[0]}`] });
      await write('once');
      await write('marker', stops[1]);
      await live.next((m) => m.data?.notes === 'marker');
      assert.strictEqual(live.changes.filter((m) =>
        m.data.notes === 'once').length, 1);
      await live.close();
    });

    test('a record\'s topic carries that record only', async () => {
      const live = await Live.open(server, token,
        { topics: [`record:stops/${stops[2]}`] });
      await write('other', stops[3]);
      await write('this one', stops[2]);
      await live.next((m) => m.data?.notes === 'this one');
      assert.strictEqual(live.changes.length, 1);
      await live.close();
    });

    test('from before a restart: the positions are the table\'s', async () => {
      const position = await write('before the restart');
      await write('missed over the restart');
      await server.crash();
      const live = await Live.open(server, token, { position });
      await live.next((m) => m.data?.notes === 'missed over the restart');
      assert.strictEqual(live.changes.length, 1);
      await live.close();
    });

    test('another epoch, or a place beyond the head, must reload',
      async () => {
        const position = await write('now');
        const [epoch, offset] = position.split(':');
        for (const wrong of [`other:${offset}`,
          `${epoch}:${Number(offset) + 1000000}`]) {
          const live = new Live(server);
          await live.opened;
          live.send({ type: 'CONNECT', token, position: wrong });
          await live.next((m) => m.type === 'CONNECTED');
          live.send({ type: 'SUBSCRIBE', topics: ['tenant'],
            position: wrong });
          const told = await live.next((m) => m.type === 'MUST_RELOAD');
          assert.ok(told.retryMs >= 0);
          await live.close();
        }
      });

    test('below the low-water mark must reload', async () => {
      const position = await write('old');
      const offset = Number(position.split(':')[1]);
      await write('newer');
      server.sql(`delete from fieldline_changes where "offset" <= ${offset + 1}`);
      server.sql('update fieldline_meta set value = ' +
        `'${offset + 1}' where name = 'low_water'`);
      await server.crash();
      const live = new Live(server);
      await live.opened;
      live.send({ type: 'CONNECT', token, position });
      await live.next((m) => m.type === 'CONNECTED');
      live.send({ type: 'SUBSCRIBE', topics: ['tenant'], position });
      await live.next((m) => m.type === 'MUST_RELOAD');
      await live.close();
    });
  });
}
