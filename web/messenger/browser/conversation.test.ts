/** Two people and a business, through a real relay and a real host. */
import { existsSync, mkdirSync } from "node:fs";
import { resolve } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { open, watch, type Opened } from "./chromium.ts";
import { BINARY, platform, type Platform } from "./platform.ts";
import { serve, type Served } from "./serve.ts";

const BUILD = resolve(import.meta.dirname, "../../dist/app");
const SHOTS = resolve(import.meta.dirname, "../../shots/real");
const ANNA = "+4915112345678";
const OTTO = "+493012345678";

const ready = existsSync(BINARY) && existsSync(resolve(BUILD, "index.html"));

let relay: Platform;
let served: Served;
const people: Opened[] = [];
/** All that left or reached a page. */
const traffic: Buffer[] = [];
const said: string[] = [];

beforeAll(async () => {
  if (!ready) return;
  mkdirSync(SHOTS, { recursive: true });
  relay = await platform();
  served = await serve(BUILD, relay.demo.relay_url);
}, 120_000);
afterAll(async () => {
  for (const one of people) await one.close();
  await served?.close();
  await relay?.close();
}, 60_000);

async function person(): Promise<Page> {
  const opened = await open({
    permissions: ["microphone", "geolocation", "clipboard-write"],
    locale: "en-US",
  });
  people.push(opened);
  const page = opened.context.pages()[0] ?? (await opened.context.newPage());
  page.on("request", (request) =>
    traffic.push(request.postDataBuffer() ?? Buffer.alloc(0), Buffer.from(request.url())),
  );
  page.on("websocket", (socket) => {
    socket.on("framesent", ({ payload }) => traffic.push(Buffer.from(payload)));
    socket.on("framereceived", ({ payload }) => traffic.push(Buffer.from(payload)));
  });
  said.push(...watch(page, new URL(served.url).origin));
  await page.goto(served.url);
  return page;
}

async function register(page: Page, number: string, name: string): Promise<void> {
  await page.getByLabel("Phone number").fill(number);
  await page.getByRole("button", { name: "Send me a code" }).click();
  await page.getByRole("button", { name: /Fill in/u }).click();
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Begin" }).click();
  await page.getByRole("heading", { name: "Chats", exact: true }).waitFor();
}

async function write(page: Page, text: string): Promise<void> {
  await page.getByLabel("Write a message").fill(text);
  await page.keyboard.press("Enter");
}

const bubble = (page: Page, text: string) => page.locator(".bubble", { hasText: text });

async function answer(message: object): Promise<void> {
  const { base_url, phone_number_id, token } = relay.demo;
  const sent = await fetch(`${base_url}/v24.0/${phone_number_id}/messages`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ messaging_product: "whatsapp", ...message }),
  });
  expect(sent.status, await sent.text()).toBe(200);
}

describe.skipIf(!ready)("a conversation through a real relay", () => {
  it("is held between two browsers, and with a business, and nothing of it can be read on the way", async () => {
    const [anna, otto] = [await person(), await person()];
    await register(anna, ANNA, "Anna");
    await register(otto, OTTO, "Otto");

    await anna.getByRole("button", { name: "New chat" }).first().click();
    await anna.getByLabel("Number or link").fill(OTTO);
    await anna.getByRole("button", { name: "Find" }).click();
    await write(anna, "Lunch at one, by the canal?");
    await bubble(anna, "by the canal").getByText("Delivered", { exact: true }).waitFor({ state: "attached" });

    await otto.locator(".chats a", { hasText: "Anna" }).click();
    await bubble(otto, "by the canal").waitFor();
    await bubble(anna, "by the canal").getByText("Read", { exact: true }).waitFor({ state: "attached" });
    await otto.screenshot({ path: resolve(SHOTS, "otto.png") });
    await write(otto, "At one it is.");
    await bubble(anna, "At one it is.").waitFor();

    await bubble(anna, "At one it is.").press("r");
    await write(anna, "I reserve a table.");
    await bubble(otto, "I reserve a table.").locator(".quote").waitFor();

    // Business: a link leads to it, and who can read it is the first thing that is said.
    await anna.goto("about:blank");
    await anna.goto(
      `${served.url}?number=${encodeURIComponent(relay.demo.business_number)}&text=${encodeURIComponent("Is my card blocked?")}`,
    );
    await anna.getByText("Before you write").waitFor();
    await anna.screenshot({ path: resolve(SHOTS, "first-contact.png") });
    await anna.getByRole("button", { name: "Continue" }).click();
    await expect.poll(() => anna.getByLabel("Write a message").inputValue()).toBe("Is my card blocked?");
    await anna.getByLabel("Write a message").press("Enter");
    await bubble(anna, "Is my card blocked?")
      .getByText("Delivered", { exact: true })
      .waitFor({ state: "attached" });
    await anna.screenshot({ path: resolve(SHOTS, "business.png") });

    // After a reload everything is there, also without a network.
    await anna.reload();
    await bubble(anna, "Is my card blocked?").waitFor();

    const passed = Buffer.concat(traffic).toString("latin1");
    for (const secret of ["by the canal", "At one it is", "reserve a table"]) {
      expect(passed, secret).not.toContain(secret);
    }
    expect(said).toEqual([]);
  });
});
