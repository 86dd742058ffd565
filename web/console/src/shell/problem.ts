/** What a server refused, and the words that say what to do about it. */
import { toasts } from "@tradepost/ui/toasts.svelte.ts";
import { say } from "./words/index.ts";
import { span } from "./times.ts";

export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: string;
  readonly status: number;
  readonly field: string | undefined;
  readonly reference: string | undefined;
  readonly retryAfter: number | undefined;
  /** All that the error said. */
  readonly said: Readonly<Record<string, unknown>>;

  constructor(status: number, said: Record<string, unknown>, retryAfter?: number) {
    super(typeof said["message"] === "string" ? said["message"] : "");
    this.status = status;
    this.code = typeof said["code"] === "string" ? said["code"] : status === 0 ? "unreachable" : "internal";
    this.field = typeof said["field"] === "string" ? said["field"] : undefined;
    this.reference = typeof said["reference"] === "string" ? said["reference"] : undefined;
    this.retryAfter = retryAfter;
    this.said = said;
  }
}

/** Whether it is one with this code. */
export function isProblem(thrown: unknown, code: string): thrown is Problem {
  return thrown instanceof Problem && thrown.code === code;
}

/** A sentence for what was thrown. */
export function explain(thrown: unknown): string {
  if (!(thrown instanceof Problem)) return say("problem.internal");
  switch (thrown.code) {
    case "unreachable":
      return say("problem.unreachable");
    case "unauthorized":
      return say("problem.unauthorized");
    case "forbidden":
      return say("problem.forbidden");
    case "not_found":
      return say("problem.not_found");
    case "too_large":
      return say("problem.too_large");
    case "rate_limited":
      return say("problem.rate_limited", { time: span(thrown.retryAfter ?? 60) });
    case "unavailable":
      return say("problem.unavailable");
    case "internal":
      return thrown.reference
        ? say("problem.reference", { reference: thrown.reference })
        : say("problem.internal");
    default:
      return (
        thrown.message || (thrown.code === "conflict" ? say("problem.conflict") : say("problem.internal"))
      );
  }
}

/** Does something, and tells at the edge of the screen if it fails. What came of it, or nothing. */
export async function attempt<T>(act: () => Promise<T>, again?: () => void): Promise<T | undefined> {
  try {
    return await act();
  } catch (thrown) {
    toasts.fail(explain(thrown), again ? { words: say("action.again"), act: again } : undefined);
    return undefined;
  }
}
