// What clients encrypt besides messages and files: profiles, names of devices, what a new device is handed.

import { hkdfSync, randomBytes } from 'node:crypto';
import { Aes256GcmSiv } from '@signalapp/libsignal-client';

const KEY = 32;
const NONCE = 12;
const NOTHING = new Uint8Array();

/** Under a random nonce, which goes in front. */
export function seal(key, bytes) {
  const nonce = randomBytes(NONCE);
  return Buffer.concat([nonce, Aes256GcmSiv.new(key).encrypt(bytes, nonce, NOTHING)]);
}

/** Opens what `seal` made. */
export const open = (key, sealed) =>
  Aes256GcmSiv.new(key).decrypt(sealed.subarray(NONCE), sealed.subarray(0, NONCE), NOTHING);

/** Opens what a key sealed that serves only once: its nonce is zeros. */
export const openOnce = (key, sealed) => Aes256GcmSiv.new(key).decrypt(sealed, Buffer.alloc(NONCE), NOTHING);

/** HKDF-SHA256 without salt. */
export const derive = (secret, ...info) =>
  Buffer.from(hkdfSync('sha256', secret, NOTHING, Buffer.concat(info.map((part) => Buffer.from(part))), KEY));
