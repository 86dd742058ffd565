// The relay's socket: deliveries come in, one after another; sends go out and are answered by id.

import { once } from 'node:events';
import { WebSocket } from 'ws';
import { Lost, Refused } from './errors.mjs';
import { ClientFrame, ServerFrame } from './wire.mjs';

const LARGEST_MESSAGE = 1 << 20;

export class Socket {
  #ws;
  #handlers;
  #answers = new Map();
  #handled = Promise.resolve();
  #drained = withResolvers();

  /**
   * Opens the socket of a device. `handlers.delivered(envelope)` makes an envelope safe before it returns: it is
   * acknowledged then. `handlers.prekeysLeft(count)` hears that one-time keys run out, `handlers.closed(code)` that
   * it is over.
   */
  static async open(relay, handlers) {
    const ws = new WebSocket(`${relay.url.replace(/^http/, 'ws')}/v1/socket`, {
      headers: { authorization: `Bearer ${relay.token}` },
      maxPayload: LARGEST_MESSAGE,
      perMessageDeflate: false,
    });
    const socket = new Socket(ws, handlers);
    await once(ws, 'open');
    return socket;
  }

  /** Use `Socket.open`. */
  constructor(ws, handlers) {
    this.#ws = ws;
    this.#handlers = handlers;
    this.#drained.promise.catch(() => {});
    ws.on('message', (bytes) => this.#take(ServerFrame.decode(bytes)));
    ws.on('close', (code) => this.#end(code));
    // What it is about is said by the close code, or by the failure to open.
    ws.on('error', () => {});
  }

  /** Resolves when everything that had waited is handled. */
  get drained() {
    return this.#drained.promise;
  }

  /** Sends one `Send`; resolves when it is safe. Throws Refused, or Lost when nobody can say. */
  send(send) {
    const answer = withResolvers();
    this.#answers.set(key(send.id), answer);
    this.#write({ sends: [send] }, (error) => error && this.#settle(send.id)?.reject(new Lost(1006)));
    return answer.promise;
  }

  async close() {
    if (this.#ws.readyState === WebSocket.CLOSED) return;
    this.#ws.close(1000);
    await once(this.#ws, 'close');
    await this.#handled;
  }

  #write(frame, done = () => {}) {
    this.#ws.send(ClientFrame.encode(frame), done);
  }

  #take({ deliveries, sent, refusals, drained, prekeysLeft }) {
    for (const id of sent) this.#settle(id)?.resolve();
    for (const { id, reason, ...detail } of refusals) {
      this.#settle(id)?.reject(new Refused(reason.toLowerCase(), detail));
    }
    // In a chain of their own: handling one may send, and wait for the answer to that.
    this.#handled = this.#handled.then(() => this.#handle(deliveries));
    if (drained) this.#handled = this.#handled.then(() => this.#drained.resolve());
    if (prekeysLeft !== undefined) this.#handlers.prekeysLeft(prekeysLeft);
  }

  async #handle(deliveries) {
    for (const { envelope } of deliveries) await this.#handlers.delivered(envelope);
    const last = deliveries.at(-1);
    if (last) this.#write({ acknowledged: last.number });
  }

  #settle(id) {
    const answer = this.#answers.get(key(id));
    this.#answers.delete(key(id));
    return answer;
  }

  #end(code) {
    const lost = new Lost(code);
    for (const answer of this.#answers.values()) answer.reject(lost);
    this.#answers.clear();
    this.#drained.reject(lost);
    this.#handlers.closed(code);
  }
}

const key = (id) => Buffer.from(id).toString('hex');

/** As Promise.withResolvers, which Node 20 does not have. */
function withResolvers() {
  let resolve, reject;
  const promise = new Promise((...both) => ([resolve, reject] = both));
  return { promise, resolve, reject };
}
