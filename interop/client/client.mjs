// A second client for Tradepost: written from docs/relay-api.md and the two .proto files, on Signal's own library.
//
// It exists so that our API is proven by somebody who does not share our code, and as an example to write a client by:
// one device of an account, registered or linked, in memory. `make test` lets it talk to `tradepost chat` through the
// real relay (client.test.mjs). To use it by hand:
//
//     tradepost relay &
//     node interop/client/echo.mjs +493012345678
//     tradepost chat register +4915112345678 && tradepost chat with +493012345678
//
// | file | what |
// |---|---|
// | client.mjs | what a device does: register, send, receive, answer with receipts, heal |
// | peers.mjs | which devices others have, and a ciphertext for each |
// | device.mjs | the official package: keys, sessions, safety numbers |
// | store.mjs | the stores that the package calls back into |
// | relay.mjs, socket.mjs | the relay: HTTP and the socket |
// | linking.mjs | how it joins an account that has a device |
// | media.mjs, sealing.mjs | how files are encrypted, and everything else besides messages |
// | errors.mjs | what can go wrong |
// | wire.mjs | frames, contents, padding |
//
// What it leaves out and a real client must not: it forgets everything when it ends, so an acknowledged delivery is
// not really safe; it does not renew its signed prekey; it does not reconnect by itself; it lets no device join.

import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { Device, askAgain, isRepeated, readAsk } from './device.mjs';
import { Lost, Refused } from './errors.mjs';
import { askForProvision } from './linking.mjs';
import * as media from './media.mjs';
import { Peers } from './peers.mjs';
import { Relay } from './relay.mjs';
import { open, seal } from './sealing.mjs';
import { Socket } from './socket.mjs';
import {
  Content,
  Notice,
  Profile,
  accountBytes,
  accountFrom,
  base64,
  fromBase64,
  pad,
  unpad,
} from './wire.mjs';

const RELAY = '00000000-0000-0000-0000-000000000000';
const ONE_TIME_KEYS = 50;
const NAME = 'Node';
const ATTEMPTS = 5;
/** Bodies that do not stand in a chat by themselves: nobody is told that they arrived. */
const PASSING = ['reaction', 'edit', 'delete', 'receipt', 'typing', 'sync'];
/** Bodies of which the other own devices are not told. */
const UNTOLD = ['receipt', 'typing'];

/**
 * Emits
 * - `content` `{from, device, received, content}`: whatever somebody said, receipts too;
 * - `asked` `{of, device, timestamp}`: a message could not be read and was asked for again;
 * - `sentAgain` `{to, timestamp}`: somebody could not read a message, so it was sent again;
 * - `expired` `{to, device, timestamp}`: a message was not collected in time;
 * - `refilled` count: one-time keys ran out and so many were uploaded;
 * - `closed` code: the socket is gone, and why;
 * - `trouble` error: something it did by itself failed.
 */
export class Client extends EventEmitter {
  #relay;
  #keys;
  #peers;
  #socket = null;
  #profileKey;
  /** account → key */
  #profileKeys = new Map();
  /** timestamp → {to, content, again}: for those who ask for it again */
  #sent = new Map();
  #seen = new Set();
  #lastTimestamp = 0;
  #queue = Promise.resolve();
  #background = new Set();

  /** Registers a number; without a code it looks into the development mailbox. */
  static async register({ url, number, code, name = NAME, oneTimeKeys = ONE_TIME_KEYS }) {
    const relay = new Relay(url);
    const keys = new Device();
    const device = await keys.describe({ name, oneTimeKeys });
    code ??= await Client.#developmentCode(relay, number);
    const registered = await relay.ask('POST', '/v1/registration', { number, code, device });
    return new Client(relay.as(registered.token), keys, { ...registered, profileKey: randomBytes(32) });
  }

  /** Joins an account: `show` gets the URL that its primary device is to be given. */
  static async link({ url, show, name = NAME }) {
    const relay = new Relay(url);
    const { identityPrivateKey, profileKey, linkingCode: code } = await askForProvision(relay, show);
    const keys = new Device(identityPrivateKey);
    const device = await keys.describe({ name, oneTimeKeys: ONE_TIME_KEYS });
    const linked = await relay.ask('POST', '/v1/devices', { code, device });
    const client = new Client(relay.as(linked.token), keys, { ...linked, profileKey });
    await client.#peers.begin(client.account);
    return client;
  }

  static async #developmentCode(relay, number) {
    await relay.ask('POST', '/v1/registration/codes', { number });
    return (await relay.ask('GET', `/v1/dev/codes/${encodeURIComponent(number)}`)).code;
  }

  /** Use `Client.register` or `Client.link`. */
  constructor(relay, keys, { account, device, number, profileKey }) {
    super();
    this.#relay = relay;
    this.#keys = keys;
    this.#profileKey = profileKey;
    keys.settle(account, device);
    this.#peers = new Peers(relay, keys, { account, device });
    this.account = account;
    this.device = device;
    this.number = number;
  }

  /** Opens the socket; resolves when everything that had waited is handled. */
  async connect() {
    this.#socket = await Socket.open(this.#relay, {
      // One that makes no sense must not stop those after it.
      delivered: (envelope) => this.#take(envelope).catch((error) => this.emit('trouble', error)),
      prekeysLeft: () => this.#inBackground(this.#refill()),
      closed: (code) => {
        this.#socket = null;
        this.emit('closed', code);
      },
    });
    await this.#socket.drained;
  }

  async disconnect() {
    await this.settled();
    await this.#socket?.close();
  }

  /** Resolves when everything that it does by itself (receipts, sending again) is done. */
  async settled() {
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  /** The account with this number, or null. */
  async lookup(number) {
    const { accounts } = await this.#relay.ask('POST', '/v1/accounts/lookup', { numbers: [number] });
    return accounts.find((found) => found.number === number)?.account ?? null;
  }

  /** Tells those to whom this account has written what it is called. */
  async setProfile(about) {
    const profile = seal(this.#profileKey, pad(Profile.encode(about)));
    await this.#relay.ask('PUT', '/v1/profile', { profile: base64(profile) });
  }

  /** What an account that has written to this one says of itself. */
  async profileOf(account) {
    const { profile } = await this.#relay.ask('GET', `/v1/accounts/${account}/profile`);
    return Profile.decode(unpad(open(this.#profileKeys.get(account), fromBase64(profile))));
  }

  /** What this account and another compare; both must have exchanged something. */
  safetyNumber(account) {
    return this.#keys.safetyNumber(account);
  }

  acceptIdentity(account) {
    this.#keys.acceptIdentity(account);
  }

  /** As if the session with a device had been lost. */
  forgetSession(account, device) {
    this.#keys.forget(account, device);
  }

  /**
   * Sends a Content with this body, e.g. `{text: {body: 'Hello'}}`, to all devices of an account. Returns the message's
   * name, a MessageRef, when it is safe. Throws Refused or IdentityChanged.
   */
  async send(to, body, { quote } = {}) {
    const timestamp = this.#nextTimestamp();
    const content = { timestamp, profileKey: this.#profileKey, ...body, ...(quote && { quote }) };
    await this.#say(to, content);
    if (!UNTOLD.some((kind) => kind in body)) {
      await this.#tellOwnDevices({ sent: { to: accountBytes(to), content: Content.encode(content) } });
    }
    return { author: accountBytes(this.account), timestamp };
  }

  sendText(to, text, options) {
    return this.send(to, { text: { body: text } }, options);
  }

  /** Tells an author that messages were seen. */
  async sendRead(to, timestamps) {
    await this.send(to, { receipt: { type: 'READ', timestamps } });
    const messages = timestamps.map((timestamp) => ({ author: accountBytes(to), timestamp }));
    await this.#tellOwnDevices({ read: { messages } });
  }

  /** Encrypts and uploads a file and sends it. `about` has the other fields of a Media. */
  async sendFile(to, bytes, about = {}) {
    const { sealed, pointer } = media.seal(bytes);
    const blob = { id: await this.#relay.upload(sealed), ...pointer };
    return this.send(to, { media: { blob, ...about } });
  }

  /** The file of a Media. Throws Tampered. */
  async fetchFile({ blob }) {
    return media.open(await this.#relay.download(blob.id), blob);
  }

  // --- sending

  /** Milliseconds since 1970, and never twice: they name messages. */
  #nextTimestamp() {
    this.#lastTimestamp = Math.max(Date.now(), this.#lastTimestamp + 1);
    return this.#lastTimestamp;
  }

  #say(to, content) {
    this.#sent.set(content.timestamp, { to, content, again: new Set() });
    return this.#carry(to, content.timestamp, () => this.#peers.seal(to, content));
  }

  /** A Sync, for the other devices of this account, if there are any. */
  async #tellOwnDevices(sync) {
    if (!this.#peers.knows(this.account)) return;
    await this.#say(this.account, { timestamp: this.#nextTimestamp(), sync });
  }

  #sendDelivered(to, timestamp) {
    return this.send(to, { receipt: { type: 'DELIVERED', timestamps: [timestamp] } });
  }

  /** Encrypts for the devices that are known and sends; where the relay knows better, it learns and tries again. */
  async #carry(to, timestamp, partsForAll) {
    const id = randomBytes(16);
    for (let attempt = 1; ; attempt++) {
      // On its way before anything else is encrypted: messages arrive in the order of their session.
      const { answer } = await this.#alone(async () => {
        const parts = await partsForAll();
        return { answer: this.#hand({ id, to: accountBytes(to), timestamp, parts }) };
      });
      try {
        return await answer;
      } catch (refusal) {
        if (!(refusal instanceof Refused) || attempt === ATTEMPTS) throw refusal;
        await this.#alone(() => this.#peers.mend(to, refusal));
      }
    }
  }

  /** By the socket if there is one, else by HTTP. The same id is the same message on both. */
  async #hand(send) {
    try {
      if (this.#socket) return await this.#socket.send(send);
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
    }
    await this.#relay.send(send);
  }

  // --- receiving

  /** Handles one envelope. */
  async #take(envelope) {
    const from = accountFrom(envelope.from);
    if (from === RELAY) return this.#takeNotice(envelope);
    if (this.#sawBefore(`${from}.${envelope.fromDevice} ${base64(envelope.id)}`)) return;
    switch (envelope.kind) {
      case 'PLAINTEXT':
        return this.#inBackground(this.#sendAgain(from, envelope));
      case 'SIGNAL':
      case 'PREKEY':
        return this.#takeMessage(from, envelope);
    }
  }

  #takeNotice(envelope) {
    const { expired } = Notice.decode(envelope.body);
    if (expired) this.emit('expired', { ...expired, to: accountFrom(expired.to) });
  }

  async #takeMessage(from, envelope) {
    const { fromDevice: device, received } = envelope;
    let padded;
    try {
      padded = await this.#alone(() => this.#peers.open(from, envelope));
    } catch (error) {
      if (!isRepeated(error)) this.#inBackground(this.#askAgain(from, envelope));
      return;
    }
    const bytes = unpad(padded);
    if (!bytes) return;
    const content = Content.decode(bytes);
    // Own devices say everything by Sync, and nobody else does.
    if ((from === this.account) !== (content.body === 'sync')) return;
    if (content.profileKey.length > 0) this.#profileKeys.set(from, content.profileKey);
    const passing = PASSING.includes(content.body);
    if (passing || !this.#sawBefore(`${from}.${device} at ${content.timestamp}`)) {
      this.emit('content', { from, device, received, content });
    }
    // Said again even if it came before: the first time may not have arrived.
    if (!passing) this.#inBackground(this.#sendDelivered(from, content.timestamp));
  }

  #sawBefore(name) {
    const before = this.#seen.has(name);
    this.#seen.add(name);
    return before;
  }

  // --- healing

  /** Asks for an envelope again that no session opens: in the clear, of all devices of its sender, and once. */
  async #askAgain(from, envelope) {
    const { fromDevice: device, timestamp } = envelope;
    if (this.#sawBefore(`${from}.${device} asked for ${timestamp}`)) return;
    const body = askAgain(envelope);
    await this.#carry(from, this.#nextTimestamp(), () => this.#peers.inTheClear(from, body));
    this.emit('asked', { of: from, device, timestamp });
  }

  /** Sends again what a device could not read, once for each device, in a new session. */
  async #sendAgain(from, { fromDevice, body }) {
    const { timestamp, device, ratchetKey } = readAsk(body);
    if (device !== this.device) return;
    if (ratchetKey) await this.#alone(() => this.#keys.archiveIfUnder(from, fromDevice, ratchetKey));
    const sent = this.#sent.get(timestamp);
    // Nobody vouches for the question: only whom it was for gets it.
    if (sent?.to !== from || sent.again.has(fromDevice)) return;
    sent.again.add(fromDevice);
    await this.#carry(from, timestamp, () => this.#peers.seal(from, sent.content));
    this.emit('sentAgain', { to: from, timestamp });
  }

  async #refill() {
    await this.#relay.ask('PUT', '/v1/keys', await this.#keys.newOneTimeKeys(ONE_TIME_KEYS));
    this.emit('refilled', ONE_TIME_KEYS);
  }

  // --- order

  /** One after another: two uses of a session at the same time would lose one. */
  #alone(task) {
    const done = this.#queue.then(task);
    this.#queue = done.catch(() => {});
    return done;
  }

  #inBackground(promise) {
    const watched = promise
      .catch((error) => this.emit('trouble', error))
      .finally(() => this.#background.delete(watched));
    this.#background.add(watched);
  }
}
