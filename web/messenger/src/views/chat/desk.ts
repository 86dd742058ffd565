/** What a message on the screen can ask of the chat that it stands in. */
import { getContext, setContext } from "svelte";
import type { Media, Message, MessageRef } from "../../core/types.ts";
import type { Conversation } from "../../state/conversation.svelte.ts";

export interface Desk {
  conversation: Conversation;
  menu: (message: Message, anchor: HTMLElement | DOMPoint) => void;
  react: (message: Message, anchor: HTMLElement) => void;
  reactWith: (message: Message, emoji: string | null) => void;
  reply: (message: Message) => void;
  /** Back to the field to write in. */
  write: () => void;
  remove: (message: Message) => void;
  again: (message: Message) => void;
  jump: (id: MessageRef) => void;
  view: (message: Message, media: Media) => void;
  /** Answers by a button or a row. */
  choose: (message: Message, choice: string) => Promise<void>;
  /** Sends where somebody is, as the answer to a message that asks for it. */
  place: (message: Message) => void;
  shareNumber: () => void;
}

const KEY = Symbol("desk");

export function setDesk(offered: Desk): void {
  setContext(KEY, offered);
}

export function desk(): Desk {
  return getContext<Desk>(KEY);
}
