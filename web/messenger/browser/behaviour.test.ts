/** What the messenger does when somebody uses it, against a core in memory. */
import { resolve } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AIR, BANK, LENA, MANY, NEWCOMER, OTTO, SHOP } from "../src/fake/cast.ts";
import { open, watch, type Opened } from "./chromium.ts";
import { serve, type Served } from "./serve.ts";

const BUILD = resolve(import.meta.dirname, "../../dist/fake");

let served: Served;
let opened: Opened;
let page: Page;
let said: string[];

beforeAll(async () => {
  served = await serve(BUILD);
  opened = await open({ permissions: ["microphone", "clipboard-read", "clipboard-write"], locale: "en-US" });
});
afterAll(async () => {
  await opened?.close();
  await served?.close();
});
beforeEach(async () => {
  page = await opened.context.newPage();
  await page.setViewportSize({ width: 1200, height: 760 });
  said = watch(page, new URL(served.url).origin);
});
afterEach(async () => {
  await page.close();
  expect(said).toEqual([]);
});

async function go(hash: string, scene = "home"): Promise<void> {
  await page.goto(`${served.url}?scene=${scene}${hash}`);
  // Not yet while it says that it opens.
  await page.locator("main:not([role])").first().waitFor({ state: "attached" });
}

/** What the core was asked, by name. */
const asked = (command: string): Promise<Record<string, unknown>[]> =>
  page.evaluate((name) => {
    const { fakeCore } = globalThis as unknown as {
      fakeCore: { asked: { command: string; said: unknown }[] };
    };
    return fakeCore.asked
      .filter((one) => one.command === name)
      .map((one) => one.said as Record<string, unknown>);
  }, command);

const receive = (chat: string, text: string) =>
  page.evaluate(
    ([from, words]) => {
      const { fakeCore } = globalThis as unknown as {
        fakeCore: { receive: (chat: string, body: object) => void };
      };
      fakeCore.receive(from ?? "", { type: "text", text: words });
    },
    [chat, text],
  );

const field = () => page.getByLabel("Write a message");
const bubble = (text: string) => page.locator(".bubble", { hasText: text });

describe("a business's label", () => {
  it("stands in the way when it changed, says what was and what is, and goes on only when told", async () => {
    await go(`#/chat/${SHOP}`);
    const gate = page.getByRole("alert").filter({ hasText: "Who can read this chat has changed" });
    await gate.waitFor();
    expect(await gate.locator("dd").allInnerTexts()).toEqual([
      "End-to-end encrypted",
      "Managed by Tradepost Europe",
    ]);
    expect(await field().count()).toBe(0);
    expect(await asked("label_shown")).toEqual([]);
    await gate.getByRole("button", { name: "Continue" }).click();
    await field().waitFor();
    expect(await asked("label_shown")).toHaveLength(1);
  });

  it("is one tap away from all who can read it", async () => {
    await go(`#/chat/${SHOP}`);
    await page.locator("button.label").click();
    const dialog = page.getByRole("dialog", { name: "Who can read this?" });
    for (const who of ["You", "Fern and Pot Ltd", "Tradepost Europe", "The relay"]) {
      await dialog.getByText(who, { exact: true }).waitFor();
    }
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    expect(await asked("label_shown")).toEqual([]);
  });

  it("leads out: marketing stopped and blocked, and nothing told that was not chosen", async () => {
    await go(`#/chat/${SHOP}`);
    await page.getByRole("button", { name: "Leave" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Leave", exact: true }).click();
    await page.getByText("You left Fern & Pot.").waitFor();
    expect(await asked("set_marketing")).toEqual([{ account: SHOP, allowed: false }]);
    expect(await asked("block")).toEqual([{ account: SHOP }]);
    expect(await asked("ask_erasure")).toEqual([]);
  });

  it("comes before the first message, with what the business offers after it", async () => {
    await go(`#/chat/${NEWCOMER}`);
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("button", { name: "Are you open on Sunday?" }).click();
    await bubble("Are you open on Sunday?").waitFor();
    await field().fill("/ord");
    await page.getByRole("button", { name: /\/order/u }).click();
    expect(await field().inputValue()).toBe("/order ");
  });
});

describe("a phone number", () => {
  it("is shared only after it was said what that means", async () => {
    await go(`#/chat/${BANK}/about`);
    await page.getByRole("button", { name: "Share number" }).click();
    expect(await asked("share_number")).toEqual([]);
    await page.getByRole("alertdialog").getByRole("button", { name: "Share number" }).click();
    await page.getByText("Phone number shared").first().waitFor();
    expect(await asked("share_number")).toEqual([{ account: BANK }]);
  });
});

describe("writing", () => {
  it("keeps a draft, shows it in the list, and has it again", async () => {
    await go(`#/chat/${OTTO}`);
    await field().fill("half a thought");
    await page.locator(".chats a", { hasText: "Lena Hoffmann" }).click();
    await page.locator(".chats a", { hasText: "Otto Lindner" }).getByText("Draft:").waitFor();
    await page.locator(".chats a", { hasText: "Otto Lindner" }).click();
    await expect.poll(() => field().inputValue()).toBe("half a thought");
  });

  it("goes by keyboard alone: answer, edit the last, react", async () => {
    await go(`#/chat/${OTTO}`);
    await field().fill("one");
    await page.keyboard.press("Enter");
    await bubble("one").getByText("Read", { exact: true }).waitFor({ state: "attached" });
    await page.keyboard.press("ArrowUp");
    await page.getByText("Edit message").waitFor();
    await field().fill("one, mended");
    await page.keyboard.press("Enter");
    await bubble("one, mended").getByText("edited").waitFor();
    await bubble("one, mended").focus();
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("r");
    await page.getByText("Answer to").waitFor();
    await page.keyboard.press("Escape");
    await bubble("one, mended").focus();
    await page.keyboard.press("Enter");
    await page.getByRole("menuitem", { name: "React" }).press("Enter");
    await page.getByRole("button", { name: "React with 👍" }).press("Enter");
    await page.locator(".reactions", { hasText: "👍" }).last().waitFor();
  });

  it("shows what looks like a page as words, wherever it comes from", async () => {
    await go(`#/chat/${LENA}`);
    const evil = `<img src=x onerror="globalThis.broken=1"><script>globalThis.broken=1</script>`;
    await receive(LENA, evil);
    await bubble("onerror").waitFor();
    await field().fill(evil);
    await page.keyboard.press("Enter");
    expect(await bubble("onerror").count()).toBe(2);
    expect(await page.evaluate(() => "broken" in globalThis)).toBe(false);
  });

  it("can be taken back, and the taking back too", async () => {
    await go(`#/chat/${OTTO}`);
    await bubble("On my way.").click({ button: "right" });
    await page.getByRole("menuitem", { name: "Take back for all" }).click();
    await page.getByText("You took this message back").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await bubble("On my way.").waitFor();
    expect(
      (await asked("send")).filter(({ draft }) => (draft as { type: string }).type === "delete"),
    ).toEqual([]);
  });

  it("sends what was pasted, after it was looked at", async () => {
    await go(`#/chat/${OTTO}`);
    await field().waitFor();
    await page.evaluate(async () => {
      const canvas = new OffscreenCanvas(300, 200);
      canvas.getContext("2d")?.fillRect(0, 0, 200, 100);
      const file = new File([await canvas.convertToBlob()], "drawn.png", { type: "image/png" });
      const data = new DataTransfer();
      data.items.add(file);
      document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
    });
    const dialog = page.getByRole("dialog", { name: "Send 1 file" });
    await dialog.getByLabel("Add words").fill("Look at this");
    await dialog.getByRole("button", { name: "Send", exact: true }).click();
    await bubble("Look at this").locator("img.whole").waitFor();
    const [sent] = await asked("send_media");
    expect(sent?.["media"]).toMatchObject({
      kind: "image",
      width: 300,
      height: 200,
      caption: "Look at this",
    });
    expect(sent?.["media"]).toHaveProperty("thumbnail", expect.stringMatching(/^.{20,}/u));
  });

  it("records a voice note in the page, and plays it", async () => {
    await go(`#/chat/${OTTO}`);
    await page.getByRole("button", { name: "Record a voice note" }).click();
    await page.waitForTimeout(1_500);
    await page.getByRole("button", { name: "Send the recording" }).click();
    await expect.poll(async () => (await asked("send_media")).length).toBe(1);
    const [sent] = await asked("send_media");
    expect(sent?.["media"]).toMatchObject({ kind: "voice" });
    await page.getByRole("button", { name: "Play the voice note" }).last().click();
    await page.getByRole("button", { name: "Speed 1×" }).waitFor();
  });
});

describe("the list", () => {
  it("undoes what hurts", async () => {
    await go("");
    const row = () => page.locator(".chats a", { hasText: "Lena Hoffmann" });
    await row().click({ button: "right" });
    await page.getByRole("menuitem", { name: "Delete chat" }).click();
    await row().waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Undo" }).click();
    await row().waitFor();
    expect(await asked("forget_chat")).toEqual([]);
  });

  it("is searched and walked by keyboard", async () => {
    await go("");
    await page.keyboard.press("Control+k");
    await page.keyboard.type("otto");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await field().waitFor();
    expect(page.url()).toContain(OTTO);
    await page.keyboard.press("Alt+ArrowDown");
    await expect.poll(() => page.url()).not.toContain(OTTO);
  });

  it("shows who writes while another chat is open, and how much is unread", async () => {
    await go(`#/chat/${OTTO}`);
    await field().waitFor();
    await receive(LENA, "Are you there?");
    await page
      .locator(".chats a", { hasText: "Are you there?" })
      .getByText("3 unread messages")
      .waitFor({ state: "attached" });
    await expect.poll(() => page.title()).toMatch(/^\(\d+\) Tradepost$/u);
  });
});

describe("10,000 messages", () => {
  it("open at once, and are scrolled through to the first, a screen at a time", async () => {
    await go(`#/chat/${MANY}`);
    await bubble("10000.").waitFor();
    expect(await page.locator(".bubble").count()).toBeLessThan(80);
    const measured = await page.evaluate(async () => {
      const scroller = document.querySelector<HTMLElement>(".scroll");
      if (!scroller) throw new Error("nothing to scroll");
      scroller.dispatchEvent(new WheelEvent("wheel", { deltaY: -1 }));
      let long = 0;
      new PerformanceObserver((list) => (long += list.getEntries().length)).observe({
        entryTypes: ["longtask"],
      });
      let frames = 0;
      let still = 0;
      for (; frames < 4_000 && still < 90; frames++) {
        scroller.scrollTop -= 400;
        await new Promise(requestAnimationFrame);
        still = scroller.scrollTop <= 0 ? still + 1 : 0;
      }
      return { frames, long };
    });
    await bubble("1. the boat").first().waitFor();
    expect(await page.locator(".bubble").count()).toBeLessThan(80);
    // A busy machine has long frames now and then; a list that draws everything has nothing else.
    expect(measured.long / measured.frames, JSON.stringify(measured)).toBeLessThan(0.5);
  });

  it("go to one that was searched for", async () => {
    await go("");
    await page.locator("#search").fill("4321.");
    await page.locator("mark", { hasText: "4321." }).click();
    await bubble("4321.").waitFor();
  });
});

describe("language", () => {
  it("changes at once, and with it the direction of reading", async () => {
    await go("#/settings/language");
    await page.getByLabel("العربية").click();
    await page.getByRole("heading", { name: "اللغة" }).waitFor();
    expect(await page.evaluate(() => document.documentElement.dir)).toBe("rtl");
    await page.getByLabel("English").click();
    await page.getByRole("heading", { name: "Language" }).waitFor();
  });
});

describe("a notification", () => {
  it("says that somebody wrote, and what only if that was wanted", async () => {
    await opened.context.grantPermissions(["notifications", "clipboard-read", "clipboard-write"]);
    await page.addInitScript(() => localStorage.setItem("tradepost.preferences", '{"notifications":true}'));
    await go(`#/chat/${OTTO}`);
    await page.evaluate(() => navigator.serviceWorker.ready);
    await receive(LENA, "The secret plan");
    const shown = () =>
      page.evaluate(async () => {
        const registration = await navigator.serviceWorker.ready;
        return (await registration.getNotifications()).map(({ title, body }) => `${title}: ${body}`);
      });
    await expect.poll(shown).toEqual(["Lena Hoffmann: New message"]);
    await receive(OTTO, "This chat is on the screen");
    await bubble("This chat is on the screen").waitFor();
    expect(await shown()).toEqual(["Lena Hoffmann: New message"]);
  });
});

describe("advertising", () => {
  it("is stopped where it stands, and allowed again by a second press", async () => {
    await go(`#/chat/${AIR}`);
    await page.getByRole("button", { name: "Stop advertising" }).click();
    await page.getByText("Stopped. Nordwind Air was told.").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("Allowed again. Nordwind Air was told.").waitFor();
    expect((await asked("set_marketing")).map(({ allowed }) => allowed)).toEqual([false, true]);
  });
});

describe("an account", () => {
  it("is deleted only after its number was typed", async () => {
    await go("#/settings/account");
    await page.getByRole("button", { name: "Delete account" }).click();
    const dialog = page.getByRole("alertdialog");
    expect(await dialog.getByRole("button", { name: "Delete for good" }).isDisabled()).toBe(true);
    await dialog.getByLabel("Type your number to go on").fill("0151 12345678");
    await dialog.getByRole("button", { name: "Delete for good" }).click();
    await page.getByText("Your account is deleted").waitFor();
  });

  it("is told what is wrong with a code, and what to do", async () => {
    await go("", "welcome");
    await page.getByLabel("Phone number").fill("12");
    await page.getByRole("button", { name: "Send me a code" }).click();
    await page.getByText("That is no phone number. Begin with + and the country code.").waitFor();
    await page.getByLabel("Phone number").fill("+49 151 12345678");
    await page.getByRole("button", { name: "Send me a code" }).click();
    await page.getByLabel("Six-digit code").fill("111111");
    await page.getByRole("button", { name: "Begin" }).click();
    await page.getByText("That is not the code.").waitFor();
    await page.getByText("3 more tries.").waitFor();
  });
});
