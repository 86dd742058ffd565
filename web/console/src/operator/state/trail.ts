/** The audit trail's chain, computed here: whoever trusts no server checks it themselves. */
import type { AuditEntry } from "../api.ts";

const encoder = new TextEncoder();

function big(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

function field(text: string): Uint8Array {
  const bytes = encoder.encode(text);
  const whole = new Uint8Array(4 + bytes.length);
  new DataView(whole.buffer).setUint32(0, bytes.length);
  whole.set(bytes, 4);
  return whole;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The hash of an entry after one with the hash `before`. */
export async function chained(before: Uint8Array, entry: AuditEntry): Promise<Uint8Array> {
  const { number, at, who, what, subject } = entry;
  const fields = [who, what, subject, entry.before, entry.after].map(field);
  const said = joined([encoder.encode("Tradepost audit v1"), before, big(number), big(at), ...fields]);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", said));
}

export function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** The number of the first entry that does not follow from the one before; nothing if all do. The first is number 1. */
export async function broken(entries: readonly AuditEntry[]): Promise<number | undefined> {
  let hash: Uint8Array = new Uint8Array(32);
  for (const [index, entry] of entries.entries()) {
    hash = await chained(hash, entry);
    if (entry.number !== index + 1 || base64(hash) !== entry.hash) return entry.number;
  }
  return undefined;
}
