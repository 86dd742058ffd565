/** Every page of the console and of the operator's area, and how to get there. */
import type { Page } from "playwright-core";
import { LOANS, SERVICE } from "../fake/talk.ts";

export interface Shown {
  name: string;
  entry?: "console" | "operator";
  /** Who is signed in; nobody where it is empty. */
  who?: string;
  hash?: string;
  act?: (page: Page) => Promise<void>;
}

export const ADA = `#/inbox/${SERVICE}/DE.13491208655302741918`;
const row = (page: Page, index: number) => page.locator("a.row").nth(index);
const key = async (page: Page, ...keys: string[]) => {
  await page.locator("body").click({ position: { x: 1, y: 1 } });
  for (const one of keys) await page.keyboard.press(one);
};
const dialog = (page: Page) => page.locator("dialog[open]").first().waitFor();

export const PAGES: readonly Shown[] = [
  { name: "sign-in", who: "" },
  {
    name: "second-step",
    who: "",
    act: async (page) => {
      await page.locator('input[autocomplete="username"]').fill("mara@bank.example");
      await page.locator('input[type="password"]').fill("correct horse battery");
      await page.locator('button[type="submit"]').click();
      await page.locator('input[autocomplete="one-time-code"]').waitFor();
    },
  },
  {
    name: "sign-in-wrong",
    who: "",
    act: async (page) => {
      await page.locator('input[autocomplete="username"]').fill("mara");
      await page.locator('input[type="password"]').fill("wrong");
      await page.locator('button[type="submit"]').click();
      await page.locator('[role="alert"]').waitFor();
    },
  },
  {
    name: "invitation",
    who: "",
    hash: "#/invitation/come-in",
    act: (page) => page.locator("form").waitFor(),
  },
  { name: "invitation-gone", who: "", hash: "#/invitation/used" },
  { name: "inbox", act: (page) => row(page, 3).waitFor() },
  { name: "chat", hash: ADA, act: (page) => page.locator("article").first().waitFor() },
  {
    name: "chat-arabic",
    act: async (page) => {
      await page.locator(`a.row[href*="${LOANS}"]`).first().click();
      await page.locator("article").first().waitFor();
    },
  },
  {
    name: "chat-closed-window",
    act: async (page) => {
      await page.locator("a.row", { hasText: "Old Oak Bakery" }).click();
      await page.locator("article").first().waitFor();
    },
  },
  {
    name: "chat-note",
    hash: ADA,
    act: async (page) => {
      await page.locator("article").first().waitFor();
      await key(page, "n");
      await page.keyboard.type("She called as well, please ring back before five.");
    },
  },
  {
    name: "chat-canned",
    hash: ADA,
    act: async (page) => {
      await page.locator("article").first().waitFor();
      await key(page, "r");
      await page.keyboard.type("/h");
      await page.locator('[role="listbox"]').waitFor();
    },
  },
  {
    name: "chat-quote",
    hash: ADA,
    act: async (page) => {
      await page.locator("article").last().dispatchEvent("dblclick");
      await page.keyboard.type("The first one is enough.");
    },
  },
  {
    name: "chat-menu",
    hash: ADA,
    act: async (page) => {
      await page
        .locator("article.bubble")
        .last()
        .click({ button: "right", position: { x: 20, y: 10 } });
      await page.locator('[role="menu"]').waitFor();
    },
  },
  {
    name: "chat-assign",
    hash: ADA,
    act: async (page) => {
      await page.locator("article").first().waitFor();
      await key(page, "a");
      await page.locator('[role="menu"]').waitFor();
    },
  },
  {
    name: "chat-template",
    hash: ADA,
    act: async (page) => {
      await page.locator("article").first().waitFor();
      await key(page, "t");
      await page.locator("dialog[open] li button").first().click();
      await page.locator("dialog[open] input").first().fill("Ada");
      await page.waitForTimeout(400);
    },
  },
  {
    name: "chat-buttons",
    hash: ADA,
    act: async (page) => {
      await page.locator(".composer .row button").nth(3).click();
      await dialog(page);
    },
  },
  {
    name: "chat-overtaken",
    act: async (page) => {
      await page.locator(`a.row[href*="${LOANS}"]`).first().click();
      await page.locator("article").first().waitFor();
      await page.locator("textarea").fill("نعم، يمكنك الحجز هنا.");
      await page.keyboard.press("Enter");
      await dialog(page);
    },
  },
  {
    name: "chat-details",
    hash: ADA,
    act: async (page) => {
      await page.locator("article").first().waitFor();
      if (!(await page.locator("aside").isVisible())) await key(page, "i");
      await page.locator("aside").waitFor();
    },
  },
  {
    name: "chat-readers",
    hash: ADA,
    act: async (page) => {
      await page.locator("article").first().waitFor();
      await page.locator('header button[aria-haspopup="dialog"]').first().click();
      await page.locator("[popover]:popover-open").waitFor();
    },
  },
  {
    name: "picture",
    hash: ADA,
    act: async (page) => {
      await page.locator("button.frame img").first().click();
      await dialog(page);
    },
  },
  {
    name: "search",
    act: async (page) => {
      await row(page, 0).waitFor();
      await page.locator("#search").fill("card");
      await page.locator("mark").first().waitFor();
    },
  },
  {
    name: "filters",
    act: async (page) => {
      await row(page, 0).waitFor();
      await page.locator('button[aria-controls="filters"]').click();
      await page.locator("#filters select").first().selectOption({ index: 1 });
    },
  },
  {
    name: "new-chat",
    act: async (page) => {
      await row(page, 0).waitFor();
      await page.locator(".list header button").last().click();
      await page.locator("dialog[open] li button").first().waitFor();
    },
  },
  {
    name: "keys",
    act: async (page) => {
      await row(page, 0).waitFor();
      await key(page, "?");
      await dialog(page);
    },
  },
  { name: "contacts", hash: "#/contacts" },
  { name: "templates", hash: "#/templates" },
  { name: "template", hash: "#/templates/501", act: (page) => page.locator(".bubble").waitFor() },
  { name: "template-rejected", hash: "#/templates/503", act: (page) => page.locator(".bubble").waitFor() },
  { name: "template-code", hash: "#/templates/505", act: (page) => page.locator(".bubble").waitFor() },
  {
    name: "template-new",
    hash: "#/templates/new",
    act: async (page) => {
      await page.locator("textarea").fill("Hello {{1}}, your parcel *{{2}}* is here.");
      await page.locator(".bubble").waitFor();
    },
  },
  { name: "media", hash: "#/media", act: (page) => page.locator("button.frame img").first().waitFor() },
  { name: "figures", hash: "#/figures" },
  {
    name: "figures-table",
    hash: "#/figures",
    act: async (page) => {
      await page.locator("figcaption button").first().click();
      await page.locator("figure table").waitFor();
    },
  },
  {
    name: "figures-cross",
    hash: "#/figures",
    act: async (page) => {
      await page.locator("figure input").first().focus();
      await page.keyboard.press("ArrowLeft");
      await page.keyboard.press("ArrowLeft");
    },
  },
  { name: "profile", hash: "#/profile", act: (page) => page.locator("textarea").waitFor() },
  { name: "links", hash: "#/links", act: (page) => page.locator(".code svg").first().waitFor() },
  { name: "replies", hash: "#/replies" },
  { name: "agents", hash: "#/agents" },
  {
    name: "agent-menu",
    hash: "#/agents",
    act: async (page) => {
      await page.locator('li button[aria-haspopup="menu"]').nth(1).click();
      await page.locator('[role="menu"]').waitFor();
    },
  },
  {
    name: "agent-invite",
    hash: "#/agents",
    act: async (page) => {
      await page.locator("main header button").last().click();
      await dialog(page);
    },
  },
  { name: "hosting", hash: "#/hosting" },
  {
    name: "hosting-less",
    hash: "#/hosting",
    act: async (page) => {
      await page.locator('input[role="switch"]').nth(2).click();
      await page.locator(".acts button").first().click();
      await dialog(page);
    },
  },
  {
    name: "hosting-log",
    hash: "#/hosting/log",
    act: async (page) => {
      await page.locator("form button").last().click();
      await page.locator('[role="status"] p').first().waitFor();
    },
  },
  { name: "hosting-data", hash: "#/hosting/data" },
  { name: "apps", hash: "#/apps" },
  {
    name: "app-made",
    hash: "#/apps",
    act: async (page) => {
      await page.locator("main header button").first().click();
      await page.locator("dialog[open] input").fill("Shop");
      await page.locator("dialog[open] footer button").last().click();
      await page.locator("dialog[open] code").first().waitFor();
    },
  },
  { name: "callbacks", hash: "#/callbacks" },
  { name: "callbacks-log", hash: "#/callbacks/log" },
  { name: "callbacks-dead", hash: "#/callbacks/dead" },
  { name: "account", hash: "#/account" },
  {
    name: "second-factor",
    who: "jonas",
    hash: "#/account",
    act: async (page) => {
      await page
        .locator("section", { has: page.locator(".state") })
        .locator("header button")
        .click();
      await page.locator("dialog[open] input").fill("correct horse battery");
      await page.keyboard.press("Enter");
      await page.locator("dialog[open] .code svg").waitFor();
    },
  },
  { name: "auditor", who: "ruth" },
  { name: "no-right", who: "jonas", hash: "#/apps" },
  { name: "operator-sign-in", entry: "operator", who: "" },
  { name: "operator-approvals", entry: "operator" },
  { name: "operator-business", entry: "operator", hash: "#/approvals/0198a3c1-0000-7000-8000-000000000002" },
  { name: "operator-rejected", entry: "operator", hash: "#/approvals/0198a3c1-0000-7000-8000-000000000005" },
  {
    name: "operator-reject",
    entry: "operator",
    hash: "#/approvals/0198a3c1-0000-7000-8000-000000000002",
    act: async (page) => {
      await page.locator("main header button").last().click();
      await dialog(page);
    },
  },
  {
    name: "operator-document",
    entry: "operator",
    hash: "#/approvals/0198a3c1-0000-7000-8000-000000000002",
    act: async (page) => {
      await page.locator("main li button").nth(1).click();
      await page.locator("dialog[open] img").waitFor();
    },
  },
  { name: "operator-vendors", entry: "operator", hash: "#/vendors" },
  {
    name: "operator-audit",
    entry: "operator",
    hash: "#/audit",
    act: async (page) => {
      await page.locator("form button").click();
      await page.locator(".good").first().waitFor();
    },
  },
  {
    name: "operator-health",
    entry: "operator",
    hash: "#/health",
    act: (page) => page.waitForTimeout(10_500),
  },
];
