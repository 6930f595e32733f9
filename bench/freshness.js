// freshness - how soon what another program commits is true for everybody: the
// time until the last subscribed dispatcher has the message, and until a
// reader of the stop, cached before, sees the new value. On both stores. The
// clock starts when the statement is written to the other program's standard
// input (the sqlite3 shell, psql; each is kept open), so its own parsing and
// its commit are in the figures. Server on core 0, shell on core 1.
//
//   node bench/freshness.js [CHANGES]
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const { setTimeout: pause } = require('node:timers/promises');

const lib = require('./lib/bench.js');
const { Live } = require('../tests/lib/live.js');
const { Postgres } = require('../tests/lib/postgres.js');
const { Random } = require('../tests/lib/random.js');

const CHANGES = Number(process.argv[2] || 300);
const DISPATCHERS = 20;
const POLL_MS = 1; // between two reads of the reader
const IDLE_MS = 300; // at most so long between two changes
const ASKED_MS = 250;

const now = () => Number(process.hrtime.bigint()) / 1e6;

/** The sqlite3 shell or psql, fed on its standard input. */
class Shell {
  constructor(command, args) {
    this.child = lib.startOn(1, command, args,
      { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = readline.createInterface({ input: this.child.stdout })[
      Symbol.asyncIterator]();
  }

  /** Resolves when the program says that the statement before was done. */
  async run(sql) {
    this.child.stdin.write(`${sql}; select 'done';\n`);
    const { value } = await this.lines.next();
    if (value !== 'done') throw new Error(`the shell said ${value}`);
  }

  async end() {
    this.child.stdin.end();
    await new Promise((resolve) => this.child.on('close', resolve));
  }
}

/** A client with one connection of its own. */
class Client {
  constructor(url, token) {
    this.url = url;
    this.headers = { authorization: `Bearer ${token}` };
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  }

  request(method, target, body) {
    const headers = body ? { ...this.headers,
      'content-type': 'application/json' } : this.headers;
    return new Promise((resolve, reject) => {
      const request = http.request(this.url + target,
        { agent: this.agent, method, headers }, (reply) => {
          let text = '';
          reply.setEncoding('utf8');
          reply.on('data', (part) => { text += part; });
          reply.on('end', () => (reply.statusCode === 200
            ? resolve({ body: JSON.parse(text), headers: reply.headers })
            : reject(new Error(`${method} ${target}: ${reply.statusCode}`))));
        });
      request.on('error', reject);
      request.end(body && JSON.stringify(body));
    });
  }

  async stop(id) {
    const { body, headers } = await this.request('GET', `/api/v1/stops/${id}`);
    return { notes: body.notes, hit: /hit/.test(headers['cache-status']) };
  }
}

/** When every dispatcher has been told of these notes. */
async function told(dispatchers, notes) {
  const at = await Promise.all(dispatchers.map(async (live) => {
    await live.next((message) => message.data?.notes === notes);
    live.messages.length = 0;
    return now();
  }));
  return Math.max(...at);
}

async function seen(reader, id, notes) {
  while ((await reader.stop(id)).notes !== notes) await pause(POLL_MS);
  return now();
}

/** Other programs' changes, then the API's own. */
async function measure(server, shell, random) {
  const token = lib.token(1, 1, 'LOGISTICS_MANAGE');
  const dispatchers = await Promise.all(Array.from({ length: DISPATCHERS },
    () => Live.open(server, token)));
  const reader = new Client(server.url, token);
  const writer = new Client(server.url, token);
  const list = await reader.request('GET', '/api/v1/stops?limit=1');
  const { id } = list.body.data[0];
  const result = { shell: [], message: [], read: [], own: [], stale: 0,
    uncached: 0 };

  for (let i = 0; i < CHANGES; i++) {
    const notes = `other ${i}`;
    await reader.stop(id);
    if (!(await reader.stop(id)).hit) result.uncached++;
    await pause(random.below(IDLE_MS));
    const began = now();
    const done = shell.run(
      `update route_stops set notes = '${notes}' where id = ${id}`);
    const [message, read] = await Promise.all([told(dispatchers, notes),
      seen(reader, id, notes), done.then(() => result.shell.push(now() - began))]);
    result.message.push(message - began);
    result.read.push(read - began);
  }
  for (let i = 0; i < CHANGES; i++) {
    const notes = `own ${i}`;
    await writer.stop(id);
    await pause(random.below(20));
    const began = now();
    const message = told(dispatchers, notes);
    await writer.request('PATCH', `/api/v1/stops/${id}`, { notes });
    for (const client of [writer, reader]) {
      if ((await client.stop(id)).notes !== notes) result.stale++;
    }
    result.own.push(await message - began);
  }
  for (const live of dispatchers) live.socket.terminate();
  reader.agent.destroy();
  writer.agent.destroy();
  return result;
}

async function onSqlite(random) {
  const data = lib.labData();
  const server = await lib.startFieldline(0, data, ['--workers', '2']);
  const file = fs.readdirSync(data).find((name) => name.endsWith('.db'));
  const shell = new Shell('sqlite3',
    ['-cmd', '.timeout 5000', path.join(data, file)]);
  try {
    return await measure(server, shell, random);
  } finally {
    await shell.end();
    await lib.stop(server.child);
    fs.rmSync(data, { recursive: true });
  }
}

async function onPostgres(random) {
  const data = fs.mkdtempSync(path.join(os.tmpdir(), 'fieldline-bench-'));
  const postgres = await Postgres.start({ fsync: 'on', full_page_writes: 'on',
    synchronous_commit: 'on' });
  const where = ['--data', data, '--store', postgres.url];
  lib.fieldline(['db', lib.LAB, 'migrate', ...where]);
  lib.fieldline(['db', lib.LAB, 'sample', ...where]);
  const server = await lib.startFieldline(0, data,
    ['--workers', '2', '--store', postgres.url]);
  const shell = new Shell(path.join(postgres.bin, 'psql'), ['-h', postgres.dir,
    '-U', 'postgres', '-d', 'lab', '-X', '-q', '-A', '-t']);
  try {
    return await measure(server, shell, random);
  } finally {
    await shell.end();
    await lib.stop(server.child);
    await postgres.stop();
    fs.rmSync(data, { recursive: true });
  }
}

function row(store, what, samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (p) => lib.percentile(sorted, p).toFixed(1);
  return `| ${store} | ${what} | ${at(0.5)} | ${at(0.99)} | ` +
    `${sorted.at(-1).toFixed(1)} |`;
}

async function main() {
  const random = new Random();
  const psql = path.join('/usr/lib/postgresql', fs.readdirSync(
    '/usr/lib/postgresql').sort((a, b) => b - a)[0], 'bin', 'psql');
  const stores = [
    [`SQLite ${lib.version('sqlite3', ['--version'])}`,
      await onSqlite(random)],
    [`PostgreSQL ${lib.version(psql, ['--version'])}`,
      await onPostgres(random)]];
  const rows = stores.flatMap(([name, r]) => [
    row(name, "another program's change, to the last dispatcher", r.message),
    row(name, "another program's change, to the reader", r.read),
    row(name, "of these, the program's own answer", r.shell),
    row(name, 'a change through the API, to the last dispatcher', r.own)]);
  const results = stores.map(([, r]) => r);
  const most = Math.max(...results.flatMap((r) => [...r.message, ...r.read]));
  const count = (key) => results.reduce((sum, r) => sum + r[key], 0);
  lib.report('freshness', [
    `A cached stop is changed ${CHANGES} times on each store at random moments ` +
    'by another program (sqlite3, psql, kept open; measured from writing the ' +
    'statement to its standard input), and as often through the API. ' +
    `${DISPATCHERS} subscribed dispatchers; the reader asks ${POLL_MS} ms ` +
    `after each answer, over keep-alive; Node ${process.versions.node}. ` +
    'Milliseconds.', '',
    '| store | what | P50 | P99 | most |', '|---|---|--:|--:|--:|', ...rows, '',
    `Asked: at most ${ASKED_MS} ms. Reached: ${most.toFixed(1)} ms at most` +
    `${most <= ASKED_MS ? '' : ', MISSED'}. The writer's next reads, on his ` +
    `connection and on another, were stale ${count('stale')} times of ` +
    `${4 * CHANGES} (asked: 0)` +
    (count('uncached') ? `; ${count('uncached')} reads were not cached` : '') +
    '.']);
}

main();
