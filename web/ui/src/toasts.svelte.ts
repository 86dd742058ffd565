/** Short notices at the edge of the screen, the way back from what hurts among them. */
export interface Toast {
  id: number;
  words: string;
  kind: "done" | "failed";
  action?: { words: string; act: () => void } | undefined;
}

const LASTS = 10_000;

class Toasts {
  shown = $state<Toast[]>([]);
  #next = 1;
  #timers = new Map<number, ReturnType<typeof setTimeout>>();

  say(words: string, action?: Toast["action"]): void {
    this.#show({ id: this.#next++, words, kind: "done", action });
  }

  fail(words: string, action?: Toast["action"]): void {
    this.#show({ id: this.#next++, words, kind: "failed", action });
  }

  /**
   * Does something after a while, unless it is taken back. Whoever calls shows it as done at once, and `back` shows it as
   * it was.
   */
  undoable(words: string, undo: string, act: () => void, back: () => void): void {
    const id = this.#next++;
    let taken = false;
    const action = {
      words: undo,
      act: () => {
        taken = true;
        back();
      },
    };
    this.#show({ id, words, kind: "done", action }, () => {
      if (!taken) act();
    });
  }

  dismiss(id: number): void {
    this.#timers.delete(id);
    this.#ends.get(id)?.();
    this.#ends.delete(id);
    this.shown = this.shown.filter((toast) => toast.id !== id);
  }

  /** Everything that waits to be done is done now: before the page goes. */
  settle(): void {
    for (const toast of this.shown) this.dismiss(toast.id);
  }

  #ends = new Map<number, () => void>();

  #show(toast: Toast, end?: () => void): void {
    if (end) this.#ends.set(toast.id, end);
    this.shown = [...this.shown, toast];
    while (this.shown.length > 3) {
      const oldest = this.shown[0];
      if (!oldest) break;
      this.dismiss(oldest.id);
    }
    this.#timers.set(
      toast.id,
      setTimeout(() => this.dismiss(toast.id), LASTS),
    );
  }
}

export const toasts = new Toasts();
