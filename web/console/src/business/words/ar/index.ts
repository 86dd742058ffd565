import type { Words } from "@tradepost/ui/words.svelte.ts";
import { shell } from "../../../shell/words/ar.ts";
import type { en } from "../en/index.ts";
import { doors } from "./doors.ts";
import { inbox } from "./inbox.ts";
import { messages } from "./messages.ts";
import { office } from "./office.ts";
import { keeping } from "./keeping.ts";

/** Arabic. */
export const ar: Record<keyof typeof en, Words> = {
  ...shell,
  ...doors,
  ...inbox,
  ...messages,
  ...office,
  ...keeping,
};
