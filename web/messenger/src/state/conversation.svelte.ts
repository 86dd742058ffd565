/** One chat on the screen: its messages, page by page, and what becomes of them. */
import type { Draft, Message, MessageRef, Notice, State } from "../core/types.ts";
import { dayOf } from "../words/times.ts";
import { app } from "./app.svelte.ts";
import { chats } from "./chats.svelte.ts";

const PAGE = 60;
/** Milliseconds after which the next message of the same author stands apart. */
const TOGETHER = 5 * 60_000;

/** What stands in the list, one under the other. */
export type Line =
  | { kind: "day"; key: string; time: number }
  | { kind: "unread"; key: string; count: number }
  | { kind: "begin"; key: string }
  | { kind: "message"; key: string; message: Message; first: boolean; last: boolean };

export function keyOf(id: MessageRef): string {
  return `${id.author}/${id.timestamp}`;
}

export function same(a: MessageRef, b: MessageRef): boolean {
  return a.timestamp === b.timestamp && a.author === b.author;
}

export class Conversation {
  readonly account: string;
  messages = $state.raw<readonly Message[]>([]);
  /** Whether the first message of the chat is here. */
  complete = $state(false);
  loaded = $state(false);
  /** Whether what changed last was put in front. */
  prepended = $state(false);
  quote = $state.raw<Message>();
  editing = $state.raw<Message>();
  #unreadFrom = $state.raw<{ position: number; count: number }>();
  #loading: Promise<void> | undefined;
  readonly #stop: () => void;

  readonly lines = $derived(linesOf(this.messages, this.complete, this.#unreadFrom, this.loaded));

  constructor(account: string) {
    this.account = account;
    this.#stop = app.listen((notice) => this.#hear(notice));
  }

  close(): void {
    this.#stop();
  }

  async begin(): Promise<void> {
    const unread = chats.get(this.account)?.unread ?? 0;
    await this.loadOlder(Math.max(PAGE, Math.min(unread + 20, 500)));
    const others = this.messages.filter((message) => message.id.author !== app.own?.account);
    const first = unread > 0 ? others.at(-unread) : undefined;
    if (first) this.#unreadFrom = { position: first.position, count: unread };
    this.loaded = true;
  }

  /** The page before the first message that is here. */
  loadOlder(limit = PAGE): Promise<void> {
    if (this.complete) return Promise.resolve();
    this.#loading ??= this.#load(limit).finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #load(limit: number): Promise<void> {
    const before = this.messages[0]?.position;
    const page = await app.ask("history", { account: this.account, limit, ...(before ? { before } : {}) });
    this.prepended = this.messages.length > 0;
    this.complete = page.length < limit;
    this.messages = [...page.toReversed(), ...this.messages];
  }

  /** Reads back until a message is here; whether it is. */
  async reach(id: MessageRef): Promise<boolean> {
    while (!this.messages.some((message) => same(message.id, id))) {
      if (this.complete) return false;
      await this.loadOlder(500);
    }
    return true;
  }

  async send(draft: Draft): Promise<void> {
    const sent = await app.ask("send", { account: this.account, draft });
    if (sent.message) this.put(sent.message);
  }

  /** Reads the last ones again: notes of labels come without being told as messages. */
  async catchUp(): Promise<void> {
    if (!this.loaded) return;
    const latest = await app.ask("history", { account: this.account, limit: 10 }).catch(() => []);
    for (const message of latest.toReversed()) if (!this.#has(message.id)) this.put(message);
  }

  /** Puts a message where it belongs, or in the place of itself. */
  put(message: Message): void {
    this.prepended = false;
    const at = this.messages.findIndex((known) => same(known.id, message.id));
    if (at >= 0) this.messages = this.messages.with(at, message);
    else {
      const after = this.messages.findLastIndex((known) => known.position < message.position);
      this.messages = this.messages.toSpliced(after + 1, 0, message);
    }
  }

  remove(id: MessageRef): void {
    this.prepended = false;
    this.messages = this.messages.filter((message) => !same(message.id, id));
  }

  /** Everything up to the last message was seen. */
  async seen(): Promise<void> {
    const last = this.messages.at(-1);
    const chat = chats.get(this.account);
    if (!last || !chat || (chat.unread === 0 && !chat.marks.marked_unread)) return;
    await app.ask("mark_read", { account: this.account, through: last.position });
    if (chat.marks.marked_unread)
      await app.ask("set_marked_unread", { account: this.account, marked: false });
    await chats.refresh(this.account);
  }

  /** The line between read and unread is gone once somebody has answered. */
  answered(): void {
    this.#unreadFrom = undefined;
  }

  #hear(notice: Notice): void {
    switch (notice.event) {
      case "message":
        if (notice.message.chat === this.account) this.put(notice.message);
        break;
      case "changed":
        if (notice.message.chat === this.account && this.#has(notice.message.id)) this.put(notice.message);
        break;
      case "state":
        if (notice.chat === this.account) this.#state(notice.message, notice);
        break;
      case "label":
        if (notice.account === this.account) void this.catchUp();
        break;
      case "disappeared":
        for (const id of notice.messages) if (this.#has(id)) this.remove(id);
        break;
      default:
    }
  }

  #has(id: MessageRef): boolean {
    return this.messages.some((message) => same(message.id, id));
  }

  #state(id: MessageRef, state: State): void {
    const message = this.messages.find((known) => same(known.id, id));
    const { state: name } = state;
    const now: State = name === "failed" ? { state: name, reason: state.reason } : { state: name };
    if (message) this.put({ ...message, state: now });
  }
}

/** Notices that nobody wrote stand alone in the middle. */
export function isNote(message: Message): boolean {
  return ["label", "timer", "preference", "erasure_request", "erasure_done", "number_share"].includes(
    message.body.type,
  );
}

/** The first label stands above the chat as long as it holds: it needs no line of its own. */
function isShownElsewhere({ body }: Message): boolean {
  return body.type === "label" && body.change === "first";
}

export function linesOf(
  all: readonly Message[],
  complete: boolean,
  unread: { position: number; count: number } | undefined,
  loaded: boolean,
): Line[] {
  const messages = all.filter((message) => !isShownElsewhere(message));
  const lines: Line[] = complete && loaded ? [{ kind: "begin", key: "begin" }] : [];
  for (const [index, message] of messages.entries()) {
    const before = messages[index - 1];
    const next = messages[index + 1];
    const time = message.received;
    if (!before || dayOf(before.received) !== dayOf(time)) {
      // Named by the message below, so that two pages never have the same.
      lines.push({ kind: "day", key: `day/${dayOf(time)}/${message.position}`, time });
    }
    const marked = unread?.position === message.position;
    if (marked) lines.push({ kind: "unread", key: "unread", count: unread.count });
    lines.push({
      kind: "message",
      key: keyOf(message.id),
      message,
      first: marked || !belongs(before, message),
      last: next?.position === unread?.position || !belongs(message, next),
    });
  }
  return lines;
}

function belongs(one: Message | undefined, next: Message | undefined): boolean {
  if (!one || !next || isNote(one) || isNote(next)) return false;
  return (
    one.id.author === next.id.author &&
    next.received - one.received < TOGETHER &&
    dayOf(one.received) === dayOf(next.received)
  );
}
