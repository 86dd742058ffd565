/** What can be done with one message. */
import type { Entry } from "@tradepost/ui/menu.ts";
import { toasts } from "@tradepost/ui/toasts.svelte.ts";
import type { Draft, Message } from "../../core/types.ts";
import { app } from "../../state/app.svelte.ts";
import { chats } from "../../state/chats.svelte.ts";
import type { Conversation } from "../../state/conversation.svelte.ts";
import { attempt } from "../../state/failure.ts";
import { files, save } from "../../state/files.svelte.ts";
import { say } from "../../words/index.ts";

/** Milliseconds in which a message can be changed. */
const CHANGEABLE = 24 * 3_600_000;

export function isEditable(message: Message): boolean {
  return message.body.type === "text" && isChangeable(message);
}

function isChangeable(message: Message): boolean {
  const { state } = message.state;
  return (
    message.id.author === app.own?.account &&
    message.body.type !== "deleted" &&
    Date.now() - message.id.timestamp < CHANGEABLE &&
    state !== "failed" &&
    state !== "expired"
  );
}

/** The words of it, if it has any. */
function wordsOf({ body }: Message): string {
  switch (body.type) {
    case "text":
      return body.text;
    case "media":
      return body.caption;
    case "interactive":
      return body.body;
    case "template":
      return body.content.body;
    default:
      return "";
  }
}

/** The same once more, for another chat or another try; nothing where it cannot be. */
export function draftOf({ body }: Message): Draft | undefined {
  switch (body.type) {
    case "text":
    case "media":
    case "location":
    case "contacts":
      return body;
    default: {
      return undefined;
    }
  }
}

interface Actions {
  reply: (message: Message) => void;
  react: (message: Message, anchor: HTMLElement | DOMPoint) => void;
  forward: (message: Message) => void;
  details: (message: Message) => void;
  edit: (message: Message) => void;
}

export function messageEntries(
  conversation: Conversation,
  message: Message,
  anchor: HTMLElement | DOMPoint,
  actions: Actions,
): Entry[] {
  const entries: Entry[] = [];
  const text = wordsOf(message);
  if (message.body.type !== "deleted") {
    entries.push(
      { words: say("message.reply"), icon: "reply", act: () => actions.reply(message) },
      // After the menu has given the focus back.
      {
        words: say("message.react"),
        icon: "smile",
        act: () => queueMicrotask(() => actions.react(message, anchor)),
      },
    );
  }
  if (text) entries.push({ words: say("message.copy"), icon: "copy", act: () => void copy(text) });
  if (draftOf(message)) {
    entries.push({ words: say("message.forward"), icon: "forward", act: () => actions.forward(message) });
  }
  if (message.body.type === "media") {
    const media = message.body;
    entries.push({
      words: say("action.download"),
      icon: "save",
      act: () =>
        void attempt(async () => {
          const name = media.file_name || `${media.kind}.${media.content_type.split("/")[1] ?? "bin"}`;
          save(await files.load(media.blob, media.content_type), name);
        }),
    });
  }
  if (isEditable(message)) {
    entries.push({ words: say("message.edit"), icon: "edit", act: () => actions.edit(message) });
  }
  entries.push({ words: say("message.info"), icon: "info", act: () => actions.details(message) });
  if (isChangeable(message)) {
    entries.push({
      words: say("message.take_back"),
      icon: "undo",
      act: () => takeBack(conversation, message),
      danger: true,
      apart: true,
    });
  }
  entries.push({
    words: say("message.forget"),
    icon: "trash",
    act: () => removeHere(conversation, message),
    danger: true,
    apart: !isChangeable(message),
  });
  return entries;
}

async function copy(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  toasts.say(say("action.copied"));
}

/** Shown as taken back at once, and told when nobody changed their mind. */
function takeBack(conversation: Conversation, message: Message): void {
  conversation.put({ ...message, body: { type: "deleted" }, quote: null, reactions: [] });
  toasts.undoable(
    say("message.taken_back"),
    say("action.undo"),
    () => {
      void attempt(async () => {
        await conversation.send({ type: "delete", message: message.id });
        await chats.refresh(conversation.account);
      }).then((done) => {
        if (!done) conversation.put(message);
      });
    },
    () => conversation.put(message),
  );
}

export function removeHere(conversation: Conversation, message: Message): void {
  conversation.remove(message.id);
  toasts.undoable(
    say("message.forgotten"),
    say("action.undo"),
    () => {
      void attempt(async () => {
        await app.ask("forget_message", { message: message.id });
        await chats.refresh(conversation.account);
      });
    },
    () => conversation.put(message),
  );
}

export async function sendAgain(conversation: Conversation, message: Message): Promise<void> {
  const draft = draftOf(message);
  if (!draft) return;
  await attempt(async () => {
    await conversation.send({ ...draft, quote: message.quote?.message ?? null });
    await app.ask("forget_message", { message: message.id });
    conversation.remove(message.id);
  });
}
