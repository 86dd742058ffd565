/** Going to one message of a chat. */
import type { AccountId, MessageRef } from "../core/types.ts";
import { route } from "./route.svelte.ts";

class Jumps {
  /** Where the chat that is opened next, or is open, shall go. */
  wanted = $state.raw<{ account: AccountId; message: MessageRef }>();

  to(account: AccountId, message: MessageRef): void {
    this.wanted = { account, message };
    route.go({ at: "chat", account });
  }
}

export const jumps = new Jumps();
