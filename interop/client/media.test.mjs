import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Tampered } from './errors.mjs';
import { open, seal } from './media.mjs';

const CHUNK = 64 * 1024;

test('a file of any size opens as it was', () => {
  for (const size of [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK]) {
    const plaintext = randomBytes(size);
    const { sealed, pointer } = seal(plaintext);
    assert.equal(sealed.length, size + 16 * Math.max(1, Math.ceil(size / CHUNK)));
    assert.deepEqual(open(sealed, pointer), plaintext);
  }
});

test('a changed, shortened or reordered file does not open', () => {
  const { sealed, pointer } = seal(randomBytes(2 * CHUNK));
  const changed = Buffer.from(sealed);
  changed[7] ^= 1;
  const half = sealed.length / 2;
  const reordered = Buffer.concat([sealed.subarray(half), sealed.subarray(0, half)]);
  for (const wrong of [changed, sealed.subarray(0, half), reordered]) {
    assert.throws(() => open(wrong, pointer), Tampered);
  }
  const { sealed: other } = seal(randomBytes(2 * CHUNK));
  assert.throws(() => open(other, { ...pointer, digest: digestOf(other) }), Tampered);
});

function digestOf(bytes) {
  return createHash('sha256').update(bytes).digest();
}
