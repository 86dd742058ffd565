import { getContext } from "svelte";
import type { Conversation } from "../../state/conversation.svelte.ts";

export const CONVERSATION = Symbol("conversation");

export function conversationHere(): Conversation {
  return getContext<Conversation>(CONVERSATION);
}
