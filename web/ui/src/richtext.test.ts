import { describe, expect, it } from "vitest";
import { address, onlyEmoji, pieces } from "./richtext.ts";

const shown = (text: string) => pieces(text).map((piece) => [piece.kind, piece.text]);

describe("words of a message", () => {
  it("stay as they were written where nothing is marked", () => {
    expect(shown("2 * 3 * 4 = 24, snake_case_name, ~5 €")).toEqual([
      ["text", "2 * 3 * 4 = 24, snake_case_name, ~5 €"],
    ]);
  });

  it("are strong, emphasised, struck and code", () => {
    expect(shown("*a* _b_ ~c~ `d *e*`")).toEqual([
      ["strong", "a"],
      ["text", " "],
      ["emphasis", "b"],
      ["text", " "],
      ["struck", "c"],
      ["text", " "],
      ["code", "d *e*"],
    ]);
  });

  it("keep what is in a block as it is", () => {
    expect(shown("x ```\n*y*\n``` z")).toEqual([
      ["text", "x "],
      ["block", "*y*"],
      ["text", " z"],
    ]);
  });

  it("keep a block that is never closed as words", () => {
    expect(shown("a ```b")).toEqual([["text", "a ```b"]]);
  });

  it("have links without the full stop and the bracket of their sentence", () => {
    expect(shown("(see https://example.org/a_(b), or www.example.com.)")).toEqual([
      ["text", "(see "],
      ["link", "https://example.org/a_(b)"],
      ["text", ", or "],
      ["link", "www.example.com"],
      ["text", ".)"],
    ]);
  });

  it("never become a link that runs a script", () => {
    for (const text of ["javascript:alert(1)", "data:text/html,<script>", "vbscript:x", "https://"]) {
      expect(
        pieces(text).some(({ kind }) => kind === "link"),
        text,
      ).toBe(false);
      expect(address(text), text).toBeUndefined();
    }
  });

  it("keep HTML as words", () => {
    const evil = '<img src=x onerror="alert(1)"><b>a</b>&lt;';
    expect(shown(evil)).toEqual([["text", evil]]);
  });

  it("lose nothing, whatever they are", () => {
    const parts = ["*", "_", "~", "`", "```", "\n", "a", " ", "https://a.b", "é", "🙂", "مرحبا"];
    let seed = 7;
    for (let round = 0; round < 2_000; round++) {
      let text = "";
      for (let at = 0; at < 12; at++) {
        seed = (seed * 48_271) % 2_147_483_647;
        text += parts[seed % parts.length] ?? "";
      }
      const kept = pieces(text)
        .map((piece) => piece.text)
        .join("");
      const letters = (of: string) => of.replaceAll(/[*_~`\s]/gu, "");
      expect(letters(kept)).toBe(letters(text));
    }
  });
});

describe("emoji by themselves", () => {
  it("are counted as people see them", () => {
    expect(onlyEmoji("🎉")).toBe(1);
    expect(onlyEmoji("👩‍👩‍👧 🇪🇺")).toBe(2);
    expect(onlyEmoji("ok 👍")).toBe(0);
    expect(onlyEmoji("123")).toBe(0);
    expect(onlyEmoji("")).toBe(0);
  });
});
