/** The list of chats that all agents share, and how it is filtered. */
import * as api from "../api/client.ts";
import type { ChatName } from "../api/client.ts";
import type { Chat, ChatFilter, Message } from "../api/types.ts";
import { live } from "./live.svelte.ts";

export type View = "mine" | "unassigned" | "all" | "unread" | "closed";
export const VIEWS: readonly View[] = ["all", "mine", "unassigned", "unread", "closed"];

const PAGE = 50;

export function same(a: ChatName, b: ChatName): boolean {
  return a.user_id === b.user_id && a.phone_number_id === b.phone_number_id;
}

export function nameOf(chat: ChatName): string {
  return `${chat.phone_number_id}/${chat.user_id}`;
}

class Inbox {
  view = $state<View>("all");
  label = $state("");
  assigned = $state("");
  number = $state("");
  words = $state("");
  chats = $state.raw<readonly Chat[]>([]);
  next = $state<string | null>(null);
  loaded = $state(false);
  loading = $state(false);
  failed = $state.raw<unknown>();
  /** Messages with the words that are looked for. */
  found = $state.raw<readonly Message[]>([]);
  /** The latest words of chats, as far as they were seen: by the chat's name. */
  previews = $state.raw<ReadonlyMap<string, Message>>(new Map());
  chosen = $state.raw<ReadonlySet<string>>(new Set());
  #asked = 0;
  readonly unread = $derived(this.chats.filter((chat) => chat.unread > 0).length);

  begin(): () => void {
    void this.load();
    const stop = [
      live.on("message", (chat) => void this.#refresh(chat)),
      live.on("chat", (chat) => void this.#refresh(chat)),
      live.on("answering", (said) => this.#answering(said)),
      live.on("resync", () => void this.load()),
    ];
    return () => {
      for (const end of stop) end();
    };
  }

  get filtered(): boolean {
    return (
      this.view !== "all" || [this.label, this.assigned, this.number, this.words].some((part) => part !== "")
    );
  }

  #filter(): ChatFilter {
    const filter: ChatFilter = { limit: PAGE };
    if (this.view === "mine") filter.assigned = "me";
    else if (this.view === "unassigned") filter.assigned = "nobody";
    else if (this.assigned) filter.assigned = this.assigned;
    if (this.view === "unread") filter.unread = true;
    filter.status = this.view === "closed" ? "closed" : "open";
    if (this.words.trim()) {
      filter.words = this.words.trim();
      delete filter.status;
    }
    if (this.label) filter.label = this.label;
    if (this.number) filter.phone_number_id = this.number;
    return filter;
  }

  async load(): Promise<void> {
    const asked = ++this.#asked;
    this.loading = true;
    try {
      const { chats, next } = await api.chats.list(this.#filter());
      if (asked !== this.#asked) return;
      this.chats = chats;
      this.next = next;
      this.failed = undefined;
      this.loaded = true;
    } catch (thrown) {
      if (asked === this.#asked) this.failed = thrown;
    } finally {
      if (asked === this.#asked) this.loading = false;
    }
    const words = this.words.trim();
    if (words === "") this.found = [];
    else {
      try {
        const { messages } = await api.chats.search(words);
        if (asked === this.#asked) this.found = messages;
      } catch {
        if (asked === this.#asked) this.found = [];
      }
    }
  }

  async more(): Promise<void> {
    if (!this.next || this.loading) return;
    const asked = this.#asked;
    this.loading = true;
    try {
      const { chats, next } = await api.chats.list({ ...this.#filter(), after: this.next });
      if (asked !== this.#asked) return;
      const known = new Set(this.chats.map(nameOf));
      this.chats = [...this.chats, ...chats.filter((chat) => !known.has(nameOf(chat)))];
      this.next = next;
    } catch (thrown) {
      this.failed = thrown;
    } finally {
      this.loading = false;
    }
  }

  show(view: View): void {
    this.view = view;
    this.chosen = new Set();
    void this.load();
  }

  find(chat: ChatName): Chat | undefined {
    return this.chats.find((known) => same(known, chat));
  }

  /** A chat that need not be in the list: one in which something was found. */
  async known(chat: ChatName): Promise<Chat> {
    const name = nameOf(chat);
    const asked = this.#known.get(name) ?? Promise.resolve(this.find(chat) ?? api.chats.get(chat));
    this.#known.set(name, asked);
    asked.catch(() => this.#known.delete(name));
    return asked;
  }

  readonly #known = new Map<string, Promise<Chat>>();

  /** Puts a chat where it belongs now, or takes it away where it belongs no more. */
  put(chat: Chat, opened = false): void {
    const rest = this.chats.filter((known) => !same(known, chat));
    const there = rest.length < this.chats.length;
    if (!this.#belongs(chat) && !(there && opened)) {
      this.chats = rest;
      return;
    }
    // What was not looked for by words stays where it stands.
    if (!there && this.words.trim() !== "") return;
    this.chats = [...rest, chat].toSorted((a, b) => b.latest - a.latest);
  }

  previewed(message: Message): void {
    const name = nameOf(message);
    const known = this.previews.get(name);
    if (known && known.at > message.at) return;
    this.previews = new Map(this.previews).set(name, message);
  }

  #belongs(chat: Chat): boolean {
    if (this.words.trim() !== "") return true;
    const filter = this.#filter();
    if (filter.status && chat.status !== filter.status) return false;
    if (filter.unread && chat.unread === 0) return false;
    if (filter.label && !chat.labels.includes(filter.label)) return false;
    if (filter.phone_number_id && chat.phone_number_id !== filter.phone_number_id) return false;
    if (filter.assigned === "nobody") return chat.assigned_to === null;
    if (filter.assigned === "somebody") return chat.assigned_to !== null;
    // The host knows who `me` is; a page that put it right would ask again.
    return true;
  }

  async #refresh(chat: ChatName): Promise<void> {
    try {
      const fresh = await api.chats.get(chat);
      if (this.view === "mine") await this.load();
      else this.put(fresh, true);
    } catch {
      // It is read again with the list.
    }
  }

  #answering(said: ChatName & { agent_id: string; until: number }): void {
    const chat = this.find(said);
    if (!chat) return;
    const others = chat.answering.filter(({ agent_id }) => agent_id !== said.agent_id);
    const answering = said.until > 0 ? [...others, { agent_id: said.agent_id, until: said.until }] : others;
    this.chats = this.chats.map((known) => (known === chat ? { ...chat, answering } : known));
  }

  /** The latest words of a chat that is on the screen; a few chats at a time. */
  look(chat: Chat): void {
    if ((this.previews.get(nameOf(chat))?.at ?? 0) >= chat.latest) return;
    if (this.#waiting.some((other) => same(other, chat))) return;
    this.#waiting.push(chat);
    if (this.#looking < 4) void this.#lookOn();
  }

  readonly #waiting: ChatName[] = [];
  #looking = 0;

  async #lookOn(): Promise<void> {
    this.#looking += 1;
    for (let chat = this.#waiting.shift(); chat; chat = this.#waiting.shift()) await this.#preview(chat);
    this.#looking -= 1;
  }

  async #preview(chat: ChatName): Promise<void> {
    try {
      const { messages } = await api.chats.messages(chat, { limit: 1 });
      if (messages[0]) this.previewed(messages[0]);
    } catch {
      // The list says less then.
    }
  }
}

export const inbox = new Inbox();
