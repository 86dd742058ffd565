/** Asks a server, and makes a problem of all that is no answer. */
import { Problem } from "./problem.ts";

export interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: BodyInit;
  signal?: AbortSignal;
}

export async function ask(url: string, asked: Asked = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: asked.method ?? "GET",
      headers: asked.headers ?? {},
      body: asked.body ?? null,
      signal: asked.signal ?? null,
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      referrerPolicy: "no-referrer",
    });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new Problem(0, { code: "unreachable" });
  }
  if (!response.ok) throw await refused(response);
  return response;
}

async function refused(response: Response): Promise<Problem> {
  const waits = Number(response.headers.get("retry-after"));
  return problemFrom(response.status, await response.text().catch(() => ""), waits || undefined);
}

/** The problem that a body tells. */
export function problemFrom(status: number, body: string, retryAfter?: number): Problem {
  let said: Record<string, unknown> = {};
  try {
    const parsed = JSON.parse(body) as { error?: Record<string, unknown> };
    if (typeof parsed.error === "object" && parsed.error !== null) said = parsed.error;
  } catch {
    // Something in between answered, and not the server.
  }
  return new Problem(status, said, retryAfter);
}
