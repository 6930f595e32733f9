// kill -9 in a storm of writes: every acknowledged write is there, and a
// subscriber that comes back with its position has seen each change exactly
// once, in order.
'use strict';

const assert = require('node:assert');
const { describe, test } = require('node:test');

const { Live } = require('../lib/live.js');
const { Server } = require('../lib/server.js');

const WRITERS = 8;
const WRITES_BEFORE_KILL = [150, 320, 480];

for (const store of ['sqlite', 'postgres']) {
  describe(`a crash on ${store}`, () => {
    test('loses no acknowledged write and no change', async () => {
      const server = await Server.start({ store });
      const token = server.token(1, 1, 'LOGISTICS_MANAGE');
      const { body } = await server.json(`/api/v1/stops?limit=${WRITERS}`,
        { token });
      const acknowledged = new Map(body.data.map((stop) => [stop.id, []]));
      const attempted = new Map();
      let count = 0;

      async function writer(id) {
        for (;;) {
          const next = (attempted.get(id) ?? 0) + 1;
          attempted.set(id, next);
          try {
            const reply = await server.fetch(`/api/v1/stops/${id}`, { token,
              method: 'PATCH', body: JSON.stringify({ notes: `w${next}` }) });
            await reply.arrayBuffer();
            assert.strictEqual(reply.status, 200);
            acknowledged.get(id).push(next);
            count++;
          } catch (error) {
            if (error instanceof assert.AssertionError) throw error;
            return; // the server is gone
          }
        }
      }

      const first = await server.fetch('/api/v1/stops?limit=1', { token });
      let position = first.headers.get('fieldline-position');
      const seen = [];
      for (const until of WRITES_BEFORE_KILL) {
        const live = await Live.open(server, token, { position });
        const storm = body.data.map((stop) => writer(stop.id));
        await live.next(() => count >= until);
        await server.crash();
        await Promise.all(storm);
        await live.closed;
        seen.push(...live.changes);
        position = seen.at(-1).position;
      }

      const live = await Live.open(server, token, { position });
      await server.fetch(`/api/v1/stops/${body.data[0].id}`, { token,
        method: 'PATCH', body: '{"notes":"the end"}' });
      await live.next((m) => m.data?.notes === 'the end');
      seen.push(...live.changes);

      for (const [id, versions] of acknowledged) {
        const version = versions.at(-1);
        const last = seen.filter((m) => String(m.key) === String(id) &&
          m.data.notes !== 'the end').at(-1);
        const there = Number(last.data.notes.slice(1));
        assert.ok(there >= version,
          `stop ${id}: v${version} was acknowledged, v${there} is there`);
      }
      const offsets = seen.map((m) => Number(m.position.split(':')[1]));
      for (let i = 1; i < offsets.length; i++) {
        assert.ok(offsets[i] > offsets[i - 1],
          `offset ${offsets[i]} after ${offsets[i - 1]}`);
      }
      // Versions of one stop grow by one for each write, and every one that
      // was acknowledged came.
      for (const stop of body.data) {
        const versions = seen.filter((m) => String(m.key) === String(stop.id) &&
          /^w\d+$/.test(m.data.notes)).map((m) => Number(m.data.notes.slice(1)));
        assert.deepStrictEqual(versions, [...new Set(versions)].sort(
          (one, other) => one - other));
        const came = new Set(versions);
        for (const version of acknowledged.get(stop.id)) {
          assert.ok(came.has(version), `stop ${stop.id}: v${version} is missing`);
        }
      }
      await live.close();
      await server.stop();
    });
  });
}
