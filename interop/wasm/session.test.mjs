// The protocol compiled to WASM, driven from JavaScript. scripts/wasm.sh builds what is loaded here.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const { Encapsulated, Identity, KemPrekey, verify } = createRequire(import.meta.url)(
  '../../build/wasm/node/tradepost_signal.js',
);

const bytes = (text) => new TextEncoder().encode(text);

test('two identities agree on a secret', () => {
  const alice = new Identity();
  const bob = new Identity();
  assert.notDeepEqual(alice.publicKey, bob.publicKey);
  assert.deepEqual(alice.agree(bob.publicKey), bob.agree(alice.publicKey));
});

test('a signature holds for its message and for no other', () => {
  const alice = new Identity();
  const signature = alice.sign(bytes('a prekey'));
  assert.equal(verify(alice.publicKey, bytes('a prekey'), signature), true);
  assert.equal(verify(alice.publicKey, bytes('another'), signature), false);
});

test('a secret reaches the owner of a post-quantum prekey', () => {
  const bob = new KemPrekey();
  const sent = new Encapsulated(bob.publicKey);
  assert.deepEqual(bob.decapsulate(sent.ciphertext), sent.secret);
});

test('bytes that are no key are refused with a sentence', () => {
  assert.throws(() => new Identity().agree(bytes('short')), /33 bytes was expected, 5 were given/);
  assert.throws(() => new Encapsulated(new Uint8Array(0)), /bytes/);
});
