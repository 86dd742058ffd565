/// <reference lib="webworker" />
/**
 * Keeps the page itself and nothing else: no message, no file and no answer of the relay goes through here.
 * `__SHELL__` is filled in by the build with the version and the files of the page.
 */
declare const self: ServiceWorkerGlobalScope;
declare const __SHELL__: { version: string; files: string[] };

const shell = __SHELL__;
const CACHE = `tradepost-${shell.version}`;
const home = new URL("./", self.location.href).href;

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(CACHE);
      await cache.addAll(["./", ...shell.files].map((file) => new Request(file, { cache: "no-cache" })));
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) {
        if (name.startsWith("tradepost-") && name !== CACHE) await caches.delete(name);
      }
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(home)) return;
  const page = request.mode === "navigate";
  event.respondWith(
    (async () => {
      const cache = await caches.open(CACHE);
      const kept = await cache.match(page ? "./" : request, { ignoreSearch: page });
      // Files are named by what is in them; the page itself is asked for anew while there is a network.
      if (!page) return kept ?? fetch(request);
      try {
        return await fetch(request);
      } catch {
        return kept ?? Response.error();
      }
    })(),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { chat } = event.notification.data as { chat: string };
  event.waitUntil(
    (async () => {
      const pages = await self.clients.matchAll({ type: "window" });
      const page = pages.find((client) => client.url.startsWith(home));
      if (!page) return void (await self.clients.openWindow(`${home}#/chat/${encodeURIComponent(chat)}`));
      await page.focus();
      page.postMessage({ chat });
    })(),
  );
});
