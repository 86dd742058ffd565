import type { Words } from "@tradepost/ui/words.svelte.ts";
import { describe, expect, it } from "vitest";
import { ar } from "./ar/index.ts";
import { en } from "./en/index.ts";
import { es } from "./es/index.ts";

const holes = (words: string) => [...words.matchAll(/\{(\w+)\}/gu)].map((match) => match[1]).toSorted();
const other = (words: Words) => (typeof words === "string" ? words : words.other);
const english: Record<string, Words> = en;

describe.each([
  ["es", es as Record<string, Words>],
  ["ar", ar as Record<string, Words>],
])("%s", (tag, words) => {
  it("says everything that English says, and nothing else", () => {
    expect(Object.keys(words).toSorted()).toEqual(Object.keys(english).toSorted());
    for (const [key, said] of Object.entries(words)) expect(other(said).trim(), key).not.toBe("");
  });

  it("has the same values to fill in", () => {
    for (const [key, said] of Object.entries(words)) {
      expect(holes(other(said)), key).toEqual(holes(other(english[key] ?? "")));
    }
  });

  it("counts in every form that the language counts in", () => {
    const forms = new Intl.PluralRules(tag)
      .resolvedOptions()
      .pluralCategories.filter((form) => form !== "many" || tag === "ar");
    for (const [key, said] of Object.entries(words)) {
      if (typeof said !== "string") expect(Object.keys(said).toSorted(), key).toEqual(forms.toSorted());
      expect(typeof said, key).toBe(typeof english[key]);
    }
  });

  it("is translated", () => {
    const same = Object.keys(words).filter(
      (key) => words[key] === english[key] && /\p{L}{4}/u.test(other(words[key] ?? "")),
    );
    const shared = new Set([
      "app.name",
      "chats.title",
      "chats.found_chats",
      "chat.emoji",
      "body.sticker",
      "message.other_said",
      "category.ALCOHOL",
      "category.HOTEL",
    ]);
    expect(same.filter((key) => !shared.has(key))).toEqual([]);
  });
});
