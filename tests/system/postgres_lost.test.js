// The connection of a write is lost: before its commit was sent it is done
// once, by another connection; while it was being committed the client is told
// that nobody knows.
'use strict';

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');

const { Live } = require('../lib/live.js');
const { Postgres } = require('../lib/postgres.js');
const { LAB, Server, fieldline, temporaryDirectory } = require(
  '../lib/server.js');

describe('a write whose connection is lost', () => {
  let postgres, data, server, token, stop;

  before(async () => {
    postgres = await Postgres.start({ synchronous_commit: 'on' });
    data = temporaryDirectory('data');
    const where = ['--data', data, '--store', postgres.url];
    fieldline(['db', LAB, 'migrate', ...where]);
    fieldline(['db', LAB, 'sample', ...where]);
    server = await Server.start({ store: 'postgres', postgres, data });
    token = server.token(1, 1, 'LOGISTICS_MANAGE');
    const list = await server.json('/api/v1/stops?limit=1', { token });
    [stop] = list.body.data;
  });
  after(async () => {
    await server.stop();
    fs.rmSync(data, { recursive: true, force: true });
  });

  const patch = (notes) => server.json(`/api/v1/stops/${stop.id}`, {
    token, method: 'PATCH', body: JSON.stringify({ notes }) });

  // Asks until a backend of the server's waits so. The request has to leave
  // this process before psql blocks it.
  async function backendThat(waits) {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const pid = postgres.sql(`select pid from pg_stat_activity where
        application_name = 'fieldline' and ${waits} limit 1`);
      if (pid) return pid;
    }
  }

  function changes() {
    return Number(postgres.sql(`select count(*) from fieldline_changes
      where tbl = 'route_stops' and key = '${stop.id}'`));
  }

  test('before the commit: it is done once, and answered', async () => {
    const told = changes();
    postgres.sql(`create function hold() returns trigger language plpgsql as
      $$ begin perform pg_advisory_xact_lock(42); return null; end $$;
      create constraint trigger hold after update on route_stops
      deferrable initially deferred for each row execute function hold();`);
    const holder = spawn(path.join(postgres.bin, 'psql'), ['-h', postgres.dir,
      '-U', 'postgres', '-d', 'lab', '-X', '-q', '-A', '-t'], { stdio: ['pipe', 'pipe', 'inherit'] });
    holder.stdin.write("select pg_advisory_lock(42); select 'held';\n");
    for await (const text of holder.stdout) if (/held/.test(text)) break;
    const answer = patch('once');
    postgres.sql(`select pg_terminate_backend(${
      await backendThat("wait_event = 'advisory'")})`);
    holder.stdin.end("select pg_advisory_unlock(42);\n");
    const { status, body } = await answer;
    assert.strictEqual(status, 200);
    assert.strictEqual(body.notes, 'once');
    assert.strictEqual(changes(), told + 1);
    postgres.sql('drop trigger hold on route_stops');
  });

  test('amid the commit: 503, nobody knows, and what was done is told',
    async () => {
      const live = await Live.open(server, token);
      postgres.sql("alter system set synchronous_standby_names = 'nobody'");
      postgres.sql('select pg_reload_conf()');
      while (postgres.sql('show synchronous_standby_names') !== 'nobody');
      const answer = patch('unsure');
      postgres.sql(`select pg_terminate_backend(${
        await backendThat("wait_event = 'SyncRep'")})`);
      const { status, body, headers } = await answer;
      assert.strictEqual(status, 503);
      assert.match(body.type, /outcome-unknown$/);
      assert.strictEqual(headers.get('retry-after'), null);
      await live.next((m) => m.data?.notes === 'unsure');
      const read = await server.json(`/api/v1/stops/${stop.id}`, { token });
      assert.strictEqual(read.body.notes, 'unsure');
      postgres.sql('alter system reset synchronous_standby_names');
      postgres.sql('select pg_reload_conf()');
      await live.close();
    });
});
