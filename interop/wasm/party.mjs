// A device in WASM whose sessions live outside it, as bytes: restored before each use and stored
// after it, as an application with a database does it. Named like the parties of interop/official.

import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';

/** The module that scripts/wasm.sh builds. */
export const wasm = createRequire(import.meta.url)('../../build/wasm/node/tradepost_signal.js');

export class Party {
  #stored = new Map();

  constructor({ name = randomUUID(), device = 1 } = {}) {
    this.address = new wasm.Address(name, device);
    this.device = new wasm.Device(this.address);
  }

  offerBundle({ oneTime = true } = {}) {
    return this.device.offerBundle(oneTime, Date.now());
  }

  processBundle(remote, bundle) {
    this.#withSession(remote, () => this.device.start(remote, bundle, Date.now()));
  }

  /** Returns what travels: the bytes and what kind of message they are. */
  encrypt(remote, plaintext) {
    return this.#withSession(remote, () =>
      travelling(this.device.encrypt(remote, plaintext, Date.now())),
    );
  }

  decrypt(remote, { kind, bytes }) {
    const message = new wasm.Message(kind, bytes);
    try {
      return this.#withSession(remote, () => this.device.decrypt(remote, message));
    } finally {
      message.free();
    }
  }

  /** The stored session as it is, or null. */
  serialized(remote) {
    return this.#stored.get(remote) ?? null;
  }

  /** What fails is not stored. An address is its object here: every party has one. */
  #withSession(remote, work) {
    const before = this.#stored.get(remote);
    if (before) this.device.restoreSession(remote, before);
    const outcome = work();
    this.#stored.set(remote, this.device.sessionBytes(remote));
    return outcome;
  }
}

/** Takes a message out of WASM. */
export function travelling(message) {
  const { kind, bytes } = message;
  message.free();
  return { kind, bytes };
}
