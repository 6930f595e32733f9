// The change triggers live in other people's tables: the host application is
// never broken by them, and no change is lost.
'use strict';

const assert = require('node:assert');
const { after, before, describe, test } = require('node:test');

const { Live } = require('../lib/live.js');
const { Server } = require('../lib/server.js');

describe('triggers in a foreign database', () => {
  let server, token, live;

  before(async () => {
    server = await Server.start({ store: 'postgres' });
    token = server.token(1, 1, 'LOGISTICS_MANAGE');
    live = await Live.open(server, token);
  });
  after(async () => {
    await live.close();
    await server.stop();
  });

  const stopId = () => server.sql('select min(id) from route_stops where ' +
    'lab_id = 1');

  test("another role's insert, without rights on Fieldline's tables, is told",
    async () => {
      server.sql('create role app login; grant select, insert, update on ' +
        'route_stops, vehicles to app; grant usage on all sequences in ' +
        'schema public to app');
      server.sql("set role app; update route_stops set notes = 'by app' " +
        `where id = ${stopId()}`);
      await live.next((m) => m.data?.notes === 'by app');
    });

  test('a search_path of a stranger does not lead the trigger astray',
    async () => {
      server.sql('create schema evil; create table evil.fieldline_changes ' +
        '(x int); set search_path = evil, public; update ' +
        `public.route_stops set notes = 'misled' where id = ${stopId()}`);
      await live.next((m) => m.data?.notes === 'misled');
      assert.strictEqual(server.sql('select count(*) from ' +
        'evil.fieldline_changes'), '0');
    });

  test('a renamed and a dropped column break nobody\'s insert', async () => {
    server.sql('alter table vehicles rename column boxes to crates');
    server.sql('alter table vehicles drop column cooled');
    server.sql('alter table vehicles add column colour text');
    server.sql("insert into vehicles (lab_id, plate, model, crates, colour) " +
      "values (1, 'NEW-1', 'van', 2, 'red')");
    assert.match(server.sql('select "row" from fieldline_changes where ' +
      `tbl = 'vehicles' order by "offset" desc limit 1`), /NEW-1/);
  });

  test('COPY and a cascade are told row by row', async () => {
    const route = server.sql('select id from routes where lab_id = 1 ' +
      'order by id desc limit 1');
    const count = Number(server.sql('select count(*) from route_stops where ' +
      `route_id = ${route}`));
    server.sql(`delete from routes where id = ${route}`);
    server.sql("update route_stops set notes = 'after the cascade' " +
      `where id = ${stopId()}`);
    await live.next((m) => m.data?.notes === 'after the cascade');
    assert.ok(live.changes.some((m) => m.resource === 'routes' &&
      String(m.key) === route && m.op === 'delete'));
    assert.ok(count > 0);
    const told = live.changes.filter((m) => m.resource === 'stops' &&
      m.op === 'delete');
    assert.strictEqual(told.length, count);
  });

  test('TRUNCATE forgets everything of the table', async () => {
    const before = await server.json('/api/v1/samples?limit=1', { token });
    assert.strictEqual(before.body.data.length, 1);
    server.sql('truncate samples');
    server.sql(`update route_stops set notes = 'emptied' where id = ${stopId()}`);
    await live.next((m) => m.data?.notes === 'emptied');
    const { body } = await server.json('/api/v1/samples?limit=1', { token });
    assert.strictEqual(body.data.length, 0);
  });

  test('a replication role does not silence the feed', async () => {
    server.sql("set session_replication_role = replica; update route_stops " +
      `set notes = 'replicated' where id = ${stopId()}`);
    await live.next((m) => m.data?.notes === 'replicated');
  });

  test('a statement over 1,000 rows is one reset, and lists are new',
    async () => {
      const list = '/api/v1/stops?limit=3&fields=id,notes';
      await server.json(list, { token });
      const before = Number(server.sql('select count(*) from fieldline_changes'));
      server.sql("update route_stops set notes = 'all of them'");
      const after = Number(server.sql('select count(*) from fieldline_changes'));
      assert.ok(after - before <= 3, `${after - before} rows`);
      server.sql(`update clinics set phone = '1' where id = (select min(id) ` +
        'from clinics where lab_id = 1)');
      for (;;) {
        const { body } = await server.json(list, { token });
        if (body.data.every((row) => row.notes === 'all of them')) break;
      }
    });
});
