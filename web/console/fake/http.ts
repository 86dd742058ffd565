/** How the pretended servers are asked, and answer. */
import type { IncomingMessage, ServerResponse } from "node:http";

export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  readonly field: string | undefined;
  constructor(status: number, code: string, message = "", field?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.field = field;
  }
}

export interface Call {
  method: string;
  path: string[];
  query: URLSearchParams;
  headers: IncomingMessage["headers"];
  raw: Buffer;
  body: Record<string, unknown>;
}

export interface Answer {
  status?: number;
  json?: unknown;
  bytes?: Buffer;
  type?: string;
  headers?: Record<string, string>;
}

export async function called(request: IncomingMessage, url: URL, under: string): Promise<Call> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const raw = Buffer.concat(parts);
  const json = request.headers["content-type"] === "application/json" && raw.length > 0;
  return {
    method: request.method ?? "GET",
    path: url.pathname.slice(under.length).split("/").map(decodeURIComponent),
    query: url.searchParams,
    headers: request.headers,
    raw,
    body: json ? (JSON.parse(raw.toString()) as Record<string, unknown>) : {},
  };
}

export function answer(response: ServerResponse, said: Answer): void {
  const status = said.status ?? (said.json === undefined && !said.bytes ? 204 : 200);
  for (const [name, value] of Object.entries(said.headers ?? {})) response.setHeader(name, value);
  response.setHeader("Cache-Control", "no-store");
  if (said.json !== undefined) {
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(said.json));
  } else if (said.bytes) {
    response.writeHead(status, { "Content-Type": said.type ?? "application/octet-stream" }).end(said.bytes);
  } else response.writeHead(status).end();
}

export function refuse(response: ServerResponse, thrown: unknown): void {
  const refused = thrown instanceof Refused ? thrown : new Refused(500, "internal", String(thrown));
  const { status, code, message, field } = refused;
  answer(response, { status, json: { error: { code, message, ...(field ? { field } : {}) } } });
}
