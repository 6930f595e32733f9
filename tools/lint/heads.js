// heads - every C file begins with its licence and a comment that says what it
// is and, after "Threads:", who may call it; a room's header is guarded by its
// path, so that no two rooms hide each other's.
'use strict';

const { sources, lines, run } = require('./tree.js');

const LICENCE = '/* SPDX-License-Identifier: MIT */';

// The comment that begins on line 2, or null.
function headComment(text) {
  if (!text[1] || !text[1].startsWith('/*')) return null;
  const end = text.findIndex((line, i) => i > 0 && line.includes('*/'));
  return end < 0 ? null : text.slice(1, end + 1).join('\n');
}

// What guards a header of a room; any other header only needs a guard.
function guardOf(file) {
  const inRoom = /^src\/(.*)/.exec(file);
  return inRoom
    ? `FIELDLINE_${inRoom[1].replace(/\W/g, '_').toUpperCase()}`
    : 'FIELDLINE_\\w+_H';
}

function judge(file, text) {
  const wrong = [];
  const head = headComment(text);
  if (text[0] !== LICENCE) wrong.push(`line 1 is not '${LICENCE}'`);
  if (!head) wrong.push('no comment on line 2 says what this is');
  else if (!/\bThreads: \S/.test(head)) {
    wrong.push("the head comment has no 'Threads:'");
  }
  if (file.endsWith('.h')) {
    const guard = guardOf(file);
    const guarded = new RegExp(`^#ifndef (${guard})\n#define \\1$`, 'm');
    if (!guarded.test(text.join('\n'))) {
      wrong.push(`the header is not guarded by ${guard}`);
    }
  }
  return wrong.map((what) => `${file}: ${what}`);
}

function mistakes(root) {
  return sources(root).flatMap((file) => judge(file, lines(root, file)));
}

if (require.main === module) run(mistakes);

module.exports = { mistakes };
