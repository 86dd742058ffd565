/** A message in one line. */
import type { IconName } from "@tradepost/ui/icons.ts";
import type { Content } from "../../api/content.ts";
import type { Message } from "../../api/types.ts";
import { shared } from "../../state/shared.svelte.ts";
import { say } from "../../words/index.ts";

export interface Summary {
  icon?: IconName;
  words: string;
}

export function summaryOf(content: Content): Summary {
  switch (content.type) {
    case "text":
      return { words: content.body };
    case "image":
      return { icon: "picture", words: content.caption || say("kind.image") };
    case "video":
      return { icon: "play", words: content.caption || say("kind.video") };
    case "audio":
      return { icon: "microphone", words: content.voice ? say("kind.voice") : say("kind.audio") };
    case "document":
      return { icon: "file", words: content.caption || content.filename || say("kind.document") };
    case "sticker":
      return { icon: "smile", words: say("kind.sticker") };
    case "location":
      return { icon: "place", words: content.name || say("kind.location") };
    case "contacts":
      return { icon: "card", words: content.cards[0]?.name.formatted_name || say("kind.contacts") };
    case "reaction":
      return { words: say("kind.reaction", { emoji: content.emoji ?? "–" }) };
    case "interactive":
      return { icon: "list", words: content.body || say("kind.interactive") };
    case "template":
      return { icon: "file", words: content.body || say("kind.template") };
    case "button":
      return { icon: "reply", words: content.text };
    case "interactive_reply":
      return { icon: "reply", words: content.title };
    case "edit":
      return { words: content.body };
    case "revoke":
      return { icon: "block", words: say("message.revoked") };
    case "system":
      return { icon: "info", words: systemWords(content.what) };
    case "request_welcome":
      return { icon: "info", words: say("kind.welcome") };
    default:
      return { icon: "info", words: say("kind.unsupported") };
  }
}

export function systemWords(what: string): string {
  if (what === "user_changed_number") return say("kind.number_changed");
  return what === "customer_identity_changed" ? say("kind.identity_changed") : say("kind.system");
}

/** Who sent it from this side. */
export function senderOf(message: Message): string {
  if (!message.agent_id) return say("message.software");
  return shared.agent(message.agent_id)?.display_name ?? message.agent_id;
}
