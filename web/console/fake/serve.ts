/** Serves both entries on loopback, with the headers that the real servers send and the pretended ones behind them. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize, resolve } from "node:path";
import { Host } from "./host.ts";
import { Relay } from "./relay.ts";

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

/** What the pages are allowed: scripts and styles of their own, and nothing of anybody else. */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

export interface Served {
  url: string;
  host: Host;
  relay: Relay;
  close: () => Promise<void>;
}

async function file(response: ServerResponse, path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  response.setHeader("Content-Security-Policy", POLICY);
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("Referrer-Policy", "no-referrer");
  if (!found?.isFile()) {
    response.writeHead(404).end();
    return;
  }
  response.setHeader("Content-Type", TYPES[extname(path)] ?? "application/octet-stream");
  createReadStream(path).pipe(response);
}

export async function serve(dist = resolve(import.meta.dirname, "../../dist"), port = 0): Promise<Served> {
  const [host, relay] = [new Host(), new Relay()];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://loopback");
    const path = normalize(decodeURIComponent(url.pathname));
    if (path.startsWith("/console/v1/")) void host.handle(request, response, url);
    else if (path.startsWith("/v1/operator/") || path === "/health" || path === "/metrics") {
      void relay.handle(request, response, url);
    } else {
      const [, entry = "", ...rest] = path.split("/");
      const known = entry === "console" || entry === "operator";
      if (known) void file(response, join(dist, entry, rest.join("/") || "index.html"));
      else response.writeHead(404).end();
    }
  });
  await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${bound}`,
    host,
    relay,
    close: async () => {
      host.close();
      server.closeAllConnections();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}
