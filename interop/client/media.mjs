// Files: 64 KiB chunks, each sealed by AES-256-GCM-SIV under a nonce of its place and of whether it is the last.

import { createHash, randomBytes } from 'node:crypto';
import { Aes256GcmSiv } from '@signalapp/libsignal-client';
import { Tampered } from './errors.mjs';

const CHUNK = 64 * 1024;
const TAG = 16;
const NOTHING = new Uint8Array();

/** Encrypts under a new key. Returns what to upload, and what a BlobPointer says besides the id. */
export function seal(plaintext) {
  const key = randomBytes(32);
  const cipher = Aes256GcmSiv.new(key);
  const count = chunkCount(plaintext.length);
  const chunks = Array.from({ length: count }, (_, index) => {
    const chunk = plaintext.subarray(index * CHUNK, (index + 1) * CHUNK);
    return cipher.encrypt(chunk, nonce(index, count), NOTHING);
  });
  const sealed = Buffer.concat(chunks);
  return { sealed, pointer: { key, digest: sha256(sealed), size: plaintext.length } };
}

/** Opens what a BlobPointer points to. Throws Tampered. */
export function open(sealed, { key, digest, size }) {
  const count = chunkCount(size);
  const right = sealed.length === size + count * TAG && sha256(sealed).equals(digest);
  if (!right) throw new Tampered('neither the size nor the digest may differ');
  const cipher = Aes256GcmSiv.new(key);
  const chunks = Array.from({ length: count }, (_, index) => {
    const chunk = sealed.subarray(index * (CHUNK + TAG), (index + 1) * (CHUNK + TAG));
    try {
      return cipher.decrypt(chunk, nonce(index, count), NOTHING);
    } catch (error) {
      throw new Tampered(`chunk ${index} does not open`, { cause: error });
    }
  });
  return Buffer.concat(chunks);
}

/** An empty file has one chunk, too. */
const chunkCount = (size) => Math.max(1, Math.ceil(size / CHUNK));

function nonce(index, count) {
  const bytes = Buffer.alloc(12);
  bytes.writeBigUInt64BE(BigInt(index));
  bytes[11] = index === count - 1 ? 1 : 0;
  return bytes;
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest();
