/** Files of messages as addresses that an element can show. They live in this page only. */
import type { Base64, FileRef, Media } from "../core/types.ts";
import { app } from "./app.svelte.ts";

/** Opened files at once; the oldest goes first. */
const KEPT = 60;

/** What may be shown in the page. Everything else is handed to the person as a file, whatever it says it is. */
const SHOWN = new Set([
  "image/jpeg",
  "image/png",
  "image/webp",
  "image/gif",
  "image/avif",
  "video/mp4",
  "video/webm",
  "audio/ogg",
  "audio/webm",
  "audio/mpeg",
  "audio/mp4",
  "audio/aac",
  "audio/wav",
]);

export function isShown(contentType: string): boolean {
  return SHOWN.has(bare(contentType));
}

function bare(contentType: string): string {
  return (contentType.split(";")[0] ?? "").trim().toLowerCase();
}

export function fromBase64(text: Base64): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

export function toBase64(bytes: Uint8Array): Base64 {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** The type of a small picture, told by its first bytes. */
function pictureType(bytes: Uint8Array): string {
  if (bytes[0] === 0xff) return "image/jpeg";
  return bytes[0] === 0x89 ? "image/png" : "image/webp";
}

class Files {
  readonly #open = new Map<string, Promise<string>>();
  readonly #thumbnails = new Map<string, string>();
  /** How far downloads are, from 0 to 1. */
  progress = $state.raw<ReadonlyMap<string, number>>(new Map());

  #note(id: string, part: number): void {
    const progress = new Map(this.progress);
    if (part < 1) progress.set(id, part);
    else progress.delete(id);
    this.progress = progress;
  }

  /** An address of the whole file, decrypted. */
  open(file: FileRef, contentType: string): Promise<string> {
    const known = this.#open.get(file.id);
    if (known) {
      this.#open.delete(file.id);
      this.#open.set(file.id, known);
      return known;
    }
    const opened = this.load(file, contentType).then((blob) => URL.createObjectURL(blob));
    this.#open.set(file.id, opened);
    opened.catch(() => this.#open.delete(file.id));
    for (const [id, address] of this.#open) {
      if (this.#open.size <= KEPT) break;
      this.#open.delete(id);
      // Long enough for whatever still shows it to go.
      void address.then((url) => setTimeout(() => URL.revokeObjectURL(url), 60_000)).catch(() => undefined);
    }
    return opened;
  }

  async load(file: FileRef, contentType: string): Promise<Blob> {
    const type = isShown(contentType) ? bare(contentType) : "application/octet-stream";
    const blob = await app.core.download(file, type, (done, total) => this.#note(file.id, done / total));
    this.#note(file.id, 1);
    return blob.type === type ? blob : new Blob([blob], { type });
  }

  thumbnail(base64: Base64): string | undefined {
    if (!base64) return undefined;
    let url = this.#thumbnails.get(base64);
    if (!url) {
      const bytes = fromBase64(base64);
      url = URL.createObjectURL(new Blob([bytes], { type: pictureType(bytes) }));
      this.#thumbnails.set(base64, url);
    }
    return url;
  }

  /** Hands a file to the person. */
  async save(media: Media): Promise<void> {
    save(await this.load(media.blob, media.content_type), media.file_name || "file");
  }

  forgetAll(): void {
    for (const address of this.#open.values()) void address.then((url) => URL.revokeObjectURL(url));
    for (const url of this.#thumbnails.values()) URL.revokeObjectURL(url);
    this.#open.clear();
    this.#thumbnails.clear();
  }
}

export function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export const files = new Files();
