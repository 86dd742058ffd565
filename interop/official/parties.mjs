// One device of one account as the official package sees it: an address, an identity and stores.

import { randomInt, randomUUID } from 'node:crypto';
import * as S from '@signalapp/libsignal-client';
import { bundleOf, generatePreKeys } from './bundles.mjs';
import {
  MemoryIdentityStore,
  MemoryKyberPreKeyStore,
  MemoryPreKeyStore,
  MemorySenderKeyStore,
  MemorySessionStore,
  MemorySignedPreKeyStore,
} from './stores.mjs';

const MAX_REGISTRATION_ID = 0x3fff;

export class Party {
  #lastId = 0;

  constructor({
    name = randomUUID(),
    device = 1,
    registrationId = randomInt(1, MAX_REGISTRATION_ID),
    identity = S.PrivateKey.generate(),
    trustAnything = false,
  } = {}) {
    this.address = S.ProtocolAddress.new(name, device);
    this.identities = new MemoryIdentityStore({ identity, registrationId, trustAnything });
    this.sessions = new MemorySessionStore();
    this.preKeys = new MemoryPreKeyStore();
    this.signedPreKeys = new MemorySignedPreKeyStore();
    this.kyberPreKeys = new MemoryKyberPreKeyStore();
    this.senderKeys = new MemorySenderKeyStore();
  }

  get identity() {
    return this.identities.identity;
  }

  /** Makes and stores fresh prekeys and returns the bundle that offers them. */
  async offerBundle({ oneTime = true, lastResort = false } = {}) {
    const nextId = () => ++this.#lastId;
    const keys = generatePreKeys(this.identity, { nextId, oneTime, now: Date.now() });
    if (keys.oneTime) await this.preKeys.savePreKey(keys.oneTime.id(), keys.oneTime);
    await this.signedPreKeys.saveSignedPreKey(keys.signed.id(), keys.signed);
    if (lastResort) await this.kyberPreKeys.saveLastResort(keys.kyber.id(), keys.kyber);
    else await this.kyberPreKeys.saveKyberPreKey(keys.kyber.id(), keys.kyber);
    return bundleOf(this.#publicSide(), keys);
  }

  #publicSide() {
    return {
      registrationId: this.identities.registrationId,
      device: this.address.deviceId(),
      identity: this.identity,
    };
  }

  async processBundle(remote, bundle, now = new Date()) {
    await S.processPreKeyBundle(
      bundle,
      remote,
      this.address,
      this.sessions,
      this.identities,
      now,
    );
  }

  /** Returns the package's own CiphertextMessage: `type()` and `serialize()`. */
  async encrypt(remote, plaintext, now = new Date()) {
    return S.signalEncrypt(
      plaintext,
      remote,
      this.address,
      this.sessions,
      this.identities,
      now,
    );
  }

  /** Decrypts a pairwise message of type 3 (prekey) or 2 (whisper). */
  async decrypt(remote, type, body) {
    switch (type) {
      case S.CiphertextMessageType.PreKey:
        return this.#decryptPreKey(remote, S.PreKeySignalMessage.deserialize(body));
      case S.CiphertextMessageType.Whisper:
        return S.signalDecrypt(
          S.SignalMessage.deserialize(body),
          remote,
          this.address,
          this.sessions,
          this.identities,
        );
      default:
        throw new RangeError(`message type ${type} is not a pairwise one`);
    }
  }

  async #decryptPreKey(remote, message) {
    return S.signalDecryptPreKey(
      message,
      remote,
      this.address,
      this.sessions,
      this.identities,
      this.preKeys,
      this.signedPreKeys,
      this.kyberPreKeys,
    );
  }
}
