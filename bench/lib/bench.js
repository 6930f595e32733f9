// lib - what the benchmarks share: pinning, processor time, medians, and a
// table that says what machine and which versions it was.
'use strict';

const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const ROOT = path.join(__dirname, '..', '..');
const BINARY = process.env.FIELDLINE_BIN ||
  path.join(ROOT, 'build', 'fieldline');
const BUILD = path.dirname(BINARY);
const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function percentile(sorted, p) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))];
}

/** User and system seconds of a process and its children that still run. */
function processorSeconds(pid) {
  let total = 0;
  for (const one of family(pid)) {
    const stat = fs.readFileSync(`/proc/${one}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    total += (Number(fields[11]) + Number(fields[12])) / TICKS;
  }
  return total;
}

function family(pid) {
  const file = `/proc/${pid}/task/${pid}/children`;
  const children = fs.existsSync(file)
    ? fs.readFileSync(file, 'utf8').trim().split(' ').filter(Boolean) : [];
  return [pid, ...children.flatMap((child) => family(Number(child)))];
}

function residentBytes(pid) {
  const match = /VmRSS:\s+(\d+)/.exec(
    fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match[1]) * 1024;
}

/** The command line that runs a program on one processor. */
function pinned(processor, command, args) {
  return ['taskset', '-c', String(processor), command, ...args];
}

/** Starts a program on one processor. */
function startOn(processor, command, args, options = {}) {
  const [first, ...rest] = pinned(processor, command, args);
  return spawn(first, rest, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
}

/** A directory that nginx's workers may enter, whoever they run as. */
function peerDir(parent) {
  const dir = fs.mkdtempSync(path.join(parent, 'fieldline-nginx-'));
  fs.chmodSync(dir, 0o755);
  return dir;
}

async function untilListening(port, child) {
  const net = require('node:net');
  for (;;) {
    if (child.exitCode !== null) {
      throw new Error(`${child.spawnargs.join(' ')} ended with ` +
        `${child.exitCode}`);
    }
    const open = await new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function freePort() {
  const server = require('node:net').createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function version(command, args, pattern = /(\d+\.\d+(\.\d+)?)/) {
  const { spawnSync } = require('node:child_process');
  const run = spawnSync(command, args, { encoding: 'utf8' });
  return pattern.exec(`${run.stdout}${run.stderr}`)?.[1] ?? 'unknown';
}

function machine() {
  const cpu = os.cpus()[0].model.replace(/\s+/g, ' ').trim();
  const load = os.loadavg()[0].toFixed(1);
  return `${os.cpus().length} cores (${cpu}), ` +
    `${Math.round(os.totalmem() / 2 ** 30)} GiB, Linux ${os.release()}, ` +
    `load average at the end ${load}`;
}

const SECRET = 'a secret of the benchmarks, long enough for HS256';
const LAB = path.join(ROOT, 'apps', 'lab-portal');

function fieldline(args) {
  return execFileSync(BINARY, args, { encoding: 'utf8',
    env: { ...process.env, FIELDLINE_SECRET: SECRET } });
}

/** A data directory with the lab portal's day in it. */
function labData(scale = 1) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fieldline-bench-'));
  fieldline(['db', LAB, 'migrate', '--data', dir]);
  fieldline(['db', LAB, 'sample', '--data', dir, '--scale', String(scale)]);
  return dir;
}

async function startFieldline(processor, data, args = [], app = LAB) {
  const child = startOn(processor, BINARY, ['serve', app, '--data', data,
    '--listen', '127.0.0.1:0', ...args],
  { env: { ...process.env, FIELDLINE_SECRET: SECRET } });
  let errors = '';
  child.stderr.on('data', (text) => { errors += text; });
  const lines = require('node:readline').createInterface({ input: child.stdout });
  const url = await new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      const match = /^listening on (http:\/\/\S+)/.exec(line);
      if (match) resolve(match[1]);
    });
    child.on('exit', (code) => reject(new Error(`exit ${code}: ${errors}`)));
  });
  return { child, url, port: Number(new URL(url).port) };
}

function token(user, tenant, role) {
  return fieldline(['token', LAB, '--user', String(user), '--tenant',
    String(tenant), '--role', role]).trim();
}

async function stop(child) {
  if (child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.on('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

/** Prints a section of bench/RESULTS.md. */
function report(title, lines) {
  console.log(`\n## ${title}\n`);
  console.log(`${new Date().toISOString().slice(0, 10)}, ${machine()}\n`);
  for (const line of lines) console.log(line);
}

module.exports = { BINARY, BUILD, LAB, ROOT, SECRET, family, fieldline,
  freePort, labData, machine, median, peerDir, percentile, pinned,
  processorSeconds, report, residentBytes, startFieldline, startOn, stop,
  token, untilListening, version };
