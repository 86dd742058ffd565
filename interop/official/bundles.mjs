// Prekey bundles: making the keys of one, and its JSON form with base64 bytes.

import * as S from '@signalapp/libsignal-client';

const base64 = (bytes) => Buffer.from(bytes).toString('base64');

/**
 * Fresh prekey records for one bundle, signed by `identity`. The three ids differ, so that using
 * one in place of another cannot go unnoticed.
 */
export function generatePreKeys(identity, { nextId, oneTime, now }) {
  const signed = S.PrivateKey.generate();
  const kyber = S.KEMKeyPair.generate();
  const signedPublic = signed.getPublicKey();
  const signedSignature = identity.sign(signedPublic.serialize());
  const kyberSignature = identity.sign(kyber.getPublicKey().serialize());
  return {
    oneTime: oneTime ? generateOneTime(nextId()) : null,
    signed: S.SignedPreKeyRecord.new(nextId(), now, signedPublic, signed, signedSignature),
    kyber: S.KyberPreKeyRecord.new(nextId(), now, kyber, kyberSignature),
  };
}

function generateOneTime(id) {
  const key = S.PrivateKey.generate();
  return S.PreKeyRecord.new(id, key.getPublicKey(), key);
}

/** The bundle a server would hand out for these records. */
export function bundleOf({ registrationId, device, identity }, { oneTime, signed, kyber }) {
  return S.PreKeyBundle.new(
    registrationId,
    device,
    oneTime?.id() ?? null,
    oneTime?.publicKey() ?? null,
    signed.id(),
    signed.publicKey(),
    signed.signature(),
    identity.getPublicKey(),
    kyber.id(),
    kyber.publicKey(),
    kyber.signature(),
  );
}

export function bundleToJson(bundle) {
  const preKey = bundle.preKeyPublic();
  return {
    registrationId: bundle.registrationId(),
    device: bundle.deviceId(),
    identity: base64(bundle.identityKey().serialize()),
    preKeyId: preKey ? bundle.preKeyId() : null,
    preKey: preKey ? base64(preKey.serialize()) : null,
    signedPreKeyId: bundle.signedPreKeyId(),
    signedPreKey: base64(bundle.signedPreKeyPublic().serialize()),
    signedPreKeySignature: base64(bundle.signedPreKeySignature()),
    kyberPreKeyId: bundle.kyberPreKeyId(),
    kyberPreKey: base64(bundle.kyberPreKeyPublic().serialize()),
    kyberPreKeySignature: base64(bundle.kyberPreKeySignature()),
  };
}

/** Reads the same shape back from request fields (see requests.mjs). */
export function bundleFromFields(fields) {
  const preKey = fields.has('preKey');
  return S.PreKeyBundle.new(
    fields.number('registrationId'),
    fields.number('device'),
    preKey ? fields.number('preKeyId') : null,
    preKey ? S.PublicKey.deserialize(fields.bytes('preKey')) : null,
    fields.number('signedPreKeyId'),
    S.PublicKey.deserialize(fields.bytes('signedPreKey')),
    fields.bytes('signedPreKeySignature'),
    S.PublicKey.deserialize(fields.bytes('identity')),
    fields.number('kyberPreKeyId'),
    S.KEMPublicKey.deserialize(fields.bytes('kyberPreKey')),
    fields.bytes('kyberPreKeySignature'),
  );
}
