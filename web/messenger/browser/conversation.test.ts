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
    permissions: ["microphone", "geolocation", "clipboard-read", "clipboard-write"],
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
    body: JSON.stringify({ messaging_product: "whatsapp", to: ANNA, ...message }),
  });
  expect(sent.status, await sent.text()).toBe(200);
}

describe.skipIf(!ready)("a conversation through a real relay", () => {
  it("is held between two browsers, and with a business", async () => {
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

    await answer({ type: "text", text: { body: "No, it works." } });
    await bubble(anna, "No, it works.").waitFor();
    await answer({
      type: "interactive",
      interactive: {
        type: "button",
        body: { text: "Did you pay 99 in Lisbon?" },
        action: {
          buttons: [
            { type: "reply", reply: { id: "yes", title: "It was me" } },
            { type: "reply", reply: { id: "no", title: "No" } },
          ],
        },
      },
    });
    await bubble(anna, "Lisbon").getByRole("button", { name: "It was me" }).click();
    await anna.locator(".own .bubble", { hasText: "It was me" }).waitFor();
    await anna.screenshot({ path: resolve(SHOTS, "answered.png") });

    // The number is given by a choice, and everything is erased when that is asked.
    await anna.getByTitle("About Example Bank").click();
    await anna.getByRole("button", { name: "Share number" }).click();
    await anna.getByRole("alertdialog").getByRole("button", { name: "Share number" }).click();
    await anna.getByText("You shared your phone number").first().waitFor();
    await anna.getByRole("button", { name: "Ask for erasure" }).click();
    await anna.getByRole("alertdialog").getByRole("button", { name: "Ask for erasure" }).click();
    await anna.locator("main p", { hasText: "Everything was erased." }).waitFor();
    await anna.screenshot({ path: resolve(SHOTS, "erased.png") });
    await anna.getByRole("button", { name: "Close" }).first().click();

    // After a reload everything is there.
    await anna.reload();
    await bubble(anna, "Did you pay").waitFor();
  });

  it("says when somebody else can read the chat, before anything more is sent", async () => {
    const anna = people[0]?.context.pages()[0] as Page;
    await relay.moveTo("Cloudline Hosting");
    await write(anna, "Are you still there?");
    const notice = anna.getByRole("alert").filter({ hasText: "Who can read this chat has changed" });
    await notice.waitFor();
    const shown = ["End-to-end encrypted", "Managed by Cloudline Hosting"];
    expect(await notice.locator("dd").allInnerTexts()).toEqual(shown);
    await bubble(anna, "Are you still there?").getByText("Waits to be sent").waitFor({ state: "attached" });
    await anna.screenshot({ path: resolve(SHOTS, "label-changed.png") });
    await notice.getByRole("button", { name: "Continue" }).click();
    // Its keys are others too, and the relay says whose they are.
    await anna.getByText("Example Bank has new keys").waitFor();
    await anna.getByText("Who can read this changed: Managed by Cloudline Hosting").waitFor();
    await anna.getByRole("button", { name: "Continue" }).click();
    await bubble(anna, "Are you still there?")
      .getByText("Delivered", { exact: true })
      .waitFor({ state: "attached" });
  });

  it("carries pictures and voice notes, and links another browser that shows it all from then on", async () => {
    const [anna, otto] = people.map(({ context }) => context.pages()[0]) as [Page, Page];
    await anna.locator(".chats a", { hasText: "Otto" }).click();
    await otto.locator(".chats a", { hasText: "Anna" }).click();
    await anna.getByLabel("Write a message").waitFor();
    await anna.evaluate(async () => {
      const canvas = new OffscreenCanvas(640, 480);
      const pen = canvas.getContext("2d");
      if (!pen) throw new Error("no canvas");
      pen.fillStyle = "#7a9";
      pen.fillRect(0, 0, 640, 480);
      const data = new DataTransfer();
      data.items.add(new File([await canvas.convertToBlob()], "garden.png", { type: "image/png" }));
      document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
    });
    await anna.getByLabel("Add words").fill("The garden table");
    await anna.getByRole("dialog").getByRole("button", { name: "Send", exact: true }).click();
    await bubble(otto, "The garden table").locator("img.whole").waitFor();

    await anna.getByRole("button", { name: "Record a voice note" }).click();
    await anna.waitForTimeout(1_500);
    await anna.getByRole("button", { name: "Send the recording" }).click();
    await otto.getByRole("button", { name: "Play the voice note" }).click();
    await otto.getByRole("button", { name: /Speed/u }).waitFor();
    await anna.locator(".own .voice").waitFor();
    await anna
      .locator(".own .bubble")
      .last()
      .getByText("Heard", { exact: true })
      .waitFor({ state: "attached" });

    // What one browser shows as a QR code, the other one takes from a picture.
    await otto.getByTitle("About Anna").click();
    await otto.getByRole("button", { name: "Safety number" }).click();
    const code = otto.getByRole("img", { name: "Code to scan" });
    await code.locator("svg").waitFor();
    const picture = await code.screenshot();
    await anna.getByTitle("About Otto").click();
    await anna.getByRole("button", { name: "Safety number" }).click();
    await anna.getByRole("button", { name: "Scan their code" }).click();
    await anna.locator('input[type="file"][accept="image/*"]').setInputFiles({
      name: "code.png",
      mimeType: "image/png",
      buffer: picture,
    });
    await anna.getByText("nobody stands between you and Otto").waitFor();

    const second = await person();
    await second.getByRole("button", { name: "Link to a device" }).click();
    await second.getByRole("img", { name: "Linking code" }).locator("svg").waitFor();
    await second.getByRole("button", { name: "Copy as text" }).click();
    const linking = await second.evaluate(() => navigator.clipboard.readText());
    await anna.locator(".list").getByRole("button", { name: "Settings" }).click();
    await anna.getByRole("link", { name: "Devices" }).click();
    await anna.getByRole("button", { name: "Link a device" }).click();
    await anna.getByLabel("Or paste it as text").fill(linking);
    await anna.getByRole("button", { name: "Continue" }).click();
    await anna.getByRole("alertdialog").getByRole("button", { name: "Link" }).click();
    await second.getByRole("heading", { name: "Chats", exact: true }).waitFor();
    await write(otto, "Do you hear me on both?");
    await second.locator(".chats a", { hasText: "Do you hear me on both?" }).waitFor();
    await second.screenshot({ path: resolve(SHOTS, "second.png") });

    // Without a network what was said can be read, and what is written waits.
    await second.locator(".chats a", { hasText: "Otto" }).click();
    await second.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await second.context().setOffline(true);
    await second.reload();
    await bubble(second, "Do you hear me on both?").waitFor();
    await write(second, "Written in a tunnel");
    await bubble(second, "Written in a tunnel").getByText("Waits to be sent").waitFor({ state: "attached" });
    await second.context().setOffline(false);
    await bubble(otto, "Written in a tunnel").waitFor({ timeout: 60_000 });
    await anna.getByRole("button", { name: "Remove", exact: true }).click();
    await anna.getByRole("alertdialog").getByRole("button", { name: "Remove" }).click();
    await second.getByText("This browser was removed from its account").waitFor({ timeout: 60_000 });
  });

  it("lets nothing of it be read on the way", () => {
    const passed = Buffer.concat(traffic).toString("latin1");
    for (const secret of ["by the canal", "At one it is", "reserve a table", "garden table", "tunnel"]) {
      expect(passed, secret).not.toContain(secret);
    }
    expect(said).toEqual([]);
  });
});
