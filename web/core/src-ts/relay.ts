/** The way to the relay: `fetch` and a WebSocket. What is said over it is the core's. */

/** Milliseconds for which the relay may say nothing while an answer is waited for; it holds some back for 25 seconds. */
const SILENCE = 45_000;
/** Bytes of a request that a slow network takes in a millisecond: a long one may take longer. */
const SLOW = 8;
/** Milliseconds for a socket to be opened, and for a frame to leave. */
const OPENING = 15_000;
const WRITING = 30_000;
/** Bytes that may wait: to leave, and to be read. */
const LEAVING = 4 << 20;
const WAITING = 64 << 20;

export class Relay {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  url(): string {
    return this.#url;
  }

  /** Asks; returns when the head of the answer is there. */
  async request(
    method: string,
    path: string,
    token: string | undefined,
    headers: [string, string][],
    body: Uint8Array<ArrayBuffer> | undefined,
  ): Promise<Answered> {
    const said = new Headers(headers);
    if (token) said.set("authorization", `Bearer ${token}`);
    const silence = new Silence();
    const response = await silence.until(
      fetch(this.#url + path, {
        method,
        headers: said,
        body: body ?? null,
        credentials: "omit",
        cache: "no-store",
        // A redirection would take the credential elsewhere.
        redirect: "error",
        referrerPolicy: "no-referrer",
        signal: silence.signal,
      }),
      (body?.byteLength ?? 0) / SLOW,
    );
    return new Answered(response, silence);
  }

  /** Opens the socket. */
  async open(token: string): Promise<Socket> {
    const url = `${this.#url.replace(/^http/, "ws")}/v1/socket`;
    const socket = new WebSocket(url, ["tradepost.v1", `tradepost.token.${token}`]);
    socket.binaryType = "arraybuffer";
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => {
        socket.close();
        reject(new Error("timed out"));
      }, OPENING);
      socket.onopen = () => {
        clearTimeout(late);
        resolve();
      };
      socket.onclose = () => {
        clearTimeout(late);
        reject(new Error("unreachable"));
      };
    });
    return new Socket(socket);
  }
}

/** Ends a request that has said nothing for too long. */
class Silence {
  readonly #abort = new AbortController();
  readonly signal = this.#abort.signal;

  async until<T>(answer: Promise<T>, more = 0): Promise<T> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#abort.abort();
    }, SILENCE + more);
    try {
      return await answer;
    } catch {
      throw new Error(late ? "timed out" : "unreachable");
    } finally {
      clearTimeout(timer);
    }
  }

  end(): void {
    this.#abort.abort();
  }
}

/** An answer, as far as it has come. */
export class Answered {
  readonly #response: Response;
  readonly #silence: Silence;
  readonly #body: ReadableStreamDefaultReader<Uint8Array> | undefined;

  constructor(response: Response, silence: Silence) {
    this.#response = response;
    this.#silence = silence;
    this.#body = response.body?.getReader();
  }

  status(): number {
    return this.#response.status;
  }

  headers(): [string, string][] {
    return [...this.#response.headers];
  }

  /** The next piece of the body. */
  async next(): Promise<Uint8Array | undefined> {
    if (!this.#body) return undefined;
    return (await this.#silence.until(this.#body.read())).value;
  }

  /** Takes no more of it. */
  end(): void {
    this.#silence.end();
  }
}

/** A socket. */
export class Socket {
  readonly #socket: WebSocket;
  readonly #frames: (Uint8Array | null)[] = [];
  #waiting = 0;
  /** With which code it was closed; 0 if without one. -1 if the relay sent too much. */
  #closed: number | undefined;
  #wake = () => {};

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (!(data instanceof ArrayBuffer)) return;
      this.#frames.push(new Uint8Array(data));
      this.#waiting += data.byteLength;
      if (this.#waiting > WAITING) this.#end(-1);
      this.#wake();
    };
    socket.onclose = ({ code }) => this.#end(code === 1005 || code === 1006 ? 0 : code);
    // A socket notices by itself only much later that its network is gone.
    globalThis.addEventListener("offline", this.#offline);
  }

  readonly #offline = () => this.#end(0);

  #end(code: number): void {
    this.#closed ??= code;
    globalThis.removeEventListener("offline", this.#offline);
    this.#socket.close();
    this.#wake();
  }

  /** The next frame, if there is one already. Without one: a number, the code with which it was closed, or nothing. */
  take(): Uint8Array | number | undefined {
    const frame = this.#frames.shift();
    if (frame) {
      this.#waiting -= frame.byteLength;
      return frame;
    }
    return this.#closed;
  }

  /** Done when there is something to take. */
  filled(): Promise<void> {
    if (this.#frames.length > 0 || this.#closed !== undefined) return Promise.resolve();
    return new Promise((resolve) => (this.#wake = resolve));
  }

  /** Done when the frame is on its way. Gives the code with which it was closed, if it was. */
  async send(frame: Uint8Array<ArrayBuffer>): Promise<number | undefined> {
    const began = Date.now();
    while (this.#closed === undefined && this.#socket.bufferedAmount > LEAVING) {
      if (Date.now() - began > WRITING) throw new Error("timed out");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    if (this.#closed === undefined) this.#socket.send(frame);
    return this.#closed;
  }

  close(): void {
    globalThis.removeEventListener("offline", this.#offline);
    this.#socket.close(1000);
  }
}
