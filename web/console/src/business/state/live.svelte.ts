/** What happens at the host, as it happens. The events say where to look; nobody's words are in them. */
import { signedIn } from "./session.svelte.ts";

export interface Events {
  message: { phone_number_id: string; user_id: string; id: string };
  status: { phone_number_id: string; user_id: string; id: string };
  chat: { phone_number_id: string; user_id: string };
  note: { phone_number_id: string; user_id: string };
  answering: { phone_number_id: string; user_id: string; agent_id: string; until: number };
  changed: { what: string };
  resync: Record<string, never>;
}
type Name = keyof Events;
type Told<N extends Name> = (said: Events[N]) => void;

const NAMES: readonly Name[] = ["message", "status", "chat", "note", "answering", "changed", "resync"];
const AGAIN_AFTER = [1_000, 2_000, 5_000, 10_000, 30_000];

class Live {
  /** Whether what is shown follows what happens. */
  connected = $state(true);
  #source: EventSource | undefined;
  #tries = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Map<Name, Set<Told<Name>>>();

  begin(): () => void {
    this.#open();
    return () => {
      clearTimeout(this.#timer);
      this.#source?.close();
      this.#source = undefined;
    };
  }

  on<N extends Name>(name: N, told: Told<N>): () => void {
    const all = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, all);
    all.add(told as Told<Name>);
    return () => all.delete(told as Told<Name>);
  }

  #tell(name: Name, said: Events[Name]): void {
    for (const told of this.#listeners.get(name) ?? []) told(said as never);
  }

  #open(): void {
    const source = new EventSource("/console/v1/events");
    this.#source = source;
    source.addEventListener("open", () => {
      // After a break of its own making nothing says what was missed: all that is shown is read again.
      if (this.#tries > 0) this.#tell("resync", {});
      this.#tries = 0;
      this.connected = true;
    });
    source.addEventListener("error", () => {
      this.connected = false;
      // While it is CONNECTING the browser tries again by itself, with the id of the last event.
      if (source.readyState === EventSource.CLOSED) this.#again();
    });
    source.addEventListener("ended", () => {
      source.close();
      signedIn.ended();
    });
    for (const name of NAMES) {
      source.addEventListener(name, (event) => {
        this.#tell(name, JSON.parse((event as MessageEvent<string>).data) as Events[Name]);
      });
    }
  }

  #again(): void {
    this.#source?.close();
    const wait = AGAIN_AFTER[Math.min(this.#tries, AGAIN_AFTER.length - 1)] ?? 30_000;
    this.#tries += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        // It was perhaps refused because the session ended: asking says so.
        void signedIn.look().then(() => {
          if (signedIn.phase === "in") this.#open();
        });
      },
      wait * (0.75 + Math.random() / 2),
    );
  }
}

export const live = new Live();
