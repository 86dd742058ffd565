// How a new device is handed an account by the primary one.

import { PrivateKey, PublicKey } from '@signalapp/libsignal-client';
import { derive, openOnce } from './sealing.mjs';
import { Provision, fromBase64 } from './wire.mjs';

const PURPOSE = 'Tradepost provisioning v1';
const WAIT_MS = 25_000;
const PUBLIC_KEY = 33;

/** Shows the primary a URL, and returns the Provision that it sends. */
export async function askForProvision(relay, show) {
  const ephemeral = PrivateKey.generate();
  const scanned = Buffer.from(ephemeral.getPublicKey().serialize());
  const { id, expires_in_ms: expires } = await relay.ask('POST', '/v1/provisioning');
  const at = encodeURIComponent(relay.url);
  show(`tradepost://link?relay=${at}&id=${id}&key=${scanned.toString('base64url')}`);
  for (const end = Date.now() + expires; Date.now() < end; ) {
    const answer = await relay.ask('GET', `/v1/provisioning/${id}?wait_ms=${WAIT_MS}`);
    if (answer) return open(ephemeral, scanned, fromBase64(answer.message));
  }
  throw new Error('nobody scanned the code in time');
}

function open(ephemeral, scanned, message) {
  const [sender, sealed] = [message.subarray(0, PUBLIC_KEY), message.subarray(PUBLIC_KEY)];
  const secret = ephemeral.agree(PublicKey.deserialize(sender));
  return Provision.decode(openOnce(derive(secret, PURPOSE, scanned, sender), sealed));
}
