// Parties come and go; signatures of identity keys.

import * as S from '@signalapp/libsignal-client';

export const identityOperations = {
  create(world, fields) {
    const party = world.addParty(fields.text('party'), {
      name: fields.text('name', null) ?? undefined,
      device: fields.number('device', 1),
      registrationId: fields.number('registrationId', null) ?? undefined,
      identity: fields.privateKey('identityPrivate'),
      trustAnything: fields.flag('trustAnything'),
    });
    return {
      name: party.address.name(),
      device: party.address.deviceId(),
      registrationId: party.identities.registrationId,
      identity: party.identity.getPublicKey().serialize(),
    };
  },

  forget(world, fields) {
    return { existed: world.forgetParty(fields.text('party')) };
  },

  sign(world, fields) {
    const { identity } = world.party(fields.text('party'));
    return { signature: identity.sign(fields.bytes('message')) };
  },

  verify(_world, fields) {
    const key = fields.publicKey('publicKey');
    return { valid: key.verify(fields.bytes('message'), fields.bytes('signature')) };
  },

  signAlternate(world, fields) {
    const { identity } = world.party(fields.text('party'));
    const pair = new S.IdentityKeyPair(identity.getPublicKey(), identity);
    return { signature: pair.signAlternateIdentity(fields.publicKey('alternate')) };
  },

  verifyAlternate(_world, fields) {
    const key = fields.publicKey('publicKey');
    const alternate = fields.publicKey('alternate');
    return { valid: key.verifyAlternateIdentity(alternate, fields.bytes('signature')) };
  },
};
