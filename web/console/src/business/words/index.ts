import { Speaker } from "@tradepost/ui/words.svelte.ts";
import { en } from "./en/index.ts";

/** The console's words in the language that was chosen. */
export const words = new Speaker<typeof en>(
  [
    { tag: "en", name: "English", direction: "ltr", load: async () => en },
    { tag: "es", name: "Español", direction: "ltr", load: async () => (await import("./es/index.ts")).es },
    { tag: "ar", name: "العربية", direction: "rtl", load: async () => (await import("./ar/index.ts")).ar },
  ],
  "tradepost.language",
);

export const say: typeof words.say = (key, ...values) => words.say(key, ...values);
export type Key = keyof typeof en;
