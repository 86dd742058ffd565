import type { Words } from "@tradepost/ui/words.svelte.ts";
import { shell } from "../../shell/words/es.ts";
import { en } from "./en.ts";
export const es: Record<keyof typeof en, Words> = { ...en, ...shell };
