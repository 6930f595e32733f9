// abi - what libfieldline shows the world.
//
//   node tools/lint/abi.js BUILD
//
// The shared library of a build directory exports exactly the functions that
// the public headers mark, and a program that was linked with the last tag's
// library runs with this one: abidiff compares the two, and an incompatible
// change asks for another soname. Exits 1 otherwise.
'use strict';

const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const { REPOSITORY } = require('./tree.js');

const HEADERS = 'include/fieldline';
// abidiff's exit status is a set of bits. What was added is not asked for, so
// any change is one that a program may trip over.
const CHANGED = 4 | 8;
const FAILED = 1 | 2;

function run(command, args, options = {}) {
  return execFileSync(command, args, { encoding: 'utf8', cwd: REPOSITORY,
    stdio: ['ignore', 'pipe', 'pipe'], ...options });
}

function library(build) {
  const dir = path.join(build, 'include');
  const name = fs.readdirSync(dir)
    .find((file) => /^libfieldline\.so\.\d+\.\d+\.\d+$/.test(file));
  if (!name) throw new Error(`no libfieldline.so in ${dir}`);
  return path.join(dir, name);
}

function exported(file) {
  return run('nm', ['-D', '--defined-only', file]).trim().split('\n')
    .map((line) => line.split(' ').at(-1));
}

// Functions that a header marks with FL_API.
function marked() {
  const dir = path.join(REPOSITORY, HEADERS);
  return fs.readdirSync(dir).filter((name) => name.endsWith('.h'))
    .flatMap((name) => {
      const text = fs.readFileSync(path.join(dir, name), 'utf8')
        .replace(/\/\*[\s\S]*?\*\//g, '');
      return [...text.matchAll(/^FL_API\b[^;(]*?(\w+)\s*\(/gm)]
        .map((match) => match[1]);
    });
}

function names(file) {
  const out = new Set(exported(file)), declared = new Set(marked());
  return [
    ...[...out].filter((name) => !declared.has(name))
      .map((name) => `${name} is exported and no header declares it`),
    ...[...declared].filter((name) => !out.has(name))
      .map((name) => `${name} is declared and not exported`),
  ];
}

// The newest tag that has the library, or null.
function lastTag() {
  const tags = run('git', ['tag', '--merged', 'HEAD', '--sort=-creatordate'])
    .trim().split('\n').filter(Boolean);
  return tags.find((tag) => spawnSync('git',
    ['cat-file', '-e', `${tag}:${HEADERS}/version.h`],
    { cwd: REPOSITORY }).status === 0) || null;
}

// The tag's own library, built once beside the others.
function libraryOf(tag) {
  const dir = path.join(REPOSITORY, 'build-abi', tag);
  const tree = path.join(dir, 'tree'), build = path.join(dir, 'build');
  if (!fs.existsSync(build)) {
    fs.mkdirSync(tree, { recursive: true });
    const archive = path.join(dir, 'tree.tar');
    run('git', ['archive', '--output', archive, tag]);
    run('tar', ['-xf', archive, '-C', tree]);
    run('meson', ['setup', build, tree, '-Dbuildtype=release', '-Ddebug=true']);
  }
  const target = run('ninja', ['-C', build, '-t', 'targets', 'all'])
    .match(/^(include\/libfieldline\.so\.\d+\.\d+\.\d+):/m)[1];
  run('ninja', ['-C', build, target]);
  return { file: path.join(build, target), headers: path.join(tree, HEADERS) };
}

function soname(file) {
  return /SONAME\s+(\S+)/.exec(run('objdump', ['-p', file]))[1];
}

function changes(file) {
  const tag = lastTag();
  if (!tag) {
    console.log('no tag holds the library yet: only names were checked');
    return [];
  }
  const old = libraryOf(tag);
  const diff = spawnSync('abidiff', ['--headers-dir1', old.headers,
    '--headers-dir2', path.join(REPOSITORY, HEADERS), '--drop-private-types',
    '--no-added-syms', old.file, file], { encoding: 'utf8' });
  if (diff.error) throw diff.error;
  if (diff.status & FAILED) throw new Error(`abidiff: ${diff.stderr}`);
  if (!(diff.status & CHANGED) || soname(old.file) !== soname(file)) {
    return [];
  }
  return [diff.stdout, `programs linked with ${tag} would break: give the ` +
    'library another soname (the version in meson.build), or keep its shape'];
}

const file = library(path.resolve(process.argv[2] || 'build'));
const found = [...names(file), ...changes(file)];
for (const line of found) console.error(line);
process.exit(found.length ? 1 : 0);
