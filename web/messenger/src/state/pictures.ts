/** What is known of a picture or video before it is sent: its size, and a small picture of it. */
import { toBase64 } from "./files.svelte.ts";
import type { MediaDraft, MediaKind } from "../core/types.ts";

const THUMBNAIL = 48;
/** Pixels of the longer side of pictures that are sent as pictures. */
const LARGEST = 2048;

/** A file that is ready to be sent. */
export interface Prepared {
  blob: Blob;
  about: MediaDraft;
}

function kindOf(type: string): MediaKind {
  if (["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"].includes(type)) return "image";
  if (["video/mp4", "video/webm"].includes(type)) return "video";
  return type.startsWith("audio/") ? "audio" : "document";
}

export async function prepare(file: File, caption = ""): Promise<Prepared> {
  const about: MediaDraft = {
    kind: kindOf(file.type),
    content_type: file.type || "application/octet-stream",
    file_name: file.name,
    caption,
    width: 0,
    height: 0,
    duration: 0,
    thumbnail: "",
    animated: false,
  };
  try {
    if (about.kind === "image") return await picture(file, about);
    if (about.kind === "video") return { blob: file, about: { ...about, ...(await film(file)) } };
  } catch {
    // It says it is a picture, and is not one that can be shown: it goes as a file.
    return { blob: file, about: { ...about, kind: "document" } };
  }
  return { blob: file, about };
}

async function picture(file: File, about: MediaDraft): Promise<Prepared> {
  const bitmap = await createImageBitmap(file);
  const { width, height } = bitmap;
  const factor = Math.min(1, LARGEST / Math.max(width, height));
  let blob: Blob = file;
  let type = about.content_type;
  // Drawn anew, a photo loses where and with what it was taken. One that moves would lose that it moves.
  if (type !== "image/gif") {
    const drawn = await draw(
      bitmap,
      width * factor,
      height * factor,
      type === "image/png" ? type : "image/jpeg",
      0.88,
    );
    if (type !== "image/png" || drawn.size < file.size || factor < 1) {
      blob = drawn;
      type = drawn.type;
    }
  }
  const thumbnail = await small(bitmap, width, height);
  bitmap.close();
  const [w, h] = [Math.round(width * factor), Math.round(height * factor)];
  return { blob, about: { ...about, content_type: type, width: w, height: h, thumbnail } };
}

async function film(file: File): Promise<Partial<MediaDraft>> {
  const video = document.createElement("video");
  video.muted = true;
  video.preload = "auto";
  video.src = URL.createObjectURL(file);
  try {
    await new Promise((done, failed) => {
      video.onloadeddata = done;
      video.onerror = failed;
    });
    const { videoWidth: width, videoHeight: height } = video;
    const thumbnail = await small(video, width, height);
    return { width, height, duration: Math.round(video.duration * 1000) || 0, thumbnail };
  } finally {
    URL.revokeObjectURL(video.src);
  }
}

async function small(source: CanvasImageSource, width: number, height: number): Promise<string> {
  const factor = THUMBNAIL / Math.max(width, height, 1);
  const blob = await draw(
    source,
    Math.max(1, width * factor),
    Math.max(1, height * factor),
    "image/webp",
    0.6,
  );
  return toBase64(new Uint8Array(await blob.arrayBuffer()));
}

function draw(
  source: CanvasImageSource,
  width: number,
  height: number,
  type: string,
  quality: number,
): Promise<Blob> {
  const canvas = new OffscreenCanvas(Math.round(width), Math.round(height));
  canvas.getContext("2d")?.drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type, quality });
}

/** A small square of a picture, for a profile. */
export async function square(file: Blob, side = 384): Promise<Blob> {
  const bitmap = await createImageBitmap(file);
  const from = Math.min(bitmap.width, bitmap.height);
  const canvas = new OffscreenCanvas(side, side);
  const [x, y] = [(bitmap.width - from) / 2, (bitmap.height - from) / 2];
  canvas.getContext("2d")?.drawImage(bitmap, x, y, from, from, 0, 0, side, side);
  bitmap.close();
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.86 });
}
