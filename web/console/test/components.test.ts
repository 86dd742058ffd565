import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Component } from "svelte";
import { en } from "../src/business/words/en/index.ts";
import { speakWith } from "../src/shell/words/index.ts";
import Chart from "../src/shell/chart/Chart.svelte";
import Copyable from "../src/shell/Copyable.svelte";
import { Keyboard } from "../src/business/views/keyboard.ts";

const mounted: object[] = [];
function show<P extends Record<string, unknown>>(component: Component<P>, props: P): HTMLElement {
  const target = document.createElement("div");
  document.body.append(target);
  mounted.push(mount(component, { target, props }));
  flushSync();
  return target;
}

beforeAll(() => {
  const say = (key: keyof typeof en) => en[key];
  speakWith({ say, number: String, tag: "en", languages: [], choose: async () => undefined, chosen: null });
});
afterEach(async () => {
  for (const one of mounted.splice(0)) await unmount(one);
});

describe("a chart", () => {
  const props = {
    title: "Messages",
    moments: ["Mon", "Tue"],
    series: [{ name: "Sent", tone: "first" as const, values: [3, null] }],
  };

  it("is a table for whoever wants one", () => {
    const target = show(Chart, props);
    expect(target.querySelector("table")).toBeNull();
    target.querySelector<HTMLButtonElement>("figcaption button")?.click();
    flushSync();
    const cells = [...target.querySelectorAll("tbody tr > *")].map((cell) => cell.textContent);
    expect(cells).toEqual(["Mon", "3", "Tue", "–"]);
  });

  it("is read out moment by moment", () => {
    const target = show(Chart, props);
    const slider = target.querySelector<HTMLInputElement>('input[type="range"]');
    if (!slider) throw new Error("no slider");
    slider.value = "0";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    flushSync();
    expect(slider.getAttribute("aria-valuetext")).toBe("Mon: Sent 3");
  });

  it("says so where there is nothing", () => {
    expect(show(Chart, { ...props, series: [] }).textContent).toContain(en["chart.nothing"]);
  });
});

describe("a text to copy", () => {
  it("is put on the clipboard as it is", async () => {
    const writeText = vi.fn(async () => undefined);
    Object.defineProperty(navigator, "clipboard", { value: { writeText }, configurable: true });
    const target = show(Copyable, { text: "<b>token</b>", label: "Token" });
    expect(target.querySelector("code")?.textContent).toBe("<b>token</b>");
    target.querySelector("button")?.click();
    await vi.waitFor(() => expect(writeText).toHaveBeenCalledWith("<b>token</b>"));
  });
});

describe("keys", () => {
  function press(keyboard: Keyboard, key: string, target: Element = document.body): void {
    const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
    Object.defineProperty(event, "target", { value: target });
    keyboard.typed(event);
  }
  const matches = document.querySelector.bind(document);

  beforeAll(() => {
    // The engine of these tests does not know what a popover is.
    vi.spyOn(document, "querySelector").mockImplementation((selector: string) =>
      selector.includes(":popover-open") ? null : matches(selector),
    );
  });

  it("do one thing, or two after one another", () => {
    const [one, two] = [vi.fn(), vi.fn()];
    const keyboard = new Keyboard({ i: one, "g i": two });
    press(keyboard, "i");
    press(keyboard, "g");
    press(keyboard, "i");
    expect([one.mock.calls.length, two.mock.calls.length]).toEqual([1, 1]);
  });

  it("do nothing while something is written", () => {
    const act = vi.fn();
    press(new Keyboard({ j: act }), "j", document.createElement("textarea"));
    expect(act).not.toHaveBeenCalled();
  });
});
