import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { serve, type Served } from "../fake/serve.ts";
import { SERVICE } from "../fake/talk.ts";
import { open, watch, type Opened } from "./chromium.ts";
import { ADA } from "./pages.ts";

const USER = "DE.13491208655302741918";
let opened: Opened;
let served: Served;
let page: Page;
let said: string[];

beforeAll(async () => {
  opened = await open();
});
afterAll(() => opened?.close());
beforeEach(async () => {
  served = await serve();
  page = await opened.context.newPage();
  said = watch(page, served.url);
  await page.context().clearCookies();
  await page
    .context()
    .addCookies([{ name: "tradepost_console", value: "mara", url: `${served.url}/console` }]);
  await page.goto(`${served.url}/console/${ADA}`);
  await page.locator("article").first().waitFor();
  await expect.poll(() => served.host.listeners).toBe(1);
  return async () => {
    await page.close();
    await served.close();
    expect(said).toEqual([]);
  };
});

const talk = () => served.host.business.talks.find(({ chat }) => chat.user_id === USER);

describe("the inbox", () => {
  it("sends by Enter, and follows what became of it", async () => {
    await page.keyboard.press("r");
    await page.keyboard.type("The first one is enough.");
    await page.keyboard.press("Enter");
    const sent = page.locator("article.bubble", { hasText: "The first one is enough." });
    await sent.locator(".read").waitFor();
    expect(await page.locator("textarea").inputValue()).toBe("");
    expect(talk()?.messages.at(-1)?.agent_id).toBe("mara");
  });

  it("marks what was looked at as read, everywhere", async () => {
    await expect.poll(() => talk()?.chat.unread).toBe(0);
    await expect.poll(() => page.locator('a.row[aria-current="true"] .count').count()).toBe(0);
  });

  it("says who else answers, and does not send over them unawares", async () => {
    const answering = [{ agent_id: "jonas", until: Date.now() + 60_000 }];
    const found = talk();
    if (found) found.chat.answering = answering;
    served.host.tell("answering", { phone_number_id: SERVICE, user_id: USER, ...answering[0] });
    await page.getByText("Jonas Weber is answering this chat").waitFor();
    await page.locator("textarea").fill("Mine");
    await page.keyboard.press("Enter");
    const asked = page.getByRole("alertdialog");
    await asked.getByText("Somebody was faster").waitFor();
    expect(
      talk()?.messages.some(
        ({ agent_id, content }) => agent_id === "mara" && JSON.stringify(content).includes("Mine"),
      ),
    ).toBe(false);
    await asked.getByRole("button", { name: "Take it back into the field" }).click();
    expect(await page.locator("textarea").inputValue()).toBe("Mine");
    await page.keyboard.press("Enter");
    await asked.getByRole("button", { name: "Send it all the same" }).click();
    await page.locator("article.bubble", { hasText: "Mine" }).waitFor();
  });

  it("keeps notes among colleagues", async () => {
    const before = talk()?.messages.length;
    await page.keyboard.press("n");
    await page.keyboard.type("Ask Jonas first");
    await page.keyboard.press("Enter");
    await page.locator('article[aria-label^="Note by"]', { hasText: "Ask Jonas first" }).waitFor();
    expect(talk()?.messages.length).toBe(before);
  });

  it("shows as words what would be markup", async () => {
    const evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
    await page.locator("textarea").fill(evil);
    await page.keyboard.press("Enter");
    await page.locator("article.bubble", { hasText: evil }).waitFor();
    expect(await page.title()).not.toMatch(/^[12]$/u);
  });

  it("goes back to the door when the session ends", async () => {
    served.host.tell("ended", {});
    await page.getByText("You were signed out.").waitFor();
  });
});
