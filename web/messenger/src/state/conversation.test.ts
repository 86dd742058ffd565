import type { Body, Message } from "@tradepost/core";
import { describe, expect, it } from "vitest";
import { linesOf } from "./conversation.svelte.ts";

const NOON = new Date(2026, 10, 28, 12).getTime();
const MINUTE = 60_000;

function message(author: string, minutes: number, body: Body = { type: "text", text: "…" }): Message {
  const time = NOON + minutes * MINUTE;
  return {
    chat: "b",
    id: { author, timestamp: time },
    device: 1,
    position: minutes + 10_000,
    received: time,
    body,
    quote: null,
    state: { state: "read" },
    reactions: [],
    edited: null,
    expires_after: 0,
    expires_at: null,
  };
}

const kinds = (messages: Message[]) => linesOf(messages, true, undefined, true).map(({ kind }) => kind);

describe("the lines of a chat", () => {
  it("begin with a word about it and have the days between", () => {
    expect(kinds([message("a", -2_000), message("a", 0)])).toEqual([
      "begin",
      "day",
      "message",
      "day",
      "message",
    ]);
  });

  it("put together what one author says in a few minutes", () => {
    const lines = linesOf(
      [message("a", 0), message("a", 2), message("b", 3), message("b", 30)],
      false,
      undefined,
      true,
    );
    const ends = lines.flatMap((line) => (line.kind === "message" ? [[line.first, line.last]] : []));
    expect(ends).toEqual([
      [true, false],
      [false, true],
      [true, true],
      [true, true],
    ]);
  });

  it("say where the unread begins", () => {
    const messages = [message("b", 0), message("b", 1), message("b", 2)];
    const lines = linesOf(messages, false, { position: 10_001, count: 2 }, true);
    expect(lines.map(({ kind }) => kind)).toEqual(["day", "message", "unread", "message", "message"]);
  });

  it("do not repeat the label that stands above the chat", () => {
    expect(kinds([message("b", 0, { type: "label", label: null, change: "first" })])).toEqual(["begin"]);
    expect(kinds([message("b", 0, { type: "label", label: null, change: "missing" })])).toEqual([
      "begin",
      "day",
      "message",
    ]);
  });

  it("have keys that differ, and stay when older ones come before them", () => {
    const later = [message("a", 0), message("b", 1)];
    const earlier = [message("a", -3), message("b", -2), ...later];
    const keys = (of: Message[]) => linesOf(of, false, undefined, true).map(({ key }) => key);
    expect(new Set(keys(earlier)).size).toBe(keys(earlier).length);
    expect(keys(earlier)).toEqual(expect.arrayContaining(keys(later).slice(1)));
  });
});
