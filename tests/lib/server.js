// server - starts the real binary on a free port and a temporary directory.
'use strict';

const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');

const { Postgres } = require('./postgres.js');

const ROOT = path.join(__dirname, '..', '..');
const BINARY = process.env.FIELDLINE_BIN ||
  path.join(ROOT, 'build', 'fieldline');
const LAB = path.join(ROOT, 'apps', 'lab-portal');
const SECRET = 'a secret of the tests, long enough for HS256';

function temporaryDirectory(name) {
  return fs.mkdtempSync(path.join(os.tmpdir(), `fieldline-${name}-`));
}

/** Runs a fieldline command to its end; returns its standard output. */
function fieldline(args, env = {}) {
  return execFileSync(BINARY, args, {
    encoding: 'utf8',
    env: { ...process.env, FIELDLINE_SECRET: SECRET, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

// A day of data takes a while under the sanitizers: it is made once for each
// binary and store, and copied.
let sampled;
function sampleDatabase() {
  if (sampled) return sampled;
  const { mtimeMs, size } = fs.statSync(BINARY);
  const kept = path.join(os.tmpdir(),
    `fieldline-sample-${size}-${Math.round(mtimeMs)}`);
  if (!fs.existsSync(kept)) {
    const fresh = temporaryDirectory('sample');
    fieldline(['db', LAB, 'migrate', '--data', fresh]);
    fieldline(['db', LAB, 'sample', '--data', fresh]);
    try {
      fs.renameSync(fresh, kept);
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
    }
  }
  sampled = kept;
  return kept;
}

class Server {
  /**
   * @param {object} options
   * @param {'sqlite'|'postgres'} [options.store]
   * @param {string} [options.app] the application's directory
   * @param {boolean} [options.sample] fill it with a day of data
   * @param {number} [options.workers]
   * @param {'serve'|'demo'} [options.command]
   * @param {object} [options.env]
   * @param {string} [options.data] an existing data directory, for a restart
   * @param {Postgres} [options.postgres] a running one, for a restart
   */
  static async start(options = {}) {
    const server = new Server();
    server.app = options.app || LAB;
    server.store = options.store || 'sqlite';
    server.workers = options.workers || 2;
    server.command = options.command || 'serve';
    server.env = options.env || {};
    server.data = options.data || temporaryDirectory('data');
    server.ownsData = !options.data;
    server.postgres = options.postgres;
    await server.prepare(options);
    await server.run();
    return server;
  }

  async prepare({ sample = true, data, postgres }) {
    if (this.store === 'postgres' && !postgres) {
      this.postgres = await Postgres.start();
    }
    if (data || postgres) return;
    if (this.store === 'sqlite' && this.app === LAB && sample) {
      fs.cpSync(sampleDatabase(), this.data, { recursive: true });
      return;
    }
    fieldline(['db', this.app, 'migrate', ...this.where()]);
    if (sample) fieldline(['db', this.app, 'sample', ...this.where()]);
  }

  where() {
    return this.store === 'postgres'
      ? ['--data', this.data, '--store', this.postgres.url]
      : ['--data', this.data];
  }

  async run() {
    const args = [this.command, this.app, '--listen', '127.0.0.1:0', '--workers',
      String(this.workers), ...this.where()];
    this.process = spawn(BINARY, args, {
      env: { ...process.env, FIELDLINE_SECRET: SECRET, ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.log = '';
    this.process.stderr.setEncoding('utf8');
    this.process.stderr.on('data', (text) => { this.log += text; });
    this.exited = new Promise((resolve) => {
      this.process.on('close', (code, signal) => resolve({ code, signal }));
    });
    const lines = readline.createInterface({ input: this.process.stdout });
    this.url = await new Promise((resolve, reject) => {
      lines.on('line', (line) => {
        const match = /^listening on (http:\/\/\S+)/.exec(line);
        if (match) resolve(match[1]);
      });
      this.exited.then(({ code, signal }) => reject(new Error(
        `the server ended with ${code ?? signal}:\n${this.log}`)));
    });
    this.port = Number(new URL(this.url).port);
  }

  get pid() {
    return this.process.pid;
  }

  /** The SQLite file. */
  get file() {
    return path.join(this.data,
      fs.readdirSync(this.data).find((name) => name.endsWith('.db')));
  }

  token(user, tenant, role, ttl = '1h') {
    return fieldline(['token', this.app, '--user', String(user), '--tenant',
      String(tenant), '--role', role, '--ttl', ttl]).trim();
  }

  /** Another program's statements: the sqlite3 shell, or psql. */
  sql(text) {
    if (this.store === 'postgres') return this.postgres.sql(text);
    return execFileSync('sqlite3', ['-cmd', '.timeout 5000', this.file, text],
      { encoding: 'utf8' }).trim();
  }

  fetch(target, { token, ...options } = {}) {
    return fetch(this.url + target, {
      ...options,
      headers: {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(options.body ? { 'content-type': 'application/json' } : {}),
        ...options.headers,
      },
    });
  }

  async json(target, options) {
    const reply = await this.fetch(target, options);
    return { status: reply.status, headers: reply.headers,
      body: await reply.json() };
  }

  /** kill -9, and a new process on the same data. */
  async crash() {
    this.process.kill('SIGKILL');
    await this.exited;
    await this.run();
  }

  /** SIGTERM; resolves to the exit code. Removes what start() made. */
  async stop() {
    this.process.kill('SIGTERM');
    const { code, signal } = await this.exited;
    if (this.postgres) await this.postgres.stop();
    if (this.ownsData) fs.rmSync(this.data, { recursive: true, force: true });
    if (code !== 0) {
      throw new Error(`the server ended with ${code ?? signal}:\n${this.log}`);
    }
    return code;
  }
}

/** A copy of the lab portal with these lines at its application file's end. */
function labWith(settings) {
  const app = temporaryDirectory('app');
  fs.cpSync(LAB, app, { recursive: true,
    filter: (from) => !path.basename(from).startsWith('.') || from === LAB });
  fs.appendFileSync(path.join(app, 'app.yaml'), `\n${settings}\n`);
  return app;
}

module.exports = { BINARY, LAB, ROOT, SECRET, Server, fieldline, labWith,
  temporaryDirectory };
