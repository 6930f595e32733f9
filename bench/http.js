// http - a cached stop of about 1 KB over keep-alive, beside nginx and beside
// a bare loop that answers fixed bytes. Server on core 0, load on core 1.
//
//   node bench/http.js [SECONDS] [ROUNDS]
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const lib = require('./lib/bench.js');

// Many short rounds in turn: a disturbance of the machine spoils one, not the
// median.
const SECONDS = Number(process.argv[2] || 2);
const ROUNDS = Number(process.argv[3] || 15);
const CONNECTIONS = 64;

const UNITS = { us: 1, ms: 1e3, s: 1e6 };

function wrk(url, headers = []) {
  const [first, ...rest] = lib.pinned(1, 'wrk', ['-t1', `-c${CONNECTIONS}`,
    `-d${SECONDS}s`, '--latency',
    ...headers.flatMap((header) => ['-H', header]), url]);
  const { stdout, stderr } = spawnSync(first, rest, { encoding: 'utf8' });
  const total = /(\d+) requests in ([\d.]+)(s|m)/.exec(stdout);
  if (!total || /Non-2xx|Socket errors/.test(stdout)) {
    throw new Error(`${url}\n${stdout}${stderr}`);
  }
  const quantile = (percent) => {
    const match = new RegExp(`${percent}%\\s+([\\d.]+)(us|ms|s)`).exec(stdout);
    return Number(match[1]) * UNITS[match[2]];
  };
  return { requests: Number(total[1]),
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1]),
    p50: quantile(50), p99: quantile(99) };
}

async function measure(server) {
  const before = lib.processorSeconds(server.child.pid);
  const result = wrk(server.target, server.headers);
  const spent = lib.processorSeconds(server.child.pid) - before;
  return { ...result, cpu: spent / result.requests * 1e6 };
}

async function nginx(target, headers) {
  const dir = lib.peerDir('/dev/shm');
  const port = await lib.freePort();
  const configuration = path.join(dir, 'nginx.conf');
  fs.writeFileSync(configuration, `
daemon off; pid ${dir}/pid; worker_processes 1; error_log ${dir}/error.log;
events { worker_connections 1024; }
http {
  access_log off; sendfile off; tcp_nodelay on; keepalive_requests 1000000000;
  client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy;
  fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
  open_file_cache max=1000 inactive=600s; open_file_cache_valid 600s;
  proxy_cache_path ${dir}/cache keys_zone=one:10m inactive=1h;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass ${new URL(target).origin};
      ${headers.map((h) => {
    const [name, value] = h.split(': ');
    return `proxy_set_header ${name} "${value}";`;
  }).join('\n')}
      proxy_cache one; proxy_cache_valid 200 1h;
      proxy_ignore_headers Cache-Control Vary Expires;
    }
  }
}
`);
  const child = lib.startOn(0, 'nginx', ['-c', configuration, '-p', dir]);
  await lib.untilListening(port, child);
  return { name: `nginx ${lib.version('nginx', ['-v'])} proxy_cache hit`, child,
    target: `http://127.0.0.1:${port}${new URL(target).pathname}`,
    headers: [], dir };
}

/** The address of a stop, its notes filled up so that it is 1,024 bytes. */
async function stopOfOneKilobyte(url, authorization) {
  const target = `${url}/api/v1/stops/1`;
  const stop = await (await fetch(target, { headers: { authorization } })).json();
  const left = 1024 - Buffer.byteLength(JSON.stringify(stop));
  const reply = await fetch(target, { method: 'PATCH',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ notes: stop.notes.padEnd(stop.notes.length + left) }) });
  if (!reply.ok) throw new Error(await reply.text());
  return target;
}

async function main() {
  const data = lib.labData();
  const own = await lib.startFieldline(0, data, ['--workers', '1']);
  const auth = `Authorization: Bearer ${lib.token(1, 1, 'LOGISTICS_MANAGE')}`;
  const target = await stopOfOneKilobyte(own.url, auth.slice(15));
  const reply = await fetch(target,
    { headers: { authorization: auth.slice(15), 'accept-encoding': 'identity' } });
  const bytes = (await reply.arrayBuffer()).byteLength;
  const etag = reply.headers.get('etag');

  const port = await lib.freePort();
  const bare = lib.startOn(0, path.join(lib.BUILD, 'bench', 'bare_loop'),
    [String(port)]);
  await lib.untilListening(port, bare);
  const servers = [
    { name: 'fieldline hit', child: own.child, target, headers: [auth] },
    { name: 'fieldline 304', child: own.child, target,
      headers: [auth, `If-None-Match: ${etag}`] },
    { name: 'bare loop', child: bare, target: `http://127.0.0.1:${port}/`,
      headers: [] },
    await nginx(target, [auth]),
  ];
  const rows = servers.map(() => []);
  for (const server of servers) wrk(server.target, server.headers); // warm
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < servers.length; i++) {
      rows[i].push(await measure(servers[i]));
    }
  }
  const of = (i, key) => lib.median(rows[i].map((row) => row[key]));
  const ratio = (i) => lib.median(rows[0].map((row, round) =>
    row.cpu / rows[i][round].cpu));
  const table = servers.map((server, i) => `| ${server.name} | ` +
    `${Math.round(of(i, 'rate'))} | ${of(i, 'p50')} / ${of(i, 'p99')} | ` +
    `${of(i, 'cpu').toFixed(2)} | ` +
    `${(lib.residentBytes(server.child.pid) / 2 ** 20).toFixed(1)} |`);
  lib.report('http', [
    `A stop of ${bytes} bytes, authentication, tenant check and ETag on; wrk ` +
    `${lib.version('wrk', ['-v'], /wrk (\S+)/)} -t1 -c${CONNECTIONS}, ` +
    `${SECONDS} s, medians of ${ROUNDS}, libuv 1.44.`, '',
    '| server | requests/s | P50 / P99 µs | CPU µs a request | RSS MB |',
    '|---|--:|--:|--:|--:|', ...table, '',
    `CPU a request, fieldline to nginx: ${ratio(3).toFixed(2)} (asked: at ` +
    `most 0.70); to the bare loop: ${ratio(2).toFixed(2)} (asked: at most ` +
    `1.25). P99 to nginx's: ${(of(0, 'p99') / of(3, 'p99')).toFixed(2)} ` +
    '(asked: at most 1).']);
  await Promise.all(servers.slice(1).map(({ child }) => lib.stop(child)));
  fs.rmSync(servers[3].dir, { recursive: true });
  fs.rmSync(data, { recursive: true });
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
