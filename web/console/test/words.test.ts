import { describe, expect, it } from "vitest";
import { ar } from "../src/business/words/ar/index.ts";
import { en } from "../src/business/words/en/index.ts";
import { es } from "../src/business/words/es/index.ts";
import { ar as operatorAr } from "../src/operator/words/ar.ts";
import { en as operatorEn } from "../src/operator/words/en.ts";
import { es as operatorEs } from "../src/operator/words/es.ts";

type Dictionary = Record<string, string | Record<string, string>>;

function holes(words: string | Record<string, string> | undefined): string[] {
  const text = typeof words === "string" ? words : (words?.["other"] ?? "");
  return [...new Set(text.match(/\{\w+\}/gu) ?? [])].toSorted();
}

const AREAS: [string, Dictionary, Dictionary][] = [
  ["the console in Spanish", en as Dictionary, es as Dictionary],
  ["the console in Arabic", en as Dictionary, ar as Dictionary],
  ["the operator’s area in Spanish", operatorEn as Dictionary, operatorEs as Dictionary],
  ["the operator’s area in Arabic", operatorEn as Dictionary, operatorAr as Dictionary],
];

describe.each(AREAS)("%s", (_, english, other) => {
  it("says everything that English says", () => {
    expect(Object.keys(other).toSorted()).toEqual(Object.keys(english).toSorted());
  });

  it("fills in the same", () => {
    const wrong = Object.keys(english).filter(
      (key) => holes(english[key]).join() !== holes(other[key]).join(),
    );
    expect(wrong).toEqual([]);
  });

  it("leaves nothing in English", () => {
    const kept = Object.keys(english).filter((key) => {
      const [words, said] = [english[key], other[key]];
      return typeof words === "string" && words === said && words.split(" ").length > 2;
    });
    expect(kept).toEqual([]);
  });
});

describe("Arabic", () => {
  it("counts in all its forms", () => {
    const all = { ...(ar as Dictionary), ...(operatorAr as Dictionary) };
    const counted = Object.entries(all).filter(([, words]) => typeof words !== "string");
    const wanted = ["one", "two", "few", "many", "other"];
    const short = counted.filter(([, words]) => wanted.some((form) => !(form in (words as object))));
    expect(short.map(([key]) => key)).toEqual([]);
  });
});
