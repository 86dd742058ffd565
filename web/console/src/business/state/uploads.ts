/** Files on their way into a message. */
import type { Content } from "../api/content.ts";

type Kind = Extract<Content["type"], "image" | "video" | "audio" | "document">;

const KINDS: Readonly<Record<string, Kind>> = {
  "image/jpeg": "image",
  "image/png": "image",
  "video/mp4": "video",
  "video/3gpp": "video",
  "audio/aac": "audio",
  "audio/mp4": "audio",
  "audio/mpeg": "audio",
  "audio/amr": "audio",
  "audio/ogg": "audio",
};
/** Of larger ones the API makes documents. */
const MOST: Readonly<Record<Kind, number>> = {
  image: 5_000_000,
  video: 16_000_000,
  audio: 16_000_000,
  document: 100_000_000,
};

/** As what a file is sent; nothing if it is too large for anything. */
export function kindOf(file: File): Kind | undefined {
  if (file.size > MOST.document) return undefined;
  const kind = KINDS[file.type] ?? "document";
  return file.size > MOST[kind] ? "document" : kind;
}

/** The message with an uploaded file. */
export function fileMessage(kind: Kind, id: string, name: string, caption: string): Record<string, unknown> {
  const words = caption.trim() && kind !== "audio" ? { caption: caption.trim() } : {};
  return { type: kind, [kind]: { id, ...words, ...(kind === "document" ? { filename: name } : {}) } };
}
