import type { Words } from "@tradepost/ui/words.svelte.ts";
import { shell } from "../../shell/words/ar.ts";
import { en } from "./en.ts";
export const ar: Record<keyof typeof en, Words> = { ...en, ...shell };
