/** Whether the operator's token is known. It stays in the tab's own storage until the tab is closed. */
import * as api from "../api.ts";

const KEY = "tradepost.operator";

class Operator {
  phase = $state<"looking" | "out" | "in">("looking");
  expired = $state(false);

  constructor() {
    api.onEnded(() => {
      if (this.phase !== "in") return;
      this.expired = true;
      this.signOut();
    });
  }

  async begin(): Promise<void> {
    const kept = sessionStorage.getItem(KEY);
    if (!kept) {
      this.phase = "out";
      return;
    }
    try {
      await this.signIn(kept);
    } catch {
      this.signOut();
    }
  }

  async signIn(token: string): Promise<void> {
    api.useToken(token);
    await api.vendors.all();
    sessionStorage.setItem(KEY, token);
    this.expired = false;
    this.phase = "in";
  }

  signOut(): void {
    sessionStorage.removeItem(KEY);
    api.useToken("");
    this.phase = "out";
  }
}

export const operator = new Operator();
