// Everything one peer process holds: its parties and its certificate authorities, by handle.

import { Party } from './parties.mjs';

/** A request named a party or authority that does not exist, or made one that does. */
export class UnknownHandle extends Error {
  name = 'UnknownHandle';
}

export class HandleTaken extends Error {
  name = 'HandleTaken';
}

export class World {
  #parties = new Map();
  #authorities = new Map();

  addParty(handle, options) {
    if (this.#parties.has(handle)) throw new HandleTaken(`party ${handle} exists already`);
    const party = new Party(options);
    this.#parties.set(handle, party);
    return party;
  }

  party(handle) {
    return found(this.#parties.get(handle), `party ${handle}`);
  }

  forgetParty(handle) {
    return this.#parties.delete(handle);
  }

  /** Replaces an earlier authority of that handle: a test may want to rotate its keys. */
  setAuthority(handle, authority) {
    this.#authorities.set(handle, authority);
  }

  authority(handle) {
    return found(this.#authorities.get(handle), `authority ${handle}`);
  }
}

function found(value, what) {
  if (!value) throw new UnknownHandle(`there is no ${what}`);
  return value;
}
