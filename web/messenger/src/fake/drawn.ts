/** Pictures and sounds that are made up when they are wanted. */
import { toBase64 } from "../state/files.svelte.ts";

const SCENES: Record<string, [string, string, string]> = {
  lake: ["#7fb4d8", "#f3d9b1", "#355c4d"],
  boarding: ["#31456a", "#f2f2f2", "#e0a93b"],
  plant: ["#e9efe2", "#c9d8bd", "#3f6b46"],
  cat: ["#f0d9c4", "#d9a878", "#6b4a32"],
};

export const SIZES: Record<string, [number, number]> = {
  lake: [1200, 900],
  boarding: [1000, 560],
  plant: [900, 1100],
  cat: [900, 900],
};

export async function picture(name: string, small = false): Promise<Blob> {
  const [sky, light, ground] = SCENES[name] ?? ["#888", "#bbb", "#555"];
  const [width, height] = (SIZES[name] ?? [800, 600]).map((side) => (small ? Math.round(side / 25) : side));
  const canvas = new OffscreenCanvas(width ?? 8, height ?? 8);
  const pen = canvas.getContext("2d");
  if (!pen) throw new Error("no canvas");
  const [w, h] = [canvas.width, canvas.height];
  const gradient = pen.createLinearGradient(0, 0, 0, h);
  gradient.addColorStop(0, sky);
  gradient.addColorStop(0.7, light);
  pen.fillStyle = gradient;
  pen.fillRect(0, 0, w, h);
  pen.fillStyle = ground;
  pen.beginPath();
  pen.moveTo(0, h * 0.72);
  pen.bezierCurveTo(w * 0.3, h * 0.5, w * 0.5, h * 0.9, w, h * 0.6);
  pen.lineTo(w, h);
  pen.lineTo(0, h);
  pen.fill();
  pen.fillStyle = light;
  pen.beginPath();
  pen.arc(w * 0.72, h * 0.28, h * 0.09, 0, Math.PI * 2);
  pen.fill();
  return canvas.convertToBlob({ type: small ? "image/webp" : "image/jpeg", quality: small ? 0.6 : 0.85 });
}

export async function thumbnail(name: string): Promise<string> {
  return toBase64(new Uint8Array(await (await picture(name, true)).arrayBuffer()));
}

/** Something like speech: a WAV of 8,000 samples a second. */
export function speech(milliseconds: number): Blob {
  const rate = 8_000;
  const count = Math.floor((milliseconds / 1000) * rate);
  const bytes = new DataView(new ArrayBuffer(44 + count * 2));
  const text = (at: number, word: string) =>
    [...word].forEach((c, i) => bytes.setUint8(at + i, c.charCodeAt(0)));
  text(0, "RIFF");
  bytes.setUint32(4, 36 + count * 2, true);
  text(8, "WAVEfmt ");
  bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true);
  bytes.setUint16(22, 1, true);
  bytes.setUint32(24, rate, true);
  bytes.setUint32(28, rate * 2, true);
  bytes.setUint16(32, 2, true);
  bytes.setUint16(34, 16, true);
  text(36, "data");
  bytes.setUint32(40, count * 2, true);
  for (let at = 0; at < count; at++) {
    const seconds = at / rate;
    const syllable = Math.abs(Math.sin(seconds * 5.1) * Math.sin(seconds * 1.3 + 0.4));
    bytes.setInt16(44 + at * 2, Math.sin(seconds * 880) * syllable * 9_000, true);
  }
  return new Blob([bytes.buffer], { type: "audio/wav" });
}
