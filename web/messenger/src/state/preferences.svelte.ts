/** What this browser alone is set to; nothing of it is about anybody. */
const KEY = "tradepost.preferences";

interface Chosen {
  notifications: boolean;
  previews: boolean;
  enterSends: boolean;
}

function stored(): Chosen {
  const begin = { notifications: false, previews: false, enterSends: true };
  try {
    return { ...begin, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Chosen>) };
  } catch {
    return begin;
  }
}

class Preferences {
  #chosen = $state<Chosen>(stored());

  get notifications(): boolean {
    return this.#chosen.notifications && globalThis.Notification?.permission === "granted";
  }

  get previews(): boolean {
    return this.#chosen.previews;
  }

  get enterSends(): boolean {
    return this.#chosen.enterSends;
  }

  set(chosen: Partial<Chosen>): void {
    Object.assign(this.#chosen, chosen);
    localStorage.setItem(KEY, JSON.stringify(this.#chosen));
  }
}

export const preferences = new Preferences();
