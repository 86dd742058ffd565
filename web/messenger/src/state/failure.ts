/** What went wrong, in words that say what to do. */
import { toasts } from "@tradepost/ui/toasts.svelte.ts";
import type { Problem } from "../core/types.ts";
import { say, type Key } from "../words/index.ts";
import { span } from "../words/times.ts";

/** The core throws an error that has its problem in it. */
function problemOf(thrown: unknown): Problem | undefined {
  if (typeof thrown !== "object" || thrown === null) return undefined;
  if ("problem" in thrown) return thrown.problem as Problem;
  return "code" in thrown && "message" in thrown && typeof thrown.code === "string"
    ? (thrown as Problem)
    : undefined;
}

const BY_RELAY: Record<string, Key> = {
  code_wrong: "problem.code_wrong",
  code_expired: "problem.code_expired",
  invalid_number: "problem.invalid_number",
  registration_locked: "problem.registration_locked",
  too_large: "problem.too_large",
  queue_full: "problem.queue_full",
  unavailable: "problem.unavailable",
};

const BY_CODE: Partial<Record<Problem["code"], Key>> = {
  unreachable: "problem.unreachable",
  removed: "problem.removed",
  primary_only: "problem.primary_only",
  no_such_account: "problem.no_such_account",
  no_such_message: "problem.no_such_message",
  too_late: "problem.too_late",
  unknown_identity: "problem.unknown_identity",
  identity_changed: "problem.identity_changed",
  outbox_full: "problem.outbox_full",
  linking_code: "problem.linking_code",
  linking_expired: "problem.linking_expired",
  tampered: "problem.tampered",
  file: "problem.file",
  vault: "problem.vault",
  interrupted: "problem.interrupted",
};

/** A sentence for a problem. */
export function explain(thrown: unknown): string {
  const problem = problemOf(thrown);
  if (!problem) return say("problem.internal");
  if (problem.code === "wait" || problem.relay_code === "rate_limited") {
    const seconds = Math.ceil((problem.retry_after_ms ?? 60_000) / 1000);
    return say("problem.wait", { time: span(seconds > 90 ? Math.ceil(seconds / 60) * 60 : seconds) });
  }
  const key = BY_RELAY[problem.relay_code ?? ""] ?? BY_CODE[problem.code] ?? "problem.internal";
  return say(key as "problem.internal");
}

/** The relay's own code, where it said no. */
export function relayCode(thrown: unknown): string | undefined {
  return problemOf(thrown)?.relay_code;
}

/** How often a code or PIN may be tried again. */
export function triesLeft(thrown: unknown): number | undefined {
  return problemOf(thrown)?.tries_left;
}

/** Does something, and tells at the edge of the screen if it fails. Whether it did not. */
export async function attempt(act: () => Promise<unknown>, again?: () => void): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (problem) {
    toasts.fail(explain(problem), again ? { words: say("action.again"), act: again } : undefined);
    return false;
  }
}
