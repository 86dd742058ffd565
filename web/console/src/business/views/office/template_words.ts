/** How templates, their states and their refusals are said. */
import { en } from "../../words/en/index.ts";
import { say, type Key } from "../../words/index.ts";

/** The words under a key that a server made; the word itself where it is new. */
function known(prefix: string, word: string): string {
  const key = `${prefix}.${word}`;
  return key in en ? say(key as "templates.APPROVED") : word;
}

export const statusWords = (status: string): string => known("templates", status.toUpperCase());
export const categoryWords = (category: string): string => known("category", category.toUpperCase());
export const fieldWords = (field: string): string => known("field", field);
export const outcomeWords = (outcome: string): string => known("outcome", outcome);
export const verticalWords = (vertical: string): string => known("vertical", vertical.toUpperCase());
export const scopeWords = (scope: string): string => known("scope", scope);

export function stateWords(status: string, reason: string): string {
  const state = known("templates", `state_${status.toUpperCase()}`);
  return status === "REJECTED" && reason !== "NONE" ? `${known("reason", reason)} ${state}` : state;
}

export function statusTone(status: string): "good" | "warn" | "danger" | "plain" {
  switch (status.toUpperCase()) {
    case "APPROVED":
      return "good";
    case "PENDING":
    case "PAUSED":
      return "warn";
    case "REJECTED":
    case "DISABLED":
      return "danger";
    default:
      return "plain";
  }
}

export type WordKey = Key;
