// The README's examples, run exactly as printed, on a loopback of their own
// (its port 8080 is nobody else's).
'use strict';

const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');

const { BINARY, ROOT } = require('../lib/server.js');

function blocks() {
  const readme = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
  const examples = readme.slice(readme.indexOf('## Five examples'),
    readme.indexOf('## What is there'));
  return [...examples.matchAll(/```sh\n([^]*?)```/g)].map((m) => m[1]);
}

test('the examples work as printed', () => {
  const [server, ...examples] = blocks();
  assert.strictEqual(examples.length, 5);
  // The examples use /tmp/lab; their /tmp is fresh, so what they need is
  // copied to where it does not hide it.
  const scratch = fs.mkdtempSync('/var/tmp/fieldline-readme-');
  for (const part of ['apps/lab-portal', 'docs/examples', 'node_modules/ws']) {
    fs.cpSync(path.join(ROOT, part), path.join(scratch, part),
      { recursive: true, filter: (from) => path.basename(from) !== '.data' });
  }
  fs.mkdirSync(path.join(scratch, 'build'));
  fs.copyFileSync(BINARY, path.join(scratch, 'build', 'fieldline'));
  const script = ['set -e', 'mount -t tmpfs none /tmp', 'ip link set lo up',
    // Its first line would else fall among the examples' answers.
    '{', server, '} >server.log', 'SERVER=$!',
    'until grep -q ^listening server.log; do :; done',
    ...examples.flatMap((example, i) =>
      [`echo "--- ${i}"`, example.trimEnd(), 'echo']),
    'kill $SERVER', 'wait $SERVER'].join('\n');
  // Whoever is not root becomes it in a user namespace, to make the others.
  const user = process.getuid() === 0 ? [] : ['--map-root-user'];
  const output = execFileSync('unshare', [...user, '--net', '--mount', 'bash',
    '-c', script], { cwd: scratch, encoding: 'utf8' });
  fs.rmSync(scratch, { recursive: true });
  const answers = output.split(/--- \d\n/).slice(1);

  const list = JSON.parse(answers[0]);
  assert.strictEqual(list.data.length, 3);
  assert.ok(list.data[0].clinic.name);
  assert.match(answers[1], /Cache-Status: fieldline; hit/);
  assert.match(answers[2], /^HTTP\/1\.1 200[^]*"status":"arrived"/);
  const told = answers[3].trim().split('\n').map((line) => JSON.parse(line));
  assert.strictEqual(told[2].data.notes, 'ring twice');
  assert.deepStrictEqual(JSON.parse(answers[4]).data, []);
});
