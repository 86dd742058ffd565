// The stores that the official package calls back into, in memory: serialized records by name.

import * as S from '@signalapp/libsignal-client';

/** Records of one type, kept as bytes. */
class Records {
  #type;
  #bytes = new Map();

  constructor(type) {
    this.#type = type;
  }

  put(name, record) {
    this.#bytes.set(String(name), record.serialize());
  }

  get(name) {
    const bytes = this.#bytes.get(String(name));
    return bytes ? this.#type.deserialize(bytes) : null;
  }

  /** For what must be there. */
  find(name) {
    const record = this.get(name);
    if (!record) throw new Error(`there is no ${this.#type.name} ${name}`);
    return record;
  }

  delete(name) {
    return this.#bytes.delete(String(name));
  }
}

export class Sessions extends S.SessionStore {
  #records = new Records(S.SessionRecord);

  async saveSession(address, record) {
    this.#records.put(address, record);
  }

  async getSession(address) {
    return this.#records.get(address);
  }

  async getExistingSessions(addresses) {
    return addresses.map((address) => this.#records.find(address));
  }

  forget(address) {
    this.#records.delete(address);
  }
}

/**
 * Identity keys belong to accounts, whatever the device. The first one is trusted; a changed one is read, not written
 * to. That of the own account never changes.
 */
export class Identities extends S.IdentityKeyStore {
  #accepted = new Records(S.PublicKey);
  #seen = new Records(S.PublicKey);
  #own = null;

  constructor({ identity, registrationId }) {
    super();
    this.identity = identity;
    this.registrationId = registrationId;
  }

  /** Which account is the own one. */
  settle(account) {
    this.#own = account;
    this.#seen.put(account, this.identity.getPublicKey());
    this.accept(account);
  }

  async getIdentityKey() {
    return this.identity;
  }

  async getLocalRegistrationId() {
    return this.registrationId;
  }

  async getIdentity(address) {
    return this.#seen.get(address.name());
  }

  async isTrustedIdentity(address, key, direction) {
    const accepted = this.#accepted.get(address.name());
    if (!accepted || accepted.equals(key)) return true;
    return direction === S.Direction.Receiving && address.name() !== this.#own;
  }

  async saveIdentity(address, key) {
    const before = await this.getIdentity(address);
    this.#seen.put(address.name(), key);
    if (!this.#accepted.get(address.name())) this.accept(address.name());
    return before && !before.equals(key) ? S.IdentityChange.ReplacedExisting : S.IdentityChange.NewOrUnchanged;
  }

  /** The key that an account was last seen with, or null. */
  of(account) {
    return this.#seen.get(account);
  }

  /** Whether its key is another than the accepted one. */
  changed(account) {
    const seen = this.of(account);
    return seen !== null && !this.#accepted.get(account).equals(seen);
  }

  accept(account) {
    this.#accepted.put(account, this.of(account));
  }
}

export class PreKeys extends S.PreKeyStore {
  #records = new Records(S.PreKeyRecord);

  async savePreKey(id, record) {
    this.#records.put(id, record);
  }

  async getPreKey(id) {
    return this.#records.find(id);
  }

  async removePreKey(id) {
    this.#records.delete(id);
  }
}

export class SignedPreKeys extends S.SignedPreKeyStore {
  #records = new Records(S.SignedPreKeyRecord);

  async saveSignedPreKey(id, record) {
    this.#records.put(id, record);
  }

  async getSignedPreKey(id) {
    return this.#records.find(id);
  }
}

export class KemPreKeys extends S.KyberPreKeyStore {
  #records = new Records(S.KyberPreKeyRecord);
  #lastResortUses = new Map();

  async saveKyberPreKey(id, record) {
    this.#records.put(id, record);
  }

  /** The one that stays after use. */
  async saveLastResort(id, record) {
    await this.saveKyberPreKey(id, record);
    this.#lastResortUses.set(id, new Set());
  }

  async getKyberPreKey(id) {
    return this.#records.find(id);
  }

  // A one-time key refuses a replay by being gone, the last resort by remembering.
  async markKyberPreKeyUsed(id, signedId, baseKey) {
    const uses = this.#lastResortUses.get(id);
    if (!uses) return void this.#records.delete(id);
    const use = `${signedId} ${Buffer.from(baseKey.serialize()).toString('hex')}`;
    if (uses.has(use)) throw new Error('this first message came before');
    uses.add(use);
  }
}
