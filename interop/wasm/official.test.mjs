// The protocol compiled to WASM against the official package, in one process. scripts/wasm.sh and
// scripts/official-package.sh build and fetch what is loaded here.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundleFromFields, bundleToJson } from '../official/bundles.mjs';
import { Party as OfficialParty } from '../official/parties.mjs';
import { Fields } from '../official/requests.mjs';
import { Party, wasm } from './party.mjs';

const FIRST = 3;
const FURTHER = 2;
const MESSAGES = 100;

const bytes = (text) => new TextEncoder().encode(text);
const text = (plaintext) => new TextDecoder().decode(plaintext);
const base64 = (bytes) => Buffer.from(bytes).toString('base64');
const fromBase64 = (text) => Uint8Array.from(Buffer.from(text, 'base64'));

/** One of ours, and one of theirs that ours can talk to. */
class Pair {
  ours = new Party();
  theirs = new OfficialParty();
  #oursToThem = new Fields({ ours: addressFields(this.ours.address) }).address('ours');
  #theirsToUs = new wasm.Address(this.theirs.address.name(), this.theirs.address.deviceId());

  async start(initiator, { oneTime }) {
    if (initiator === 'ours') {
      const bundle = await this.theirs.offerBundle({ oneTime });
      this.ours.processBundle(this.#theirsToUs, bundleToWasm(bundle));
    } else {
      const bundle = bundleToOfficial(this.ours.offerBundle({ oneTime }));
      await this.theirs.processBundle(this.#oursToThem, bundle);
    }
  }

  async send(sender, plaintext) {
    if (sender === 'ours') return this.ours.encrypt(this.#theirsToUs, bytes(plaintext));
    const message = await this.theirs.encrypt(this.#oursToThem, bytes(plaintext));
    return { kind: message.type(), bytes: message.serialize() };
  }

  async receive(sender, { kind, bytes }) {
    return sender === 'ours'
      ? text(await this.theirs.decrypt(this.#oursToThem, kind, bytes))
      : text(this.ours.decrypt(this.#theirsToUs, { kind, bytes }));
  }

  /** Sends `plaintext`, checks that it arrives and returns the kind of message that carried it. */
  async exchange(sender, plaintext) {
    const message = await this.send(sender, plaintext);
    assert.equal(await this.receive(sender, message), plaintext);
    return message.kind;
  }
}

function addressFields({ name, device }) {
  return { name, device };
}

function bundleToWasm(bundle) {
  const { registrationId, device, identity, ...keys } = bundleToJson(bundle);
  const key = (kind) =>
    new wasm.PublicPreKey(
      keys[`${kind}Id`],
      fromBase64(keys[kind]),
      keys[`${kind}Signature`] && fromBase64(keys[`${kind}Signature`]),
    );
  const ours = new wasm.Bundle(
    registrationId,
    device,
    fromBase64(identity),
    key('signedPreKey'),
    key('kyberPreKey'),
  );
  if (keys.preKey) ours.setOneTime(key('preKey'));
  return ours;
}

function bundleToOfficial({ registrationId, device, identity, oneTime, signed, kem }) {
  return bundleFromFields(
    new Fields({
      registrationId,
      device,
      identity: base64(identity),
      preKeyId: oneTime?.id,
      preKey: oneTime && base64(oneTime.key),
      signedPreKeyId: signed.id,
      signedPreKey: base64(signed.key),
      signedPreKeySignature: base64(signed.signature),
      kyberPreKeyId: kem.id,
      kyberPreKey: base64(kem.key),
      kyberPreKeySignature: base64(kem.signature),
    }),
  );
}

for (const [initiator, responder] of [
  ['ours', 'theirs'],
  ['theirs', 'ours'],
]) {
  for (const oneTime of [true, false]) {
    const keys = `${oneTime ? 'with' : 'without'} a one-time key`;

    test(`${initiator} begins ${keys}, then ${MESSAGES} messages go each way`, async () => {
      const pair = new Pair();
      await pair.start(initiator, { oneTime });
      assert.equal(await pair.exchange(initiator, 'first'), FIRST);
      assert.equal(await pair.exchange(initiator, 'unanswered'), FIRST);
      for (let i = 0; i < MESSAGES; i++) {
        assert.equal(await pair.exchange(responder, `answer ${i}`), FURTHER);
        assert.equal(await pair.exchange(initiator, `message ${i}`), FURTHER);
      }
    });
  }

  test(`${initiator} sends many messages, which arrive out of order and once`, async () => {
    const pair = new Pair();
    await pair.start(initiator, { oneTime: true });
    await pair.exchange(initiator, 'first');
    await pair.exchange(responder, 'reply');
    const messages = [];
    for (let i = 0; i < MESSAGES; i++) messages.push(await pair.send(initiator, `message ${i}`));
    for (let i = MESSAGES - 1; i >= 0; i--) {
      assert.equal(await pair.receive(initiator, messages[i]), `message ${i}`);
    }
    await assert.rejects(
      pair.receive(initiator, messages[0]),
      responder === 'ours' ? { name: 'Duplicate' } : /old counter|[Dd]uplicate/,
    );
    await pair.exchange(responder, 'all there');
  });
}
