/** A template that is being written. */
import type { Component, Template, TemplateDraft } from "../../api/types.ts";
import {
  buttonsOf,
  formatOf,
  part,
  places,
  textOf,
  fieldsOf,
  type ButtonPart,
  type HeaderFormat,
} from "../../state/templates.ts";

export interface ButtonDraft {
  key: number;
  type: ButtonPart["type"];
  text: string;
  url: string;
  phone: string;
  code: string;
}

export class Draft {
  name = $state("");
  language = $state("en");
  category = $state("UTILITY");
  recategorise = $state(true);
  format = $state<HeaderFormat>("NONE");
  header = $state("");
  body = $state("");
  footer = $state("");
  buttons = $state<ButtonDraft[]>([]);
  samples = $state<Record<string, string>>({});
  advice = $state(true);
  minutes = $state("10");
  otp = $state("Copy code");
  readonly #format: string;
  /** What the editor has no field for stays as it is. */
  readonly #rest: readonly Component[];
  #next = 1;

  constructor(template?: Template) {
    this.#format = template?.parameter_format ?? "POSITIONAL";
    const components = template?.components ?? [];
    this.#rest = components.filter(
      ({ type }) => !["HEADER", "BODY", "FOOTER", "BUTTONS"].includes(type.toUpperCase()),
    );
    if (!template) return;
    this.name = template.name;
    this.language = template.language;
    this.category = template.category.toUpperCase();
    this.format = formatOf(components);
    this.header = textOf(part(components, "HEADER"));
    this.body = textOf(part(components, "BODY"));
    this.footer = textOf(part(components, "FOOTER"));
    this.advice = part(components, "BODY")?.["add_security_recommendation"] === true;
    this.minutes = String(part(components, "FOOTER")?.["code_expiration_minutes"] ?? this.minutes);
    this.buttons = buttonsOf(components).map((one) => ({
      key: this.#next++,
      type: one.type,
      text: one.text ?? "",
      url: one.url ?? "",
      phone: one.phone_number ?? "",
      code: Array.isArray(one.example) ? (one.example[0] ?? "") : (one.example ?? ""),
    }));
    this.otp = this.buttons.find(({ type }) => type === "OTP")?.text || this.otp;
    for (const field of fieldsOf(template)) this.samples[field.key] = field.sample;
  }

  get authentication(): boolean {
    return this.category === "AUTHENTICATION";
  }

  /** All places of header and body, with the key of their sample. */
  get places(): { key: string; place: string }[] {
    const of = (where: string, text: string) =>
      places(text).map((place) => ({ key: `${where}.${place}`, place }));
    return [...(this.format === "TEXT" ? of("header", this.header) : []), ...of("body", this.body)];
  }

  addButton(type: ButtonPart["type"]): void {
    this.buttons.push({ key: this.#next++, type, text: "", url: "https://", phone: "", code: "" });
  }

  addPlace(): void {
    const taken = places(this.body).map(Number).filter(Number.isFinite);
    const gap = this.body === "" || /\s$/u.test(this.body) ? "" : " ";
    this.body = `${this.body}${gap}{{${Math.max(0, ...taken) + 1}}}`;
  }

  get components(): Component[] {
    return this.authentication ? this.#code() : this.#words();
  }

  get draft(): TemplateDraft {
    return {
      name: this.name.trim(),
      language: this.language,
      category: this.category,
      parameter_format: this.#format,
      components: this.components,
    };
  }

  /** What is shown in the preview before a name is chosen. */
  get previewed(): TemplateDraft {
    return { ...this.draft, name: this.name.trim() || "template" };
  }

  get #named(): boolean {
    return this.#format.toUpperCase() === "NAMED";
  }

  #example(where: "header" | "body", text: string): object {
    const found = places(text);
    if (found.length === 0) return {};
    const sample = (place: string) => this.samples[`${where}.${place}`]?.trim() || "…";
    if (this.#named) {
      const named = found.map((place) => ({ param_name: place, example: sample(place) }));
      return { example: { [`${where}_text_named_params`]: named } };
    }
    const list = found.map(sample);
    return { example: { [`${where}_text`]: where === "body" ? [list] : list } };
  }

  #code(): Component[] {
    return [
      { type: "BODY", add_security_recommendation: this.advice },
      { type: "FOOTER", code_expiration_minutes: Number(this.minutes) || 10 },
      { type: "BUTTONS", buttons: [{ type: "OTP", otp_type: "COPY_CODE", text: this.otp.trim() }] },
    ];
  }

  #words(): Component[] {
    const all: Component[] = [];
    if (this.format === "TEXT") {
      all.push({
        type: "HEADER",
        format: "TEXT",
        text: this.header,
        ...this.#example("header", this.header),
      });
    } else if (this.format !== "NONE") all.push({ type: "HEADER", format: this.format });
    all.push({ type: "BODY", text: this.body, ...this.#example("body", this.body) });
    if (this.footer.trim()) all.push({ type: "FOOTER", text: this.footer.trim() });
    if (this.buttons.length > 0) all.push({ type: "BUTTONS", buttons: this.buttons.map(button) });
    return [...all, ...this.#rest];
  }
}

function button(draft: ButtonDraft): ButtonPart {
  const text = draft.text.trim();
  switch (draft.type) {
    case "URL":
      return { type: "URL", text, url: draft.url.trim() };
    case "PHONE_NUMBER":
      return { type: "PHONE_NUMBER", text, phone_number: draft.phone.replaceAll(/[\s-]/gu, "") };
    case "COPY_CODE":
      return { type: "COPY_CODE", example: draft.code.trim() };
    default:
      return { type: draft.type, text };
  }
}
