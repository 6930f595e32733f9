// watch - prints what the hub says about some topics, one message a line.
//
//   node docs/examples/watch.js URL TOKEN COUNT TOPIC...
//
// Ends after COUNT messages. The protocol is docs/protocol.md.
'use strict';

const WebSocket = require('ws');

const [url, token, count, ...topics] = process.argv.slice(2);
const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws`);
let left = Number(count);

socket.on('open', () => {
  socket.send(JSON.stringify({ type: 'CONNECT', token }));
  socket.send(JSON.stringify({ type: 'SUBSCRIBE', topics }));
});
socket.on('message', (text) => {
  console.log(text.toString());
  if (--left === 0) socket.close();
});
socket.on('close', (code, reason) => {
  if (left > 0) console.error(`closed: ${code} ${reason}`);
  process.exit(left > 0 ? 1 : 0);
});
