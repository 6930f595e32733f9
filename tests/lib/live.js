// live - a client of the hub's protocol (docs/protocol.md) that remembers what
// it was told and lets a test wait for a message instead of for a time.
'use strict';

const WebSocket = require('ws');

class Live {
  /**
   * Connects, says who it is, subscribes.
   * @param {import('./server.js').Server} server
   * @param {string} token
   * @param {{topics?: string[], position?: string, options?: object}} [how]
   */
  static async open(server, token, { topics = ['tenant'], position,
    options } = {}) {
    const live = new Live(server, options);
    await live.opened;
    live.send({ type: 'CONNECT', token, position });
    live.connected = await live.next((m) => m.type === 'CONNECTED');
    if (topics.length) {
      live.send({ type: 'SUBSCRIBE', topics, position });
      live.subscribed = await live.next((m) => m.type === 'SUBSCRIBED');
    }
    return live;
  }

  constructor(server, options = {}) {
    this.messages = [];
    this.waiting = new Set();
    this.socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`,
      options);
    this.opened = new Promise((resolve, reject) => {
      this.socket.on('open', resolve);
      this.socket.on('error', reject);
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => {
        this.closeCode = code;
        const why = new Error(`closed with ${code} ${reason}`);
        for (const wait of this.waiting) wait.reject(why);
        resolve({ code, reason: reason.toString() });
      });
    });
    this.socket.on('message', (data) => this.#receive(JSON.parse(data)));
  }

  #receive(message) {
    this.messages.push(message);
    for (const wait of this.waiting) {
      if (!wait.accept(message)) continue;
      this.waiting.delete(wait);
      wait.resolve(message);
    }
  }

  send(message) {
    this.socket.send(JSON.stringify(message));
  }

  /** The first message, come or to come, that fits. */
  next(accept) {
    const there = this.messages.find(accept);
    if (there) return Promise.resolve(there);
    return new Promise((resolve, reject) => {
      if (this.closeCode) reject(new Error(`closed with ${this.closeCode}`));
      this.waiting.add({ accept, resolve, reject });
    });
  }

  /** Feed messages so far, in the order they came. */
  get changes() {
    return this.messages.filter((m) => m.resource && m.position);
  }

  async close() {
    this.socket.close();
    return this.closed;
  }
}

module.exports = { Live };
