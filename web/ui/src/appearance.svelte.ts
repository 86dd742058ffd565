export type Appearance = "system" | "light" | "dark";

const KEY = "tradepost.appearance";

function stored(): Appearance {
  const value = globalThis.localStorage?.getItem(KEY);
  return value === "light" || value === "dark" ? value : "system";
}

/** Light or dark: as chosen, else as the system has it. */
class AppearanceChoice {
  chosen = $state<Appearance>(stored());
  readonly #system = matchMedia("(prefers-color-scheme: dark)");

  constructor() {
    this.#system.addEventListener("change", () => this.apply());
  }

  choose(appearance: Appearance): void {
    this.chosen = appearance;
    if (appearance === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, appearance);
    this.apply();
  }

  apply(): void {
    const dark = this.chosen === "dark" || (this.chosen === "system" && this.#system.matches);
    document.documentElement.dataset["appearance"] = dark ? "dark" : "light";
    // What the browser draws around the page, where it lets us say so.
    const paper = getComputedStyle(document.documentElement).getPropertyValue("--paper-sunk");
    document.querySelector('meta[name="theme-color"]')?.setAttribute("content", paper.trim());
  }
}

export const appearance = new AppearanceChoice();
