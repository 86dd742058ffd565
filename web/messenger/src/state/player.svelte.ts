/** Plays one voice note at a time. */
import type { Media, Message } from "../core/types.ts";
import { app } from "./app.svelte.ts";
import { keyOf } from "./conversation.svelte.ts";
import { files } from "./files.svelte.ts";

const BARS = 44;
const SPEEDS = [1, 1.5, 2] as const;

class Player {
  /** Which message sounds. */
  current = $state<string>();
  playing = $state(false);
  loading = $state(false);
  /** Seconds. */
  at = $state(0);
  duration = $state(0);
  speed = $state<number>(1);
  /** How loud each part of a note is, from 0 to 1, of those that were opened. */
  waves = $state.raw<ReadonlyMap<string, readonly number[]>>(new Map());
  #audio: HTMLAudioElement | undefined;

  async toggle(message: Message, media: Media): Promise<void> {
    const key = keyOf(message.id);
    if (this.current === key && this.#audio) {
      if (this.playing) this.#audio.pause();
      else await this.#audio.play();
      return;
    }
    this.stop();
    this.current = key;
    this.loading = true;
    try {
      const url = await files.open(media.blob, media.content_type);
      if (this.current !== key) return;
      void this.#measure(key, url);
      this.#sound(url, media.duration / 1000);
      await this.#audio?.play();
      if (
        message.id.author !== app.own?.account &&
        media.kind === "voice" &&
        message.state.state !== "played"
      ) {
        void app.ask("mark_played", { message: message.id }).catch(() => undefined);
      }
    } catch (problem) {
      this.current = undefined;
      throw problem;
    } finally {
      this.loading = false;
    }
  }

  #sound(url: string, duration: number): void {
    const audio = new Audio(url);
    audio.playbackRate = this.speed;
    audio.onplay = () => (this.playing = true);
    audio.onpause = () => (this.playing = false);
    audio.ontimeupdate = () => (this.at = audio.currentTime);
    audio.onended = () => {
      this.at = 0;
      this.current = undefined;
    };
    audio.onloadedmetadata = () => {
      // What was recorded in a page may not say how long it is.
      this.duration = Number.isFinite(audio.duration) ? audio.duration : duration;
    };
    this.duration = duration;
    this.at = 0;
    this.#audio = audio;
  }

  seek(seconds: number): void {
    if (!this.#audio) return;
    this.#audio.currentTime = Math.max(0, Math.min(seconds, this.duration || seconds));
    this.at = this.#audio.currentTime;
  }

  faster(): void {
    const next = (SPEEDS.indexOf(this.speed as 1) + 1) % SPEEDS.length;
    this.speed = SPEEDS[next] ?? 1;
    if (this.#audio) this.#audio.playbackRate = this.speed;
  }

  stop(): void {
    this.#audio?.pause();
    this.#audio = undefined;
    this.current = undefined;
    this.playing = false;
  }

  async #measure(key: string, url: string): Promise<void> {
    if (this.waves.has(key)) return;
    const context = new OfflineAudioContext(1, 1, 16_000);
    try {
      const sound = await context.decodeAudioData(await (await fetch(url)).arrayBuffer());
      this.waves = new Map(this.waves).set(key, bars(sound.getChannelData(0)));
    } catch {
      // It plays without being drawn.
    }
  }
}

/** The loudness of each of so many equal parts, the loudest being 1. */
export function bars(samples: Float32Array, count = BARS): number[] {
  const width = Math.max(1, Math.floor(samples.length / count));
  const loud = Array.from({ length: count }, (_, bar) => {
    const part = samples.subarray(bar * width, (bar + 1) * width);
    return Math.sqrt(part.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, part.length));
  });
  const loudest = Math.max(...loud, 0.01);
  return loud.map((value) => value / loudest);
}

export const player = new Player();
