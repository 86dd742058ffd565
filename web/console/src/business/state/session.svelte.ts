/** Who is signed in, and what they may do. */
import * as api from "../api/client.ts";
import type { Right, Session } from "../api/types.ts";

type Phase = "looking" | "out" | "in";

class SignedIn {
  phase = $state<Phase>("looking");
  #session = $state.raw<Session>();
  /** Whether a session was there and ended by itself. */
  expired = $state(false);

  constructor() {
    api.onEnded(() => this.ended());
  }

  get session(): Session {
    if (!this.#session) throw new Error("nobody is signed in");
    return this.#session;
  }

  get me(): Session["agent"] {
    return this.session.agent;
  }

  may(right: Right): boolean {
    return this.#session?.rights.includes(right) ?? false;
  }

  async look(): Promise<void> {
    try {
      this.take(await api.session.get());
    } catch {
      if (this.phase === "looking") this.phase = "out";
    }
  }

  take(session: Session): void {
    api.useToken(session.csrf);
    this.#session = session;
    this.expired = false;
    this.phase = "in";
  }

  async signOut(): Promise<void> {
    await api.session.signOut();
    this.phase = "out";
    this.#session = undefined;
  }

  /** The server knows the session no more. */
  ended(): void {
    if (this.phase !== "in") return;
    this.expired = true;
    this.phase = "out";
    this.#session = undefined;
  }
}

export const signedIn = new SignedIn();
