/** Something that a server has and a page shows: on its way, there, or refused. */
export class Resource<T> {
  value = $state.raw<T>();
  failed = $state.raw<unknown>();
  loading = $state(false);
  readonly #fetch: () => Promise<T>;
  #asked = 0;

  constructor(fetch: () => Promise<T>) {
    this.#fetch = fetch;
  }

  /** Asks anew. What was there before stays until the answer is. */
  async load(): Promise<void> {
    const asked = ++this.#asked;
    this.loading = true;
    try {
      const value = await this.#fetch();
      if (asked !== this.#asked) return;
      this.value = value;
      this.failed = undefined;
    } catch (thrown) {
      if (asked === this.#asked) this.failed = thrown;
    } finally {
      if (asked === this.#asked) this.loading = false;
    }
  }
}

/** One that is asked for at once. */
export function resource<T>(fetch: () => Promise<T>): Resource<T> {
  const made = new Resource(fetch);
  void made.load();
  return made;
}
