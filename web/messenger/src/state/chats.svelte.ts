/** All chats as the list shows them. */
import type { AccountId, ChatMarks, ChatOverview, Notice } from "../core/types.ts";
import { app } from "./app.svelte.ts";

/** Milliseconds in which changes of one chat are gathered, so that a flood costs one reading. */
const GATHER = 40;

export const NO_MARKS: ChatMarks = {
  pinned: null,
  muted: null,
  archived: false,
  marked_unread: false,
  draft: null,
  marketing_stopped: null,
  number_shared: null,
  erasure_asked: null,
  reported: null,
};

class Chats {
  #all = $state.raw<ReadonlyMap<AccountId, ChatOverview>>(new Map());
  loaded = $state(false);
  /** Who types where. */
  typing = $state.raw<ReadonlySet<AccountId>>(new Set());
  #stale = new Set<AccountId>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #typingEnds = new Map<AccountId, ReturnType<typeof setTimeout>>();

  /** Those that hold something, the pinned ones first, then by their latest message. */
  readonly listed = $derived.by(() => {
    const known = [...this.#all.values()].filter((chat) => chat.latest !== null || chat.marks.draft !== null);
    return known.toSorted((a, b) => order(b) - order(a));
  });
  readonly open = $derived(this.listed.filter((chat) => !chat.marks.archived));
  readonly archived = $derived(this.listed.filter((chat) => chat.marks.archived));
  readonly unread = $derived(this.open.reduce((sum, chat) => sum + (isMuted(chat) ? 0 : chat.unread), 0));

  get(account: AccountId): ChatOverview | undefined {
    return this.#all.get(account);
  }

  async begin(): Promise<void> {
    this.#all = new Map((await app.ask("chats")).map((chat) => [chat.account, chat]));
    this.loaded = true;
  }

  forgetAll(): void {
    this.#all = new Map();
    this.loaded = false;
  }

  async refresh(account: AccountId): Promise<void> {
    this.put(await app.ask("chat", { account }));
  }

  put(chat: ChatOverview): void {
    this.#all = new Map(this.#all).set(chat.account, chat);
  }

  /** Shows a mark at once; the core's own word follows. */
  mark(account: AccountId, marks: Partial<ChatMarks>): void {
    const chat = this.#all.get(account);
    if (chat) this.put({ ...chat, marks: { ...chat.marks, ...marks } });
  }

  remove(account: AccountId): void {
    const rest = new Map(this.#all);
    rest.delete(account);
    this.#all = rest;
  }

  hear(notice: Notice): void {
    switch (notice.event) {
      case "message":
      case "changed":
        this.#stop(notice.message.chat);
        this.#touch(notice.message.chat);
        break;
      case "state":
        this.#touch(notice.chat);
        break;
      case "read_elsewhere":
      case "disappeared":
        for (const chat of this.#all.keys()) this.#touch(chat);
        break;
      case "label":
      case "contact":
      case "identity_changed":
        this.#touch(notice.account);
        break;
      case "marks":
        this.mark(notice.account, notice.marks);
        break;
      case "chat_forgotten":
        this.remove(notice.account);
        break;
      case "typing":
        if (notice.stopped) this.#stop(notice.account);
        else this.#types(notice.account);
        break;
      default:
    }
  }

  #types(account: AccountId): void {
    clearTimeout(this.#typingEnds.get(account));
    this.#typingEnds.set(
      account,
      setTimeout(() => this.#stop(account), 8_000),
    );
    this.typing = new Set(this.typing).add(account);
  }

  #stop(account: AccountId): void {
    if (!this.typing.has(account)) return;
    clearTimeout(this.#typingEnds.get(account));
    this.typing = new Set([...this.typing].filter((typing) => typing !== account));
  }

  #touch(account: AccountId): void {
    this.#stale.add(account);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const stale = [...this.#stale];
      this.#stale.clear();
      void this.#reread(stale);
    }, GATHER);
  }

  async #reread(stale: AccountId[]): Promise<void> {
    const read = await Promise.allSettled(stale.map((account) => app.ask("chat", { account })));
    const all = new Map(this.#all);
    for (const chat of read) if (chat.status === "fulfilled") all.set(chat.value.account, chat.value);
    this.#all = all;
  }
}

/** A pinned chat stands before every other one. */
function order(chat: ChatOverview): number {
  const last = Math.max(chat.latest?.received ?? 0, chat.marks.draft?.at ?? 0);
  return (chat.marks.pinned === null ? 0 : 1e15) + last;
}

export function isMuted(chat: ChatOverview, now = Date.now()): boolean {
  return chat.marks.muted !== null && (chat.marks.muted === 0 || chat.marks.muted > now);
}

export const chats = new Chats();
