// Which devices the accounts have that this one talks to, and a ciphertext for each of them.

import { Content, Kind, pad } from './wire.mjs';

export class Peers {
  #relay;
  #keys;
  #own;
  /** account → device → registration id */
  #devices = new Map();

  /** `own` is the device that talks: it needs no session with itself. */
  constructor(relay, keys, own) {
    this.#relay = relay;
    this.#keys = keys;
    this.#own = own;
  }

  /** Whether any device of the account is known; of the own one: any other. */
  knows(account) {
    return this.#devices.get(account)?.size > 0;
  }

  /** A Part for each device of the account, each encrypted in its own session. Throws IdentityChanged. */
  async seal(account, content) {
    this.#keys.expectIdentity(account);
    const padded = pad(Content.encode(content));
    const parts = [];
    for (const device of (await this.#devicesOf(account)).keys()) {
      if (!(await this.#keys.canEncryptTo(account, device))) await this.begin(account, device);
      const registrationId = this.#devices.get(account).get(device);
      parts.push({ device, registrationId, ...(await this.#keys.encrypt(account, device, padded)) });
    }
    return parts;
  }

  /** The same Part for each device of the account, readable by anybody. */
  async inTheClear(account, body) {
    const devices = [...(await this.#devicesOf(account))];
    return devices.map(([device, registrationId]) => ({ device, registrationId, kind: Kind.PLAINTEXT, body }));
  }

  /** Decrypts, and learns from a first message which device it is from. */
  async open(account, { fromDevice: device, kind, body }) {
    const padded = await this.#keys.decrypt(account, device, Kind[kind], body);
    if (kind === 'PREKEY' || !this.#devices.get(account)?.has(device)) {
      this.#note(account, device, await this.#keys.registrationIdOf(account, device));
    }
    return padded;
  }

  /** Fetches keys of one device of the account, or of all, and begins sessions. */
  async begin(account, device = null) {
    const path = `/v1/accounts/${account}/keys${device === null ? '' : `/${device}`}`;
    const { identity_key: identityKey, devices: bundles } = await this.#relay.ask('GET', path);
    for (const bundle of bundles) {
      if (account === this.#own.account && bundle.device === this.#own.device) continue;
      await this.#keys.begin(account, identityKey, bundle);
      this.#note(account, bundle.device, bundle.registration_id);
    }
  }

  /** Learns from a refusal which devices there are; throws one that says nothing of that. */
  async mend(account, refusal) {
    const { missing = [], extra = [], devices: stale = [] } = refusal.detail;
    switch (refusal.code) {
      case 'mismatched_devices':
        for (const device of extra) this.#drop(account, device);
        for (const device of missing) await this.begin(account, device);
        return;
      case 'stale_devices':
        for (const device of stale) {
          await this.#keys.archive(account, device);
          await this.begin(account, device);
        }
        return;
      default:
        throw refusal;
    }
  }

  async #devicesOf(account) {
    if (!this.#devices.has(account)) await this.begin(account);
    return this.#devices.get(account);
  }

  #note(account, device, registrationId) {
    if (!this.#devices.has(account)) this.#devices.set(account, new Map());
    this.#devices.get(account).set(device, registrationId);
  }

  #drop(account, device) {
    this.#devices.get(account).delete(device);
    this.#keys.forget(account, device);
  }
}
