/** Serves a build on loopback with the headers that the real server sends. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, request as ask, type IncomingMessage } from "node:http";
import { extname, join, normalize } from "node:path";
import { connect, type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/** What the page is allowed: scripts and styles of its own, WebAssembly, and nothing of anybody else. */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "media-src 'self' blob:",
  "connect-src 'self' blob:",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types tradepost-core tradepost-messenger",
].join("; ");

export interface Served {
  url: string;
  close: () => Promise<void>;
}

/** Hands a request on to the relay, so that page and relay are of one origin. */
function forward(relay: URL, request: IncomingMessage): ReturnType<typeof ask> {
  const { method, headers, url } = request;
  return ask(new URL(url ?? "/", relay), { method, headers: { ...headers, host: relay.host } });
}

function upgrade(relay: URL, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const onward = connect(Number(relay.port), relay.hostname, () => {
    const headers = Object.entries(request.headers).map(
      ([name, value]) => `${name}: ${name === "host" ? relay.host : value}`,
    );
    onward.write(`GET ${request.url} HTTP/1.1\r\n${headers.join("\r\n")}\r\n\r\n`);
    onward.write(head);
    socket.pipe(onward).pipe(socket);
  });
  onward.on("error", () => socket.destroy());
  socket.on("error", () => onward.destroy());
  socket.on("close", () => onward.destroy());
}

/** Serves the files of a folder; what is under `/v1` comes from the relay, if there is one. */
export async function serve(folder: string, relay?: string, under = "/app/"): Promise<Served> {
  const sockets = new Set<Duplex>();
  const to = relay === undefined ? undefined : new URL(relay);
  const server = createServer(async (request, response) => {
    if (to && request.url?.startsWith("/v1/")) {
      const asked = forward(to, request);
      asked.on("response", (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      asked.on("error", () => response.writeHead(502).end());
      request.pipe(asked);
      return;
    }
    const path = normalize(decodeURIComponent((request.url ?? "/").split("?")[0] ?? "/"));
    const inside = path.startsWith(under) ? path.slice(under.length) || "index.html" : undefined;
    const file = inside === undefined ? undefined : join(folder, inside);
    const found = file ? await stat(file).catch(() => undefined) : undefined;
    response.setHeader("Content-Security-Policy", POLICY);
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader("Referrer-Policy", "no-referrer");
    if (!file || !found?.isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader("Content-Type", TYPES[extname(file)] ?? "application/octet-stream");
    createReadStream(file).pipe(response);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  if (to) server.on("upgrade", (request, socket, head) => upgrade(to, request, socket, head));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${under}`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
