// What a live message says of a row a read says too, whatever the types of its
// columns are.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');

const { Live } = require('../lib/live.js');
const { Server } = require('../lib/server.js');

const APP = `
app: things
store: {url: "sqlite:things.db"}
auth: {jwt: {alg: HS256}, tenant: org, roles: [ONE]}
resources:
  things:
    table: things
    visible: {tenant: org}
    allow: {ONE: {read: all}}
  bytes:
    table: bytes
    visible: {tenant: org}
    allow: {ONE: {read: all}}
`;
const COLUMNS = `id int primary key, org int not null, i2 smallint, i8 bigint,
  o oid, f4 real, f8 double precision, n numeric, b boolean, t text,
  v varchar(9), c char(3), u uuid, d date, tod time, ts timestamp,
  tz timestamptz, iv interval, j json, jb jsonb, ai int[], an numeric[],
  af float8[], ab bool[], at text[], au uuid[], ad date[], ats timestamp[],
  atz timestamptz[], ajb jsonb[], m money, ip inet`;
const SCHEMA = `create table things (${COLUMNS});
  create table bytes (${COLUMNS}, raw bytea);`;

const ROWS = {
  usual: `7, 9007199254740991, 16, 0.1, 1e300, 1.50, true, 'a"b\\c', 'v', 'c',
    '0d3f1a52-7b8c-4e6d-9a01-23456789abcd', '2026-11-20', '18:44:25.5',
    '2026-11-20 18:44:25.123456', '2026-11-20 18:44:25.5+02', '1 day 02:03',
    '{"a": [1, null]}', '{"a": 1.50}', '{1,NULL,3}', '{1.50,2}', '{0.1,1e300}',
    '{t,f}', '{"a b","c\\"d","NULL",NULL,"","{x}"}',
    '{0d3f1a52-7b8c-4e6d-9a01-23456789abcd}', '{2026-11-20}',
    '{2026-11-20 18:44:25.5}', '{2026-11-20 18:44:25+02,NULL,infinity}',
    array['{"a": "}"}', '1']::jsonb[], 12.5, '10.0.0.1'`,
  'not finite': `null, null, null, 'NaN', '-Infinity', 'NaN', null, null, null,
    null, null, 'infinity', null, 'infinity', '-infinity', null, null, 'null',
    '{}', '{NaN}', '{NaN,Infinity}', null, '{}', null, '{infinity}', null, null,
    null, null, null`,
  'out of range': `null, null, null, null, null, 'Infinity', null, '', '',
    null, null, '0044-03-15 BC', null, '0044-03-15 12:00:00 BC',
    '12000-01-01 00:00:00+00', null, null, null, '{{1,2},{3,4}}', null, null,
    null, '[0:1]={a,b}', null, null, '{0044-03-15 12:00:00 BC}',
    '{12000-01-01 00:00:00+00}', null, null, null`,
};

describe('types on PostgreSQL', () => {
  let app, server, token;

  before(async () => {
    app = fs.mkdtempSync(path.join(os.tmpdir(), 'fieldline-app-'));
    fs.mkdirSync(path.join(app, 'migrations'));
    fs.writeFileSync(path.join(app, 'app.yaml'), APP);
    fs.writeFileSync(path.join(app, 'migrations', '0001_things.postgres.sql'),
      SCHEMA);
    server = await Server.start({ app, store: 'postgres', sample: false });
    token = server.token('u', 1, 'ONE');
  });
  after(async () => {
    await server.stop();
    fs.rmSync(app, { recursive: true, force: true });
  });

  for (const table of ['things', 'bytes']) {
    Object.entries(ROWS).forEach(([name, values], i) => {
      test(`${table}, ${name}: told as read`, async () => {
        const live = await Live.open(server, token,
          { topics: [`resource:${table}`] });
        const raw = table === 'bytes' ? ", '\\x01ff'" : '';
        server.sql(`insert into ${table} values (${i}, 1, ${values}${raw})`);
        const message = await live.next((m) => m.resource === table);
        const { body } = await server.json(`/api/v1/${table}/${i}`, { token });
        assert.deepStrictEqual(message.data, body);
        await live.close();
      });
    });
  }

  test('arrays are arrays', async () => {
    const { body } = await server.json('/api/v1/things/0', { token });
    assert.deepStrictEqual(body.ai, [1, null, 3]);
    assert.deepStrictEqual(body.at, ['a b', 'c"d', 'NULL', null, '', '{x}']);
    assert.deepStrictEqual(body.ajb, [{ a: '}' }, 1]);
  });
});
