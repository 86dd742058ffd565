// The protocol compiled to WASM, driven from JavaScript. scripts/wasm.sh builds what it loads.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Party, travelling, wasm } from './party.mjs';

const FIRST = 3;
const FURTHER = 2;
const MAC_LEN = 8;
/** What a message that was changed on the way is called, depending on where. */
const REFUSED = /^(BadMac|ParseError|KeyError|SpqrError|TooFarAhead|Duplicate)$/;

const bytes = (text) => new TextEncoder().encode(text);
const text = (plaintext) => new TextDecoder().decode(plaintext);

/** Sends `plaintext`, checks that it arrives and returns the kind of message that carried it. */
function exchange(sender, receiver, plaintext) {
  const message = sender.encrypt(receiver.address, bytes(plaintext));
  assert.equal(text(receiver.decrypt(sender.address, message)), plaintext);
  return message.kind;
}

function started(options) {
  const [alice, bob] = [new Party(), new Party()];
  alice.processBundle(bob.address, bob.offerBundle(options));
  return { alice, bob };
}

/** Two parties of whom each has heard from the other. */
function acquainted() {
  const { alice, bob } = started();
  exchange(alice, bob, 'first');
  exchange(bob, alice, 'reply');
  return { alice, bob };
}

/** `message` with the lowest bit of one byte changed; a negative index counts from the end. */
function tampered({ kind, bytes }, index) {
  const changed = Uint8Array.from(bytes);
  changed[index < 0 ? changed.length + index : index] ^= 1;
  return { kind, bytes: changed };
}

for (const oneTime of [true, false]) {
  test(`a handshake ${oneTime ? 'with' : 'without'} a one-time key`, () => {
    const [alice, bob] = [new Party(), new Party()];
    const bundle = bob.offerBundle({ oneTime });
    assert.equal(bundle.oneTime !== undefined, oneTime);
    alice.processBundle(bob.address, bundle);
    assert.equal(exchange(alice, bob, 'hello'), FIRST);
    assert.equal(exchange(alice, bob, 'unanswered, so with the handshake again'), FIRST);
    assert.equal(exchange(bob, alice, 'hello to you'), FURTHER);
    assert.equal(exchange(alice, bob, 'answered'), FURTHER);
  });
}

test('200 messages alternate, the state restored from bytes at each', () => {
  let [sender, receiver] = Object.values(acquainted());
  for (let i = 0; i < 200; i++) {
    assert.equal(exchange(sender, receiver, `message ${i}`), FURTHER);
    [sender, receiver] = [receiver, sender];
  }
});

test('messages arrive out of order', () => {
  const { alice, bob } = acquainted();
  const send = (_, i) => alice.encrypt(bob.address, bytes(`message ${i}`));
  const messages = Array.from({ length: 40 }, send);
  const order = messages.map((_, i) => (i * 17 + 5) % messages.length);
  for (const i of order) {
    assert.equal(text(bob.decrypt(alice.address, messages[i])), `message ${i}`);
  }
  exchange(bob, alice, 'all there');
});

test('a message is decrypted once', () => {
  const { alice, bob } = started();
  for (const kind of [FIRST, FURTHER]) {
    const message = alice.encrypt(bob.address, bytes('once'));
    assert.equal(message.kind, kind);
    bob.decrypt(alice.address, message);
    assert.throws(() => bob.decrypt(alice.address, message), { name: 'Duplicate' });
    exchange(bob, alice, 'go on');
  }
});

test('what was changed on the way is refused and changes nothing', () => {
  const { alice, bob } = acquainted();
  const message = alice.encrypt(bob.address, bytes('untouched'));
  const before = bob.serialized(alice.address);
  for (let index = 0; index < message.bytes.length; index++) {
    const refused = { name: index < message.bytes.length - MAC_LEN ? REFUSED : 'BadMac' };
    assert.throws(() => bob.decrypt(alice.address, tampered(message, index)), refused);
  }
  assert.deepEqual(bob.serialized(alice.address), before);
  assert.deepEqual(bob.device.sessionBytes(alice.address), before);
  assert.equal(text(bob.decrypt(alice.address, message)), 'untouched');
});

test('a first message that was changed on the way uses no prekey up', () => {
  const { alice, bob } = started();
  const message = alice.encrypt(bob.address, bytes('untouched'));
  assert.throws(() => bob.decrypt(alice.address, { ...message, bytes: message.bytes.slice(1) }), {
    name: 'ParseError',
  });
  assert.throws(() => bob.decrypt(alice.address, tampered(message, -60)), { name: REFUSED });
  assert.equal(text(bob.decrypt(alice.address, message)), 'untouched');
});

test('a one-time key serves one session', () => {
  const [alice, bob, carol] = [new Party(), new Party(), new Party()];
  const bundle = bob.offerBundle();
  for (const initiator of [alice, carol]) initiator.processBundle(bob.address, bundle);
  exchange(alice, bob, 'first come');
  const late = carol.encrypt(bob.address, bytes('too late'));
  assert.throws(() => bob.decrypt(carol.address, late), { name: /^Unknown(OneTime|Kem)PreKey$/ });
});

test('a bundle whose keys are signed by somebody else is refused', () => {
  const [alice, bob, mallory] = [new Party(), new Party(), new Party()];
  const { registrationId, device, identity, signed, kem } = bob.offerBundle();
  const evil = mallory.offerBundle();
  const withSigned = new wasm.Bundle(registrationId, device, identity, evil.signed, kem);
  const withKem = new wasm.Bundle(registrationId, device, identity, signed, evil.kem);
  assert.throws(() => alice.processBundle(bob.address, withSigned), { name: 'BadSignedPreKey' });
  assert.throws(() => alice.processBundle(bob.address, withKem), { name: 'BadKemPreKey' });
});

test('another identity is not taken for the one that is known', () => {
  const { alice, bob } = acquainted();
  const impostor = new Party({ name: bob.address.name });
  const start = () => alice.processBundle(bob.address, impostor.offerBundle());
  assert.throws(start, { name: 'UntrustedIdentity' });
  impostor.processBundle(alice.address, alice.offerBundle());
  const message = impostor.encrypt(alice.address, bytes('it is me'));
  assert.throws(() => alice.decrypt(bob.address, message), { name: 'UntrustedIdentity' });
});

test('errors say which they are', () => {
  const [alice, bob] = [new Party(), new Party()];
  const short = new wasm.PublicPreKey(1, bytes('short'), new Uint8Array(64));
  const encrypt = () => alice.encrypt(bob.address, bytes('to nobody'));
  assert.throws(encrypt, { name: 'NoSession', message: /start one from a prekey bundle/ });
  assert.throws(() => alice.device.restoreSession(bob.address, bytes('no state')), {
    name: 'StateError',
  });
  assert.throws(() => new wasm.Bundle(1, 1, alice.device.identity, short, short), {
    name: 'KeyError',
    message: /33 bytes was expected, 5 were given/,
  });
  assert.throws(() => new wasm.Message(9, bytes('')), { name: 'ParseError' });
  assert.throws(() => new wasm.Address('somebody', 128), { name: 'NoSuchDevice' });
  assert.throws(() => alice.device.safetyNumber(bob.address), { name: 'UnknownIdentity' });
});

test('both sides see the same safety number', () => {
  const { alice, bob } = acquainted();
  const number = alice.device.safetyNumber(bob.address);
  assert.match(number.replaceAll(' ', ''), /^\d{60}$/);
  assert.equal(bob.device.safetyNumber(alice.address), number);
  const { alice: other } = acquainted();
  other.processBundle(bob.address, bob.offerBundle());
  assert.notEqual(other.device.safetyNumber(bob.address), number);
});

test('a sealed message tells its sender to its receiver alone', () => {
  const { alice, bob } = acquainted();
  const [authority, stranger] = [new wasm.Authority(), new wasm.Authority()];
  const now = Date.now();
  const certificate = authority.certify(alice.address, alice.device.identity, now + 1000);
  const { kind, bytes: ciphertext } = alice.encrypt(bob.address, bytes('guess who'));
  const message = new wasm.Message(kind, ciphertext);
  const sealed = alice.device.seal(bob.address, certificate, message);
  assert.equal(Buffer.from(sealed).includes(alice.address.name), false);

  const opened = bob.device.open(sealed, authority.trustRoot, now);
  assert.equal(opened.sender.name, alice.address.name);
  assert.equal(text(bob.decrypt(alice.address, travelling(opened.message))), 'guess who');

  const open = (party, root, time) => () => party.device.open(sealed, root, time);
  const refused = { name: 'CertificateError' };
  assert.throws(open(bob, stranger.trustRoot, now), refused);
  assert.throws(open(bob, authority.trustRoot, now + 1001), refused);
  assert.throws(open(new Party(), authority.trustRoot, now), { name: 'BadCiphertext' });
});

test('one ciphertext serves a whole group', () => {
  const { alice, bob } = acquainted();
  const group = new Uint8Array(16).fill(7);
  const own = wasm.SenderKey.create(group);
  const told = alice.encrypt(bob.address, own.distribution());
  const hers = new wasm.SenderKey(group);
  const message = own.encrypt(bytes('to all'));
  assert.throws(() => hers.decrypt(message), { name: 'NoState' });
  // What is told after a message does not open that message.
  hers.process(bob.decrypt(alice.address, told));
  assert.equal(text(hers.decrypt(message)), 'to all');
  assert.throws(() => hers.decrypt(message), { name: 'Duplicate' });
  assert.throws(() => hers.encrypt(bytes('in her name')), { name: 'NoOwnChain' });
});
