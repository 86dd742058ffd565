// Bytes on the wire: the frames and contents of the published .proto files, padding, and ids.

import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

const published = (name) =>
  protobuf.loadSync(fileURLToPath(new URL(`../../crates/wire/proto/${name}`, import.meta.url)));

// Times and sizes fit a JavaScript number for some 285,000 years.
const PLAIN = { longs: Number, enums: String, defaults: true, oneofs: true };

/** Between a message type and plain objects; of a oneof they hold the one that is there, and which: `body: 'text'`. */
function codec(type) {
  return {
    encode: (object) => type.encode(type.fromObject(object)).finish(),
    decode: (bytes) => type.toObject(type.decode(asBuffer(bytes)), PLAIN),
  };
}

/** The same memory: all bytes in what is decoded are Buffers then. */
const asBuffer = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const socket = published('socket.proto');
const content = published('content.proto');

export const ClientFrame = codec(socket.lookupType('tradepost.wire.v1.ClientFrame'));
export const ServerFrame = codec(socket.lookupType('tradepost.wire.v1.ServerFrame'));
export const Notice = codec(socket.lookupType('tradepost.wire.v1.Notice'));
export const Content = codec(content.lookupType('tradepost.content.v1.Content'));
export const Provision = codec(content.lookupType('tradepost.content.v1.Provision'));
export const Profile = codec(content.lookupType('tradepost.content.v1.Profile'));

/** The kinds of an envelope, by name: `Kind.SIGNAL` is 2. */
export const Kind = socket.lookupEnum('tradepost.wire.v1.Kind').values;

const BLOCK = 80;

/** 0x80, then zeros up to one byte less than a multiple of 80. */
export function pad(bytes) {
  const padded = Buffer.alloc(Math.ceil((bytes.length + 2) / BLOCK) * BLOCK - 1);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  return padded;
}

/** The same without its padding; null if it has none. */
export function unpad(padded) {
  const end = padded.findLastIndex((byte) => byte !== 0);
  return padded[end] === 0x80 ? padded.subarray(0, end) : null;
}

/** The 16 bytes of an account's UUID. */
export const accountBytes = (account) => Buffer.from(account.replaceAll('-', ''), 'hex');

/** The UUID in lower case that 16 bytes are. */
export const accountFrom = (bytes) =>
  Buffer.from(bytes).toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');

export const base64 = (bytes) => Buffer.from(bytes).toString('base64');
export const fromBase64 = (text) => Buffer.from(text, 'base64');
