// postgres - a PostgreSQL of the test's own, from Debian's packages, in a
// temporary directory, reached by a socket in it: no port, no other's data.
'use strict';

const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setInterval: tick } = require('node:timers/promises');

function programs() {
  const base = '/usr/lib/postgresql';
  const newest = fs.readdirSync(base).sort((a, b) => b - a)[0];
  return path.join(base, newest, 'bin');
}

// PostgreSQL refuses to run as root.
function asPostgres(command, args) {
  return process.getuid() === 0
    ? ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups',
      command, ...args]]
    : [command, args];
}

const SETTINGS = {
  listen_addresses: '', fsync: 'off', full_page_writes: 'off',
  synchronous_commit: 'off', shared_buffers: '32MB', max_connections: '60',
  log_min_messages: 'fatal', timezone: 'America/Lima',
};

class Postgres {
  static async start(settings = {}) {
    const server = new Postgres();
    server.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fieldline-pg-'));
    if (process.getuid() === 0) {
      execFileSync('chown', ['postgres:postgres', server.dir]);
    }
    server.bin = programs();
    const run = (command, args) => execFileSync(
      ...asPostgres(path.join(server.bin, command), args),
      { cwd: server.dir, stdio: ['ignore', 'ignore', 'inherit'] });
    run('initdb', ['-D', path.join(server.dir, 'data'), '-U', 'postgres',
      '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8', '--no-sync']);
    server.settings = { ...SETTINGS, ...settings };
    await server.run();
    server.sql('create database lab', 'postgres');
    return server;
  }

  async run() {
    const options = Object.entries(this.settings)
      .flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    this.process = spawn(...asPostgres(path.join(this.bin, 'postgres'),
      ['-D', path.join(this.dir, 'data'), '-k', this.dir, ...options]),
    { cwd: this.dir, stdio: 'ignore' });
    this.exited = new Promise((resolve) => this.process.on('close', resolve));
    await this.ready();
  }

  // The postmaster writes "ready" on the last line of its pid file.
  async ready() {
    const file = path.join(this.dir, 'data', 'postmaster.pid');
    for await (const _ of tick(25)) {
      if (this.process.exitCode !== null) {
        throw new Error(`postgres ended with ${this.process.exitCode}`);
      }
      if (!fs.existsSync(file)) continue;
      const lines = fs.readFileSync(file, 'utf8').trim().split('\n');
      if (lines.at(-1).trim() === 'ready') return;
    }
  }

  get url() {
    return `postgres://postgres@/lab?host=${encodeURIComponent(this.dir)}`;
  }

  sql(text, database = 'lab') {
    return execFileSync(path.join(this.bin, 'psql'), ['-h', this.dir, '-U',
      'postgres', '-d', database, '-X', '-q', '-A', '-t', '-v',
      'ON_ERROR_STOP=1', '-c', text], { encoding: 'utf8' }).trim();
  }

  async stop() {
    this.process.kill('SIGINT');
    await this.exited;
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

module.exports = { Postgres };
