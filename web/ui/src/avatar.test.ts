import { expect, it } from "vitest";
import { hueOf, initials } from "./avatar.ts";

it("has the first letters of the first and last word", () => {
  expect(initials("Anna Maria Berger")).toBe("AB");
  expect(initials("otto")).toBe("O");
  expect(initials("  ")).toBe("");
  expect(initials("+49 151 123")).toBe("");
  expect(initials("Fern & Pot")).toBe("FP");
  expect(initials("يوسف الحداد")).toBe("ي");
});

it("has one colour for one account", () => {
  expect(hueOf("a")).toBe(hueOf("a"));
  const hues = new Set(Array.from({ length: 200 }, (_, at) => hueOf(`account ${at}`)));
  expect(hues.size).toBe(18);
});
