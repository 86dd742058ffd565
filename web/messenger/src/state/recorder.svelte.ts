/** Records a voice note in the page. */
const BARS = 48;

export class Recorder {
  state = $state<"idle" | "asking" | "recording" | "refused">("idle");
  /** Milliseconds. */
  length = $state(0);
  /** The last loudnesses, from 0 to 1. */
  levels = $state.raw<readonly number[]>([]);
  #recorder: MediaRecorder | undefined;
  #context: AudioContext | undefined;
  #parts: Blob[] = [];
  #began = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  async begin(): Promise<void> {
    this.state = "asking";
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true },
      });
    } catch {
      this.state = "refused";
      return;
    }
    const type = ["audio/ogg;codecs=opus", "audio/webm;codecs=opus", "audio/mp4"].find((one) =>
      MediaRecorder.isTypeSupported(one),
    );
    this.#parts = [];
    this.#recorder = new MediaRecorder(stream, {
      ...(type ? { mimeType: type } : {}),
      audioBitsPerSecond: 32_000,
    });
    this.#recorder.ondataavailable = (event) => this.#parts.push(event.data);
    this.#listen(stream);
    this.#recorder.start(1000);
    this.#began = performance.now();
    this.length = 0;
    this.state = "recording";
  }

  #listen(stream: MediaStream): void {
    this.#context = new AudioContext();
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 512;
    this.#context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.levels = [];
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const loudness = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
      this.levels = [...this.levels, Math.min(1, loudness * 4)].slice(-BARS);
      this.length = performance.now() - this.#began;
    }, 80);
  }

  /** Ends it; nothing if there is nothing worth sending. */
  async finish(): Promise<{ blob: Blob; duration: number } | undefined> {
    const recorder = this.#recorder;
    if (!recorder || this.state !== "recording") return undefined;
    const duration = Math.round(performance.now() - this.#began);
    const stopped = new Promise((done) => {
      recorder.onstop = done;
    });
    recorder.stop();
    await stopped;
    this.#end();
    const type = (recorder.mimeType.split(";")[0] ?? "") || "audio/webm";
    return duration < 500 ? undefined : { blob: new Blob(this.#parts, { type }), duration };
  }

  cancel(): void {
    if (this.#recorder?.state === "recording") this.#recorder.stop();
    this.#end();
  }

  #end(): void {
    clearInterval(this.#timer);
    for (const track of this.#recorder?.stream.getTracks() ?? []) track.stop();
    void this.#context?.close();
    this.#recorder = undefined;
    this.#context = undefined;
    this.state = "idle";
    this.levels = [];
  }
}
