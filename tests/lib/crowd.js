// crowd - ten thousand clients in one process: raw sockets, little memory.
'use strict';

const { Wire } = require('./wire.js');

const AT_A_TIME = 250;

/** Makes count of them, so many at a time that no backlog overflows. */
async function gather(count, make) {
  const all = [];
  while (all.length < count) {
    const batch = Math.min(AT_A_TIME, count - all.length);
    all.push(...await Promise.all(Array.from({ length: batch }, make)));
  }
  return all;
}

/** A text message of a client, under a mask of zeros. */
function textFrame(text) {
  const length = Buffer.byteLength(text);
  const size = length < 126 ? [0x80 | length]
    : [0xfe, length >> 8, length & 255];
  const head = Buffer.from([0x81, ...size, 0, 0, 0, 0]);
  return head.toString('latin1') + text;
}

/** A socket that has connected and subscribed; what it hears is in received. */
async function subscriber(server, token, topics) {
  const wire = await Wire.open(server);
  wire.send('GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n' +
    'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  await wire.until((text) => text.includes('\r\n\r\n'));
  wire.send(textFrame(JSON.stringify({ type: 'CONNECT', token })) +
    textFrame(JSON.stringify({ type: 'SUBSCRIBE', topics })));
  await wire.until((text) => text.includes('"SUBSCRIBED"'));
  return wire;
}

module.exports = { gather, subscriber, textFrame };
