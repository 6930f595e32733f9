// 10,000 random interleavings of reads, writes, another program's writes and
// purges: no client ever reads a value older than the last write that was
// acknowledged to him, and none reads a value that was never written.
'use strict';

const assert = require('node:assert');
const { after, before, describe, test } = require('node:test');

const { Random } = require('../lib/random.js');
const { Server } = require('../lib/server.js');

const STEPS = 10000;
const CLIENTS = 8;
const STOPS = 12;
const FOREIGN_PERCENT = 4;

for (const store of ['sqlite', 'postgres']) {
  describe(`reads against an oracle on ${store}`, () => {
    let server, stops, admin;

    before(async () => {
      server = await Server.start({ store });
      admin = server.token(1, 1, 'LOGISTICS_MANAGE');
      const { body } = await server.json(`/api/v1/stops?limit=${STOPS}`,
        { token: admin });
      stops = body.data.map((stop) => stop.id);
    });
    after(() => server.stop());

    test(`${STEPS} steps of ${CLIENTS} clients`, async () => {
      const random = new Random();
      // begun: the newest version that anybody began to write to a stop.
      // writers: one at a time per stop, so that versions grow.
      const begun = new Map(stops.map((id) => [id, 0]));
      const writers = new Map(stops.map((id) => [id, Promise.resolve()]));
      let left = STEPS;

      async function client(index) {
        const token = server.token(100 + index, 1, 'LOGISTICS_MANAGE');
        // The newest version of each stop that was acknowledged to him.
        const known = new Map(stops.map((id) => [id, 0]));
        const version = (notes) => Number(/^v(\d+)$/.exec(notes)?.[1] ?? 0);

        function check(id, notes, how) {
          const seen = version(notes);
          assert.ok(seen >= known.get(id),
            `client ${index} read v${seen} of stop ${id} by ${how} after ` +
            `v${known.get(id)} was acknowledged`);
          assert.ok(seen <= begun.get(id), `v${seen} was never written`);
        }

        async function write(id) {
          const turn = writers.get(id).then(async () => {
            const next = begun.get(id) + 1;
            begun.set(id, next);
            const reply = await server.fetch(`/api/v1/stops/${id}`, { token,
              method: 'PATCH', body: JSON.stringify({ notes: `v${next}` }) });
            assert.strictEqual(reply.status, 200);
            await reply.arrayBuffer();
            known.set(id, next);
          });
          writers.set(id, turn.catch(() => {}));
          return turn;
        }

        while (left-- > 0) {
          const id = random.pick(stops);
          const what = random.below(10);
          if (random.chance(FOREIGN_PERCENT)) {
            await stranger(id);
          } else if (what < 3) {
            await write(id);
          } else if (what < 8) {
            const { body } = await server.json(`/api/v1/stops/${id}`,
              { token });
            check(id, body.notes, 'item');
          } else {
            const { body } = await server.json(
              `/api/v1/stops?limit=${STOPS}&fields=id,notes`, { token });
            for (const row of body.data) {
              if (known.has(row.id)) check(row.id, row.notes, 'list');
            }
          }
        }
      }

      // Another program writes, or purges.
      function stranger(id) {
        const turn = writers.get(id).then(() => {
          if (random.chance(25)) {
            server.sql('insert into fieldline_changes (tbl, "key", op, tenant)' +
              ` values ('route_stops', '${id}', 'P', '1')`);
            return;
          }
          const next = begun.get(id) + 1;
          begun.set(id, next);
          server.sql(`update route_stops set notes = 'v${next}' where id = ${id}`);
        });
        writers.set(id, turn);
        return turn;
      }

      await Promise.all(Array.from({ length: CLIENTS }, (_, i) => client(i)));
      assert.ok(left <= 0);
    });
  });
}
