// Requests to send a message again after it could not be decrypted.

import * as S from '@signalapp/libsignal-client';

export const retryOperations = {
  decryptionError(_world, fields) {
    const message = S.DecryptionErrorMessage.forOriginal(
      fields.bytes('original'),
      fields.number('type'),
      fields.number('timestamp'),
      fields.number('device'),
    );
    return {
      message: message.serialize(),
      plaintextContent: S.PlaintextContent.from(message).serialize(),
    };
  },

  decryptionErrorFields(_world, fields) {
    const message = received(fields);
    return {
      ratchetKey: message.ratchetKey()?.serialize() ?? null,
      timestamp: message.timestamp(),
      device: message.deviceId(),
    };
  },

  async ratchetKeyMatches(world, fields) {
    const { sessions } = world.party(fields.text('party'));
    const record = await sessions.getSession(fields.address('remote'));
    const key = fields.publicKey('ratchetKey');
    return { matches: record?.currentRatchetKeyMatches(key) ?? false };
  },
};

function received(fields) {
  if (!fields.has('plaintextContent')) {
    return S.DecryptionErrorMessage.deserialize(fields.bytes('message'));
  }
  const content = S.PlaintextContent.deserialize(fields.bytes('plaintextContent'));
  return S.DecryptionErrorMessage.extractFromSerializedBody(content.body());
}
