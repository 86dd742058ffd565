/** A core in memory, for tests of the views: it answers as the real one does, and encrypts nothing. */
import {
  CoreError,
  type Answers,
  type ChatMarks,
  type ChatOverview,
  type CommandName,
  type Contact,
  type CoreEvent,
  type FilePointer,
  type LabelState,
  type Message,
  type MessageRef,
  type OwnDevice,
  type ProblemCode,
  type Profile,
  type Standing,
  type State,
} from "@tradepost/core";
import type { Core, Said } from "../core/face.ts";
import { NO_MARKS } from "../state/chats.svelte.ts";
import { BANK, CONTACTS, labels, LENA, MARTA, NEWCOMER, OTTO, OWN, OWN_NUMBER, STRANGER } from "./cast.ts";
import { picture, SIZES, speech } from "./drawn.ts";
import { qrModules } from "./qr.ts";
import { sent } from "./sending.ts";
import { talk } from "./talk.ts";

type Handlers = {
  [Name in CommandName]?: (said: Said<Name>, file?: Blob) => Answers[Name] | Promise<Answers[Name]>;
};

const READY: Standing = {
  phase: "ready",
  own: { account: OWN, device: 1, number: OWN_NUMBER },
  connected: "online",
};

export class FakeCore implements Core {
  readonly scene: string;
  standing: Standing = READY;
  messages: Message[] = [];
  contacts = new Map<string, Contact>();
  labels = new Map<string, LabelState>();
  marks = new Map<string, ChatMarks>();
  timers = new Map<string, number>();
  readonly files = new Map<string, Blob>();
  readonly asked: { command: CommandName; said: unknown }[] = [];
  settings = {
    read_in_silence: false,
    accept_changed_identities: false,
    keep_history: true,
    ignore_labels: false,
  };
  devices: OwnDevice[] = [];
  discoverable = true;
  locked = false;
  readonly #listeners = new Set<(event: CoreEvent) => void>();

  constructor(scene: string) {
    this.scene = scene;
  }

  async begin(): Promise<void> {
    const now = Date.now();
    if (this.scene === "welcome") this.standing = { phase: "unregistered", erased: null, problem: null };
    if (this.scene === "removed") this.standing = { phase: "unregistered", erased: "removed", problem: null };
    if (this.scene === "damaged") this.standing = { phase: "failed", problem: problem("vault").problem };
    if (this.scene === "offline" && this.standing.phase === "ready") {
      this.standing = { ...this.standing, connected: "offline" };
    }
    if (this.standing.phase === "ready") await this.fill(now);
  }

  async fill(now: number): Promise<void> {
    for (const contact of CONTACTS) this.contacts.set(contact.account, { ...contact });
    this.devices = [
      { id: 1, name: "Chrome, Linux", created: now - 40 * 86_400_000, last_seen: now, this: true },
      {
        id: 2,
        name: "Firefox, Windows",
        created: now - 3 * 86_400_000,
        last_seen: now - 86_400_000,
        this: false,
      },
    ];
    if (this.scene === "empty") return;
    this.labels = labels();
    this.messages = await talk(now);
    this.mark(OTTO, { pinned: 1 });
    this.mark(MARTA, { muted: 0 });
    this.mark(BANK, { marketing_stopped: now - 900_000 });
    this.mark(STRANGER, { archived: true });
    this.mark(LENA, { draft: null });
  }

  async ask<Name extends CommandName>(command: Name, said: Said<Name>, file?: Blob): Promise<Answers[Name]> {
    this.asked.push({ command, said });
    const handler = this.handlers[command];
    if (!handler) return null as Answers[Name];
    await Promise.resolve();
    return handler(structuredClone(said), file);
  }

  async download(file: FilePointer, contentType: string, progress?: (done: number, total: number) => void) {
    progress?.(file.size / 2, file.size);
    const kept = this.files.get(file.id);
    if (kept) return kept;
    if (contentType.startsWith("audio/")) return speech(7_400);
    if (file.id in SIZES) return picture(file.id);
    return new Blob(["A file of a test.\n"], { type: contentType });
  }

  async export(): Promise<Blob> {
    return new Blob([JSON.stringify({ messages: this.messages.length })], { type: "application/json" });
  }

  listen(listener: (event: CoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(event: CoreEvent): void {
    for (const listener of this.#listeners) listener(structuredClone(event));
  }

  stand(standing: Standing): Standing {
    this.standing = standing;
    this.tell({ event: "standing", standing });
    return standing;
  }

  mark(account: string, marks: Partial<ChatMarks>): null {
    const now = { ...NO_MARKS, ...this.marks.get(account), ...marks };
    this.marks.set(account, now);
    this.tell({ event: "marks", account, marks: now });
    return null;
  }

  contact(account: string): Contact {
    return (
      this.contacts.get(account) ?? {
        account,
        name: null,
        number: null,
        profile: null,
        business: null,
        blocked: false,
        trust: "unknown",
      }
    );
  }

  chat(account: string): ChatOverview {
    const contact = this.contact(account);
    const label = this.labels.get(account);
    const all = this.messages.filter((message) => message.chat === account);
    return {
      account,
      title: contact.name ?? contact.profile?.name ?? contact.number,
      unread: all.filter(
        (message) =>
          message.id.author !== OWN &&
          message.state.state === "delivered" &&
          message.body.type !== "label" &&
          message.body.type !== "media",
      ).length,
      latest: all.at(-1) ?? null,
      timer:
        this.timers.get(account) ??
        all.findLast((message) => message.body.type === "timer")?.expires_after ??
        0,
      held: contact.trust === "changed",
      ...(label ? { label } : {}),
      contact,
      business: label !== undefined,
      marks: this.marks.get(account) ?? NO_MARKS,
    };
  }

  /** Somebody else writes. */
  receive(chat: string, body: Message["body"]): Message {
    const now = Date.now();
    const message: Message = {
      chat,
      id: { author: chat, timestamp: now },
      device: 1,
      position: (this.messages.at(-1)?.position ?? 0) + 1,
      received: now,
      body,
      quote: null,
      state: { state: "delivered" },
      reactions: [],
      edited: null,
      expires_after: 0,
      expires_at: null,
    };
    this.messages.push(message);
    this.tell({ event: "message", message });
    return message;
  }

  find(id: MessageRef): Message | undefined {
    return this.messages.find(
      (message) => message.id.author === id.author && message.id.timestamp === id.timestamp,
    );
  }

  change(id: MessageRef, changed: Partial<Message>): void {
    const at = this.messages.findIndex((message) => message === this.find(id));
    const message = this.messages[at];
    if (message) this.messages[at] = { ...message, ...changed };
  }

  come(id: MessageRef, chat: string, state: State): void {
    this.change(id, { state });
    this.tell({ event: "state", chat, message: id, ...state });
  }

  #trust(account: string, trust: Contact["trust"]): null {
    this.contacts.set(account, { ...this.contact(account), trust });
    this.tell({ event: "contact", account });
    return null;
  }

  #block(account: string, blocked: boolean): null {
    this.contacts.set(account, { ...this.contact(account), blocked });
    this.tell({ event: "contact", account });
    return null;
  }

  readonly handlers: Handlers = {
    standing: () => this.standing,
    request_code: ({ number }) => {
      const digits = number.replaceAll(/[^\d+]/gu, "");
      if (!/^\+?\d{7,15}$/u.test(digits)) throw problem("refused", "invalid_number");
      return {
        number: digits.startsWith("+") ? digits : `+${digits}`,
        expires_in_ms: 600_000,
        retry_after_ms: 60_000,
      };
    },
    development_code: () => "271828",
    register: async ({ code }) => {
      if (code !== "271828") throw problem("refused", "code_wrong", 3);
      await this.fill(Date.now());
      return this.stand(READY);
    },
    begin_linking: () =>
      this.stand({
        phase: "linking",
        code: "tradepost://link?relay=http%3A%2F%2F127.0.0.1%3A8080&id=6f1c3e0a9b&key=BQx0m1c9aYhTn7m2uQf0r3s8b5kLw6PzV",
      }),
    cancel_linking: () => this.stand({ phase: "unregistered", erased: null, problem: null }),
    account: () => ({
      account: OWN,
      number: OWN_NUMBER,
      discoverable: this.discoverable,
      registration_lock: this.locked,
      primary: true,
    }),
    set_discoverable: ({ discoverable }) => ((this.discoverable = discoverable), null),
    set_pin: ({ pin }) => ((this.locked = pin !== null), null),
    devices: () => this.devices,
    remove_device: ({ device }) => ((this.devices = this.devices.filter(({ id }) => id !== device)), null),
    settings: () => this.settings,
    set_settings: (settings) => (Object.assign(this.settings, settings), null),
    profile: ({ account }) => this.contact(account ?? OWN).profile,
    set_profile: ({ name, about, keep_picture }, file) => {
      let avatar = keep_picture ? (this.contact(OWN).profile?.avatar ?? null) : null;
      if (file) {
        avatar = { id: `own-${Date.now()}`, key: "", digest: "", size: file.size };
        this.files.set(avatar.id, file);
      }
      const profile: Profile = { name, about, avatar };
      this.contacts.set(OWN, { ...this.contact(OWN), profile });
      return profile;
    },
    contacts: () => [...this.contacts.values()].filter(({ account }) => account !== OWN),
    contact: ({ account }) => this.contact(account),
    set_contact: ({ account, name }) => {
      this.contacts.set(account, { ...this.contact(account), name: name || null });
      return null;
    },
    open_link: ({ link }) => {
      if (link.startsWith("tradepost://link")) return { to: "device", code: link };
      const query = /^[\w+]+:\/\//u.test(link) ? new URL(link).searchParams : undefined;
      const number = (query?.get("number") ?? link).replaceAll(/[^\d+]/gu, "");
      if (number === "+491700000000")
        return { to: "chat", chat: this.chat(NEWCOMER), text: query?.get("text") ?? "" };
      const found = [...this.contacts.values()].find((contact) => contact.number === number);
      return found
        ? { to: "chat", chat: this.chat(found.account), text: query?.get("text") ?? "" }
        : { to: "nobody", number };
    },
    chats: () =>
      [...this.contacts.keys()].map((account) => this.chat(account)).filter(({ latest }) => latest !== null),
    chat: ({ account }) => this.chat(account),
    menu: ({ account }) =>
      account === NEWCOMER
        ? {
            prompts: ["Are you open on Sunday?", "I would like to order rolls"],
            commands: [
              { name: "hours", description: "When we are open" },
              { name: "order", description: "What you would like, and for when" },
            ],
          }
        : null,
    set_pinned: ({ account, pinned }) => this.mark(account, { pinned: pinned ? Date.now() : null }),
    set_muted: ({ account, until }) => this.mark(account, { muted: until ?? null }),
    set_archived: ({ account, archived }) => this.mark(account, { archived }),
    set_marked_unread: ({ account, marked }) => this.mark(account, { marked_unread: marked }),
    set_draft: ({ account, text, quote }) =>
      this.mark(account, { draft: text ? { text, quote: quote ?? null, at: Date.now() } : null }),
    history: ({ account, before, limit }) =>
      this.messages
        .filter(
          (message) => message.chat === account && message.position < (before ?? Number.MAX_SAFE_INTEGER),
        )
        .slice(-(limit ?? 50))
        .toReversed(),
    message: ({ message }) => this.find(message) ?? null,
    search: ({ text, account, before, limit }) => {
      const found = this.messages.filter(
        (message) =>
          message.body.type === "text" &&
          message.position < (before ?? Number.MAX_SAFE_INTEGER) &&
          (!account || message.chat === account) &&
          message.body.text.toLowerCase().includes(text.toLowerCase()),
      );
      const messages = found.slice(-(limit ?? 50)).toReversed();
      return { messages, next: found.length > messages.length ? (messages.at(-1)?.position ?? null) : null };
    },
    send: ({ account, draft }) => sent(this, account, draft),
    send_media: ({ account, media, quote }, file) => {
      const id = `sent-${this.messages.length}`;
      if (file) this.files.set(id, file);
      const blob = { id, key: "", digest: "", size: file?.size ?? 0 };
      const whole = {
        content_type: "",
        file_name: "",
        caption: "",
        width: 0,
        height: 0,
        duration: 0,
        thumbnail: "",
      };
      return sent(this, account, {
        type: "media",
        animated: false,
        ...whole,
        ...media,
        blob,
        quote: quote ?? null,
      });
    },
    send_contacts: ({ account, contacts }) => sent(this, account, { type: "contacts", contacts }),
    send_location: ({ account, location, quote }) =>
      sent(this, account, { type: "location", ...location, quote: quote ?? null }),
    answer: ({ account, message, choice }) => sent(this, account, { type: "choose", message, choice }),
    mark_read: ({ account, through }) => {
      let read = 0;
      for (const message of this.messages) {
        const unread = message.chat === account && message.position <= through && message.id.author !== OWN;
        if (!unread || message.state.state !== "delivered") continue;
        if (message.body.type === "media") continue;
        message.state = { state: "read" };
        read++;
      }
      return read;
    },
    mark_played: ({ message }) => {
      this.change(message, { state: { state: "played" } });
      const chat = this.find(message)?.chat ?? "";
      this.tell({ event: "state", chat, message, state: "played" });
      return null;
    },
    forget_message: ({ message }) => {
      this.messages = this.messages.filter((known) => known !== this.find(message));
      return null;
    },
    forget_chat: ({ account }) => {
      this.messages = this.messages.filter(({ chat }) => chat !== account);
      this.tell({ event: "chat_forgotten", account });
      return null;
    },
    set_timer: ({ account, seconds }) => sent(this, account, { type: "timer", seconds }),
    block: ({ account }) => this.#block(account, true),
    unblock: ({ account }) => this.#block(account, false),
    report: ({ account, block }) => {
      if (block) this.#block(account, true);
      return this.mark(account, { reported: Date.now() });
    },
    set_marketing: ({ account, allowed }) => {
      this.mark(account, { marketing_stopped: allowed ? null : Date.now() });
      return sent(this, account, { type: "preference", marketing: allowed ? "resume" : "stop" });
    },
    share_number: ({ account }) => {
      this.mark(account, { number_shared: Date.now() });
      return sent(this, account, { type: "number_share", proof: "" });
    },
    ask_erasure: ({ account }) => {
      this.mark(account, { erasure_asked: Date.now() });
      return sent(this, account, { type: "erasure_request" });
    },
    label: ({ account }) => this.labels.get(account) ?? null,
    label_shown: ({ account }) => {
      const label = this.labels.get(account);
      if (label) this.labels.set(account, { ...label, shown: true });
      return null;
    },
    safety_number: ({ account }) => ({
      digits: Array.from({ length: 12 }, (_, at) => String(10_007 + ((at * 7_919) % 89_000))).join(""),
      code: btoa(account.repeat(2)),
      trust: this.contact(account).trust,
    }),
    compare_scanned: ({ account }) => (this.#trust(account, "verified"), true),
    set_verified: ({ account, digits }) => this.#trust(account, digits ? "verified" : "first_use"),
    accept_identity: ({ account }) => this.#trust(account, "first_use"),
    qr_code: ({ text, bytes }) => qrModules(text ?? bytes ?? ""),
    storage: () => ({
      chats: this.contacts.size,
      messages: this.messages.length,
      files: 14,
      file_bytes: 23_400_000,
      used: 31_200_000,
      quota: 2_000_000_000,
      persistent: false,
    }),
    delete_account: () => (this.stand({ phase: "unregistered", erased: "deleted", problem: null }), null),
    sign_out: () => (this.stand({ phase: "unregistered", erased: "signed_out", problem: null }), null),
    erase_here: () => (this.stand({ phase: "unregistered", erased: null, problem: null }), null),
  };
}

function problem(code: ProblemCode, relayCode?: string, tries?: number): CoreError {
  return new CoreError({
    code,
    message: code,
    ...(relayCode ? { relay_code: relayCode } : {}),
    ...(tries === undefined ? {} : { tries_left: tries }),
  });
}
