// Sealed sender: certificates, whole messages, and the inner content ("usmc") on its own.

import * as S from '@signalapp/libsignal-client';
import { BadRequest } from '../requests.mjs';

const DEFAULT_AUTHORITY = 'default';

export const sealedOperations = {
  serverCertificate(world, fields) {
    const trustRoot = fields.privateKey('trustRootPrivate');
    const server = fields.privateKey('serverPrivate');
    const keyId = fields.number('keyId', 1);
    const certificate = S.ServerCertificate.new(keyId, server.getPublicKey(), trustRoot);
    world.setAuthority(fields.text('authority', DEFAULT_AUTHORITY), { server, certificate });
    return {
      trustRoot: trustRoot.getPublicKey().serialize(),
      trustRootPrivate: trustRoot.serialize(),
      serverPublic: server.getPublicKey().serialize(),
      serverPrivate: server.serialize(),
      certificate: certificate.serialize(),
    };
  },

  senderCertificate(world, fields) {
    const authority = world.authority(fields.text('authority', DEFAULT_AUTHORITY));
    const certificate = S.SenderCertificate.new(
      fields.text('uuid'),
      fields.text('e164', null),
      fields.number('device'),
      fields.publicKey('identityPublic'),
      fields.number('expires'),
      authority.certificate,
      authority.server,
    );
    return { certificate: certificate.serialize() };
  },

  senderCertificateFields(_world, fields) {
    const certificate = senderCertificate(fields);
    return {
      uuid: certificate.senderUuid(),
      e164: certificate.senderE164(),
      device: certificate.senderDeviceId(),
      identityPublic: certificate.key().serialize(),
      expires: certificate.expiration(),
      serverCertificate: certificate.serverCertificate().serialize(),
    };
  },

  senderCertificateValid(_world, fields) {
    const certificate = senderCertificate(fields);
    return { valid: certificate.validate(fields.publicKey('trustRoot'), fields.number('time')) };
  },

  async sealedEncrypt(world, fields) {
    const party = world.party(fields.text('party'));
    const body = await S.sealedSenderEncryptMessage(
      fields.bytes('plaintext'),
      fields.address('remote'),
      senderCertificate(fields),
      party.sessions,
      party.identities,
    );
    return { body };
  },

  async sealedDecrypt(world, fields) {
    const result = await sealedDecrypt(world.party(fields.text('party')), fields);
    return {
      plaintext: result.message(),
      senderUuid: result.senderUuid(),
      senderE164: result.senderE164(),
      senderDevice: result.deviceId(),
    };
  },

  async usmcEncrypt(world, fields) {
    const party = world.party(fields.text('party'));
    const remote = fields.address('remote');
    const { usmc, content } = await innerContent(party, remote, fields);
    return { body: await S.sealedSenderEncrypt(usmc, remote, party.identities), ...content };
  },

  async usmcEncryptMulti(world, fields) {
    const party = world.party(fields.text('party'));
    const recipients = fields.addresses('remotes');
    if (recipients.length === 0) throw new BadRequest('field remotes is empty');
    const { usmc, content } = await innerContent(party, recipients[0], fields);
    const sent = await S.sealedSenderMultiRecipientEncrypt({
      content: usmc,
      recipients,
      excludedRecipients: [],
      identityStore: party.identities,
      sessionStore: party.sessions,
    });
    return { sent, received: receivedForm(sent, recipients.length), ...content };
  },

  async usmcDecrypt(world, fields) {
    const { identities } = world.party(fields.text('party'));
    const usmc = await S.sealedSenderDecryptToUsmc(fields.bytes('body'), identities);
    return {
      type: usmc.msgType(),
      content: usmc.contents(),
      hint: usmc.contentHint(),
      groupId: usmc.groupId(),
      certificate: usmc.senderCertificate().serialize(),
    };
  },
};

function senderCertificate(fields) {
  return S.SenderCertificate.deserialize(fields.bytes('certificate'));
}

function sealedDecrypt(party, fields) {
  return S.sealedSenderDecryptMessage(
    fields.bytes('body'),
    fields.publicKey('trustRoot'),
    fields.number('time'),
    fields.text('e164', null),
    party.address.name(),
    party.address.deviceId(),
    party.sessions,
    party.identities,
    party.preKeys,
    party.signedPreKeys,
    party.kyberPreKeys,
  );
}

async function innerContent(party, remote, fields) {
  const message = await innerMessage(party, remote, fields);
  const usmc = S.UnidentifiedSenderMessageContent.new(
    message,
    senderCertificate(fields),
    fields.number('hint', S.ContentHint.Default),
    fields.has('groupId') ? fields.bytes('groupId') : null,
  );
  return { usmc, content: { type: message.type(), content: message.serialize() } };
}

// The package wraps only a ciphertext object it made itself, never bytes: so make it here.
async function innerMessage(party, remote, fields) {
  if (fields.has('plaintextContent')) {
    return S.PlaintextContent.deserialize(fields.bytes('plaintextContent')).asCiphertextMessage();
  }
  const plaintext = fields.bytes('plaintext');
  if (!fields.has('distributionId')) return party.encrypt(remote, plaintext);
  const distributionId = fields.text('distributionId');
  return S.groupEncrypt(party.address, distributionId, party.senderKeys, plaintext);
}

// The package turns a sent form into a received one only if it has a single recipient.
function receivedForm(sent, recipientCount) {
  return recipientCount === 1 ? S.sealedSenderMultiRecipientMessageForSingleRecipient(sent) : null;
}
