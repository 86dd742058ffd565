import type { Words } from "@tradepost/ui/words.svelte.ts";
import type { en } from "../en/index.ts";
import { chats } from "./chats.ts";
import { pages } from "./pages.ts";

/** Spanish. */
export const es: Record<keyof typeof en, Words> = { ...chats, ...pages };
