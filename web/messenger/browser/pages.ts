/** Every page of the messenger, and how to get there. */
import type { Page } from "playwright-core";
import { AIR, BANK, CLINIC, MANY, MARTA, NEWCOMER, OTTO, SHOP, YUSUF } from "../src/fake/cast.ts";

export interface Shown {
  name: string;
  scene?: string;
  hash?: string;
  act?: (page: Page) => Promise<void>;
}

const settled = (page: Page) => page.waitForTimeout(150);

export const PAGES: readonly Shown[] = [
  { name: "welcome", scene: "welcome" },
  {
    name: "welcome-code",
    scene: "welcome",
    act: async (page) => {
      await page.locator('input[type="tel"]').fill("+49 151 12345678");
      await page.locator('button[type="submit"]').click();
      await page.locator('input[autocomplete="one-time-code"]').waitFor();
    },
  },
  {
    name: "welcome-link",
    scene: "welcome",
    act: async (page) => {
      await page.locator("form > button").last().click();
      await page.locator('[role="img"] svg').waitFor();
    },
  },
  { name: "removed", scene: "removed" },
  { name: "damaged", scene: "damaged" },
  { name: "empty", scene: "empty" },
  { name: "list" },
  { name: "offline", scene: "offline" },
  { name: "archive", hash: "#/archive" },
  { name: "new", hash: "#/new" },
  {
    name: "search",
    act: async (page) => {
      await page.locator("#search").fill("boat");
      await page.locator("mark").first().waitFor();
    },
  },
  { name: "chat", hash: `#/chat/${OTTO}` },
  { name: "chat-arabic", hash: `#/chat/${YUSUF}` },
  { name: "chat-changed-key", hash: `#/chat/${MARTA}` },
  { name: "chat-many", hash: `#/chat/${MANY}` },
  { name: "bank", hash: `#/chat/${BANK}` },
  { name: "airline", hash: `#/chat/${AIR}` },
  { name: "label-changed", hash: `#/chat/${SHOP}` },
  { name: "first-contact", hash: `#/chat/${NEWCOMER}` },
  { name: "clinic", hash: `#/chat/${CLINIC}` },
  {
    name: "readers",
    hash: `#/chat/${AIR}`,
    act: async (page) => {
      await page.locator("button.label").click();
      await page.locator("dialog[open]").waitFor();
    },
  },
  {
    name: "list-choice",
    hash: `#/chat/${BANK}`,
    act: async (page) => {
      await page.locator("button.open").click();
      await page.locator("dialog[open] input").first().waitFor();
    },
  },
  {
    name: "message-menu",
    hash: `#/chat/${OTTO}`,
    act: async (page) => {
      await page.locator(".bubble").last().click({ button: "right" });
      await page.locator('[role="menu"]').waitFor();
    },
  },
  {
    name: "reactions",
    hash: `#/chat/${OTTO}`,
    act: async (page) => {
      await page.locator(".bubble").last().click({ button: "right" });
      await page.locator('[role="menuitem"]').nth(1).click();
      await page.locator(".quick").waitFor();
    },
  },
  {
    name: "emoji",
    hash: `#/chat/${OTTO}`,
    act: async (page) => {
      await page.locator('.composer [aria-haspopup="dialog"]').click();
      await page.locator(".emoji .all").waitFor();
    },
  },
  {
    name: "answer",
    hash: `#/chat/${OTTO}`,
    act: async (page) => {
      await page.locator('[data-message^="10000000"]').last().press("r");
      await page.locator("textarea").fill("I will not forget.\nPromised!");
      await settled(page);
    },
  },
  {
    name: "recording",
    hash: `#/chat/${OTTO}`,
    act: async (page) => {
      await page.locator(".composer .row > button").last().click();
      await page.locator(".recording").waitFor();
      await page.waitForTimeout(1_200);
    },
  },
  {
    name: "viewer",
    hash: `#/chat/${OTTO}`,
    act: async (page) => {
      // On a busy machine the list still settles under the pointer.
      const shown = page.locator("dialog[open] img");
      for (let tries = 0; tries < 5 && (await shown.count()) === 0; tries++) {
        await page.locator("button.shown").first().click();
        await shown.waitFor({ timeout: 3000 }).catch(() => undefined);
      }
      await shown.waitFor();
    },
  },
  { name: "business-page", hash: `#/chat/${AIR}/about` },
  { name: "person-page", hash: `#/chat/${OTTO}/about` },
  { name: "safety", hash: `#/chat/${OTTO}/safety` },
  {
    name: "leave",
    hash: `#/chat/${SHOP}`,
    act: async (page) => {
      await page.locator(".gate .actions button").nth(1).click();
      await page.locator("dialog[open]").waitFor();
    },
  },
  { name: "settings", hash: "#/settings" },
  ...[
    "profile",
    "privacy",
    "notifications",
    "devices",
    "storage",
    "language",
    "appearance",
    "keys",
    "account",
  ].map((part) => ({ name: `settings-${part}`, hash: `#/settings/${part}` })),
];
