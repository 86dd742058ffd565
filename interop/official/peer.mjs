// A peer that speaks the Signal protocol through the official package, driven over a pipe.
//
// One JSON request per line on stdin, one JSON reply per line on stdout, in the order of the
// requests; stderr is for logs. The process ends when stdin does.
//
//   {"id":1,"op":"encrypt","party":"bob",…}
//   {"id":1,"ok":{…}}   or   {"id":1,"error":{"name":"DuplicatedMessage","code":1,"message":"…"}}
//
// `id` is any JSON value and comes back unchanged (null if the line has none or is not JSON).
//
// Fields: `bytes` are base64; `party` and `authority` are handles chosen by the driver; an
// `address` is {name, device}; times are milliseconds since 1970; `?` marks what may be left out
// or null, `=` its default; keys are serialized with their type byte, private keys are 32 bytes.
// A bundle is {registrationId, device, identity, preKeyId|null, preKey|null, signedPreKeyId,
// signedPreKey, signedPreKeySignature, kyberPreKeyId, kyberPreKey, kyberPreKeySignature}.
// Message types: 2 whisper, 3 prekey, 7 sender key, 8 plaintext content.
//
// | op | request | reply |
// |---|---|---|
// | version | | version |
// | create | party, name?=random UUID, device?=1, registrationId?=random, identityPrivate?=new, trustAnything?=false | name, device, registrationId, identity |
// | forget | party | existed |
// | sign | party, message | signature |
// | verify | publicKey, message, signature | valid |
// | signAlternate | party, alternate (public key) | signature |
// | verifyAlternate | publicKey, alternate, signature | valid |
// | bundle | party, oneTime?=true, lastResort?=false | a bundle of fresh keys, now stored |
// | preKeys | party | oneTime: [id], signed: [id], kyber: [id], lastResortUses: [{kyberId, signedId, baseKey}] |
// | process | party, remote: address, bundle, now? | {} |
// | encrypt | party, remote, plaintext, now? | type, body |
// | encryptMany | party, remote, plaintexts: [bytes], now? | messages: [{type, body}] |
// | decrypt | party, remote, type (2 or 3), body | plaintext |
// | decryptMany | party, remote, messages: [{type, body}] | results: [{plaintext} or {error: {name, code, message}}]; goes on after errors |
// | record | party, remote | record: bytes or null |
// | recordSize | party, remote | size (0 if none) |
// | setRecord | party, remote, record: bytes or null (forget it) | {} |
// | archive | party, remote | existed |
// | hasSession | party, remote, now? | exists (a record), current (a session to encrypt in) |
// | serverCertificate | authority?=default, keyId?=1, trustRootPrivate?=new, serverPrivate?=new | trustRoot, trustRootPrivate, serverPublic, serverPrivate, certificate |
// | senderCertificate | authority?=default, uuid, e164?, device, identityPublic, expires | certificate |
// | senderCertificateFields | certificate | uuid, e164, device, identityPublic, expires, serverCertificate |
// | senderCertificateValid | certificate, trustRoot, time | valid |
// | sealedEncrypt | party, remote, plaintext, certificate | body |
// | sealedDecrypt | party, body, trustRoot, time, e164? (own) | plaintext, senderUuid, senderE164, senderDevice |
// | usmcEncrypt | party, remote, certificate, hint?=0, groupId? (bytes), and one of: plaintext; plaintext + distributionId; plaintextContent (bytes) | body, type, content (the wrapped message) |
// | usmcEncryptMulti | as usmcEncrypt with remotes: [address] for remote | sent, received (null unless one remote), type, content |
// | usmcDecrypt | party, body | type, content, hint, groupId, certificate |
// | distributionCreate | party, distributionId (UUID) | message, chainId, iteration |
// | distributionProcess | party, sender: address, message | distributionId, chainId, iteration |
// | groupEncrypt | party, distributionId, plaintext | type, body |
// | groupDecrypt | party, sender, body | plaintext |
// | fingerprint | iterations, version, localId (bytes), localKey, remoteId (bytes), remoteKey | display, scannable |
// | fingerprintCompare | as fingerprint, and scanned | matches |
// | decryptionError | original (bytes), type, timestamp, device | message, plaintextContent |
// | decryptionErrorFields | message or plaintextContent | ratchetKey or null, timestamp, device |
// | ratchetKeyMatches | party, remote, ratchetKey | matches |
//
// Errors: `name` is the official package's word for `code` (Generic = 0, DuplicatedMessage = 1,
// SealedSenderSelfSend = 2, UntrustedIdentity = 3, …; see replies.mjs). With code null the error
// is not the package's: BadRequest (malformed line or field), UnknownOp, UnknownHandle,
// HandleTaken, TypeError, RangeError. What a store throws comes back as Generic with the store's
// error name in the message ("… UnknownPreKey: …", "… ReusedBaseKey: …").

import { createInterface } from 'node:readline';
import { fingerprintOperations } from './operations/fingerprints.mjs';
import { groupOperations } from './operations/groups.mjs';
import { identityOperations } from './operations/identities.mjs';
import { retryOperations } from './operations/retries.mjs';
import { sealedOperations } from './operations/sealed.mjs';
import { sessionOperations } from './operations/sessions.mjs';
import { describeError, replyLine } from './replies.mjs';
import { BadRequest, Fields } from './requests.mjs';
import { packageVersion } from './version.mjs';
import { World } from './world.mjs';

class UnknownOp extends Error {
  name = 'UnknownOp';
}

const operations = new Map(
  Object.entries({
    version: () => ({ version: packageVersion() }),
    ...identityOperations,
    ...sessionOperations,
    ...sealedOperations,
    ...groupOperations,
    ...fingerprintOperations,
    ...retryOperations,
  }),
);

async function perform(world, request) {
  const fields = new Fields(request);
  const op = fields.text('op');
  const operation = operations.get(op);
  if (!operation) throw new UnknownOp(`there is no operation ${op}`);
  return operation(world, fields);
}

async function answer(world, line) {
  let id = null;
  try {
    const request = parse(line);
    id = request?.id ?? null;
    return { id, ok: await perform(world, request) };
  } catch (error) {
    return { id, error: describeError(error) };
  }
}

function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    throw new BadRequest('line is not JSON');
  }
}

async function serve(input, output) {
  const world = new World();
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    output.write(`${replyLine(await answer(world, line))}\n`);
  }
}

// A driver that died must not leave a peer behind that complains about it.
process.stdout.on('error', () => process.exit(0));
await serve(process.stdin, process.stdout);
