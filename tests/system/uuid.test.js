// A UUID has many spellings and PostgreSQL takes them all for one value: what
// is asked for in capitals must not outlive a write to it. To SQLite it is text
// in a column that prefers numbers.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');

const { Live } = require('../lib/live.js');
const { Server } = require('../lib/server.js');

const TENANT = '0d3f1a52-7b8c-4e6d-9a01-23456789abcd';
const KEY = 'ab3f1a52-7b8c-4e6d-9a01-23456789abcd';
const KIND = 'cd3f1a52-7b8c-4e6d-9a01-23456789abcd';

const APP = `
app: things
store: {url: "sqlite:things.db"}
auth: {jwt: {alg: HS256}, tenant: org, roles: [ONE]}
cache: {classes: {all: {ttl: 5m}}}
resources:
  things:
    table: things
    visible: {tenant: org}
    filter: [kind]
    cache: {item: all, list: all}
    allow: {ONE: {read: all, write: all}}
`;
const SCHEMA = `
create table things (id uuid primary key, org uuid not null, kind uuid,
  name text);
insert into things values ('${KEY}', '${TENANT}', '${KIND}', 'first');
`;

for (const store of ['sqlite', 'postgres']) describe(`UUIDs on ${store}`, () => {
  let app, server, token;

  before(async () => {
    app = fs.mkdtempSync(path.join(os.tmpdir(), 'fieldline-app-'));
    fs.mkdirSync(path.join(app, 'migrations'));
    fs.writeFileSync(path.join(app, 'app.yaml'), APP);
    fs.writeFileSync(path.join(app, 'migrations', '0001_things.sql'), SCHEMA);
    server = await Server.start({ app, store, sample: false });
    token = server.token('u', TENANT, 'ONE');
  });
  after(async () => {
    await server.stop();
    fs.rmSync(app, { recursive: true, force: true });
  });

  const named = async (name) => {
    const { status } = await server.fetch(`/api/v1/things/${KEY}`, {
      method: 'PATCH', token, body: JSON.stringify({ name }) });
    assert.strictEqual(status, 200);
  };

  test('an item and a list asked for in capitals are new after a write',
    async () => {
      const item = `/api/v1/things/${KEY.toUpperCase()}`;
      const list = `/api/v1/things?kind=eq.${KIND.toUpperCase()}`;
      for (const name of ['second', 'third']) {
        await named(name);
        // Twice: the first fills the cache once the horizon has passed.
        for (let turn = 0; turn < 20; turn++) {
          const one = await server.json(item, { token });
          const all = await server.json(list, { token });
          assert.strictEqual(one.body.name, name);
          assert.strictEqual(all.body.data[0].name, name);
        }
      }
    });

  test('a record subscribed to in capitals is the record', async () => {
    const live = await Live.open(server, token,
      { topics: [`record:things/${KEY.toUpperCase()}`] });
    await named('heard');
    const told = await live.next((m) => m.op === 'update');
    assert.strictEqual(told.key, KEY);
    assert.strictEqual(told.data.name, 'heard');
    await live.close();
  });

  test('a tenant spelled in capitals is not this tenant', async () => {
    const other = server.token('u', TENANT.toUpperCase(), 'ONE');
    const { status } = await server.json('/api/v1/things', { token: other });
    assert.strictEqual(status, 403);
  });

  test('what is no UUID is refused, or not found', async () => {
    const filter = await server.json('/api/v1/things?kind=eq.x', { token });
    assert.strictEqual(filter.status, 400);
    const item = await server.json('/api/v1/things/x', { token });
    assert.strictEqual(item.status, 404);
  });

  // SQLite's UUID columns have numeric affinity: 1e5 would become 100000, and
  // 32 digits would lose most of theirs.
  test('what could be taken for a number is no UUID; one of digits is kept',
    async () => {
      const create = (id) => server.json('/api/v1/things', { token,
        method: 'POST', body: JSON.stringify({ id, org: TENANT }) });
      for (const id of ['1e5', '100000', '12345678901234567890123456789012']) {
        assert.match(String((await create(id)).status), /^4(00|22)$/, id);
        const { status } = await server.json(`/api/v1/things/${id}`, { token });
        assert.strictEqual(status, 404);
      }
      const id = '11111111-2222-3333-4444-555555555555';
      assert.strictEqual((await create(id)).body.id, id);
      const { body } = await server.json(`/api/v1/things/${id}`, { token });
      assert.strictEqual(body.id, id);
    });
});
