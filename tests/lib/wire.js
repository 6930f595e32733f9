// wire - a raw TCP connection for what no well-behaved client would send.
'use strict';

const net = require('node:net');

class Wire {
  static open(server, options = {}) {
    const wire = new Wire();
    wire.received = '';
    wire.waiting = [];
    wire.socket = net.connect({ port: server.port, host: '127.0.0.1',
      ...options });
    wire.socket.setEncoding('latin1');
    wire.socket.on('data', (text) => {
      wire.received += text;
      wire.check();
    });
    wire.socket.on('error', () => {});
    wire.closed = new Promise((resolve) => wire.socket.on('close', () => {
      wire.ended = true;
      wire.check();
      resolve(wire.received);
    }));
    return new Promise((resolve) => wire.socket.on('connect',
      () => resolve(wire)));
  }

  check() {
    this.waiting = this.waiting.filter(({ test, resolve, reject }) => {
      if (test(this.received)) resolve(this.received);
      else if (this.ended) reject(new Error(`closed after ${this.received}`));
      else return true;
      return false;
    });
  }

  send(text) {
    this.socket.write(text, 'latin1');
    return this;
  }

  until(test) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ test, resolve, reject });
      this.check();
    });
  }

  close() {
    this.socket.destroy();
    return this.closed;
  }
}

/** Splits a stream of replies with Content-Length; returns [{head, body}]. */
function replies(text) {
  const all = [];
  while (text.length) {
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) break;
    const head = text.slice(0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    all.push({ status: Number(head.split(' ')[1]), head,
      body: text.slice(end + 4, end + 4 + length) });
    text = text.slice(end + 4 + length);
  }
  return all;
}

module.exports = { Wire, replies };
