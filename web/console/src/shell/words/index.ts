/** Words that both areas need; each area says with which speaker. */
import type { Speaker, Values } from "@tradepost/ui/words.svelte.ts";
import type { shell } from "./en.ts";

type Shell = typeof shell;
/** What a speaker of an area can do that knows these words too. */
type Voice = Pick<Speaker<Shell>, "say" | "number" | "tag" | "languages" | "choose" | "chosen">;

let voice: Voice | undefined;

export function speakWith(given: unknown): void {
  voice = given as Voice;
}

export function speaker(): Voice {
  if (!voice) throw new Error("no words were given");
  return voice;
}

export function say<K extends keyof Shell & string>(key: K, ...values: Values<Shell[K]>): string {
  return speaker().say(key, ...values);
}
