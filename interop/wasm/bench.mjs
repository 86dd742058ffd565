// Measures the protocol in WASM driven from Node, as interop/official/bench.mjs measures the
// official package.

import { bench } from '../official/measure.mjs';
import { Party, wasm } from './party.mjs';

await bench({
  title: 'Tradepost in WASM',
  about: 'Measures the protocol in WASM, as scripts/wasm.sh built it',
  record: 'session',
  version: wasm.version,
  party: () => new Party(),
  encrypt: (sender, receiver, plaintext) => sender.encrypt(receiver.address, plaintext),
  decrypt: (sender, receiver, message) => receiver.decrypt(sender.address, message),
  size: (party, remote) => party.serialized(remote).length,
});
