import { describe, expect, it } from "vitest";
import { bank } from "../fake/business.ts";
import type { Template } from "../src/business/api/types.ts";
import {
  fieldsOf,
  filledBody,
  parametersOf,
  places,
  templateMessage,
} from "../src/business/state/templates.ts";
import { Draft } from "../src/business/views/office/draft.svelte.ts";

const all = bank(Date.now()).templates;
const named = (name: string): Template => {
  const found = all.find((template) => template.name === name);
  if (!found) throw new Error(name);
  return found;
};

describe("a template", () => {
  it("has its places once each, in order", () => {
    expect(places("{{1}} and {{2}}, again {{1}}; {{name}}")).toEqual(["1", "2", "name"]);
  });

  it("says what has to be filled in, with its samples", () => {
    expect(fieldsOf(named("card_on_its_way")).map(({ key, sample }) => [key, sample])).toEqual([
      ["body.1", "Lena"],
      ["body.2", "Monday"],
    ]);
    expect(fieldsOf(named("branch_moves")).map(({ part }) => part)).toEqual(["file", "body"]);
  });

  it("is sent with what was filled in", () => {
    const template = named("branch_moves");
    const values = { file: "42", "body.1": "Hauptstraße 1" };
    const parameters = parametersOf(template, fieldsOf(template), values);
    expect(templateMessage(template, parameters)).toEqual({
      type: "template",
      template: {
        name: "branch_moves",
        language: { code: "en" },
        components: [
          { type: "header", parameters: [{ type: "image", image: { id: "42" } }] },
          { type: "body", parameters: [{ type: "text", text: "Hauptstraße 1" }] },
        ],
      },
    });
    expect(filledBody(template, fieldsOf(template), values)).toContain("Hauptstraße 1");
  });

  it("carries a one-time code in its words and behind its button", () => {
    const template = named("code");
    const parameters = parametersOf(template, fieldsOf(template), { "body.1": "482193" });
    expect(parameters.map((one) => (one as { type: string }).type)).toEqual(["body", "button"]);
  });

  it("comes out of the editor as it went in", () => {
    for (const name of ["loan_question", "card_on_its_way", "branch_moves"]) {
      expect(new Draft(named(name)).components).toEqual(named(name).components);
    }
  });
});
