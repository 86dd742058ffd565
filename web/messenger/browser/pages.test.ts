import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { open, watch, type Opened } from "./chromium.ts";
import { PAGES, type Shown } from "./pages.ts";
import { serve, type Served } from "./serve.ts";

const BUILD = resolve(import.meta.dirname, "../../dist/fake");
const SHOTS = resolve(import.meta.dirname, "../../shots");

interface Look {
  name: string;
  width: number;
  height: number;
  dark: boolean;
  language: string;
}

const wide = { width: 1280, height: 800 };
const narrow = { width: 360, height: 740 };
const LOOKS: readonly Look[] = [
  { name: "wide-light-en", ...wide, dark: false, language: "en" },
  { name: "wide-dark-en", ...wide, dark: true, language: "en" },
  { name: "narrow-light-en", ...narrow, dark: false, language: "en" },
  { name: "narrow-dark-ar", ...narrow, dark: true, language: "ar" },
  { name: "wide-light-ar", ...wide, dark: false, language: "ar" },
  { name: "narrow-light-es", ...narrow, dark: false, language: "es" },
];

const only = process.env["PAGES"]?.split(",");
const looks = process.env["LOOKS"]?.split(",");

let served: Served;
let opened: Opened;
beforeAll(async () => {
  served = await serve(BUILD);
  opened = await open({ permissions: ["microphone"], reducedMotion: "reduce" });
});
afterAll(async () => {
  await opened?.close();
  await served?.close();
});

async function go(page: Page, shown: Shown): Promise<void> {
  // Anew each time: only another part behind the # would leave the page as it was.
  await page.goto("about:blank");
  await page.goto(`${served.url}?scene=${shown.scene ?? "home"}${shown.hash ?? ""}`);
  await page.locator("main:not([role])").first().waitFor({ state: "attached" });
  await page.waitForTimeout(300);
  await shown.act?.(page);
  await page.waitForTimeout(150);
}

describe.each(LOOKS.filter(({ name }) => !looks || looks.includes(name)))("$name", (look) => {
  it("shows every page without complaint, overflow or a serious finding", async () => {
    const folder = resolve(SHOTS, look.name);
    mkdirSync(folder, { recursive: true });
    const page = await opened.context.newPage();
    const said = watch(page, new URL(served.url).origin);
    await page.setViewportSize({ width: look.width, height: look.height });
    await page.addInitScript(
      ([language, appearance]) => {
        if (!location.protocol.startsWith("http")) return;
        localStorage.setItem("tradepost.language", language ?? "");
        localStorage.setItem("tradepost.appearance", appearance ?? "");
      },
      [look.language, look.dark ? "dark" : "light"],
    );
    const wrong: string[] = [];
    for (const shown of PAGES.filter(({ name }) => !only || only.includes(name))) {
      try {
        await go(page, shown);
      } catch (error) {
        wrong.push(`${shown.name}: ${String(error).split("\n")[0]}`);
      }
      await page.screenshot({ path: resolve(folder, `${shown.name}.png`) });
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wider > 0) wrong.push(`${shown.name}: ${wider} pixels wider than the screen`);
      await page.evaluate(axe.source);
      const found = await page.evaluate(async () => {
        const { axe: run } = globalThis as unknown as { axe: typeof axe };
        const results = await run.run(document, { resultTypes: ["violations"] });
        return results.violations
          .filter(({ impact }) => impact === "serious" || impact === "critical")
          .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
      });
      wrong.push(...found.map((finding) => `${shown.name}: ${finding}`));
    }
    wrong.push(...said);
    await page.close();
    expect(wrong).toEqual([]);
  });
});
