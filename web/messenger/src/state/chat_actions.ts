/** What can be done with a chat as a whole, shown at once and taken back where it hurts. */
import type { Entry } from "@tradepost/ui/menu.ts";
import { toasts } from "@tradepost/ui/toasts.svelte.ts";
import type { AccountId, ChatOverview } from "../core/types.ts";
import { say } from "../words/index.ts";
import { app } from "./app.svelte.ts";
import { chats, isMuted } from "./chats.svelte.ts";
import { attempt } from "./failure.ts";
import { nameOf } from "./people.ts";
import { route } from "./route.svelte.ts";

export async function pin(chat: ChatOverview, pinned: boolean): Promise<void> {
  chats.mark(chat.account, { pinned: pinned ? Date.now() : null });
  await attempt(() => app.ask("set_pinned", { account: chat.account, pinned }));
}

export async function mute(account: AccountId, until: number | null): Promise<void> {
  chats.mark(account, { muted: until });
  await attempt(() => app.ask("set_muted", { account, until }));
}

export async function archive(account: AccountId, archived: boolean): Promise<void> {
  chats.mark(account, { archived });
  const done = await attempt(() => app.ask("set_archived", { account, archived }));
  if (done && archived) {
    toasts.say(say("chats.archived_done"), {
      words: say("action.undo"),
      act: () => void archive(account, false),
    });
  }
}

export async function markUnread(chat: ChatOverview, unread: boolean): Promise<void> {
  const { account } = chat;
  chats.mark(account, { marked_unread: unread });
  await attempt(async () => {
    await app.ask("set_marked_unread", { account, marked: unread });
    if (!unread && chat.latest) await app.ask("mark_read", { account, through: chat.latest.position });
    await chats.refresh(account);
  });
}

/** Gone from the screen at once, and for good when nobody took it back. */
export function forget(chat: ChatOverview): void {
  const { account } = chat;
  if (route.chat === account) route.go({ at: "chats" });
  chats.remove(account);
  toasts.undoable(
    say("chats.forgotten"),
    say("action.undo"),
    () => void attempt(() => app.ask("forget_chat", { account })),
    () => chats.put(chat),
  );
}

export async function block(chat: ChatOverview, blocked: boolean): Promise<void> {
  const { account } = chat;
  const name = nameOf(chat);
  const done = await attempt(async () => {
    await app.ask(blocked ? "block" : "unblock", { account });
    await chats.refresh(account);
  });
  if (!done) return;
  toasts.say(say(blocked ? "about.blocked_done" : "about.unblocked_done", { name }), {
    words: say("action.undo"),
    act: () => void block(chat, !blocked),
  });
}

export async function setMarketing(chat: ChatOverview, allowed: boolean): Promise<boolean> {
  const { account } = chat;
  const name = nameOf(chat);
  chats.mark(account, { marketing_stopped: allowed ? null : Date.now() });
  const done = await attempt(async () => {
    await app.ask("set_marketing", { account, allowed });
    await chats.refresh(account);
  });
  if (done) {
    toasts.say(say(allowed ? "about.marketing_resumed" : "about.marketing_stopped", { name }), {
      words: say("action.undo"),
      act: () => void setMarketing(chat, !allowed),
    });
  } else await chats.refresh(account);
  return done;
}

const HOUR = 3_600_000;

/** What a menu of a chat offers. */
export function chatEntries(chat: ChatOverview): Entry[] {
  const { marks, account } = chat;
  const unread = chat.unread > 0 || marks.marked_unread;
  const entries: Entry[] = [
    {
      words: say(marks.pinned === null ? "chats.pin" : "chats.unpin"),
      icon: "pin",
      act: () => void pin(chat, marks.pinned === null),
    },
    {
      words: say(unread ? "chats.mark_read" : "chats.mark_unread"),
      icon: unread ? "checks" : "bell",
      act: () => void markUnread(chat, !unread),
    },
    {
      words: say(marks.archived ? "chats.unarchive" : "chats.archive_it"),
      icon: "archive",
      act: () => void archive(account, !marks.archived),
    },
  ];
  if (isMuted(chat)) {
    entries.push({
      words: say("chats.unmute"),
      icon: "bell",
      act: () => void mute(account, null),
      apart: true,
    });
  } else {
    const times = [
      ["chats.mute_8h", Date.now() + 8 * HOUR],
      ["chats.mute_week", Date.now() + 168 * HOUR],
      ["chats.mute_ever", 0],
    ] as const;
    for (const [index, [key, until]] of times.entries()) {
      entries.push({
        words: `${say("chats.mute")}: ${say(key)}`,
        icon: "silent",
        act: () => void mute(account, until),
        apart: index === 0,
      });
    }
  }
  entries.push({
    words: say("chats.forget"),
    icon: "trash",
    act: () => forget(chat),
    danger: true,
    apart: true,
  });
  return entries;
}
