// One device as the official package sees it: its identity, its prekeys, and a session with each device it talks to.

import { randomInt } from 'node:crypto';
import * as S from '@signalapp/libsignal-client';
import { IdentityChanged } from './errors.mjs';
import { derive, seal } from './sealing.mjs';
import { Identities, KemPreKeys, PreKeys, Sessions, SignedPreKeys } from './store.mjs';
import { Kind, accountBytes, base64, fromBase64 } from './wire.mjs';

const LARGEST_REGISTRATION_ID = 16380;
const DEVICE_NAME = 'Tradepost device name v1';
const SAFETY_NUMBER = { version: 2, iterations: 5200 };

/** A message that was decrypted before. */
export const isRepeated = (error) => error.code === S.ErrorCode.DuplicatedMessage;

export class Device {
  #identity;
  #registrationId = randomInt(1, LARGEST_REGISTRATION_ID + 1);
  #identities;
  #sessions = new Sessions();
  #preKeys = new PreKeys();
  #signedPreKeys = new SignedPreKeys();
  #kemPreKeys = new KemPreKeys();
  #lastKeyId = 0;
  #own;

  /** Of a new account, or with the private identity key (32 bytes) of the one that it joins. */
  constructor(identity = null) {
    this.#identity = identity ? S.PrivateKey.deserialize(identity) : S.PrivateKey.generate();
    this.#identities = new Identities({ identity: this.#identity, registrationId: this.#registrationId });
  }

  /** The account and number that registration gave it. */
  settle(account, device) {
    this.#own = S.ProtocolAddress.new(account, device);
    this.#identities.settle(account);
  }

  /** What registration asks for: a DEVICE of docs/relay-api.md. */
  async describe({ name, oneTimeKeys }) {
    return {
      name: base64(seal(derive(this.#identity.serialize(), DEVICE_NAME), Buffer.from(name))),
      registration_id: this.#registrationId,
      identity_key: base64(this.#identity.getPublicKey().serialize()),
      signed_prekey: await this.#newSigned(),
      last_resort_kem_prekey: await this.#newKem((id, record) => this.#kemPreKeys.saveLastResort(id, record)),
      ...(await this.newOneTimeKeys(oneTimeKeys)),
    };
  }

  /** Makes and keeps so many one-time keys of each kind; returns their public side, for the relay. */
  async newOneTimeKeys(count) {
    const keys = { one_time_prekeys: [], one_time_kem_prekeys: [] };
    for (let made = 0; made < count; made++) {
      keys.one_time_prekeys.push(await this.#newOneTime());
      keys.one_time_kem_prekeys.push(
        await this.#newKem((id, record) => this.#kemPreKeys.saveKyberPreKey(id, record)),
      );
    }
    return keys;
  }

  async #newOneTime() {
    const key = S.PrivateKey.generate();
    const record = S.PreKeyRecord.new(++this.#lastKeyId, key.getPublicKey(), key);
    await this.#preKeys.savePreKey(record.id(), record);
    return { id: record.id(), public_key: base64(record.publicKey().serialize()) };
  }

  async #newSigned() {
    const key = S.PrivateKey.generate();
    const signature = this.#identity.sign(key.getPublicKey().serialize());
    const record = S.SignedPreKeyRecord.new(++this.#lastKeyId, Date.now(), key.getPublicKey(), key, signature);
    await this.#signedPreKeys.saveSignedPreKey(record.id(), record);
    return signedKey(record);
  }

  async #newKem(save) {
    const pair = S.KEMKeyPair.generate();
    const signature = this.#identity.sign(pair.getPublicKey().serialize());
    const record = S.KyberPreKeyRecord.new(++this.#lastKeyId, Date.now(), pair, signature);
    await save(record.id(), record);
    return signedKey(record);
  }

  async canEncryptTo(account, device) {
    const session = await this.#sessions.getSession(address(account, device));
    return session?.hasCurrentState(new Date()) ?? false;
  }

  /** Begins a session from a BUNDLE. Throws IdentityChanged. */
  async begin(account, identityKey, bundle) {
    const identity = S.PublicKey.deserialize(fromBase64(identityKey));
    const remote = address(account, bundle.device);
    await this.#identities.saveIdentity(remote, identity);
    this.expectIdentity(account);
    const { signed_prekey: signed, one_time_prekey: oneTime, kem_prekey: kem } = bundle;
    const publicKey = (key) => S.PublicKey.deserialize(fromBase64(key.public_key));
    const parsed = S.PreKeyBundle.new(
      bundle.registration_id,
      bundle.device,
      oneTime ? oneTime.id : null,
      oneTime ? publicKey(oneTime) : null,
      signed.id,
      publicKey(signed),
      fromBase64(signed.signature),
      identity,
      kem.id,
      S.KEMPublicKey.deserialize(fromBase64(kem.public_key)),
      fromBase64(kem.signature),
    );
    await S.processPreKeyBundle(parsed, remote, this.#own, this.#sessions, this.#identities, new Date());
  }

  /** The ciphertext for a device: `kind` and `body` of a Part. */
  async encrypt(account, device, plaintext) {
    const remote = address(account, device);
    const message = await S.signalEncrypt(
      plaintext,
      remote,
      this.#own,
      this.#sessions,
      this.#identities,
      new Date(),
    );
    return { kind: message.type(), body: message.serialize() };
  }

  /** What a SIGNAL or PREKEY envelope says; throws what the package throws. */
  async decrypt(account, device, kind, body) {
    const remote = address(account, device);
    if (kind === Kind.SIGNAL) {
      const message = S.SignalMessage.deserialize(body);
      return S.signalDecrypt(message, remote, this.#own, this.#sessions, this.#identities);
    }
    return S.signalDecryptPreKey(
      S.PreKeySignalMessage.deserialize(body),
      remote,
      this.#own,
      this.#sessions,
      this.#identities,
      this.#preKeys,
      this.#signedPreKeys,
      this.#kemPreKeys,
    );
  }

  /** Which setting-up of that device the session is with. */
  async registrationIdOf(account, device) {
    return (await this.#sessions.getSession(address(account, device))).remoteRegistrationId();
  }

  /** Writes to that device in a new session from now on; what comes late in the old one is still read. */
  async archive(account, device) {
    await this.#archiveIf(account, device, () => true);
  }

  /** The same if the session is the one in which that device could not read. */
  async archiveIfUnder(account, device, ratchetKey) {
    await this.#archiveIf(account, device, (session) => session.currentRatchetKeyMatches(ratchetKey));
  }

  async #archiveIf(account, device, condition) {
    const remote = address(account, device);
    const session = await this.#sessions.getSession(remote);
    if (!session || !condition(session)) return;
    session.archiveCurrentState();
    await this.#sessions.saveSession(remote, session);
  }

  /** As if the session had been lost. */
  forget(account, device) {
    this.#sessions.forget(address(account, device));
  }

  /** Throws IdentityChanged if the account's key is another than the accepted one. */
  expectIdentity(account) {
    if (this.#identities.changed(account)) throw new IdentityChanged(account);
  }

  acceptIdentity(account) {
    this.#identities.accept(account);
  }

  /** 60 digits that both sides see. */
  safetyNumber(account) {
    const { version, iterations } = SAFETY_NUMBER;
    const fingerprint = S.Fingerprint.new(
      iterations,
      version,
      accountBytes(this.#own.name()),
      this.#identity.getPublicKey(),
      accountBytes(account),
      this.#identities.of(account),
    );
    return fingerprint.displayableFingerprint().toString();
  }
}

/** Asks the sender of an envelope for it again: the body of a PLAINTEXT part. */
export function askAgain({ body, kind, timestamp, fromDevice }) {
  const about = S.DecryptionErrorMessage.forOriginal(body, Kind[kind], timestamp, fromDevice);
  return S.PlaintextContent.from(about).serialize();
}

/** What is asked for: which device of ours sent it when, under which ratchet key. */
export function readAsk(body) {
  const content = S.PlaintextContent.deserialize(body);
  const about = S.DecryptionErrorMessage.extractFromSerializedBody(content.body());
  return { timestamp: about.timestamp(), device: about.deviceId(), ratchetKey: about.ratchetKey() };
}

const address = (account, device) => S.ProtocolAddress.new(account, device);

const signedKey = (record) => ({
  id: record.id(),
  public_key: base64(record.publicKey().serialize()),
  signature: base64(record.signature()),
});
