// The relay's HTTP API: JSON, and bytes for blobs.

import { Refused } from './errors.mjs';
import { accountFrom, base64 } from './wire.mjs';

export class Relay {
  #url;
  #token;

  constructor(url, token = null) {
    this.#url = url.replace(/\/$/, '');
    this.#token = token;
  }

  get url() {
    return this.#url;
  }

  get token() {
    return this.#token;
  }

  /** The same relay, spoken to with a credential. */
  as(token) {
    return new Relay(this.#url, token);
  }

  /** Asks with JSON (or nothing) and returns the JSON of the answer, if it has any. */
  async ask(method, path, body) {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const response = await this.#fetch(method, path, headers, JSON.stringify(body));
    const text = await response.text();
    return text ? JSON.parse(text) : null;
  }

  /** Sends one `Send` of socket.proto, as the socket does; returns when it is safe. */
  async send({ id, to, timestamp, parts }) {
    const inJson = parts.map(({ device, registrationId, kind, body }) => ({
      device,
      registration_id: registrationId,
      kind,
      body: base64(body),
    }));
    const message = { id: base64(id), timestamp, parts: inJson };
    await this.ask('PUT', `/v1/accounts/${accountFrom(to)}/messages`, message);
  }

  /** Uploads bytes and returns the id of the blob; goes on where the relay stopped. */
  async upload(bytes) {
    const { id } = await this.ask('POST', '/v1/blobs', { size: bytes.length });
    let offset = 0;
    while (offset < bytes.length) {
      const headers = { 'upload-offset': String(offset), 'content-type': 'application/octet-stream' };
      const response = await this.#fetch('PATCH', `/v1/blobs/${id}`, headers, bytes.subarray(offset));
      offset = Number(response.headers.get('upload-offset'));
    }
    return id;
  }

  async download(id) {
    const response = await this.#fetch('GET', `/v1/blobs/${id}`);
    return Buffer.from(await response.arrayBuffer());
  }

  async #fetch(method, path, headers = {}, body = undefined) {
    if (this.#token) headers.authorization = `Bearer ${this.#token}`;
    const response = await fetch(this.#url + path, { method, headers, body });
    if (response.ok) return response;
    const { error } = await response.json().catch(() => ({ error: { code: 'internal' } }));
    throw new Refused(error.code, { ...error, status: response.status });
  }
}
