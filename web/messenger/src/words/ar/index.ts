import type { Words } from "@tradepost/ui/words.svelte.ts";
import type { en } from "../en/index.ts";
import { chats } from "./chats.ts";
import { pages } from "./pages.ts";

/** Arabic. */
export const ar: Record<keyof typeof en, Words> = { ...chats, ...pages };
