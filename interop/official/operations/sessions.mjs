// Prekeys, pairwise messages, and the stored session records.

import * as S from '@signalapp/libsignal-client';
import { bundleFromFields, bundleToJson } from '../bundles.mjs';
import { describeError } from '../replies.mjs';

export const sessionOperations = {
  async bundle(world, fields) {
    const bundle = await world.party(fields.text('party')).offerBundle({
      oneTime: fields.flag('oneTime', true),
      lastResort: fields.flag('lastResort'),
    });
    return bundleToJson(bundle);
  },

  preKeys(world, fields) {
    const party = world.party(fields.text('party'));
    return {
      oneTime: party.preKeys.ids(),
      signed: party.signedPreKeys.ids(),
      kyber: party.kyberPreKeys.ids(),
      lastResortUses: party.kyberPreKeys.lastResortUses(),
    };
  },

  async process(world, fields) {
    const party = world.party(fields.text('party'));
    const bundle = bundleFromFields(fields.object('bundle'));
    await party.processBundle(fields.address('remote'), bundle, fields.date('now'));
    return {};
  },

  async encrypt(world, fields) {
    const { party, remote } = conversation(world, fields);
    return encrypt(party, remote, fields.bytes('plaintext'), fields.date('now'));
  },

  async encryptMany(world, fields) {
    const { party, remote } = conversation(world, fields);
    const messages = [];
    for (const plaintext of fields.byteLists('plaintexts')) {
      messages.push(await encrypt(party, remote, plaintext, fields.date('now')));
    }
    return { messages };
  },

  async decrypt(world, fields) {
    const { party, remote } = conversation(world, fields);
    return decrypt(party, remote, fields);
  },

  async decryptMany(world, fields) {
    const { party, remote } = conversation(world, fields);
    const results = [];
    for (const message of fields.objects('messages')) {
      const failed = (error) => ({ error: describeError(error) });
      results.push(await decrypt(party, remote, message).catch(failed));
    }
    return { results };
  },

  record(world, fields) {
    const { party, remote } = conversation(world, fields);
    return { record: party.sessions.serialized(remote) };
  },

  recordSize(world, fields) {
    const { party, remote } = conversation(world, fields);
    return { size: party.sessions.serialized(remote)?.length ?? 0 };
  },

  async setRecord(world, fields) {
    const { party, remote } = conversation(world, fields);
    if (fields.has('record')) {
      const record = S.SessionRecord.deserialize(fields.bytes('record'));
      await party.sessions.saveSession(remote, record);
    } else {
      party.sessions.forget(remote);
    }
    return {};
  },

  async archive(world, fields) {
    const { party, remote } = conversation(world, fields);
    const record = await party.sessions.getSession(remote);
    if (record) {
      record.archiveCurrentState();
      await party.sessions.saveSession(remote, record);
    }
    return { existed: record !== null };
  },

  async hasSession(world, fields) {
    const { party, remote } = conversation(world, fields);
    const record = await party.sessions.getSession(remote);
    return {
      exists: record !== null,
      current: record?.hasCurrentState(fields.date('now')) ?? false,
    };
  },
};

function conversation(world, fields) {
  return { party: world.party(fields.text('party')), remote: fields.address('remote') };
}

async function encrypt(party, remote, plaintext, now) {
  const message = await party.encrypt(remote, plaintext, now);
  return { type: message.type(), body: message.serialize() };
}

async function decrypt(party, remote, message) {
  const plaintext = await party.decrypt(remote, message.number('type'), message.bytes('body'));
  return { plaintext };
}
