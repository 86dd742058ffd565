/** The hosting label of the business, as its customers see it. */
import type { IconName } from "@tradepost/ui/icons.ts";
import type { Mode } from "../api/types.ts";
import { say } from "../words/index.ts";

export function labelWords(mode: Mode, host: string): string {
  switch (mode) {
    case "self":
      return say("label.self");
    case "sealed":
      return say("label.sealed", { name: host });
    default:
      return say("label.managed", { name: host });
  }
}

/** Who can read it, in a sentence. */
export function readers(mode: Mode, business: string, host: string): string {
  switch (mode) {
    case "self":
      return say("readers.self", { business });
    case "sealed":
      return say("readers.sealed", { host });
    default:
      return say("readers.vendor", { business, host });
  }
}

export function labelTone(mode: Mode): "own-keys" | "managed" | "stored" {
  return mode === "self" ? "own-keys" : mode === "sealed" ? "stored" : "managed";
}

export function labelIcon(mode: Mode): IconName {
  return mode === "self" ? "lock" : mode === "sealed" ? "chest" : "eye";
}
