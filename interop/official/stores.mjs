// The six stores the official package calls back into, in memory.
//
// Each keeps serialized records: what a real store does, so a session survives only through its
// wire form, and nothing a failed operation did to a loaded record can leak into the stored one.

import * as S from '@signalapp/libsignal-client';

/** Thrown for a prekey id that was never stored, or was used up and deleted. */
export class UnknownPreKey extends Error {
  name = 'UnknownPreKey';

  constructor(kind, id) {
    super(`no ${kind} prekey with id ${id}`);
  }
}

/** Thrown when a handshake against a last-resort Kyber prekey is replayed. */
export class ReusedBaseKey extends Error {
  name = 'ReusedBaseKey';

  constructor(kyberId, signedId) {
    super(`base key already used with Kyber prekey ${kyberId} and signed prekey ${signedId}`);
  }
}

export class MemorySessionStore extends S.SessionStore {
  #records = new Map();

  async saveSession(address, record) {
    this.#records.set(address.toString(), record.serialize());
  }

  async getSession(address) {
    const bytes = this.serialized(address);
    return bytes && S.SessionRecord.deserialize(bytes);
  }

  async getExistingSessions(addresses) {
    return addresses.map((address) => {
      const bytes = this.serialized(address);
      if (!bytes) throw new Error(`no session with ${address}`);
      return S.SessionRecord.deserialize(bytes);
    });
  }

  /** The stored record as it is, or null. */
  serialized(address) {
    return this.#records.get(address.toString()) ?? null;
  }

  /** As if the record had been lost: nothing but setting up a session anew helps. */
  forget(address) {
    this.#records.delete(address.toString());
  }
}

export class MemoryIdentityStore extends S.IdentityKeyStore {
  #known = new Map();

  /** `trustAnything` accepts a changed identity instead of keeping the first one seen. */
  constructor({ identity, registrationId, trustAnything }) {
    super();
    this.identity = identity;
    this.registrationId = registrationId;
    this.trustAnything = trustAnything;
  }

  async getIdentityKey() {
    return this.identity;
  }

  async getLocalRegistrationId() {
    return this.registrationId;
  }

  async saveIdentity(address, key) {
    const known = await this.getIdentity(address);
    this.#known.set(address.toString(), key.serialize());
    return known && !known.equals(key)
      ? S.IdentityChange.ReplacedExisting
      : S.IdentityChange.NewOrUnchanged;
  }

  async isTrustedIdentity(address, key) {
    const known = await this.getIdentity(address);
    return this.trustAnything || !known || known.equals(key);
  }

  async getIdentity(address) {
    const bytes = this.#known.get(address.toString());
    return bytes ? S.PublicKey.deserialize(bytes) : null;
  }
}

export class MemoryPreKeyStore extends S.PreKeyStore {
  #records = new Map();

  async savePreKey(id, record) {
    this.#records.set(id, record.serialize());
  }

  async getPreKey(id) {
    const bytes = this.#records.get(id);
    if (!bytes) throw new UnknownPreKey('one-time', id);
    return S.PreKeyRecord.deserialize(bytes);
  }

  async removePreKey(id) {
    this.#records.delete(id);
  }

  ids() {
    return [...this.#records.keys()];
  }
}

export class MemorySignedPreKeyStore extends S.SignedPreKeyStore {
  #records = new Map();

  async saveSignedPreKey(id, record) {
    this.#records.set(id, record.serialize());
  }

  async getSignedPreKey(id) {
    const bytes = this.#records.get(id);
    if (!bytes) throw new UnknownPreKey('signed', id);
    return S.SignedPreKeyRecord.deserialize(bytes);
  }

  ids() {
    return [...this.#records.keys()];
  }
}

export class MemoryKyberPreKeyStore extends S.KyberPreKeyStore {
  #records = new Map();
  #lastResortUses = new Map();

  async saveKyberPreKey(id, record) {
    this.#records.set(id, record.serialize());
  }

  /** Like saveKyberPreKey, for a prekey that stays after use. */
  async saveLastResort(id, record) {
    await this.saveKyberPreKey(id, record);
    this.#lastResortUses.set(id, new Set());
  }

  async getKyberPreKey(id) {
    const bytes = this.#records.get(id);
    if (!bytes) throw new UnknownPreKey('Kyber', id);
    return S.KyberPreKeyRecord.deserialize(bytes);
  }

  // A one-time prekey refuses a replay by being gone; a last-resort one can only remember.
  async markKyberPreKeyUsed(kyberId, signedId, baseKey) {
    const uses = this.#lastResortUses.get(kyberId);
    if (!uses) {
      this.#records.delete(kyberId);
      return;
    }
    const use = `${signedId}:${Buffer.from(baseKey.serialize()).toString('base64')}`;
    if (uses.has(use)) throw new ReusedBaseKey(kyberId, signedId);
    uses.add(use);
  }

  ids() {
    return [...this.#records.keys()];
  }

  /** Every remembered use of a last-resort prekey: [{kyberId, signedId, baseKey}]. */
  lastResortUses() {
    return [...this.#lastResortUses].flatMap(([kyberId, uses]) =>
      [...uses].map((use) => {
        const [signedId, baseKey] = use.split(':');
        return { kyberId, signedId: Number(signedId), baseKey };
      }),
    );
  }
}

export class MemorySenderKeyStore extends S.SenderKeyStore {
  #records = new Map();

  async saveSenderKey(address, distributionId, record) {
    this.#records.set(`${address} ${distributionId}`, record.serialize());
  }

  async getSenderKey(address, distributionId) {
    const bytes = this.#records.get(`${address} ${distributionId}`);
    return bytes ? S.SenderKeyRecord.deserialize(bytes) : null;
  }
}
