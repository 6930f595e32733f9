// What another program commits is in every later read and reaches every
// subscriber; what a client writes is in his own next read.
'use strict';

const assert = require('node:assert');
const { after, before, describe, test } = require('node:test');

const { Live } = require('../lib/live.js');
const { Server } = require('../lib/server.js');

for (const store of ['sqlite', 'postgres']) {
  describe(`one truth on ${store}`, () => {
    let server, token, stop;

    before(async () => {
      server = await Server.start({ store });
      token = server.token(1, 1, 'LOGISTICS_MANAGE');
      const list = await server.json('/api/v1/stops?limit=1', { token });
      stop = list.body.data[0];
    });
    after(() => server.stop());

    async function notesNow() {
      const reply = await server.json(`/api/v1/stops/${stop.id}`, { token });
      return { notes: reply.body.notes,
        how: reply.headers.get('cache-status') };
    }

    test('a stop that was cached is new after another process changed it, ' +
      'and a subscribed dispatcher is told', async () => {
      await notesNow();
      assert.match((await notesNow()).how, /hit/);
      const live = await Live.open(server, token);
      server.sql(`update route_stops set notes = 'by hand' where id = ${stop.id}`);
      const message = await live.next((m) => m.resource === 'stops' &&
        String(m.key) === String(stop.id));
      assert.strictEqual(message.data.notes, 'by hand');
      assert.strictEqual((await notesNow()).notes, 'by hand');
      await live.close();
    });

    test('the writer reads his own write at once, a thousand times',
      async () => {
        for (let i = 0; i < 1000; i++) {
          const written = await server.fetch(`/api/v1/stops/${stop.id}`, {
            token, method: 'PATCH', body: JSON.stringify({ notes: `n${i}` }),
          });
          assert.strictEqual(written.status, 200);
          await written.arrayBuffer();
          assert.strictEqual((await notesNow()).notes, `n${i}`);
        }
      });

    test("a clinic's new name is in every stop that shows it", async () => {
      const clinic = stop.clinic_id;
      const paths = [
        `/api/v1/stops/${stop.id}?fields=id,clinic.name`,
        `/api/v1/stops?clinic_id=eq.${clinic}&fields=id,clinic.name`,
        '/api/v1/stops?limit=200&fields=id,clinic_id,clinic.name',
      ];
      for (const path of paths) await server.json(path, { token });
      const renamed = await server.json(`/api/v1/clinics/${clinic}`, {
        token, method: 'PATCH', body: JSON.stringify({ name: 'Renamed' }),
      });
      assert.strictEqual(renamed.status, 200);
      for (const path of paths) {
        const { body } = await server.json(path, { token });
        const rows = (body.data || [body]).filter((row) =>
          row.clinic_id === undefined || row.clinic_id === clinic);
        for (const row of rows) {
          assert.strictEqual(row.clinic.name, 'Renamed', path);
        }
      }
      server.sql(`update clinics set name = 'By hand' where id = ${clinic}`);
      const live = await Live.open(server, token, { position:
        renamed.headers.get('fieldline-position') });
      await server.fetch(`/api/v1/stops/${stop.id}`, { token,
        method: 'PATCH', body: '{"notes":"after the name"}' });
      await live.next((m) => m.data?.notes === 'after the name');
      for (const path of paths) {
        const { body } = await server.json(path, { token });
        const row = (body.data || [body])[0];
        if (row.clinic_id === undefined || row.clinic_id === clinic) {
          assert.strictEqual(row.clinic.name, 'By hand', path);
        }
      }
      await live.close();
    });

    test('a position that a reply named is never ahead of what a later read ' +
      'with it shows', async () => {
      const written = await server.fetch(`/api/v1/stops/${stop.id}`, {
        token, method: 'PATCH', body: '{"notes":"positioned"}',
      });
      const position = written.headers.get('fieldline-position');
      assert.match(position, /^[^:]+:[0-9]+$/);
      const other = server.token(2, 1, 'LOGISTICS_EXECUTE');
      const read = await server.json(`/api/v1/stops/${stop.id}`, {
        token: other, headers: { 'fieldline-position': position },
      });
      assert.strictEqual(read.body.notes, 'positioned');
    });
  });
}
