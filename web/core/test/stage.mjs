// What the tests of the core stand on: a relay with a sample business, an address that serves the core and passes the API
// on, as the finished front end is served, and a browser.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize, resolve } from "node:path";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const root = resolve(import.meta.dirname, "../../..");
const binary = resolve(root, process.env.TRADEPOST_BINARY ?? "target/debug/tradepost");

const KINDS = { ".js": "text/javascript", ".wasm": "application/wasm", ".html": "text/html" };

// As strict as the finished front end's.
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'; " +
  "require-trusted-types-for 'script'; trusted-types tradepost-core";

const PAGE = `<!doctype html><title>core</title><script type="module" src="/page.js"></script>`;
const SCRIPT = `
import { Core } from "/build/web-core/js/index.js";
globalThis.Core = Core;
globalThis.ready = true;
`;

/** A relay, a host and a sample business. */
async function startRelay() {
  const folder = await mkdtemp(join(tmpdir(), "tradepost-web-"));
  const log = [];
  const child = spawn(binary, ["up", "--data", folder, "--listen", "127.0.0.1:0"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => log.push(String(text)));
  const until = Date.now() + 120_000;
  for (;;) {
    const demo = await readFile(join(folder, "demo.json"), "utf8").catch(() => undefined);
    if (demo && log.join("").includes(JSON.parse(demo).relay_url)) {
      return { demo: JSON.parse(demo), child, folder, log };
    }
    if (child.exitCode !== null || Date.now() > until) throw new Error(`the relay did not start: ${log.join("")}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Serves the core, and passes what is the relay's on to it. */
async function serve(relay) {
  const upstream = new URL(relay);
  const sockets = new Set();
  const state = { offline: false, traffic: [] };
  const server = http.createServer(async (request, response) => {
    if (request.url.startsWith("/v1/")) {
      if (state.offline) return request.socket.destroy();
      const passed = http.request(
        { host: upstream.hostname, port: upstream.port, path: request.url, method: request.method, headers: request.headers },
        (answer) => {
          response.writeHead(answer.statusCode, answer.headers);
          answer.pipe(response);
        },
      );
      request.on("data", (piece) => state.traffic.push(piece));
      passed.on("error", () => response.destroy());
      request.pipe(passed);
      return;
    }
    const headers = { "content-security-policy": POLICY, "cache-control": "no-store" };
    const send = (kind, content) => response.writeHead(200, { ...headers, "content-type": kind }).end(content);
    const path = normalize(new URL(request.url, "http://local").pathname);
    if (path === "/") return send("text/html", PAGE);
    if (path === "/page.js") return send("text/javascript", SCRIPT);
    const kind = KINDS[extname(path)];
    const file =
      kind && path.startsWith("/build/web-core/") && (await readFile(join(root, path)).catch(() => undefined));
    if (file) send(kind, file);
    else response.writeHead(404).end();
  });
  server.on("upgrade", (request, socket, head) => {
    if (state.offline) return socket.destroy();
    const passed = net.connect(Number(upstream.port), upstream.hostname);
    const lines = [`GET ${request.url} HTTP/1.1`];
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
    }
    passed.write(`${lines.join("\r\n")}\r\n\r\n`);
    passed.write(head);
    socket.on("data", (piece) => state.traffic.push(piece));
    passed.on("data", (piece) => state.traffic.push(piece));
    socket.pipe(passed);
    passed.pipe(socket);
    for (const end of [socket, passed]) {
      sockets.add(end);
      end.setNoDelay(true);
      end.on("error", () => {});
      end.on("close", () => (sockets.delete(end), socket.destroy(), passed.destroy()));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    state,
    /** Takes the relay away, or gives it back. */
    setOffline(offline) {
      state.offline = offline;
      if (offline) for (const socket of sockets) socket.destroy();
    },
    close() {
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

export async function start() {
  await promisify(execFile)(join(root, "web/node_modules/.bin/tsc"), ["-p", join(root, "web/core")]);
  const relay = await startRelay();
  const served = await serve(relay.demo.relay_url);
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  const complaints = [];
  return {
    ...relay,
    served,
    complaints,
    /** `tradepost chat` of one more person. */
    async chat(...words) {
      const place = ["--data", join(relay.folder, "chat"), "--relay", relay.demo.relay_url];
      return (await promisify(execFile)(binary, ["chat", ...words, ...place], { timeout: 60_000 })).stdout;
    },
    /** Has the sample business send something; at first it may not know the number yet. */
    async business(to, message) {
      const { base_url, phone_number_id, token } = relay.demo;
      const until = Date.now() + 20_000;
      for (;;) {
        const response = await fetch(`${base_url}/v23.0/${phone_number_id}/messages`, {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: JSON.stringify({ messaging_product: "whatsapp", to, ...message }),
        });
        if (response.ok) return;
        if (Date.now() > until) throw new Error(await response.text());
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
    },
    /** Another browser, of somebody else. */
    async person() {
      const context = await browser.newContext();
      return {
        context,
        async tab() {
          const page = await context.newPage();
          page.setDefaultTimeout(60_000);
          page.on("console", (said) => said.type() === "error" && complaints.push(said.text()));
          page.on("pageerror", (error) => complaints.push(String(error)));
          await page.goto(served.url);
          await opened(page);
          return page;
        },
      };
    },
    async stop() {
      await browser.close();
      served.close();
      relay.child.kill("SIGTERM");
      await once(relay.child, "exit");
      await rm(relay.folder, { recursive: true, force: true });
    },
  };
}

/** Opens the core of a page, and keeps what it tells. */
export async function opened(page) {
  await page.waitForFunction(() => globalThis.ready);
  await page.evaluate(async () => {
    globalThis.core = await Core.open({ worker: "/build/web-core/js/worker.js" });
    globalThis.told = [];
    core.listen((event) => told.push(event));
  });
}

let number = 0;

/** Registers the page's browser under a number of its own. */
export async function register(page, name) {
  number += 1;
  const typed = `+49 1511 ${String(2_000_000 + number)}`;
  return page.evaluate(
    async ([typed, name]) => {
      const { number } = await core.requestCode(typed);
      const code = await core.developmentCode(number);
      const standing = await core.register({ number, code, device_name: `${name}'s browser`, name });
      return standing.own;
    },
    [typed, name],
  );
}

/** Waits until something is so, in a page. */
export async function until(page, what, ...args) {
  const handle = await page.waitForFunction(what, args, { timeout: 30_000, polling: 50 });
  return handle.jsonValue();
}
