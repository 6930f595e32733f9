// On PostgreSQL a lower offset can become visible after a higher one. Nothing
// is skipped, per-row order is commit order, and no stamp claims what is not
// yet visible.
'use strict';

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const readline = require('node:readline');
const { after, before, describe, test } = require('node:test');

const { Live } = require('../lib/live.js');
const { Random } = require('../lib/random.js');
const { Server } = require('../lib/server.js');

/** A psql session whose statements the test interleaves with others'. */
class Shell {
  constructor(postgres, database = 'lab') {
    this.process = spawn('psql', ['-h', postgres.dir, '-U', 'postgres', '-d',
      database, '-X', '-q', '-A', '-t'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.waiting = [];
    readline.createInterface({ input: this.process.stdout })
      .on('line', (line) => line.startsWith('done ') && this.waiting.shift()());
    this.count = 0;
  }

  run(sql) {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.process.stdin.write(`${sql};\n\\echo done ${++this.count}\n`);
    });
  }

  async close() {
    this.process.stdin.end();
    await new Promise((resolve) => this.process.on('close', resolve));
  }
}

describe('the order of changes on postgres', () => {
  let server, token, stops;

  before(async () => {
    server = await Server.start({ store: 'postgres' });
    token = server.token(1, 1, 'LOGISTICS_MANAGE');
    const { body } = await server.json('/api/v1/stops?limit=20', { token });
    stops = body.data.map((stop) => stop.id);
  });
  after(() => server.stop());

  const notes = (id, text) =>
    `update route_stops set notes = '${text}' where id = ${id}`;

  async function read(id) {
    return (await server.json(`/api/v1/stops/${id}`, { token })).body.notes;
  }

  test('a transaction that took its offset first and commits last is told, ' +
    'once, and no cached read hides it', async () => {
    const live = await Live.open(server, token);
    const early = new Shell(server.postgres);
    const late = new Shell(server.postgres);
    await early.run('begin');
    await early.run(notes(stops[0], 'early'));
    await late.run(notes(stops[1], 'late'));
    // The later offset is visible: a read of its row is new at once, though
    // the horizon waits for the earlier one.
    for (;;) if (await read(stops[1]) === 'late') break;
    await read(stops[0]);
    await early.run('commit');
    await live.next((m) => m.data?.notes === 'early');
    await live.next((m) => m.data?.notes === 'late');
    assert.strictEqual(await read(stops[0]), 'early');
    const order = live.changes.map((m) => m.data.notes);
    assert.deepStrictEqual(order, ['early', 'late']);
    await early.close();
    await late.close();
    await live.close();
  });

  test('a transaction that holds its offset and rolls back holds nothing up',
    async () => {
      const live = await Live.open(server, token);
      const shell = new Shell(server.postgres);
      await shell.run('begin');
      await shell.run(notes(stops[2], 'never'));
      server.sql(notes(stops[3], 'after the hole'));
      await shell.run('rollback');
      await live.next((m) => m.data?.notes === 'after the hole');
      assert.ok(!live.changes.some((m) => m.data.notes === 'never'));
      await shell.close();
      await live.close();
    });

  test('a lock on another table, and a transaction in another database, ' +
    'hold nothing up', async () => {
    server.postgres.sql('create database other', 'postgres');
    const live = await Live.open(server, token);
    const shell = new Shell(server.postgres);
    await shell.run('begin');
    await shell.run('lock table labs in access exclusive mode');
    const elsewhere = new Shell(server.postgres, 'other');
    await elsewhere.run('create table fieldline_changes (x int)');
    await elsewhere.run('begin');
    await elsewhere.run('insert into fieldline_changes values (1)');
    server.sql(notes(stops[4], 'beside a lock'));
    await live.next((m) => m.data?.notes === 'beside a lock');
    for (const one of [shell, elsewhere]) {
      await one.run('commit');
      await one.close();
    }
    await live.close();
  });

  test('two transactions on one row come in commit order', async () => {
    const live = await Live.open(server, token);
    const one = new Shell(server.postgres), two = new Shell(server.postgres);
    await one.run('begin');
    await two.run('begin');
    await one.run(notes(stops[5], 'first'));
    const blocked = two.run(notes(stops[5], 'second'));
    await one.run('commit');
    await blocked;
    await two.run('commit');
    await live.next((m) => m.data?.notes === 'second');
    const order = live.changes.map((m) => m.data.notes);
    assert.deepStrictEqual(order, ['first', 'second']);
    await one.close();
    await two.close();
    await live.close();
  });

  test('a thousand transactions of four programs, interleaved at random',
    async () => {
      const random = new Random();
      const live = await Live.open(server, token);
      const shells = Array.from({ length: 4 }, () => new Shell(server.postgres));
      const own = shells.map((_, i) => stops.slice(8 + 3 * i, 11 + 3 * i));
      const committed = new Map();
      let version = 0;

      await Promise.all(shells.map(async (shell, i) => {
        for (let n = 0; n < 250; n++) {
          const writes = new Map();
          await shell.run('begin');
          for (let k = 0; k <= random.below(3); k++) {
            const id = random.pick(own[i]);
            writes.set(id, ++version);
            await shell.run(notes(id, `r${version}`));
          }
          if (random.chance(30)) {
            await shell.run('rollback');
          } else {
            await shell.run('commit');
            for (const [id, v] of writes) committed.set(id, v);
          }
          await read(random.pick(stops)); // fills the cache meanwhile
        }
      }));
      server.sql(notes(stops[0], 'last of all'));
      await live.next((m) => m.data?.notes === 'last of all');
      for (const [id, v] of committed) {
        assert.strictEqual(await read(id), `r${v}`);
        const told = live.changes.filter((m) => String(m.key) === String(id) &&
          /^r\d+$/.test(m.data.notes)).map((m) => Number(m.data.notes.slice(1)));
        assert.strictEqual(told.at(-1), v);
        assert.deepStrictEqual(told, [...told].sort((a, b) => a - b));
      }
      const offsets = live.changes.map((m) => Number(m.position.split(':')[1]));
      for (let i = 1; i < offsets.length; i++) {
        assert.ok(offsets[i] > offsets[i - 1]);
      }
      for (const shell of shells) await shell.close();
      await live.close();
    });
});
