/** What people and businesses are called, and what they are. */
import { app } from "./app.svelte.ts";
import { chats } from "./chats.svelte.ts";
import type { AccountId, ChatOverview, Contact, Label } from "../core/types.ts";
import { say } from "../words/index.ts";
import { phone } from "../words/times.ts";

/** What this account calls somebody, else what they call themselves, else their number. */
export function contactName(contact: Contact): string {
  const named = contact.name || contact.business?.name || contact.profile?.name;
  if (named) return named;
  return contact.number ? phone(contact.number) : say("people.unknown");
}

export function nameOf(chat: ChatOverview): string {
  if (chat.account === app.own?.account) return say("people.self");
  return contactName(chat.contact);
}

/** The author of a message, seen from here. */
export function authorName(author: AccountId): string {
  if (author === app.own?.account) return say("people.you");
  const chat = chats.get(author);
  return chat ? nameOf(chat) : say("people.unknown");
}

/** The label of a business, good or the last good one. */
export function labelOf(chat: ChatOverview): Label | null {
  return chat.label?.label ?? null;
}
