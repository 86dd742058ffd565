/** Files of messages, opened when they are shown, and kept as long as the page is. */
import * as api from "../api/client.ts";

const MOST = 60;

class Files {
  readonly #opened = new Map<string, Promise<string>>();

  /** An address of the file in this page. */
  open(id: string, type?: string | null): Promise<string> {
    let found = this.#opened.get(id);
    if (!found) {
      found = api.media.get(id).then((blob) => URL.createObjectURL(type ? new Blob([blob], { type }) : blob));
      found.catch(() => this.#opened.delete(id));
      this.#opened.set(id, found);
      this.#tidy();
    }
    return found;
  }

  #tidy(): void {
    const oldest = this.#opened.keys().next().value;
    if (this.#opened.size <= MOST || oldest === undefined) return;
    void this.#opened.get(oldest)?.then((url) => URL.revokeObjectURL(url));
    this.#opened.delete(oldest);
  }
}

export const files = new Files();

/** Has the browser save something under a name. */
export function save(url: string, name: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}
