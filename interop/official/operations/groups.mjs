// Sender keys: announcing one, learning one, and group messages.

import * as S from '@signalapp/libsignal-client';

export const groupOperations = {
  async distributionCreate(world, fields) {
    const party = world.party(fields.text('party'));
    const message = await S.SenderKeyDistributionMessage.create(
      party.address,
      fields.text('distributionId'),
      party.senderKeys,
    );
    return {
      message: message.serialize(),
      chainId: message.chainId(),
      iteration: message.iteration(),
    };
  },

  async distributionProcess(world, fields) {
    const { senderKeys } = world.party(fields.text('party'));
    const message = S.SenderKeyDistributionMessage.deserialize(fields.bytes('message'));
    const sender = fields.address('sender');
    await S.processSenderKeyDistributionMessage(sender, message, senderKeys);
    return {
      distributionId: message.distributionId(),
      chainId: message.chainId(),
      iteration: message.iteration(),
    };
  },

  async groupEncrypt(world, fields) {
    const { address, senderKeys } = world.party(fields.text('party'));
    const distributionId = fields.text('distributionId');
    const plaintext = fields.bytes('plaintext');
    const message = await S.groupEncrypt(address, distributionId, senderKeys, plaintext);
    return { type: message.type(), body: message.serialize() };
  },

  async groupDecrypt(world, fields) {
    const { senderKeys } = world.party(fields.text('party'));
    const sender = fields.address('sender');
    return { plaintext: await S.groupDecrypt(sender, senderKeys, fields.bytes('body')) };
  },
};
