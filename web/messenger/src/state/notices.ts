/** Notifications: through the service worker, so that a press on one finds the page again. */
import type { Message, Notice } from "../core/types.ts";
import { say, words } from "../words/index.ts";
import { app } from "./app.svelte.ts";
import { chats, isMuted } from "./chats.svelte.ts";
import { nameOf } from "./people.ts";
import { preferences } from "./preferences.svelte.ts";
import { route } from "./route.svelte.ts";
import { summary } from "./summary.ts";

/** Older ones came while nobody was here: the list says enough. */
const RECENT = 60_000;

export async function allowNotifications(): Promise<boolean> {
  const allowed = (await Notification.requestPermission()) === "granted";
  preferences.set({ notifications: allowed });
  return allowed;
}

export function hearForNotices(notice: Notice): void {
  if (notice.event === "message") void tell(notice.message);
}

async function tell(message: Message): Promise<void> {
  const author = message.id.author;
  if (!preferences.notifications || author === app.own?.account || message.body.type === "label") return;
  if (document.visibilityState === "visible" && route.chat === message.chat) return;
  if (Date.now() - message.received > RECENT) return;
  if (!chats.get(message.chat)) await chats.refresh(message.chat);
  const chat = chats.get(message.chat);
  if (!chat || isMuted(chat) || chat.marks.archived) return;
  const registration = await navigator.serviceWorker?.ready;
  await registration?.showNotification(nameOf(chat), {
    body: preferences.previews ? summary(message) : say("notices.new_message"),
    tag: message.chat,
    lang: words.tag,
    dir: document.documentElement.dir === "rtl" ? "rtl" : "ltr",
    icon: "icon-192.png",
    data: { chat: message.chat },
  });
}

/** A press on a notification leads to its chat. */
export function followNotices(): void {
  navigator.serviceWorker?.addEventListener("message", (event: MessageEvent<{ chat?: unknown }>) => {
    if (typeof event.data?.chat === "string") route.go({ at: "chat", account: event.data.chat });
  });
}
