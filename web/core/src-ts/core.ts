import { CoreError, type Answers, type CommandName, type CoreEvent, type ToPage, type ToWorker } from "./messages.js";
import type {
  AccountId,
  Base64,
  Card,
  Command,
  DeviceId,
  Draft,
  FilePointer,
  MediaDraft,
  MessageRef,
  Place,
  Problem,
  Standing,
} from "./types.js";

export interface CoreOptions {
  /**
   * Where the worker's script is: with Vite `import worker from "@tradepost/core/worker?worker&url"`. It must be of the page's own
   * origin.
   */
  worker: string | URL;
  /** Where the relay is; the page's own origin if it does not say. */
  relay?: string;
  /** Another database beside the usual one: another device in the same browser. For tests. */
  database?: string;
}

/** How often a worker that broke is begun anew within so many milliseconds. */
const TRIES = 3;
const AGAIN = 60_000;

type Named<Name extends CommandName> = Extract<Command, { command: Name }>;
type Said<Name extends CommandName> = Omit<Named<Name>, "command">;

interface Pending {
  done: (answer: { value: unknown; file?: Blob | undefined }) => void;
  failed: (error: CoreError) => void;
}

/**
 * The device of this browser, as one page sees it. All pages of a browser share one device: one tab holds it, commands of the
 * others go through it, and every page hears every event. Nothing here ever blocks the page.
 *
 * Every command answers once, or fails with a `CoreError`.
 */
export class Core {
  readonly #options: CoreOptions;
  #worker: Worker;
  /** When the worker broke: a few times it is begun anew. */
  #broken: number[] = [];
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Set<(event: CoreEvent) => void>();
  readonly #transfers = new Map<string, (done: number, total: number) => void>();
  #next = 1;
  #standing: Standing | undefined;
  #leads = false;

  private constructor(options: CoreOptions) {
    this.#options = options;
    this.#worker = this.#begin();
  }

  /** Starts the core; `standing` is known when this is done. */
  static async open(options: CoreOptions): Promise<Core> {
    const core = new Core(options);
    for (;;) {
      try {
        core.#standing = await core.ask("standing", {});
        return core;
      } catch (error) {
        if (core.#broken.length === 0 || core.#broken.length > TRIES) throw error;
      }
    }
  }

  #begin(): Worker {
    const { worker: script, relay, database } = this.#options;
    const worker = new Worker(trusted(script), { type: "module", name: "tradepost" });
    worker.addEventListener("message", (event: MessageEvent<ToPage>) => this.#hear(event.data));
    worker.addEventListener("error", () => this.#breaks(worker));
    worker.addEventListener("messageerror", () => this.#breaks(worker));
    const say: ToWorker = {
      say: "open",
      relay: new URL(relay ?? "/", location.href).href.replace(/\/$/, ""),
      database: database ?? "tradepost",
    };
    worker.postMessage(say);
    return worker;
  }

  /** The worker cannot go on. What it keeps is whole: another one goes on from there, unless that happens again and again. */
  #breaks(worker: Worker): void {
    if (worker !== this.#worker) return;
    worker.terminate();
    this.#leads = false;
    this.#refuseAll({ code: "interrupted", message: "the worker broke" });
    const now = Date.now();
    this.#broken = [...this.#broken.filter((time) => time > now - AGAIN), now];
    if (this.#broken.length <= TRIES) {
      this.#worker = this.#begin();
      return;
    }
    const problem: Problem = { code: "internal", message: "the worker cannot run" };
    this.#tell({ event: "standing", standing: { phase: "failed", problem } });
  }

  #refuseAll(problem: Problem): void {
    const refused = [...this.#pending.values()];
    this.#pending.clear();
    for (const pending of refused) pending.failed(new CoreError(problem));
  }

  /** How it is with the device; a `standing` event says when it changes. */
  get standing(): Standing {
    return this.#standing ?? { phase: "unregistered", erased: null, problem: null };
  }

  /** Whether this page's tab holds the device. Of no consequence but to tests. */
  get leads(): boolean {
    return this.#leads;
  }

  /** Hears all that happens from now on, until what it gives is called. */
  listen(listener: (event: CoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Events as they come; ends when the signal is given. */
  async *events(signal?: AbortSignal): AsyncGenerator<CoreEvent, void, void> {
    const waiting: CoreEvent[] = [];
    let wake = () => {};
    const stop = this.listen((event) => {
      waiting.push(event);
      wake();
    });
    const aborted = () => wake();
    signal?.addEventListener("abort", aborted);
    try {
      while (!signal?.aborted) {
        const event = waiting.shift();
        if (event) yield event;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      stop();
      signal?.removeEventListener("abort", aborted);
    }
  }

  /** Ends this page's part; the device goes on in another tab if there is one. */
  close(): void {
    this.#worker.terminate();
    this.#refuseAll({ code: "interrupted", message: "the core was closed" });
  }

  /** Gives any command; the methods below are the same with names. */
  async ask<Name extends CommandName>(command: Name, said: Said<Name>, file?: Blob): Promise<Answers[Name]> {
    return (await this.#give(command, said, file)).value as Answers[Name];
  }

  // Becoming a device.

  requestCode(number: string, region?: string) {
    return this.ask("request_code", { number, region: region ?? null });
  }
  developmentCode(number: string) {
    return this.ask("development_code", { number });
  }
  register(said: Said<"register">) {
    return this.ask("register", said);
  }
  beginLinking(deviceName: string) {
    return this.ask("begin_linking", { device_name: deviceName });
  }
  cancelLinking() {
    return this.ask("cancel_linking", {});
  }
  /** Follows a link, a scanned code or a typed number. */
  openLink(link: string) {
    return this.ask("open_link", { link });
  }

  // The account and its devices.

  account() {
    return this.ask("account", {});
  }
  setDiscoverable(discoverable: boolean) {
    return this.ask("set_discoverable", { discoverable });
  }
  setPin(pin: string | null) {
    return this.ask("set_pin", { pin });
  }
  devices() {
    return this.ask("devices", {});
  }
  approveDevice(code: string) {
    return this.ask("approve_device", { code });
  }
  removeDevice(device: DeviceId) {
    return this.ask("remove_device", { device });
  }
  settings() {
    return this.ask("settings", {});
  }
  setSettings(settings: Said<"set_settings">) {
    return this.ask("set_settings", settings);
  }
  profile(account?: AccountId) {
    return this.ask("profile", { account: account ?? null });
  }
  /** With a picture it is the new one; `null` takes it away; without it the old one stays. */
  setProfile(name: string, about: string, picture?: Blob | null) {
    const said = { name, about, keep_picture: picture === undefined };
    return this.ask("set_profile", said, picture ?? undefined);
  }

  // People and businesses.

  contacts() {
    return this.ask("contacts", {});
  }
  contact(account: AccountId) {
    return this.ask("contact", { account });
  }
  setContact(account: AccountId, name: string) {
    return this.ask("set_contact", { account, name });
  }
  lookup(number: string, region?: string) {
    return this.ask("lookup", { number, region: region ?? null });
  }
  block(account: AccountId) {
    return this.ask("block", { account });
  }
  unblock(account: AccountId) {
    return this.ask("unblock", { account });
  }
  report(account: AccountId, reason: string, block: boolean) {
    return this.ask("report", { account, reason, block });
  }
  setMarketing(account: AccountId, allowed: boolean) {
    return this.ask("set_marketing", { account, allowed });
  }
  shareNumber(account: AccountId) {
    return this.ask("share_number", { account });
  }
  hideNumber(account: AccountId) {
    return this.ask("hide_number", { account });
  }
  askErasure(account: AccountId) {
    return this.ask("ask_erasure", { account });
  }
  label(account: AccountId) {
    return this.ask("label", { account });
  }
  labelShown(account: AccountId, digest: Base64) {
    return this.ask("label_shown", { account, digest });
  }
  safetyNumber(account: AccountId) {
    return this.ask("safety_number", { account });
  }
  compareScanned(account: AccountId, code: Base64) {
    return this.ask("compare_scanned", { account, code });
  }
  setVerified(account: AccountId, digits: string | null) {
    return this.ask("set_verified", { account, digits });
  }
  acceptIdentity(account: AccountId, digits: string) {
    return this.ask("accept_identity", { account, digits });
  }
  qrCode(what: { text: string } | { bytes: Base64 }) {
    return this.ask("qr_code", what);
  }

  // Chats.

  chats() {
    return this.ask("chats", {});
  }
  chat(account: AccountId) {
    return this.ask("chat", { account });
  }
  openChat(account: AccountId) {
    return this.ask("open_chat", { account });
  }
  menu(account: AccountId) {
    return this.ask("menu", { account });
  }
  setPinned(account: AccountId, pinned: boolean) {
    return this.ask("set_pinned", { account, pinned });
  }
  setMuted(account: AccountId, until: number | null) {
    return this.ask("set_muted", { account, until });
  }
  setArchived(account: AccountId, archived: boolean) {
    return this.ask("set_archived", { account, archived });
  }
  setMarkedUnread(account: AccountId, marked: boolean) {
    return this.ask("set_marked_unread", { account, marked });
  }
  setDraft(account: AccountId, text: string, quote?: MessageRef) {
    return this.ask("set_draft", { account, text, quote: quote ?? null });
  }
  history(account: AccountId, page: { before?: number; limit?: number } = {}) {
    return this.ask("history", { account, ...page });
  }
  message(message: MessageRef) {
    return this.ask("message", { message });
  }
  search(text: string, where: { account?: AccountId; before?: number; limit?: number } = {}) {
    return this.ask("search", { text, ...where });
  }
  markRead(account: AccountId, through: number) {
    return this.ask("mark_read", { account, through });
  }
  markPlayed(message: MessageRef) {
    return this.ask("mark_played", { message });
  }
  forgetMessage(message: MessageRef) {
    return this.ask("forget_message", { message });
  }
  forgetChat(account: AccountId) {
    return this.ask("forget_chat", { account });
  }
  setTimer(account: AccountId, seconds: number) {
    return this.ask("set_timer", { account, seconds });
  }
  outbox() {
    return this.ask("outbox", {});
  }

  // Sending. Each happens once, also if the tab that holds the device closes meanwhile.

  send(account: AccountId, draft: Draft) {
    return this.ask("send", { account, draft });
  }
  sendText(account: AccountId, text: string, quote?: MessageRef) {
    return this.send(account, { type: "text", text, quote: quote ?? null });
  }
  /** An empty emoji takes the reaction back. */
  react(account: AccountId, message: MessageRef, emoji: string) {
    return this.send(account, { type: "reaction", message, emoji: emoji || null });
  }
  edit(account: AccountId, message: MessageRef, text: string) {
    return this.send(account, { type: "edit", message, text });
  }
  delete(account: AccountId, message: MessageRef) {
    return this.send(account, { type: "delete", message });
  }
  sendLocation(account: AccountId, location: Place, quote?: MessageRef) {
    return this.ask("send_location", { account, location, quote: quote ?? null });
  }
  sendContacts(account: AccountId, contacts: Card[]) {
    return this.ask("send_contacts", { account, contacts });
  }
  /** Presses a button or chooses a row. */
  answer(account: AccountId, message: MessageRef, choice: string) {
    return this.ask("answer", { account, message, choice });
  }
  choices(message: MessageRef) {
    return this.ask("choices", { message });
  }
  typing(account: AccountId, stopped = false) {
    return this.ask("typing", { account, stopped });
  }
  sendMedia(
    account: AccountId,
    file: Blob,
    media: MediaDraft,
    more: { quote?: MessageRef; progress?: (done: number, total: number) => void } = {},
  ) {
    const said = { account, media, quote: more.quote ?? null };
    return this.#watched(more.progress, (transfer) => this.ask("send_media", { ...said, transfer }, file));
  }

  // Files and what is stored.

  download(
    file: FilePointer,
    contentType: string,
    progress?: (done: number, total: number) => void,
  ): Promise<Blob> {
    const said = { file, content_type: contentType };
    return this.#watched(progress, (transfer) => this.#file("download", { ...said, transfer }));
  }
  storage() {
    return this.ask("storage", {});
  }
  /** Asks the browser to keep what is stored also when room runs out. Whether it does. */
  async persist(): Promise<boolean> {
    return (await navigator.storage?.persist?.()) ?? false;
  }
  forgetFiles() {
    return this.ask("forget_files", {});
  }
  /** Everything this device knows, as JSON. */
  export(): Promise<Blob> {
    return this.#file("export", {});
  }
  deleteAccount() {
    return this.ask("delete_account", {});
  }
  signOut() {
    return this.ask("sign_out", {});
  }
  eraseHere() {
    return this.ask("erase_here", {});
  }

  async #file<Name extends CommandName>(command: Name, said: Said<Name>): Promise<Blob> {
    const { file } = await this.#give(command, said);
    if (!file) throw new CoreError({ code: "internal", message: "the answer has no file" });
    return file;
  }

  #give<Name extends CommandName>(command: Name, said: Said<Name>, file?: Blob) {
    return new Promise<{ value: unknown; file?: Blob | undefined }>((done, failed) => {
      const id = this.#next++;
      this.#pending.set(id, { done, failed });
      const say: ToWorker = { say: "ask", id, command: once({ ...said, command } as unknown as Command), file };
      this.#worker.postMessage(say);
    });
  }

  async #watched<T>(
    progress: ((done: number, total: number) => void) | undefined,
    act: (transfer: string | null) => Promise<T>,
  ): Promise<T> {
    if (!progress) return act(null);
    const transfer = reference();
    this.#transfers.set(transfer, progress);
    try {
      return await act(transfer);
    } finally {
      this.#transfers.delete(transfer);
    }
  }

  #hear(said: ToPage): void {
    switch (said.say) {
      case "answer":
        this.#pending.get(said.id)?.done(said.answer);
        this.#pending.delete(said.id);
        break;
      case "refuse":
        this.#pending.get(said.id)?.failed(new CoreError(said.problem));
        this.#pending.delete(said.id);
        break;
      case "event":
        this.#tell(said.event);
        break;
      case "lead":
        this.#leads = said.leads;
        break;
      case "broken":
        this.#breaks(this.#worker);
        break;
    }
  }

  #tell(event: CoreEvent): void {
    if (event.event === "standing") this.#standing = event.standing;
    if (event.event === "transfer") this.#transfers.get(event.transfer)?.(event.done, event.total);
    for (const listener of this.#listeners) listener(event);
  }
}

/** The same command under a reference, where there is room for one: however often it is asked, it is done once. */
function once(command: Command): Command {
  if (command.command === "send" && !command.draft.reference) {
    return { ...command, draft: { ...command.draft, reference: reference() } };
  }
  if (command.command === "send_media" && !command.reference) return { ...command, reference: reference() };
  return command;
}

/** 16 random bytes. */
function reference(): Base64 {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
}

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): { createScriptURL: (url: string) => unknown };
}

let policy: ReturnType<TrustedTypes["createPolicy"]> | undefined;

/** The worker's address, as one that a page with Trusted Types takes: only of its own origin. Its policy is `tradepost-core`. */
function trusted(worker: string | URL): URL {
  const url = new URL(worker, location.href);
  if (url.origin !== location.origin) throw new TypeError("the worker is of another origin");
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  if (!types) return url;
  policy ??= types.createPolicy("tradepost-core", { createScriptURL: (text) => text });
  return policy.createScriptURL(url.href) as URL;
}
