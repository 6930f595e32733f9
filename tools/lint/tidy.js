// tidy - clang-tidy over every source that a build directory compiles.
//
//   node tools/lint/tidy.js BUILD
//
// What was found clean is remembered by a digest of its preprocessed text and
// of the configuration, so only what has changed since is looked at again.
'use strict';

const { execFile } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { promisify } = require('node:util');

const { REPOSITORY } = require('./tree.js');

const exec = promisify(execFile);
const OUTPUT_MAX = 256 << 20;

// Comments count (-C): NOLINT stands in them.
async function digestOf(command, config) {
  const { stdout } = await exec('sh',
    ['-c', `${command.command} -E -C -o - -MF /dev/null`],
    { cwd: command.directory, maxBuffer: OUTPUT_MAX });
  return crypto.createHash('sha256').update(config).update(stdout)
    .digest('hex');
}

// Resolves to what is wrong with one source, '' if nothing.
async function judge(build, command, config) {
  const digest = await digestOf(command, config);
  const clean = path.join(build, 'tidied', digest);
  if (fs.existsSync(clean)) return '';
  const file = path.resolve(command.directory, command.file);
  try {
    await exec('clang-tidy', ['--quiet', '-p', build, file],
      { maxBuffer: OUTPUT_MAX });
  } catch (error) {
    return error.stdout || error.message;
  }
  fs.writeFileSync(clean, '');
  return '';
}

async function main(build) {
  const config = fs.readFileSync(path.join(REPOSITORY, '.clang-tidy'));
  const commands = JSON.parse(
    fs.readFileSync(path.join(build, 'compile_commands.json'), 'utf8'))
    .filter((command) => /^\.\.\/(src|tools)\//.test(command.file));
  fs.mkdirSync(path.join(build, 'tidied'), { recursive: true });

  let wrong = 0;
  const work = async () => {
    for (let c = commands.pop(); c; c = commands.pop()) {
      const found = await judge(build, c, config);
      if (!found) continue;
      wrong++;
      console.error(found.trimEnd());
    }
  };
  await Promise.all(Array.from({ length: os.cpus().length }, work));
  process.exit(wrong ? 1 : 0);
}

main(process.argv[2]);
