import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Driver } from './driver.mjs';

const DISTRIBUTION = 'd1d1d1d1-7000-4000-8000-33b8a8a487a6';
const NOW = 1_750_000_000_000;

const base64 = (text) => Buffer.from(text).toString('base64');
const text = (bytes) => Buffer.from(bytes, 'base64').toString();

/** Runs `body` with a fresh peer that must end cleanly. */
function peerTest(name, body) {
  test(name, async () => {
    const peer = new Driver();
    try {
      await body(peer);
    } finally {
      assert.equal(await peer.close(), 0);
    }
  });
}

/** A party of that handle, with its address. */
async function create(peer, party, options = {}) {
  const made = await peer.ok('create', { party, name: randomUUID(), ...options });
  return { party, ...made, address: { name: made.name, device: made.device } };
}

async function aliceAndBob(peer) {
  return { alice: await create(peer, 'alice'), bob: await create(peer, 'bob') };
}

async function startSession(peer, from, to, options = {}) {
  const bundle = await peer.ok('bundle', { party: to.party, ...options });
  await peer.ok('process', { party: from.party, remote: to.address, bundle });
}

async function encrypt(peer, from, to, plaintext) {
  const fields = { party: from.party, remote: to.address, plaintext: base64(plaintext) };
  return peer.ok('encrypt', fields);
}

async function decrypt(peer, from, to, message) {
  const fields = { party: to.party, remote: from.address, ...message };
  return text((await peer.ok('decrypt', fields)).plaintext);
}

/** Sends `plaintext` and returns the type of the message that carried it. */
async function exchange(peer, from, to, plaintext) {
  const message = await encrypt(peer, from, to, plaintext);
  assert.equal(await decrypt(peer, from, to, message), plaintext);
  return message.type;
}

async function conversation(peer) {
  const parties = await aliceAndBob(peer);
  await startSession(peer, parties.alice, parties.bob);
  await exchange(peer, parties.alice, parties.bob, 'first');
  await exchange(peer, parties.bob, parties.alice, 'reply');
  return parties;
}

async function certificateFor(peer, { name, device, identity }, e164 = null) {
  const authority = await peer.ok('serverCertificate', { keyId: 7 });
  const { certificate } = await peer.ok('senderCertificate', {
    uuid: name,
    e164,
    device,
    identityPublic: identity,
    expires: NOW,
  });
  return { trustRoot: authority.trustRoot, certificate };
}

peerTest('it reports the version of the package', async (peer) => {
  assert.match((await peer.ok('version')).version, /^\d+\.\d+\.\d+$/);
});

peerTest('two parties talk in both directions', async (peer) => {
  const { alice, bob } = await aliceAndBob(peer);
  await startSession(peer, alice, bob);
  assert.equal(await exchange(peer, alice, bob, 'one'), 3);
  assert.equal(await exchange(peer, alice, bob, 'two'), 3);
  assert.equal(await exchange(peer, bob, alice, 'three'), 2);
  assert.equal(await exchange(peer, alice, bob, ''), 2);
});

peerTest('an imported identity is used as it is', async (peer) => {
  const identityPrivate = Buffer.alloc(32, 0x42).toString('base64');
  const one = await create(peer, 'one', { identityPrivate });
  const two = await create(peer, 'two', { identityPrivate });
  assert.equal(one.identity, two.identity);
});

peerTest('a batch decrypts in any order and goes on after errors', async (peer) => {
  const { alice, bob } = await conversation(peer);
  const plaintexts = ['a', 'b', 'c'].map(base64);
  const sending = { party: 'alice', remote: bob.address, plaintexts };
  const { messages } = await peer.ok('encryptMany', sending);
  const [a, b, c] = messages;
  const { results } = await peer.ok('decryptMany', {
    party: 'bob',
    remote: alice.address,
    messages: [c, a, a, { type: 2, body: base64('junk') }, { type: 2 }, b],
  });
  assert.deepEqual(
    results.map(({ plaintext, error }) => (error ? error.name : text(plaintext))),
    ['c', 'a', 'DuplicatedMessage', 'Generic', 'BadRequest', 'b'],
  );
  assert.equal(results[2].error.code, 1);
});

peerTest('one-time prekeys are deleted when used', async (peer) => {
  const { alice, bob } = await aliceAndBob(peer);
  await startSession(peer, alice, bob);
  const before = await peer.ok('preKeys', { party: 'bob' });
  assert.deepEqual([before.oneTime.length, before.signed.length, before.kyber.length], [1, 1, 1]);
  await exchange(peer, alice, bob, 'hello');
  const after = await peer.ok('preKeys', { party: 'bob' });
  assert.deepEqual([after.oneTime.length, after.signed.length, after.kyber.length], [0, 1, 0]);
});

peerTest('a last-resort Kyber prekey stays and remembers its use', async (peer) => {
  const { alice, bob } = await aliceAndBob(peer);
  await startSession(peer, alice, bob, { oneTime: false, lastResort: true });
  const message = await encrypt(peer, alice, bob, 'hello');
  assert.equal(await decrypt(peer, alice, bob, message), 'hello');
  const { kyber, lastResortUses } = await peer.ok('preKeys', { party: 'bob' });
  assert.equal(kyber.length, 1);
  assert.deepEqual(
    lastResortUses.map(({ kyberId }) => kyberId),
    kyber,
  );
  const at = { party: 'bob', remote: alice.address };
  await peer.ok('setRecord', { ...at, record: null });
  assert.match((await peer.error('decrypt', { ...at, ...message })).message, /ReusedBaseKey/);
});

peerTest('a record can be taken, restored and measured', async (peer) => {
  const { alice, bob } = await conversation(peer);
  const at = { party: 'bob', remote: alice.address };
  const { record } = await peer.ok('record', at);
  const message = await encrypt(peer, alice, bob, 'again');
  assert.equal(await decrypt(peer, alice, bob, message), 'again');
  assert.equal((await peer.error('decrypt', { ...at, ...message })).name, 'DuplicatedMessage');
  await peer.ok('setRecord', { ...at, record });
  assert.equal((await peer.ok('recordSize', at)).size, Buffer.from(record, 'base64').length);
  assert.equal(await decrypt(peer, alice, bob, message), 'again');
});

peerTest('an archived session no longer encrypts', async (peer) => {
  const { bob } = await conversation(peer);
  const at = { party: 'alice', remote: bob.address };
  assert.deepEqual(await peer.ok('hasSession', at), { exists: true, current: true });
  assert.deepEqual(await peer.ok('archive', at), { existed: true });
  assert.deepEqual(await peer.ok('hasSession', at), { exists: true, current: false });
  const error = await peer.error('encrypt', { ...at, plaintext: base64('x') });
  assert.match(error.message, /not found/);
});

peerTest('a changed identity is refused unless the party trusts anything', async (peer) => {
  const { alice, bob } = await conversation(peer);
  const carol = await create(peer, 'carol', { trustAnything: true });
  await startSession(peer, carol, bob);
  await exchange(peer, carol, bob, 'hello');
  const other = { ...(await create(peer, 'other', { name: bob.name })), address: bob.address };
  const bundle = await peer.ok('bundle', { party: 'other' });
  const error = await peer.error('process', { party: 'alice', remote: bob.address, bundle });
  assert.deepEqual([error.name, error.code], ['UntrustedIdentity', 3]);
  await peer.ok('process', { party: 'carol', remote: bob.address, bundle });
  assert.equal(await exchange(peer, carol, other, 'hello'), 3);
  assert.equal(await exchange(peer, alice, bob, 'still'), 2);
});

peerTest('an unknown prekey id names the store error', async (peer) => {
  const { alice, bob } = await aliceAndBob(peer);
  await startSession(peer, alice, bob);
  const message = await encrypt(peer, alice, bob, 'x');
  await peer.ok('forget', { party: 'bob' });
  await peer.ok('create', { party: 'bob', name: bob.name });
  const fields = { party: 'bob', remote: alice.address, ...message };
  assert.match((await peer.error('decrypt', fields)).message, /UnknownPreKey/);
});

peerTest('sealed sender hides and reveals the sender', async (peer) => {
  const { alice, bob } = await aliceAndBob(peer);
  await startSession(peer, alice, bob);
  const { trustRoot, certificate } = await certificateFor(peer, alice, '+15550100');
  const sending = { party: 'alice', remote: bob.address, plaintext: base64('psst'), certificate };
  const { body } = await peer.ok('sealedEncrypt', sending);
  const receiving = { party: 'bob', body, trustRoot, time: NOW };
  const expired = await peer.error('sealedDecrypt', { ...receiving, time: NOW + 1 });
  assert.match(expired.message, /sealed sender/);
  assert.deepEqual(await peer.ok('sealedDecrypt', receiving), {
    plaintext: base64('psst'),
    senderUuid: alice.name,
    senderE164: '+15550100',
    senderDevice: 1,
  });
});

peerTest('certificates can be imported, read and validated', async (peer) => {
  const alice = await create(peer, 'alice');
  const first = await peer.ok('serverCertificate', { authority: 'a', keyId: 3 });
  const { trustRootPrivate, serverPrivate } = first;
  const again = { authority: 'b', keyId: 3, trustRootPrivate, serverPrivate };
  const second = await peer.ok('serverCertificate', again);
  assert.equal(second.trustRoot, first.trustRoot);
  assert.equal(second.serverPublic, first.serverPublic);
  const given = { uuid: alice.name, device: 2, identityPublic: alice.identity, expires: NOW };
  const { certificate } = await peer.ok('senderCertificate', { authority: 'b', ...given });
  const { serverCertificate, ...read } = await peer.ok('senderCertificateFields', { certificate });
  assert.deepEqual(read, { ...given, e164: null });
  assert.equal(serverCertificate, second.certificate);
  const valid = { certificate, trustRoot: first.trustRoot };
  assert.deepEqual(await peer.ok('senderCertificateValid', { ...valid, time: NOW }), {
    valid: true,
  });
  assert.deepEqual(await peer.ok('senderCertificateValid', { ...valid, time: NOW + 1 }), {
    valid: false,
  });
});

peerTest('inner content carries hint, group and any kind of message', async (peer) => {
  const { alice, bob } = await conversation(peer);
  const { certificate } = await certificateFor(peer, alice);
  await peer.ok('distributionCreate', { party: 'alice', distributionId: DISTRIBUTION });
  const original = await encrypt(peer, bob, alice, 'lost');
  const { plaintextContent } = await peer.ok('decryptionError', {
    original: original.body,
    type: original.type,
    timestamp: NOW,
    device: 1,
  });
  const kinds = [
    [2, { plaintext: base64('x'), hint: 1, groupId: base64('group') }],
    [7, { plaintext: base64('x'), distributionId: DISTRIBUTION, hint: 2 }],
    [8, { plaintextContent }],
  ];
  for (const [type, kind] of kinds) {
    const fields = { party: 'alice', remote: bob.address, certificate, ...kind };
    const sent = await peer.ok('usmcEncrypt', fields);
    const usmc = await peer.ok('usmcDecrypt', { party: 'bob', body: sent.body });
    assert.deepEqual(usmc, {
      type,
      content: sent.content,
      hint: kind.hint ?? 0,
      groupId: kind.groupId ?? null,
      certificate,
    });
  }
});

peerTest('one sealed message goes to several recipients', async (peer) => {
  const { alice, bob } = await conversation(peer);
  const { certificate } = await certificateFor(peer, alice);
  const fields = { party: 'alice', certificate, plaintext: base64('x') };
  const one = await peer.ok('usmcEncryptMulti', { ...fields, remotes: [bob.address] });
  const usmc = await peer.ok('usmcDecrypt', { party: 'bob', body: one.received });
  assert.equal(usmc.content, one.content);
  const carol = await create(peer, 'carol');
  await startSession(peer, alice, carol);
  const remotes = [bob.address, carol.address];
  assert.equal((await peer.ok('usmcEncryptMulti', { ...fields, remotes })).received, null);
});

peerTest('group messages reach who has the sender key', async (peer) => {
  const { alice } = await aliceAndBob(peer);
  const made = await peer.ok('distributionCreate', {
    party: 'alice',
    distributionId: DISTRIBUTION,
  });
  const sending = { party: 'alice', distributionId: DISTRIBUTION, plaintext: base64('all') };
  const { type, body } = await peer.ok('groupEncrypt', sending);
  const receiving = { party: 'bob', sender: alice.address, body };
  assert.match((await peer.error('groupDecrypt', receiving)).message, /missing sender key/);
  const learned = await peer.ok('distributionProcess', {
    party: 'bob',
    sender: alice.address,
    message: made.message,
  });
  assert.deepEqual(learned, { distributionId: DISTRIBUTION, chainId: made.chainId, iteration: 0 });
  assert.equal(type, 7);
  assert.equal(text((await peer.ok('groupDecrypt', receiving)).plaintext), 'all');
  assert.equal((await peer.error('groupDecrypt', receiving)).name, 'DuplicatedMessage');
});

peerTest('fingerprints of both sides match', async (peer) => {
  const { alice, bob } = await aliceAndBob(peer);
  const [a, b] = [base64('alice'), base64('bob')];
  const shape = { iterations: 5200, version: 2 };
  const local = { localId: a, localKey: alice.identity };
  const atAlice = { ...shape, ...local, remoteId: b, remoteKey: bob.identity };
  const remote = { remoteId: a, remoteKey: alice.identity };
  const atBob = { ...shape, ...remote, localId: b, localKey: bob.identity };
  const mine = await peer.ok('fingerprint', atAlice);
  const theirs = await peer.ok('fingerprint', atBob);
  assert.equal(mine.display, theirs.display);
  assert.match(mine.display, /^\d{60}$/);
  const compare = (scanned) => peer.ok('fingerprintCompare', { ...atAlice, scanned });
  assert.deepEqual(await compare(theirs.scannable), { matches: true });
  assert.deepEqual(await compare(mine.scannable), { matches: false });
  const old = await peer.ok('fingerprint', { ...atBob, version: 1 });
  const mismatch = await peer.error('fingerprintCompare', { ...atAlice, scanned: old.scannable });
  assert.match(mismatch.message, /version/);
});

peerTest('a decryption error names the ratchet key of the lost message', async (peer) => {
  const { alice, bob } = await conversation(peer);
  const lost = await encrypt(peer, alice, bob, 'lost');
  const about = { original: lost.body, type: lost.type, timestamp: NOW, device: 1 };
  const { message, plaintextContent } = await peer.ok('decryptionError', about);
  const read = await peer.ok('decryptionErrorFields', { plaintextContent });
  assert.deepEqual(read, await peer.ok('decryptionErrorFields', { message }));
  assert.deepEqual([read.timestamp, read.device], [NOW, 1]);
  const at = { party: 'alice', remote: bob.address, ratchetKey: read.ratchetKey };
  assert.deepEqual(await peer.ok('ratchetKeyMatches', at), { matches: true });
});

peerTest('signatures verify for their message only', async (peer) => {
  const { alice, bob } = await aliceAndBob(peer);
  const message = base64('signed');
  const { signature } = await peer.ok('sign', { party: 'alice', message });
  const claim = { publicKey: alice.identity, message, signature };
  assert.deepEqual(await peer.ok('verify', claim), { valid: true });
  const other = { ...claim, message: base64('other') };
  assert.deepEqual(await peer.ok('verify', other), { valid: false });
  const alternate = bob.identity;
  const vouched = await peer.ok('signAlternate', { party: 'alice', alternate });
  const voucher = { publicKey: alice.identity, alternate, signature: vouched.signature };
  assert.deepEqual(await peer.ok('verifyAlternate', voucher), { valid: true });
});

peerTest('what is wrong with a request is said, and the next one is served', async (peer) => {
  for (const line of ['', 'nonsense', 'null', '5', '[]', '"text"', '{"op":5}', '{}']) {
    const reply = await peer.line(line);
    assert.deepEqual([reply.id, reply.error.name, reply.error.code], [null, 'BadRequest', null]);
  }
  assert.equal((await peer.error('toString')).name, 'UnknownOp');
  assert.equal((await peer.error('sign', { party: 'nobody' })).name, 'UnknownHandle');
  await create(peer, 'alice');
  assert.equal((await peer.error('create', { party: 'alice' })).name, 'HandleTaken');
  const unencoded = await peer.error('sign', { party: 'alice', message: 'not base64!' });
  assert.match(unencoded.message, /message is not base64/);
  const far = { party: 'alice', remote: { name: 'bob', device: 0 }, plaintext: '' };
  assert.equal((await peer.error('encrypt', far)).name, 'InvalidProtocolAddress');
  assert.ok((await peer.ok('version')).version);
});
