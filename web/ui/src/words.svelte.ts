/** Words of a language: plain text with `{name}` in it, or one for each form that the language counts in. */
export type Words = string | Readonly<Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }>;
export type Dictionary = Readonly<Record<string, Words>>;

type Holes<T extends string> = T extends `${string}{${infer Hole}}${infer Rest}` ? Hole | Holes<Rest> : never;
type AllHoles<W> = W extends string
  ? Holes<W>
  : W extends { other: infer O extends string }
    ? Holes<O> | "count"
    : never;
export type Values<W> = [AllHoles<W>] extends [never] ? [] : [Record<AllHoles<W>, string | number>];

/** A language that can be chosen. */
export interface Language<D extends Dictionary> {
  tag: string;
  /** In itself. */
  name: string;
  direction: "ltr" | "rtl";
  load: () => Promise<{ [K in keyof D]: Words }>;
}

/** Says things in the language that was chosen. Only that one is loaded. */
export class Speaker<D extends Dictionary> {
  #dictionary = $state.raw<{ [K in keyof D]: Words }>() as { [K in keyof D]: Words };
  #tag = $state("");
  #plural = $derived(new Intl.PluralRules(this.#tag || "en"));
  #number = $derived(new Intl.NumberFormat(this.#tag || "en"));
  readonly languages: readonly Language<D>[];
  readonly #key: string;

  constructor(languages: readonly Language<D>[], key: string) {
    this.languages = languages;
    this.#key = key;
  }

  /** The language in use, as in `lang`. */
  get tag(): string {
    return this.#tag;
  }

  /** Whether one was chosen; else it follows the browser. */
  get chosen(): string | null {
    return localStorage.getItem(this.#key);
  }

  async begin(): Promise<void> {
    const wanted = [this.chosen ?? [], navigator.languages].flat();
    const found = wanted
      .map((tag) => this.languages.find((language) => language.tag === tag.split("-")[0]))
      .find((language) => language !== undefined);
    await this.#use(found ?? this.languages[0]);
  }

  async choose(tag: string): Promise<void> {
    localStorage.setItem(this.#key, tag);
    await this.#use(this.languages.find((language) => language.tag === tag));
  }

  async #use(language: Language<D> | undefined): Promise<void> {
    if (!language) return;
    this.#dictionary = await language.load();
    this.#tag = language.tag;
    document.documentElement.lang = language.tag;
    document.documentElement.dir = language.direction;
  }

  /** The words under a key, filled in. */
  say<K extends keyof D & string>(key: K, ...values: Values<D[K]>): string {
    const words: Words = this.#dictionary[key];
    const given = values[0] as Record<string, string | number> | undefined;
    const text =
      typeof words === "string"
        ? words
        : (words[this.#plural.select(Number(given?.["count"] ?? 0))] ?? words.other);
    return given ? fill(text, given, this.#number) : text;
  }

  number(value: number): string {
    return this.#number.format(value);
  }
}

/** Puts values where the holes are; what has no value stays as it is. */
export function fill(
  text: string,
  values: Record<string, string | number>,
  number: Intl.NumberFormat,
): string {
  return text.replaceAll(/\{(\w+)\}/gu, (hole, name: string) => {
    const value = values[name];
    if (value === undefined) return hole;
    return typeof value === "number" ? number.format(value) : value;
  });
}
