// dashboard - what this server is doing now, through its public interfaces:
// /api/performance each second, the data API once, and the hub for the rest.

import { CourierMap } from './map.js';
import { Session } from './session.js';

const HISTORY = 60;
const CHANGES_SHOWN = 40;
const PAGE = 200;
const TOKEN_KEY = 'fieldline.token';

const $ = (id) => document.getElementById(id);
const map = new CourierMap($('map'));
const history = { rps: [], hits: [], mps: [] };
const clinics = new Map();
let completed = 0;

const number = (n, digits = 0) => Number(n).toLocaleString('en', {
  maximumFractionDigits: digits, minimumFractionDigits: digits,
});
const milliseconds = (ms) => {
  if (ms < 0.1) return `${number(ms * 1000)} µs`;
  return `${number(ms, ms < 10 ? 2 : 0)} ms`;
};

// -- performance ---------------------------------------------------------------

function line(id, values, bottom = 0) {
  const top = Math.max(...values, bottom + 1e-9);
  const points = values.map((v, i) =>
    `${(120 * (i + HISTORY - values.length) / (HISTORY - 1)).toFixed(1)},` +
    `${(26 - 24 * (v - bottom) / (top - bottom)).toFixed(1)}`).join(' ');
  $(id).innerHTML = `<polyline points="${points}"/>`;
}

function remember(name, value) {
  history[name].push(value);
  if (history[name].length > HISTORY) history[name].shift();
  line(`${name}-line`, history[name]);
}

function showClasses(cache) {
  const rows = Object.entries(cache.classes).map(([name, c]) => {
    const lookups = c.hits + c.misses + c.joined + c.stale;
    const row = document.createElement('tr');
    const rate = lookups ? `${number(100 * c.hitRate, 1)} %` : '–';
    for (const text of [name, rate, number(lookups), number(c.misses)]) {
      row.appendChild(document.createElement('td')).textContent = text;
    }
    return row;
  });
  $('classes').replaceChildren(...rows);
  $('cache-size').textContent = `${number(cache.entries)} entries, ` +
    `${number(cache.bytes / 1048576, 1)} of ${number(cache.bytesMax / 1048576)} MB`;
}

function overallHitRate(cache) {
  let hits = 0, all = 0;
  for (const c of Object.values(cache.classes)) {
    all += c.hits + c.misses + c.joined + c.stale;
    hits += c.hits + c.joined + c.stale;
  }
  return all ? 100 * hits / all : 0;
}

async function showPerformance() {
  const p = await (await fetch('/api/performance')).json();
  $('app').textContent = p.app;
  document.title = `${p.app} · Fieldline`;
  $('rps').textContent = number(p.requestsPerSecond);
  $('p50').textContent = milliseconds(p.percentiles.p50);
  $('p99').textContent = milliseconds(p.percentiles.p99);
  $('p999').textContent = milliseconds(p.percentiles['p99.9']);
  $('mps').textContent = number(p.messagesPerSecond);
  $('connections').textContent = number(p.connectionsActive);
  $('sessions').textContent = number(p.sessionsActive);
  $('writes').textContent = number(p.writesPerSecond);
  $('memory').textContent = number(p.memory / 1048576);
  $('cpu').textContent = number(p.cpuCores ?? 0, 2);
  $('position').textContent = p.feed.position;
  const hits = overallHitRate(p.cache);
  $('hits').textContent = number(hits, 1);
  remember('rps', p.requestsPerSecond);
  remember('mps', p.messagesPerSecond);
  remember('hits', hits);
  showClasses(p.cache);
}

function watchPerformance() {
  showPerformance().catch(() => {}).finally(() =>
    setTimeout(watchPerformance, 1000));
}

// -- data ------------------------------------------------------------------------

async function get(token, url) {
  const reply = await fetch(url, {
    headers: { authorization: `Bearer ${token}` },
  });
  if (!reply.ok) throw Object.assign(new Error(url), { status: reply.status });
  return reply.json();
}

async function loadClinics(token) {
  const places = [];
  let cursor = '';
  do {
    const page = await get(token, '/api/v1/clinics?fields=id,name,lat,lng' +
      `&limit=${PAGE}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    for (const clinic of page.data) {
      clinics.set(String(clinic.id), clinic);
      places.push(clinic);
    }
    cursor = page.next || '';
  } while (cursor);
  map.setPlaces(places);
}

async function loadCouriers(token) {
  const live = await get(token, '/api/v1/live/drivers');
  for (const driver of live.data) map.move(driver.key, driver);
  $('couriers').textContent = number(map.courierCount);
}

// -- live --------------------------------------------------------------------------

function showChange(message) {
  const item = document.createElement('li');
  const time = item.appendChild(document.createElement('time'));
  time.textContent = new Date().toLocaleTimeString('en-GB');
  item.appendChild(document.createElement('strong')).textContent = message.type;
  const what = item.appendChild(document.createElement('span'));
  const clinic = clinics.get(String(message.data?.clinic_id ?? ''));
  what.textContent = [`${message.resource} ${message.key}`,
    message.data?.status, clinic?.name].filter(Boolean).join(' · ');
  const list = $('changes');
  list.querySelector('.empty')?.remove();
  list.prepend(item);
  while (list.children.length > CHANGES_SHOWN) list.lastChild.remove();
  if (message.type === 'STOP_COMPLETED') {
    $('completed').textContent = number(++completed);
    if (clinic) map.ring(clinic);
  }
}

function receive(message) {
  if (message.type === 'DRIVER_LOCATION_UPDATED') {
    map.move(String(message.key), message.data);
    $('couriers').textContent = number(map.courierCount);
  } else if (message.resource) {
    showChange(message);
  }
}

function open(token, who) {
  $('who').textContent = who;
  const load = () => Promise.all([loadClinics(token), loadCouriers(token)]);
  load().then(() => new Session(token, ['tenant', 'role:LOGISTICS_MANAGE'], {
    onMessage: receive,
    onReload: load,
    onState: (state, why) => {
      $('state').dataset.state = state;
      $('state').textContent = why || state;
      if (state === 'refused') askForToken(why);
    },
  })).catch((error) => {
    if (error.status === 401) askForToken('This token is not accepted.');
    else $('state').textContent = error.message;
  });
}

function askForToken(problem = '') {
  sessionStorage.removeItem(TOKEN_KEY);
  $('sign-in').hidden = false;
  $('sign-in-problem').textContent = problem;
  $('state').textContent = 'signed out';
  $('sign-in').onsubmit = (event) => {
    event.preventDefault();
    $('sign-in').hidden = true;
    sessionStorage.setItem(TOKEN_KEY, $('token').value.trim());
    open($('token').value.trim(), '');
  };
}

async function start() {
  watchPerformance();
  const demo = await fetch('/demo/session');
  if (demo.ok) {
    const { token, user, tenant } = await demo.json();
    open(token, `user ${user} of lab ${tenant}`);
    return;
  }
  const token = sessionStorage.getItem(TOKEN_KEY);
  if (token) open(token, '');
  else askForToken();
}

start();
