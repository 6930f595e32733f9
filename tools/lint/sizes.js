// sizes - files of at most 800 lines, functions of at most 70, measured from
// the first line of the signature to the closing brace.
//
// The layout is clang-format's: of all that stands at the line's beginning
// only a function's body opens with a brace alone.
'use strict';

const { sources, lines, run } = require('./tree.js');

const FILE_MAX = 800;
const FUNCTION_MAX = 70;

// One flat switch each, which is read as a table.
const FLAT_SWITCHES = new Set(['src/proto/http.c candidate']);

function signatureOf(text, brace) {
  let first = brace - 1;
  while (first > 0 && /^\s/.test(text[first])) first--;
  const name = /(\w+)\(/.exec(text.slice(first, brace).join(' '));
  return { first, name: name ? name[1] : '?' };
}

function functions(text) {
  const found = [];
  let open = -1;
  text.forEach((line, i) => {
    if (line === '{') open = i;
    if (open < 0 || line !== '}') return;
    const { first, name } = signatureOf(text, open);
    found.push({ name, at: first + 1, length: i - first + 1 });
    open = -1;
  });
  return found;
}

function judge(file, text) {
  const length = text.length - (text.at(-1) === '' ? 1 : 0);
  const wrong = functions(text)
    .filter((f) => f.length > FUNCTION_MAX &&
      !FLAT_SWITCHES.has(`${file} ${f.name}`))
    .map((f) => `${file}:${f.at}: ${f.name}() has ${f.length} lines, more ` +
      `than ${FUNCTION_MAX}`);
  if (length > FILE_MAX) {
    wrong.push(`${file}: ${length} lines, more than ${FILE_MAX}`);
  }
  return wrong;
}

function mistakes(root) {
  return sources(root).flatMap((file) => judge(file, lines(root, file)));
}

if (require.main === module) run(mistakes);

module.exports = { mistakes, functions };
