// Random requests with a token of lab 1 never return a byte of lab 2's: while
// stops move between the labs, and whatever is asked for by name, filter,
// relation, cursor or topic.
'use strict';

const assert = require('node:assert');
const { after, before, describe, test } = require('node:test');

const { Live } = require('../lib/live.js');
const { Random } = require('../lib/random.js');
const { Server } = require('../lib/server.js');

const REQUESTS = 1500;
const RESOURCES = ['labs', 'users', 'drivers', 'vehicles', 'clinics', 'routes',
  'stops', 'pickups', 'samples'];
const RELATIONS = { drivers: ['user.email', 'vehicle.plate', 'routes.name'],
  routes: ['driver.name', 'vehicle.plate', 'stops.notes'],
  stops: ['route.name', 'clinic.name', 'driver.name', 'samples.barcode'],
  pickups: ['clinic.name', 'driver.name'],
  samples: ['stop.notes', 'clinic.name'], clinics: ['stops.notes'] };
const TABLES = { labs: 'labs', users: 'users', drivers: 'drivers',
  vehicles: 'vehicles', clinics: 'clinics', routes: 'routes',
  stops: 'route_stops', pickups: 'pickup_requests', samples: 'samples' };

// Text that only a row of lab 2 holds, put there before the server starts.
const SECRET_OF_LAB_2 = 'belongs-to-lab-2';

for (const store of ['sqlite', 'postgres']) {
  describe(`tenants on ${store}`, () => {
    let server, mine, theirs;
    const keys = {};

    before(async () => {
      server = await Server.start({ store });
      mine = server.token(1, 1, 'LOGISTICS_MANAGE');
      theirs = server.token(2, 2, 'LOGISTICS_MANAGE');
      for (const [table, column] of [['users', 'name'], ['drivers', 'name'],
        ['vehicles', 'model'], ['clinics', 'name'], ['routes', 'name'],
        ['route_stops', 'notes'], ['pickup_requests', 'notes']]) {
        server.sql(`update ${table} set ${column} = '${SECRET_OF_LAB_2} ' ` +
          `|| id where lab_id = 2`);
      }
      for (const [name, table] of Object.entries(TABLES)) {
        const tenant = table === 'labs' ? 'id' : 'lab_id';
        const ids = (lab) => server.sql(`select id from ${table} where ` +
          `${tenant} = ${lab} order by id limit 40`).split('\n').filter(Boolean);
        keys[name] = { own: ids(1), other: ids(2) };
        assert.ok(keys[name].other.length, `${table} has no row of lab 2`);
      }
    });
    after(() => server.stop());

    function assertMine(text, what) {
      assert.ok(!text.includes(SECRET_OF_LAB_2), `${what} showed ${text}`);
      const visit = (value) => {
        if (Array.isArray(value)) value.forEach(visit);
        else if (value && typeof value === 'object') {
          if (value.lab_id !== undefined) {
            assert.strictEqual(Number(value.lab_id), 1, `${what}: ${text}`);
          }
          Object.values(value).forEach(visit);
        }
      };
      if (text) visit(JSON.parse(text));
    }

    async function cursorOf(name) {
      const { body } = await server.json(`/api/v1/${name}?limit=1`,
        { token: theirs });
      return body.next;
    }

    function randomTarget(random, cursors) {
      const name = random.pick(RESOURCES);
      const fields = RELATIONS[name] && random.chance(50)
        ? `fields=id,${random.pick(RELATIONS[name])}` : 'limit=40';
      const other = random.pick(keys[name].other);
      switch (random.below(6)) {
      case 0: return `/api/v1/${name}/${other}`;
      case 1: return `/api/v1/${name}/${random.pick(keys[name].own)}?${fields}`;
      case 2: return `/api/v1/${name}?lab_id=eq.2`;
      case 3: return `/api/v1/${name}?${fields}`;
      case 4: return `/api/v1/stops?clinic_id=eq.` +
        `${random.pick(keys.clinics.other)}&fields=id,notes,clinic.name`;
      default: return `/api/v1/${name}?limit=5&cursor=` +
        encodeURIComponent(cursors[name] ?? 'x');
      }
    }

    test(`${REQUESTS} random reads`, async () => {
      const random = new Random();
      const cursors = {};
      for (const name of RESOURCES) cursors[name] = await cursorOf(name);
      for (let i = 0; i < REQUESTS; i++) {
        const target = randomTarget(random, cursors);
        // The same URL for both labs: nothing cached crosses over.
        if (random.chance(50)) {
          await (await server.fetch(target, { token: theirs })).arrayBuffer();
        }
        const reply = await server.fetch(target, { token: mine });
        assert.ok([200, 400, 404].includes(reply.status),
          `${target}: ${reply.status}`);
        assertMine(await reply.text(), target);
      }
    });

    test('an item of another lab is 404 for read, patch and delete',
      async () => {
        for (const name of RESOURCES) {
          const target = `/api/v1/${name}/${keys[name].other[0]}`;
          for (const [method, body] of [['GET'], ['PATCH', '{"notes":"x"}'],
            ['DELETE']]) {
            const reply = await server.fetch(target,
              { token: mine, method, body });
            assert.ok([400, 403, 404, 422].includes(reply.status),
              `${method} ${target}: ${reply.status}`);
            if (method === 'GET') assert.strictEqual(reply.status, 404);
            await reply.arrayBuffer();
          }
        }
        assert.strictEqual(server.sql('select count(*) from route_stops ' +
          `where id = ${keys.stops.other[0]} and notes = 'x'`), '0');
      });

    test('a write cannot put a row into, or point it at, another lab',
      async () => {
        const id = keys.stops.own[0];
        for (const body of [{ lab_id: 2 },
          { clinic_id: Number(keys.clinics.other[0]) },
          { driver_id: Number(keys.drivers.other[0]) },
          { route_id: Number(keys.routes.other[0]) }]) {
          const reply = await server.fetch(`/api/v1/stops/${id}`, {
            token: mine, method: 'PATCH', body: JSON.stringify(body) });
          assert.ok(reply.status >= 400 && reply.status < 500,
            `${JSON.stringify(body)}: ${reply.status}`);
          assertMine(await reply.text(), JSON.stringify(body));
        }
        assert.strictEqual(server.sql('select count(*) from route_stops where ' +
          `id = ${id} and lab_id = 1`), '1');
      });

    test('stops that move between labs are told to each side only while ' +
      'they are its own', async () => {
      const random = new Random();
      const one = await Live.open(server, mine,
        { topics: ['tenant', 'role:LOGISTICS_MANAGE'] });
      const two = await Live.open(server, theirs);
      const stops = keys.stops.own.slice(0, 5);
      for (let i = 0; i < 60; i++) {
        const id = random.pick(stops);
        const lab = 1 + random.below(2);
        server.sql(`update route_stops set lab_id = ${lab}, notes = '` +
          `${lab === 2 ? SECRET_OF_LAB_2 : 'of lab 1'} m${i}' where id = ${id}`);
        const reply = await server.fetch(`/api/v1/stops?limit=50`,
          { token: mine });
        assertMine(await reply.text(), `after move ${i}`);
      }
      server.sql(`update route_stops set notes = 'the end' where id in ` +
        `(${keys.stops.own[10]}, ${keys.stops.other[10]})`);
      await one.next((m) => m.data?.notes === 'the end');
      await two.next((m) => m.data?.notes === 'the end');
      for (const message of one.messages) {
        assertMine(JSON.stringify(message), 'a message to lab 1');
      }
      for (const message of two.changes) {
        if (message.data?.notes) {
          assert.ok(!message.data.notes.startsWith('of lab 1'),
            JSON.stringify(message));
        }
      }
      await one.close();
      await two.close();
    });

    test('a topic of another lab, role or user is refused', async () => {
      const driver = server.token(keys.drivers.own[0], 1, 'LOGISTICS_EXECUTE');
      const live = await Live.open(server, driver, { topics: [] });
      for (const topic of [`record:stops/${keys.stops.other[20]}`,
        'role:LOGISTICS_MANAGE', 'tenant:2', 'user:2', 'record:nothing/1', '']) {
        live.send({ type: 'SUBSCRIBE', topics: [topic], id: `t-${topic}` });
        const answer = await live.next((m) =>
          m.id === `t-${topic}` && m.type === 'ERROR');
        assert.ok(!live.messages.some((m) => m.type === 'SUBSCRIBED' &&
          m.topics.includes(topic)), JSON.stringify(answer));
      }
      await live.close();
    });

    test('positions of the other lab\'s drivers are not shown', async () => {
      const key = keys.drivers.other[0];
      const sender = await Live.open(server,
        server.token(key, 2, 'LOGISTICS_EXECUTE'), { topics: [] });
      const watching = await Live.open(server, theirs,
        { topics: ['role:LOGISTICS_MANAGE'] });
      const listening = await Live.open(server, mine,
        { topics: ['tenant', 'role:LOGISTICS_MANAGE'] });
      sender.send({ type: 'DRIVER_LOCATION_UPDATED', id: 'here',
        payload: { driverId: key, lat: 40, lng: -73 } });
      await watching.next((m) => m.type === 'DRIVER_LOCATION_UPDATED');
      for (const target of ['/api/v1/live/drivers',
        '/api/v1/live/drivers?near=40,-73&radius=5000km']) {
        const { body } = await server.json(target, { token: mine });
        assert.deepStrictEqual(body.data, [], target);
      }
      const { body } = await server.json('/api/v1/live/drivers',
        { token: theirs });
      assert.strictEqual(body.data.length, 1);
      assert.ok(!listening.messages.some((m) =>
        m.type === 'DRIVER_LOCATION_UPDATED'));
      for (const live of [sender, watching, listening]) await live.close();
    });

    test('a driver may not move another driver', async () => {
      const [own, other] = keys.drivers.own;
      const live = await Live.open(server,
        server.token(own, 1, 'LOGISTICS_EXECUTE'), { topics: [] });
      live.send({ type: 'DRIVER_LOCATION_UPDATED', id: 'not-me',
        payload: { driverId: other, lat: 1, lng: 1 } });
      const answer = await live.next((m) => m.id === 'not-me');
      assert.strictEqual(answer.type, 'ERROR');
      await live.close();
    });

    test('a user whose role changed is judged by his new token', async () => {
      const clinic = server.token(3, 1, 'CLINIC');
      const manage = server.token(3, 1, 'LOGISTICS_MANAGE');
      const target = `/api/v1/users/${keys.users.own[0]}`;
      for (let i = 0; i < 20; i++) {
        const wide = await server.json(target, { token: manage });
        const cut = await server.json(target, { token: clinic });
        assert.ok('email' in wide.body);
        assert.deepStrictEqual(Object.keys(cut.body).sort(),
          ['id', 'name', 'role']);
      }
      const sorted = await server.fetch('/api/v1/users?email=eq.x',
        { token: clinic });
      assert.strictEqual(sorted.status, 400);
    });
  });
}
