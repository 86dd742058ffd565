import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ClientFrame, Content, Kind, ServerFrame, accountBytes, accountFrom, pad, unpad } from './wire.mjs';

test('padding ends one byte before a multiple of 80, and comes off', () => {
  for (const length of [0, 1, 77, 78, 79, 80, 157, 158, 159]) {
    const content = Buffer.alloc(length, 0);
    const padded = pad(content);
    assert.equal((padded.length + 1) % 80, 0, `${length}`);
    assert.ok(padded.length > length && padded.length - length <= 80, `${length}`);
    assert.equal(padded[length], 0x80);
    assert.deepEqual(unpad(padded), content);
  }
});

test('what is not padded is told from what is', () => {
  for (const bytes of [[], [0, 0], [0x80, 1, 0]]) assert.equal(unpad(Buffer.from(bytes)), null);
});

test('a content says which body it has, also where all its fields are zero', () => {
  const receipt = { timestamp: 1_767_225_600_000, receipt: { type: 'DELIVERED', timestamps: [1, 2] } };
  const content = Content.decode(Content.encode(receipt));
  assert.equal(content.body, 'receipt');
  assert.equal(content.timestamp, 1_767_225_600_000);
  assert.equal(content.receipt.type, 'DELIVERED');
  assert.deepEqual(content.receipt.timestamps, [1, 2]);
  assert.equal(content.quote, undefined);
  assert.equal(Content.decode(Buffer.alloc(0)).body, undefined);
});

test('frames hold lists, and what is not there is not said', () => {
  const part = { device: 1, registrationId: 4711, kind: Kind.PREKEY, body: Buffer.from('body') };
  const send = { id: Buffer.alloc(16, 1), to: Buffer.alloc(16, 2), timestamp: 3, parts: [part] };
  assert.ok(ClientFrame.encode({ sends: [send] }).length > 40);
  const { deliveries, sent, refusals, drained, prekeysLeft } = ServerFrame.decode(Buffer.alloc(0));
  assert.deepEqual([deliveries, sent, refusals, drained, prekeysLeft], [[], [], [], false, undefined]);
});

test('accounts are UUIDs in text and 16 bytes on the wire', () => {
  const account = '01234567-89ab-4cde-8f01-23456789abcd';
  assert.equal(accountBytes(account).length, 16);
  assert.equal(accountFrom(accountBytes(account)), account);
});

test('the official package has the version that the protocol crate is tested against', () => {
  const official = (folder) => {
    const described = readFileSync(new URL(`../${folder}/package.json`, import.meta.url), 'utf8');
    return JSON.parse(described).dependencies['@signalapp/libsignal-client'];
  };
  assert.equal(official('client'), official('official'));
});
