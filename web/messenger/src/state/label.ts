/** Who can read a chat, in plain words. */
import type { IconName } from "@tradepost/ui/icons.ts";
import type { Hosting, Label, LabelState } from "../core/types.ts";
import { say } from "../words/index.ts";

/** How it looks: its own keys, managed, stored by somebody, or wrong. */
export type Look = "own-keys" | "managed" | "stored" | "wrong";

export function labelWords(label: Label): string {
  switch (label.hosting) {
    case "self":
      return say("label.self");
    case "vendor":
    case "operator":
      return say("label.managed", { name: label.host_name });
    case "sealed":
      return say("label.sealed", { name: label.host_name });
    default:
      return say("label.unknown");
  }
}

/** Who can read it, in a sentence. */
export function readers(label: Label): string {
  const business = label.legal_name || label.name;
  switch (label.hosting) {
    case "self":
      return say("readers.self", { business });
    case "vendor":
      return say("readers.vendor", { business, host: label.host_name });
    case "operator":
      return say("readers.operator", { business, host: label.host_name });
    case "sealed":
      return say("readers.sealed", { business, host: label.host_name });
    default:
      return say("readers.unknown");
  }
}

export function holds(state: LabelState): boolean {
  return state.change === "first" || state.change === "changed";
}

export function look(state: LabelState): Look {
  if (!holds(state) || !state.label) return "wrong";
  return lookOf(state.label.hosting);
}

export function lookOf(hosting: Hosting): Look {
  switch (hosting) {
    case "self":
      return "own-keys";
    case "vendor":
    case "operator":
      return "managed";
    case "sealed":
      return "stored";
    default:
      return "wrong";
  }
}

export function lookIcon(seen: Look): IconName {
  return ({ "own-keys": "lock", managed: "eye", stored: "chest", wrong: "warn" } as const)[seen];
}

/** What is wrong with it, in a sentence. */
export function wrong(state: LabelState): string {
  switch (state.change) {
    case "missing":
      return say("label.missing_why");
    case "unsigned":
      return say("label.unsigned_why");
    case "foreign":
      return say("label.foreign_why");
    case "stale":
      return say("label.stale_why");
    default:
      return say("readers.unknown");
  }
}

export function stateWords(state: LabelState): string {
  if (holds(state) && state.label) return labelWords(state.label);
  return state.change === "missing" ? say("label.missing") : say("label.wrong");
}
