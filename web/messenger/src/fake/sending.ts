/** What becomes of a draft in memory. */
import type { Body, Draft, Message, MessageRef, Sent } from "@tradepost/core";
import { OWN } from "./cast.ts";
import type { FakeCore } from "./core.ts";

let last = 0;

export function sent(core: FakeCore, account: string, draft: Draft): Sent {
  const now = Math.max(Date.now(), last + 1);
  last = now;
  const id: MessageRef = { author: OWN, timestamp: now };
  switch (draft.type) {
    case "reaction": {
      const reactions = core.find(draft.message)?.reactions.filter(({ author }) => author !== OWN) ?? [];
      if (draft.emoji) reactions.push({ author: OWN, emoji: draft.emoji });
      core.change(draft.message, { reactions });
      return { id, message: null };
    }
    case "edit":
      core.change(draft.message, { body: { type: "text", text: draft.text }, edited: now });
      return { id, message: null };
    case "delete":
      core.change(draft.message, { body: { type: "deleted" }, quote: null, reactions: [] });
      return { id, message: null };
    default:
  }
  const quoted = draft.quote ? core.find(draft.quote) : undefined;
  const timer = draft.type === "timer" ? draft.seconds : core.chat(account).timer;
  const message: Message = {
    chat: account,
    id,
    device: 1,
    position: (core.messages.at(-1)?.position ?? 0) + 1,
    received: now,
    body: bodyOf(core, draft),
    quote: quoted
      ? { message: quoted.id, excerpt: quoted.body.type === "text" ? quoted.body.text : "…" }
      : null,
    state: { state: "queued" },
    reactions: [],
    edited: null,
    expires_after: timer,
    expires_at: null,
    ...(draft.forwarded ? { forwarded: draft.forwarded } : {}),
  };
  core.messages.push(message);
  if (draft.type === "timer") core.timers.set(account, timer);
  for (const [index, state] of (["sent", "delivered", "read"] as const).entries()) {
    setTimeout(() => core.come(id, account, { state }), 60 + index * 350);
  }
  return { id, message };
}

function bodyOf(core: FakeCore, draft: Draft): Body {
  switch (draft.type) {
    case "text":
      return { type: "text", text: draft.text };
    case "timer":
      return { type: "timer" };
    case "choose": {
      const asked = core.find(draft.message)?.body;
      const content =
        asked?.type === "interactive" ? asked : asked?.type === "template" ? asked.content : undefined;
      const row = content?.list?.sections.flatMap(({ rows }) => rows).find(({ id }) => id === draft.choice);
      const button = content?.buttons.find((one) => one.action === "reply" && one.id === draft.choice);
      return {
        type: "reply",
        message: draft.message,
        kind: row ? "row" : "button",
        id: draft.choice,
        title: row?.title ?? button?.title ?? draft.choice,
        description: row?.description ?? "",
        response: "",
      };
    }
    case "reaction":
    case "edit":
    case "delete":
      return { type: "unsupported" };
    default:
      return draft;
  }
}
