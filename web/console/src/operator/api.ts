/** The operator's part of the relay's API (docs/relay-api.md). The token is kept in this tab and nowhere else. */
import { ask } from "../shell/http.ts";
import { Problem } from "../shell/problem.ts";

export type BusinessState = "draft" | "submitted" | "in_review" | "approved" | "rejected" | "suspended";

export interface Summary {
  business: string;
  state: BusinessState;
  name?: string;
  legal_name?: string;
  country?: string;
  changed: number;
}

export interface Document {
  id: string;
  name: string;
  content_type: string;
  size: number;
  created: number;
}

export interface Business {
  business: string;
  state: BusinessState;
  reason?: string;
  application: {
    legal_name?: string;
    name?: string;
    country?: string;
    registration_number?: string;
    website?: string;
    category?: string;
    contact?: { name: string; email: string; phone: string };
  };
  /** Lists that would be empty are left out. */
  documents?: Document[];
  numbers?: { number: string; account?: string }[];
  testers?: string[];
  hosting?: {
    mode: "self" | "vendor" | "operator" | "sealed";
    vendor?: string;
    host_name?: string;
    since: number;
  };
  created: number;
  changed: number;
}

export interface Vendor {
  vendor: string;
  name: string;
  suspended: boolean;
  created: number;
}

export interface AuditEntry {
  number: number;
  at: number;
  who: string;
  what: string;
  subject: string;
  before: string;
  after: string;
  /** Bytes in base64. */
  hash: string;
}

export type Decision = "review" | "approve" | "reject" | "suspend" | "reinstate";

let token = "";
let ended: () => void = () => undefined;

export function useToken(given: string): void {
  token = given;
}

export function onEnded(act: () => void): void {
  ended = act;
}

async function call(method: string, path: string, body?: object): Promise<Response> {
  try {
    return await ask(path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body ? { "content-type": "application/json" } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.status === 401) ended();
    throw thrown;
  }
}

async function json<T>(method: string, path: string, body?: object): Promise<T> {
  const response = await call(method, `/v1/operator/${path}`, body);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

const part = encodeURIComponent;

export const businesses = {
  list: (state: string, after?: string) => {
    const query = new URLSearchParams({
      ...(state ? { state } : {}),
      ...(after ? { after } : {}),
    }).toString();
    return json<{ businesses?: Summary[]; next?: string }>("GET", `businesses${query && `?${query}`}`);
  },
  get: (id: string) => json<Business>("GET", `businesses/${part(id)}`),
  document: async (id: string, document: string) =>
    (await call("GET", `/v1/operator/businesses/${part(id)}/documents/${part(document)}`)).blob(),
  decide: (id: string, decision: Decision, reason?: string) =>
    json<Business>(
      "POST",
      `businesses/${part(id)}/${decision}`,
      reason === undefined ? undefined : { reason },
    ),
};

export const vendors = {
  all: () => json<{ vendors?: Vendor[] }>("GET", "vendors"),
  add: (name: string) => json<{ vendor: string; credential: string }>("POST", "vendors", { name }),
  suspend: (id: string, on: boolean) =>
    json<void>("POST", `vendors/${part(id)}/${on ? "suspend" : "reinstate"}`),
  credential: (id: string) => json<{ credential: string }>("POST", `vendors/${part(id)}/credential`),
  hostCredential: () => json<{ credential: string }>("POST", "host-credential"),
};

export const relay = {
  audit: (after: number) => json<{ entries?: AuditEntry[]; more?: boolean }>("GET", `audit?after=${after}`),
  rotateLabelKey: () => json<{ key: string }>("POST", "label-key"),
  healthy: async () => {
    const began = performance.now();
    try {
      await ask("/health");
      return { ok: true, millis: performance.now() - began };
    } catch {
      return { ok: false, millis: performance.now() - began };
    }
  },
  metrics: async () => (await call("GET", "/metrics")).text(),
};
