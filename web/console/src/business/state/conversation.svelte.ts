/** One chat that is open: its messages, its notes, what waits to be sent, and who else answers. */
import * as api from "../api/client.ts";
import type { ChatName } from "../api/client.ts";
import type { Answering, Chat, Message, Note } from "../api/types.ts";
import { isProblem } from "../../shell/problem.ts";
import { inbox, same } from "./inbox.svelte.ts";
import { live } from "./live.svelte.ts";
import { signedIn } from "./session.svelte.ts";
import { lines, merged, withNotes } from "./thread.ts";

/** What was said here and is not at the host yet. */
export interface Pending {
  key: string;
  message: Record<string, unknown>;
  /** What stands in its bubble meanwhile. */
  words: string;
  at: number;
  failed: unknown;
}

const PAGE = 50;
const AGAIN = 10_000;

export class Conversation {
  readonly name: ChatName;
  chat = $state.raw<Chat>();
  failed = $state.raw<unknown>();
  messages = $state.raw<readonly Message[]>([]);
  notes = $state.raw<readonly Note[]>([]);
  pending = $state.raw<readonly Pending[]>([]);
  earlier = $state<string | null>(null);
  loaded = $state(false);
  loading = $state(false);
  /** Said by the clock, so that what runs out is seen to run out. */
  now = $state(Date.now());
  /** A send that was refused because somebody else answers or has answered. */
  overtaken = $state.raw<Pending>();
  #answeredAt = 0;

  readonly #lines = $derived(lines(this.messages));
  readonly shown = $derived(withNotes(this.#lines, this.notes));
  readonly byId = $derived(new Map(this.messages.map((message) => [message.id, message])));
  /** Colleagues who answer just now. */
  readonly others: readonly Answering[] = $derived(
    (this.chat?.answering ?? []).filter(
      ({ agent_id, until }) => agent_id !== signedIn.me.agent_id && until > this.now,
    ),
  );
  readonly windowLeft = $derived(Math.max(0, (this.chat?.window_until ?? 0) - this.now));

  constructor(name: ChatName) {
    this.name = name;
  }

  begin(): () => void {
    void this.load();
    const clock = setInterval(() => (this.now = Date.now()), 5_000);
    const mine = <T extends ChatName>(act: (said: T) => void) => {
      return (said: T) => {
        if (same(said, this.name)) act(said);
      };
    };
    const stop = [
      live.on(
        "message",
        mine(() => void this.fresh()),
      ),
      live.on(
        "status",
        mine(() => void this.fresh()),
      ),
      live.on(
        "chat",
        mine(() => void this.readChat()),
      ),
      live.on(
        "note",
        mine(() => void this.readNotes()),
      ),
      live.on(
        "answering",
        mine((said) => this.#answering(said)),
      ),
      live.on("resync", () => void this.load()),
    ];
    return () => {
      clearInterval(clock);
      for (const end of stop) end();
      this.stopAnswering();
    };
  }

  async load(): Promise<void> {
    try {
      const [chat, { messages, next }] = await Promise.all([
        api.chats.get(this.name),
        api.chats.messages(this.name, { limit: PAGE }),
      ]);
      this.chat = chat;
      this.messages = merged([], messages);
      this.earlier = next;
      this.failed = undefined;
      this.loaded = true;
      if (messages[0]) inbox.previewed(messages[0]);
    } catch (thrown) {
      this.failed = thrown;
    }
    await this.readNotes();
  }

  async readChat(): Promise<void> {
    try {
      this.chat = await api.chats.get(this.name);
      this.now = Date.now();
    } catch {
      // It stays as it was seen last.
    }
  }

  async readNotes(): Promise<void> {
    try {
      this.notes = (await api.chats.notes(this.name)).notes;
    } catch {
      // Without them the chat is still a chat.
    }
  }

  /** What came since, and what became of what is there. */
  async fresh(): Promise<void> {
    try {
      const { messages } = await api.chats.messages(this.name, { limit: PAGE });
      this.messages = merged(this.messages, messages);
      if (messages[0]) inbox.previewed(messages[0]);
    } catch {
      return;
    }
    await this.readChat();
  }

  async more(): Promise<void> {
    if (!this.earlier || this.loading) return;
    this.loading = true;
    try {
      const { messages, next } = await api.chats.messages(this.name, { after: this.earlier, limit: PAGE });
      this.messages = merged(this.messages, messages);
      this.earlier = next;
    } finally {
      this.loading = false;
    }
  }

  /** Tells the host, and by it the person, that what came was seen. */
  async read(): Promise<void> {
    const last = this.messages.findLast((message) => message.direction === "in" && !message.imported);
    if (!last || !this.chat || (last.read && this.chat.unread === 0)) return;
    try {
      await api.chats.read(this.name, last.id);
      this.chat = { ...this.chat, unread: 0 };
      inbox.put(this.chat, true);
    } catch {
      // It is said with the next one.
    }
  }

  /** Sends something. What comes of it is seen in `pending` and `overtaken`. */
  async send(message: Record<string, unknown>, words: string, force = false): Promise<void> {
    const sending: Pending = { key: crypto.randomUUID(), message, words, at: Date.now(), failed: undefined };
    await this.#send(sending, force);
  }

  async again(waiting: Pending, force = false): Promise<void> {
    this.overtaken = undefined;
    await this.#send({ ...waiting, failed: undefined }, force);
  }

  forget(waiting: Pending): void {
    this.pending = this.pending.filter(({ key }) => key !== waiting.key);
    if (this.overtaken?.key === waiting.key) this.overtaken = undefined;
  }

  async #send(sending: Pending, force: boolean): Promise<void> {
    const put = (changed: Pending) => {
      this.pending = [...this.pending.filter(({ key }) => key !== sending.key), changed];
    };
    put(sending);
    try {
      // A refused send and the same with `force` are two: the host keeps what it answered to a key.
      const key = force ? `${sending.key}-all-the-same` : sending.key;
      await api.chats.send(this.name, sending.message, key, this.messages.at(-1)?.id, force);
      await this.fresh();
      this.forget(sending);
      this.stopAnswering();
    } catch (thrown) {
      put({ ...sending, failed: thrown });
      if (isProblem(thrown, "answered")) {
        this.overtaken = sending;
        await this.fresh();
      }
      if (isProblem(thrown, "window_closed")) await this.readChat();
    }
  }

  /** Somebody writes here: colleagues are told, and told again as long as it goes on. */
  answer(): void {
    if (Date.now() - this.#answeredAt < AGAIN) return;
    this.#answeredAt = Date.now();
    api.chats.answer(this.name).catch(() => undefined);
  }

  stopAnswering(): void {
    if (this.#answeredAt === 0) return;
    this.#answeredAt = 0;
    api.chats.stopAnswering(this.name).catch(() => undefined);
  }

  async change(change: { status?: "open" | "closed"; assigned_to?: string | null }): Promise<void> {
    const expected = "assigned_to" in change ? { expected: this.chat?.assigned_to ?? null } : {};
    try {
      this.chat = await api.chats.change(this.name, { ...change, ...expected });
      inbox.put(this.chat, true);
    } catch (thrown) {
      await this.readChat();
      throw thrown;
    }
  }

  async label(label: string, on: boolean): Promise<void> {
    await api.chats.label(this.name, label, on);
    await this.readChat();
    if (this.chat) inbox.put(this.chat, true);
  }

  async block(on: boolean): Promise<void> {
    await api.chats.block(this.name, on);
    await this.readChat();
  }

  #answering(said: { agent_id: string; until: number }): void {
    if (!this.chat) return;
    const others = this.chat.answering.filter(({ agent_id }) => agent_id !== said.agent_id);
    this.now = Date.now();
    this.chat = {
      ...this.chat,
      answering: said.until > 0 ? [...others, { agent_id: said.agent_id, until: said.until }] : others,
    };
  }
}
