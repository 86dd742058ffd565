/** Templates: their parts, the places in them, and what is put there when one is sent. */
import type { Component, Template, TemplateDraft } from "../api/types.ts";

export interface ButtonPart {
  type: "QUICK_REPLY" | "URL" | "PHONE_NUMBER" | "COPY_CODE" | "OTP" | "REQUEST_CONTACT_INFO";
  text?: string;
  url?: string;
  phone_number?: string;
  example?: string | string[];
}

export type HeaderFormat = "NONE" | "TEXT" | "IMAGE" | "VIDEO" | "DOCUMENT" | "LOCATION";

/** Something that is filled in when a template is sent. */
export interface Field {
  key: string;
  part: "header" | "file" | "body" | "link" | "code";
  /** What the place is called: a number or a word. */
  place: string;
  named: boolean;
  /** Of a button: which, and what it says. */
  index: number;
  button: string;
  format: HeaderFormat;
  sample: string;
}

export function part(components: readonly Component[], type: string): Component | undefined {
  return components.find((component) => component.type.toUpperCase() === type);
}

export function textOf(component: Component | undefined): string {
  return typeof component?.["text"] === "string" ? component["text"] : "";
}

export function formatOf(components: readonly Component[]): HeaderFormat {
  const header = part(components, "HEADER");
  return header ? (String(header["format"] ?? "TEXT").toUpperCase() as HeaderFormat) : "NONE";
}

export function buttonsOf(components: readonly Component[]): ButtonPart[] {
  const all = part(components, "BUTTONS")?.["buttons"];
  return Array.isArray(all) ? (all as ButtonPart[]) : [];
}

/** The places of a text, in order, each once. */
export function places(text: string): string[] {
  return [...new Set([...text.matchAll(/\{\{\s*(\w+)\s*\}\}/gu)].map((match) => match[1] ?? ""))];
}

function samples(component: Component | undefined, name: "header_text" | "body_text"): string[] {
  const example = component?.["example"] as Record<string, unknown> | undefined;
  const given = example?.[name];
  if (!Array.isArray(given)) return [];
  return (Array.isArray(given[0]) ? given[0] : given).map(String);
}

function namedSamples(component: Component | undefined, name: string): Map<string, string> {
  const example = component?.["example"] as Record<string, unknown> | undefined;
  const given = example?.[name];
  const all = Array.isArray(given) ? (given as { param_name?: string; example?: string }[]) : [];
  return new Map(all.map(({ param_name = "", example: sample = "" }) => [param_name, sample]));
}

/** All that has to be filled in. */
export function fieldsOf(template: Pick<Template, "components" | "parameter_format" | "category">): Field[] {
  const { components } = template;
  const named = template.parameter_format.toUpperCase() === "NAMED";
  const fields: Field[] = [];
  const blank = { named, index: 0, button: "", format: "NONE" as HeaderFormat, sample: "" };
  const header = part(components, "HEADER");
  const format = formatOf(components);
  if (format === "IMAGE" || format === "VIDEO" || format === "DOCUMENT") {
    fields.push({ ...blank, key: "file", part: "file", place: "", format });
  }
  const add = (where: "header" | "body", component: Component | undefined) => {
    const list = samples(component, `${where}_text`);
    const words = namedSamples(component, `${where}_text_named_params`);
    for (const [index, place] of places(textOf(component)).entries()) {
      const sample = words.get(place) ?? list[index] ?? "";
      fields.push({ ...blank, key: `${where}.${place}`, part: where, place, sample });
    }
  };
  if (format === "TEXT") add("header", header);
  const body = part(components, "BODY");
  if (template.category.toUpperCase() === "AUTHENTICATION") {
    fields.push({
      ...blank,
      key: "body.1",
      part: "body",
      place: "1",
      sample: samples(body, "body_text")[0] ?? "",
    });
  } else add("body", body);
  for (const [index, button] of buttonsOf(components).entries()) {
    const about = { ...blank, index, button: button.text ?? "" };
    if (button.type === "URL" && places(button.url ?? "").length > 0) {
      fields.push({ ...about, key: `link.${index}`, part: "link", place: "1" });
    }
    if (button.type === "COPY_CODE")
      fields.push({ ...about, key: `code.${index}`, part: "code", place: "1" });
  }
  return fields;
}

/** What is filled in, as a send says it. */
export function parametersOf(
  template: Pick<Template, "components" | "category">,
  fields: readonly Field[],
  values: Readonly<Record<string, string>>,
): object[] {
  const value = (field: Field) => values[field.key]?.trim() || field.sample || "…";
  const texts = (where: "header" | "body") =>
    fields
      .filter((field) => field.part === where)
      .map((field) => {
        const text = { type: "text", text: value(field) };
        return field.named ? Object.assign(text, { parameter_name: field.place }) : text;
      });
  const all: object[] = [];
  const file = fields.find((field) => field.part === "file");
  if (file && values["file"]) {
    const kind = file.format.toLowerCase();
    all.push({ type: "header", parameters: [{ type: kind, [kind]: { id: values["file"] } }] });
  }
  const header = texts("header");
  if (header.length > 0) all.push({ type: "header", parameters: header });
  const body = texts("body");
  if (body.length > 0) all.push({ type: "body", parameters: body });
  const button = (sub_type: string, index: number, parameter: object) => ({
    type: "button",
    sub_type,
    index: String(index),
    parameters: [parameter],
  });
  for (const field of fields) {
    if (field.part === "link") all.push(button("url", field.index, { type: "text", text: value(field) }));
    if (field.part === "code") {
      all.push(button("copy_code", field.index, { type: "coupon_code", coupon_code: value(field) }));
    }
  }
  // The one-time code stands in the words and behind the button.
  const code = fields.find((field) => field.part === "body");
  if (template.category.toUpperCase() === "AUTHENTICATION" && code) {
    all.push(button("url", 0, { type: "text", text: value(code) }));
  }
  return all;
}

/** The message that sends a template. */
export function templateMessage(template: Template, parameters: readonly object[]): Record<string, unknown> {
  return {
    type: "template",
    template: {
      name: template.name,
      language: { code: template.language },
      ...(parameters.length > 0 ? { components: parameters } : {}),
    },
  };
}

/** The body with what is filled in, for a list or a bubble that waits. */
export function filledBody(
  template: Pick<Template, "components">,
  fields: readonly Field[],
  values: Readonly<Record<string, string>>,
): string {
  const body = fields.filter((field) => field.part === "body");
  return textOf(part(template.components, "BODY")).replaceAll(
    /\{\{\s*(\w+)\s*\}\}/gu,
    (hole, place: string) => {
      const field = body.find((one) => one.place === place);
      return field ? values[field.key]?.trim() || field.sample || hole : hole;
    },
  );
}

/** What is asked to be shown before it is there. */
export function draftOf(template: Template): TemplateDraft {
  const { name, language, category, parameter_format, components } = template;
  return { name, language, category, parameter_format, components };
}
