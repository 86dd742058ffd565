/** Keys that do something while nothing is being written; also two one after the other, such as `g i`. */
type Acts = Readonly<Record<string, (event: KeyboardEvent) => void>>;

const PAUSE = 1_200;

/** Whether keys go into a field, a menu or a dialog just now. */
function busy(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing)
    return true;
  const target = event.target as HTMLElement;
  if (target.isContentEditable) return true;
  if (/^(?:INPUT|TEXTAREA|SELECT)$/u.test(target.tagName)) return true;
  return document.querySelector("dialog[open], [popover]:popover-open") !== null;
}

export class Keyboard {
  readonly #acts: Acts;
  #first = "";
  #at = 0;

  constructor(acts: Acts) {
    this.#acts = acts;
  }

  typed(event: KeyboardEvent): void {
    if (busy(event)) return;
    const key = event.key.length === 1 ? event.key : event.key.toLowerCase();
    const both = this.#first && event.timeStamp - this.#at < PAUSE ? `${this.#first} ${key}` : "";
    const act = this.#acts[both] ?? (this.#first && both ? undefined : this.#acts[key]);
    this.#first = "";
    if (act) {
      event.preventDefault();
      act(event);
      return;
    }
    if (Object.keys(this.#acts).some((known) => known.startsWith(`${key} `))) {
      this.#first = key;
      this.#at = event.timeStamp;
    }
  }
}
