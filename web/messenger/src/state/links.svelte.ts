/** Following links: of a business, of a person, of a device that wants to join. */
import type { LinkTarget } from "../core/types.ts";
import { app } from "./app.svelte.ts";
import { chats } from "./chats.svelte.ts";
import { attempt } from "./failure.ts";
import { route } from "./route.svelte.ts";

class Links {
  /** What a link wants to have written in a chat: it stands in the field, and is not sent. */
  text = $state.raw<{ account: string; text: string }>();
  /** A device that wants to join, until somebody has said yes or no. */
  device = $state<string>();
}

export const links = new Links();

/** Goes where a link leads, as far as it leads anywhere. */
export async function follow(link: string): Promise<LinkTarget> {
  const target = await app.ask("open_link", { link: link.trim() });
  if (target.to === "chat") {
    chats.put(target.chat);
    links.text = target.text ? { account: target.chat.account, text: target.text } : undefined;
    route.go({ at: "chat", account: target.chat.account });
  } else if (target.to === "device") {
    links.device = target.code;
    route.go({ at: "settings", part: "devices" });
  }
  return target;
}

/** The page was opened by a link: `?number=…`. */
export async function followAddress(): Promise<void> {
  const asked = new URLSearchParams(location.search).has("number");
  if (!asked) return;
  const link = location.href;
  history.replaceState(null, "", location.pathname + location.hash);
  await attempt(() => follow(link));
}
