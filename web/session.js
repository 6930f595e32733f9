// session - one live connection to the hub: CONNECT, topics, and back again.
//
// The protocol is docs/protocol.md. After a break it reconnects with
// exponential backoff and full jitter, and says from which position, so that
// what was missed comes first; when the server answers MUST_RELOAD it calls
// onReload() and starts from now.

/**
 * @typedef {object} SessionEvents
 * @property {(message: object) => void} onMessage every change and relay
 * @property {(state: 'connecting'|'live'|'down'|'refused', why?: string) => void} onState
 * @property {() => void} onReload what was read before may be out of date
 */

const BACKOFF_MS_MIN = 500;
const BACKOFF_MS_MAX = 15000;

export class Session {
  #token; #topics; #events; #socket; #position; #tries = 0; #closed = false;

  /**
   * @param {string} token
   * @param {string[]} topics
   * @param {SessionEvents} events
   */
  constructor(token, topics, events) {
    this.#token = token;
    this.#topics = topics;
    this.#events = events;
    this.#open();
  }

  close() {
    this.#closed = true;
    this.#socket?.close(1000);
  }

  #open() {
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(`${scheme}//${location.host}/ws`);
    this.#socket = socket;
    this.#events.onState('connecting');
    socket.onopen = () => this.#send({
      type: 'CONNECT', token: this.#token, position: this.#position,
    });
    socket.onmessage = (event) => this.#receive(JSON.parse(event.data));
    socket.onclose = (event) => this.#lost(event);
  }

  #send(message) {
    this.#socket.send(JSON.stringify(message));
  }

  #receive(message) {
    if (message.position) this.#position = message.position;
    switch (message.type) {
    case 'CONNECTED':
      this.#tries = 0;
      this.#send({ type: 'SUBSCRIBE', topics: this.#topics,
        position: this.#position });
      break;
    case 'SUBSCRIBED':
      this.#events.onState('live');
      break;
    case 'MUST_RELOAD':
      this.#position = undefined;
      this.#events.onReload();
      break;
    default:
      this.#events.onMessage(message);
    }
  }

  #lost(event) {
    if (this.#closed) return;
    if (event.code === 4001 || event.code === 4002) {
      this.#events.onState('refused', event.reason);
      return;
    }
    this.#events.onState('down', event.reason);
    const bound = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** this.#tries++);
    setTimeout(() => this.#open(), bound / 2 + Math.random() * bound / 2);
  }
}
