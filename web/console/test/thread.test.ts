import { describe, expect, it } from "vitest";
import type { Message } from "../src/business/api/types.ts";
import { bySeq, lines, merged, withNotes } from "../src/business/state/thread.ts";

let serial = 0;
function message(content: Message["content"], more: Partial<Message> = {}): Message {
  serial += 1;
  return {
    id: `m${serial}`,
    seq: String(serial),
    phone_number_id: "1",
    user_id: "DE.1",
    direction: "in",
    type: content.type,
    at: serial * 1000,
    status: null,
    read: true,
    imported: false,
    category: "service",
    content,
    context: {},
    agent_id: null,
    ...more,
  };
}
const text = (body: string, more: Partial<Message> = {}) => message({ type: "text", body }, more);

describe("a thread", () => {
  it("orders by place, also where numbers are longer than numbers can be", () => {
    const [low, high] = [text("a", { seq: "9" }), text("b", { seq: "90071992547409930" })];
    expect([high, low].toSorted(bySeq)).toEqual([low, high]);
  });

  it("keeps the newer of two messages with one id", () => {
    const sent = text("hello", { id: "x", status: "sent" });
    const read = { ...sent, status: "read" as const };
    expect(merged([sent], [read])).toEqual([read]);
  });

  it("puts reactions on their message, the last of each side", () => {
    const asked = text("Shall we?");
    const react = (emoji: string | null, direction: "in" | "out") =>
      message({ type: "reaction", message_id: asked.id, emoji }, { direction });
    const shown = lines([asked, react("👍", "out"), react("❤️", "in"), react("🙏", "out")]);
    expect(shown).toHaveLength(1);
    expect(shown[0]?.reactions).toEqual([
      { emoji: "🙏", out: true },
      { emoji: "❤️", out: false },
    ]);
    expect(lines([asked, react("👍", "out"), react(null, "out")])[0]?.reactions).toEqual([]);
  });

  it("shows edited words and what was taken back in place", () => {
    const [first, second] = [text("helo"), text("oops")];
    const shown = lines([
      first,
      second,
      message({ type: "edit", original: first.id, body: "hello" }),
      message({ type: "revoke", original: second.id }),
    ]);
    expect(shown.map(({ edited, revoked }) => [edited, revoked])).toEqual([
      ["hello", false],
      [undefined, true],
    ]);
  });

  it("puts notes where they were written", () => {
    const [first, second] = [text("one"), text("two")];
    const note = { note_id: "n", agent_id: "a", at: first.at + 1, text: "mind" };
    expect(withNotes(lines([first, second]), [note]).map(({ key }) => key)).toEqual([
      first.id,
      "n",
      second.id,
    ]);
  });
});
