// What people say of themselves: sealed with a key that goes with their messages, so that the relay cannot read it.

import { randomBytes } from 'node:crypto';
import { Aes256GcmSiv } from '@signalapp/libsignal-client';
import { Profile, pad, unpad } from './wire.mjs';

const NONCE = 12;
const NOTHING = new Uint8Array();

export function seal(key, profile) {
  const nonce = randomBytes(NONCE);
  const sealed = Aes256GcmSiv.new(key).encrypt(pad(Profile.encode(profile)), nonce, NOTHING);
  return Buffer.concat([nonce, sealed]);
}

export function open(key, sealed) {
  const [nonce, rest] = [sealed.subarray(0, NONCE), sealed.subarray(NONCE)];
  return Profile.decode(unpad(Aes256GcmSiv.new(key).decrypt(rest, nonce, NOTHING)));
}
