// Measures the official package driven from Node.

import { bench } from './measure.mjs';
import { Party } from './parties.mjs';
import { packageVersion } from './version.mjs';

await bench({
  title: 'official package',
  about: 'Measures the installed official Signal protocol package',
  record: 'record',
  version: packageVersion,
  party: () => new Party(),
  async encrypt(sender, receiver, plaintext) {
    const message = await sender.encrypt(receiver.address, plaintext);
    return { type: message.type(), body: message.serialize() };
  },
  decrypt: (sender, receiver, { type, body }) => receiver.decrypt(sender.address, type, body),
  size: (party, remote) => party.sessions.serialized(remote).length,
});
