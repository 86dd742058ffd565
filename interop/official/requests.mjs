// Reading the fields of a request: each reader throws a BadRequest that names the field.

import * as S from '@signalapp/libsignal-client';

/** The request itself is wrong: the official package was not asked anything. */
export class BadRequest extends Error {
  name = 'BadRequest';
}

export class Fields {
  #values;

  constructor(values, what = 'request') {
    if (typeof values !== 'object' || values === null || Array.isArray(values)) {
      throw new BadRequest(`${what} is not an object`);
    }
    this.#values = values;
  }

  /** Present and not null. */
  has(name) {
    return this.#values[name] !== undefined && this.#values[name] !== null;
  }

  text(name, fallback) {
    return this.#read(name, fallback, (value) => typeof value === 'string', 'a string');
  }

  number(name, fallback) {
    return this.#read(name, fallback, Number.isSafeInteger, 'a whole number');
  }

  flag(name, fallback = false) {
    return this.#read(name, fallback, (value) => typeof value === 'boolean', 'true or false');
  }

  list(name) {
    return this.#read(name, undefined, Array.isArray, 'a list');
  }

  bytes(name) {
    return bytesOf(this.text(name), name);
  }

  byteLists(name) {
    return this.list(name).map((value, index) => bytesOf(value, `${name}[${index}]`));
  }

  object(name) {
    return new Fields(this.#values[name], name);
  }

  objects(name) {
    return this.list(name).map((value, index) => new Fields(value, `${name}[${index}]`));
  }

  /** A `{name, device}` object as a protocol address. */
  address(name) {
    return addressOf(this.object(name));
  }

  addresses(name) {
    return this.objects(name).map(addressOf);
  }

  publicKey(name) {
    return S.PublicKey.deserialize(this.bytes(name));
  }

  /** A private key; a new one if the field is absent. */
  privateKey(name) {
    return this.has(name)
      ? S.PrivateKey.deserialize(this.bytes(name))
      : S.PrivateKey.generate();
  }

  /** Milliseconds since 1970 as a Date; the present if the field is absent. */
  date(name) {
    return new Date(this.number(name, Date.now()));
  }

  #read(name, fallback, accepts, expected) {
    const value = this.has(name) ? this.#values[name] : fallback;
    if (value === undefined) throw new BadRequest(`field ${name} is missing`);
    if (value !== fallback && !accepts(value)) {
      throw new BadRequest(`field ${name} is not ${expected}`);
    }
    return value;
  }
}

function bytesOf(value, what) {
  if (typeof value !== 'string') throw new BadRequest(`field ${what} is not base64`);
  const bytes = Buffer.from(value, 'base64');
  // Buffer.from skips what it does not understand, which would hide a driver's mistake; a pattern
  // that checks it overflows the stack for messages of megabytes.
  if (value.length % 4 !== 0 || bytes.length !== decodedLength(value)) {
    throw new BadRequest(`field ${what} is not base64`);
  }
  return bytes;
}

function decodedLength(base64) {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return (base64.length / 4) * 3 - padding;
}

function addressOf(fields) {
  return S.ProtocolAddress.new(fields.text('name'), fields.number('device'));
}
