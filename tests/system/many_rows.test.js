// One statement of another program that changes 100,000 rows leaves as many
// change rows on SQLite, since triggers there are per row. It is read by pages:
// memory stays bounded, readers are answered, who keeps up is told each change
// once and in order, and who does not keep up holds nothing back.
'use strict';

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');

const { Live } = require('../lib/live.js');
const { Server } = require('../lib/server.js');

const ROWS = 100000;
const TEXT = 500; // bytes of each row: the images alone are over 50 MB
// ThreadSanitizer keeps five bytes and more of its own for each.
const SHADOW = /build-tsan/.test(process.env.FIELDLINE_BIN || '') ? 6 : 1;
const GROWTH_MAX = SHADOW * 48 * 2 ** 20;
const STALLED = 2;
// That he was slow; without a code if he did not take even that.
const SLOW = [4008, 1006];

const APP = `
app: things
store: {url: "sqlite:things.db"}
auth: {jwt: {alg: HS256}, tenant: org, roles: [ONE]}
resources:
  things:
    table: things
    visible: {tenant: org}
    allow: {ONE: {read: all, write: all}}
`;
const SCHEMA = `
create table things (id integer primary key, org integer not null,
  n integer not null, t text);
with recursive i(n) as (select 1 union all select n + 1 from i
  where n < ${ROWS})
insert into things select n, 1, 0, printf('%.*c', ${TEXT}, 'x') from i;
`;

/** The most memory that the process has had so far, in bytes. */
function peakBytes(pid) {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)[1]) * 1024;
}

/** As another program, without blocking this one. */
function shell(file, sql) {
  const child = spawn('sqlite3', ['-cmd', '.timeout 60000', file, sql],
    { stdio: 'inherit' });
  return new Promise((resolve) => child.on('close', resolve));
}

describe('100,000 rows by one foreign statement', () => {
  let app, server, token;

  before(async () => {
    app = fs.mkdtempSync(path.join(os.tmpdir(), 'fieldline-app-'));
    fs.mkdirSync(path.join(app, 'migrations'));
    fs.writeFileSync(path.join(app, 'app.yaml'), APP);
    fs.writeFileSync(path.join(app, 'migrations', '0001_things.sql'), SCHEMA);
    // What a sanitizer keeps of freed memory is not the server's.
    server = await Server.start({ app, sample: false, env: { ASAN_OPTIONS:
      `${process.env.ASAN_OPTIONS || ''}:quarantine_size_mb=1` } });
    token = server.token('u', 1, 'ONE');
  });
  after(async () => {
    await server.stop();
    fs.rmSync(app, { recursive: true, force: true });
  });

  const open = (position) => Live.open(server, token,
    { topics: ['resource:things'], position });
  const offset = (message) => Number(message.position.split(':')[1]);

  /**
   * Listens up to last; who is closed for being slow comes back from where he
   * was. Each change comes once and in order, or he is told to reload.
   */
  async function listen(live, last) {
    const offsets = [];
    let { position } = live.subscribed, reloads = false;
    for (;;) {
      const end = await live.next((m) => m.type === 'MUST_RELOAD' ||
        (m.resource && offset(m) === last)).catch(() => null);
      offsets.push(...live.changes.map(offset));
      reloads = end?.type === 'MUST_RELOAD';
      if (end) break;
      assert.ok(SLOW.includes(live.closeCode), `${live.closeCode}`);
      position = live.changes.at(-1)?.position ?? position;
      live = await open(position);
    }
    await live.close();
    for (let i = 1; i < offsets.length; i++) {
      assert.ok(offsets[i - 1] < offsets[i], `${offsets[i]} is out of order`);
    }
    if (!reloads) assert.strictEqual(offsets.length, ROWS);
  }

  test('memory is bounded, readers are answered, subscribers have it whole',
    async () => {
      const fast = await open();
      const stalled = await Promise.all(Array.from({ length: STALLED },
        () => open()));
      for (const live of stalled) live.socket.pause();
      const last = offset(fast.subscribed) + ROWS;
      const before = peakBytes(server.pid);
      const reads = [];
      let heard = 0;
      fast.socket.on('message', () => {
        if (heard++ % 500 === 0) {
          reads.push(server.json('/api/v1/things/7', { token }));
        }
      });
      assert.strictEqual(await shell(server.file,
        'update things set n = n + 1'), 0);
      await listen(fast, last);
      assert.ok(reads.length > 0);
      for (const { status } of await Promise.all(reads)) {
        assert.strictEqual(status, 200);
      }
      const { body } = await server.json('/api/v1/things/7', { token });
      assert.strictEqual(body.n, 1);

      const grown = peakBytes(server.pid) - before;
      assert.ok(grown < GROWTH_MAX, `it took ${grown >> 20} MB`);

      for (const live of stalled) live.socket.resume();
      await Promise.all(stalled.map((live) => listen(live, last)));
    });

  test('who is further behind than what is kept up is told to reload',
    async () => {
      const now = await open();
      server.sql('delete from things where id = 1');
      const [epoch] = now.subscribed.position.split(':');
      const head = offset(await now.next((m) => m.resource));
      const late = await open(`${epoch}:${head - ROWS - 1}`);
      await late.next((m) => m.type === 'MUST_RELOAD');
      assert.deepStrictEqual(late.changes, []);
      const within = await open(`${epoch}:${head - 10}`);
      await within.next((m) => m.resource && offset(m) === head);
      assert.strictEqual(within.changes.length, 10);
      await Promise.all([now, late, within].map((live) => live.close()));
    });
});
