/** Messages of a chat as they are shown: what changes another message is part of that one. */
import type { Message, Note } from "../api/types.ts";

export interface Line {
  kind: "message";
  key: string;
  at: number;
  message: Message;
  reactions: readonly { emoji: string; out: boolean }[];
  /** The words it has now. */
  edited: string | undefined;
  revoked: boolean;
}

export interface NoteLine {
  kind: "note";
  key: string;
  at: number;
  note: Note;
}

/** By place in the chat; numbers that may be longer than a number can be. */
export function bySeq(a: Message, b: Message): number {
  return a.seq.length - b.seq.length || (a.seq < b.seq ? -1 : a.seq > b.seq ? 1 : 0);
}

/** Adds messages to those that are known; of two with one id the newer one stays. */
export function merged(known: readonly Message[], fresh: readonly Message[]): Message[] {
  const all = new Map(known.map((message) => [message.id, message]));
  for (const message of fresh) all.set(message.id, message);
  return [...all.values()].toSorted(bySeq);
}

/** Lines from messages in order. */
export function lines(messages: readonly Message[]): Line[] {
  const found = new Map<string, Line>();
  const reactions = new Map<string, Map<string, string>>();
  for (const message of messages) {
    const { content } = message;
    if (content.type === "reaction") {
      const of = reactions.get(content.message_id) ?? new Map<string, string>();
      if (content.emoji) of.set(message.direction, content.emoji);
      else of.delete(message.direction);
      reactions.set(content.message_id, of);
      continue;
    }
    const original =
      content.type === "edit" || content.type === "revoke" ? found.get(content.original) : undefined;
    if (original && content.type === "edit") original.edited = content.body;
    else if (original) original.revoked = true;
    else {
      found.set(message.id, {
        kind: "message",
        key: message.id,
        at: message.at,
        message,
        reactions: [],
        edited: undefined,
        revoked: false,
      });
    }
  }
  for (const [id, of] of reactions) {
    const line = found.get(id);
    if (line) line.reactions = [...of].map(([direction, emoji]) => ({ emoji, out: direction === "out" }));
  }
  return [...found.values()];
}

/** Notes between the messages, where they were written. */
export function withNotes(shown: readonly Line[], notes: readonly Note[]): (Line | NoteLine)[] {
  const between = notes.map((note): NoteLine => ({ kind: "note", key: note.note_id, at: note.at, note }));
  return [...shown, ...between].toSorted((a, b) => a.at - b.at);
}
