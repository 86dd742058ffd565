/** What the own account says of itself. */
import type { AccountState, Profile } from "../core/types.ts";
import { app } from "./app.svelte.ts";
import { files } from "./files.svelte.ts";

class OwnAccount {
  profile = $state.raw<Profile>();
  picture = $state<string>();
  /** As the relay has it; nothing while it was not reached. */
  account = $state.raw<AccountState>();

  async load(): Promise<void> {
    this.profile = (await app.ask("profile", {}).catch(() => null)) ?? this.profile;
    const avatar = this.profile?.avatar;
    this.picture = avatar ? await files.open(avatar, "image/jpeg").catch(() => undefined) : undefined;
  }

  async loadAccount(): Promise<void> {
    this.account = await app.ask("account").catch(() => this.account);
  }
}

export const own = new OwnAccount();
