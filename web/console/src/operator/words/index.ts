import { Speaker } from "@tradepost/ui/words.svelte.ts";
import { en } from "./en.ts";

/** The operator's words in the language that was chosen. */
export const words = new Speaker<typeof en>(
  [
    { tag: "en", name: "English", direction: "ltr", load: async () => en },
    { tag: "es", name: "Español", direction: "ltr", load: async () => (await import("./es.ts")).es },
    { tag: "ar", name: "العربية", direction: "rtl", load: async () => (await import("./ar.ts")).ar },
  ],
  "tradepost.language",
);

export const say: typeof words.say = (key, ...values) => words.say(key, ...values);
