import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TOKEN } from "../fake/relay.ts";
import { serve, type Served } from "../fake/serve.ts";
import { open, watch, type Opened } from "./chromium.ts";
import { PAGES, type Shown } from "./pages.ts";

const SHOTS = resolve(import.meta.dirname, "../../shots/console");
const wide = { width: 1440, height: 900 };
const middle = { width: 1100, height: 760 };
const narrow = { width: 360, height: 740 };
const LOOKS = [
  { name: "wide-light-en", ...wide, dark: false, language: "en" },
  { name: "wide-dark-en", ...wide, dark: true, language: "en" },
  { name: "middle-light-es", ...middle, dark: false, language: "es" },
  { name: "narrow-light-en", ...narrow, dark: false, language: "en" },
  { name: "narrow-dark-ar", ...narrow, dark: true, language: "ar" },
  { name: "wide-light-ar", ...wide, dark: false, language: "ar" },
  { name: "narrow-light-es", ...narrow, dark: false, language: "es" },
] as const;

const only = process.env["PAGES"]?.split(",");
const looks = process.env["LOOKS"]?.split(",");

let opened: Opened;
beforeAll(async () => {
  opened = await open();
});
afterAll(() => opened?.close());

async function go(page: Page, served: Served, shown: Shown): Promise<void> {
  await page.goto("about:blank");
  await page.context().clearCookies();
  const who = shown.who ?? "mara";
  if (who)
    await page
      .context()
      .addCookies([{ name: "tradepost_console", value: who, url: `${served.url}/console` }]);
  await page.goto(`${served.url}/console/icon.svg`);
  await page.evaluate(
    (token) => {
      sessionStorage.clear();
      if (token) sessionStorage.setItem("tradepost.operator", token);
    },
    who ? TOKEN : "",
  );
  await page.goto(`${served.url}/${shown.entry ?? "console"}/${shown.hash ?? ""}`);
  await page.locator("main").first().waitFor();
  await page.waitForTimeout(350);
  await shown.act?.(page);
  await page.waitForTimeout(200);
}

describe.each(LOOKS.filter(({ name }) => !looks || looks.includes(name)))("$name", (look) => {
  it("shows every page without complaint, overflow or a serious finding", async () => {
    const folder = resolve(SHOTS, look.name);
    mkdirSync(folder, { recursive: true });
    const served = await serve();
    const page = await opened.context.newPage();
    const said = watch(page, served.url);
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
        await go(page, served, shown);
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
          .map(
            ({ id, nodes }) =>
              `${id}: ${nodes
                .slice(0, 3)
                .map((node) => node.html.slice(0, 200))
                .join(" | ")}`,
          );
      });
      wrong.push(...found.map((finding) => `${shown.name}: ${finding}`));
    }
    wrong.push(...said);
    await page.close();
    await served.close();
    expect(wrong).toEqual([]);
  });
});
