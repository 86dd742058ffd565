/**
 * Several tabs, one device. Whoever holds the lock leads: it has the core, and answers the others, who follow. When its tab is
 * closed the lock passes on; what the others had asked and was not answered is asked again, where asking twice does no harm.
 */

import type { Answer, CommandName, CoreEvent } from "./messages.js";
import type { Command, Problem } from "./types.js";

/** What the leader has and the others do not. */
export interface Held {
  ask(command: Command, file: Blob | undefined): Promise<Answer>;
}

/** Said among tabs. */
type Said =
  | { say: "who" }
  | { say: "lead"; tab: string }
  | { say: "ask"; to: string; tab: string; id: number; command: Command; file?: Blob | undefined }
  | { say: "answer"; tab: string; id: number; answer: Answer }
  | { say: "refuse"; tab: string; id: number; problem: Problem }
  | { say: "event"; event: CoreEvent };

interface Pending {
  command: Command;
  file?: Blob | undefined;
  /** Which leader was asked. */
  asked?: string;
  done: (answer: Answer) => void;
  failed: (problem: Problem) => void;
}

/** What may have happened although it was not answered, and is wrong or surprising twice. */
const ONCE: ReadonlySet<CommandName> = new Set<CommandName>([
  "request_code",
  "register",
  "begin_linking",
  "approve_device",
  "remove_device",
  "send_contacts",
  "send_location",
  "answer",
  "set_timer",
  "set_marketing",
  "share_number",
  "ask_erasure",
  "delete_account",
  "sign_out",
  "erase_here",
]);

/** Commands of one tab that may wait for an answer. */
const ROOM = 1000;

export class Tabs {
  readonly #tab = crypto.randomUUID();
  readonly #channel: BroadcastChannel;
  readonly #pending = new Map<number, Pending>();
  readonly #hear: (event: CoreEvent) => void;
  #next = 1;
  #leader: string | undefined;
  #held: Held | undefined;

  /** `lead` makes what the leader has, when it is this tab's turn; `hear` is told every event. */
  constructor(
    name: string,
    lead: (tell: (event: CoreEvent) => void) => Promise<Held>,
    hear: (event: CoreEvent) => void,
    leads: () => void,
  ) {
    this.#hear = hear;
    this.#channel = new BroadcastChannel(`tradepost:${name}`);
    this.#channel.onmessage = ({ data }: MessageEvent<Said>) => this.#said(data);
    this.#say({ say: "who" });
    void navigator.locks.request(`tradepost:${name}`, async () => {
      const tell = (event: CoreEvent) => {
        hear(event);
        this.#say({ say: "event", event });
      };
      this.#held = await lead(tell);
      this.#leader = this.#tab;
      leads();
      this.#say({ say: "lead", tab: this.#tab });
      this.#askAgain();
      // Held until the worker ends.
      await new Promise<never>(() => {});
    });
  }

  ask(command: Command, file: Blob | undefined): Promise<Answer> {
    return new Promise((done, failed) => {
      if (this.#pending.size >= ROOM) {
        failed({ code: "wait", message: "too many commands wait", retry_after_ms: 1000 } satisfies Problem);
        return;
      }
      const id = this.#next++;
      this.#pending.set(id, { command, file, done, failed });
      this.#give(id);
    });
  }

  #say(said: Said): void {
    this.#channel.postMessage(said);
  }

  /** Gives a command to whoever leads, if that is known. */
  #give(id: number): void {
    const pending = this.#pending.get(id);
    if (!pending || !this.#leader || pending.asked === this.#leader) return;
    if (pending.asked && ONCE.has(pending.command.command)) {
      this.#pending.delete(id);
      pending.failed({ code: "interrupted", message: "the tab that did it was closed" });
      return;
    }
    pending.asked = this.#leader;
    const { command, file } = pending;
    if (this.#held) {
      this.#held.ask(command, file).then(
        (answer) => this.#done(id, answer),
        (problem: Problem) => this.#failed(id, problem),
      );
    } else {
      this.#say({ say: "ask", to: this.#leader, tab: this.#tab, id, command, file });
    }
  }

  #askAgain(): void {
    for (const id of [...this.#pending.keys()]) this.#give(id);
  }

  #done(id: number, answer: Answer): void {
    this.#pending.get(id)?.done(answer);
    this.#pending.delete(id);
  }

  #failed(id: number, problem: Problem): void {
    this.#pending.get(id)?.failed(problem);
    this.#pending.delete(id);
  }

  #said(said: Said): void {
    switch (said.say) {
      case "who":
        if (this.#held) this.#say({ say: "lead", tab: this.#tab });
        break;
      case "lead":
        this.#leader = said.tab;
        this.#askAgain();
        break;
      case "ask":
        if (said.to === this.#tab) this.#askedBy(said.tab, said.id, said.command, said.file);
        break;
      case "answer":
        if (said.tab === this.#tab) this.#done(said.id, said.answer);
        break;
      case "refuse":
        if (said.tab === this.#tab) this.#failed(said.id, said.problem);
        break;
      case "event":
        this.#hear(said.event);
        break;
    }
  }

  #askedBy(tab: string, id: number, command: Command, file: Blob | undefined): void {
    this.#held?.ask(command, file).then(
      (answer) => this.#say({ say: "answer", tab, id, answer }),
      (problem: Problem) => this.#say({ say: "refuse", tab, id, problem }),
    );
  }
}
