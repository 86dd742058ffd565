/** Chromium in a profile of its own that is gone afterwards, on loopback only. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type BrowserContext, type Page } from "playwright-core";

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface Opened {
  context: BrowserContext;
  close: () => Promise<void>;
}

export async function open(): Promise<Opened> {
  const profile = await mkdtemp(join(tmpdir(), "tradepost-console-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    headless: true,
    args: ARGUMENTS,
    acceptDownloads: true,
    reducedMotion: "reduce",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  context.setDefaultTimeout(8_000);
  return {
    context,
    close: async () => {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/** What a page said that it should not have: errors, refusals by its policy, requests to anybody else. */
export function watch(page: Page, origin: string): string[] {
  const said: string[] = [];
  page.on("console", (message) => {
    // Refusals that the page asked for are answered by it, and told by the browser all the same.
    if (message.text().startsWith("Failed to load resource")) return;
    if (message.type() === "error" || message.type() === "warning") said.push(message.text());
  });
  page.on("pageerror", (error) => said.push(error.message));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !url.startsWith("blob:")) said.push(`request to ${url}`);
  });
  return said;
}
