// The other side of the tests: the real relay and `tradepost chat`, as processes in a folder of their own.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const BINARY = process.env.TRADEPOST_BINARY ?? fileURLToPath(new URL('../../target/debug/tradepost', import.meta.url));
const STARTING_MS = 30_000;
const COMMAND_MS = 60_000;
/** Many people register from one address here, and at once. */
const PATIENT = {
  TRADEPOST_RELAY__LIMITS__CODES: '{ burst = 1000, every_ms = 1 }',
  TRADEPOST_RELAY__LIMITS__REGISTRATIONS: '{ burst = 1000, every_ms = 1 }',
  TRADEPOST_RELAY__REGISTRATION__PAUSE_MS: '1',
};

export class RelayProcess {
  #process;

  /** Starts a relay with its data in this folder. */
  static async start(folder) {
    const addressFile = join(folder, 'address');
    const flags = ['relay', '--listen', '127.0.0.1:0', '--data', join(folder, 'relay'), '--address-file', addressFile];
    const child = spawn(BINARY, [...flags, '--log', 'warn'], {
      env: { ...process.env, ...PATIENT },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const url = await untilWritten(addressFile, child);
    return new RelayProcess(child, url);
  }

  constructor(child, url) {
    this.#process = child;
    this.url = url;
  }

  async stop() {
    if (this.#process.exitCode !== null) return;
    this.#process.kill('SIGTERM');
    await once(this.#process, 'exit');
  }
}

async function untilWritten(file, child) {
  let failure = null;
  child.once('error', (error) => (failure = error));
  child.once('exit', (code) => (failure = new Error(`the relay ended with ${code}`)));
  for (const end = Date.now() + STARTING_MS; Date.now() < end; await sleep(20)) {
    if (failure) throw failure;
    const text = await readFile(file, 'utf8').catch(() => null);
    if (text) return text.trim();
  }
  throw new Error('the relay does not listen');
}

/** An account of the command line. */
export class Chat {
  #folder;
  #name;
  #relay;

  constructor({ folder, name, relay }) {
    this.#folder = folder;
    this.#name = name;
    this.#relay = relay;
  }

  /** Registers and returns what it is now: `account`, `device`, `number`. */
  async register(number, ...flags) {
    const [own] = await this.run('register', number, '--dev', ...flags);
    Object.assign(this, { account: own.account, number: own.number });
    return own;
  }

  /** Runs a command and returns the JSON values that it printed. A failure has `code` (the exit code) and `stderr`. */
  async run(...words) {
    const options = { timeout: COMMAND_MS, encoding: 'utf8' };
    const { stdout } = await promisify(execFile)(BINARY, this.#flags(words), options);
    return stdout.split('\n').filter(Boolean).map(JSON.parse);
  }

  /** The messages that `receive` shows, with where it saved their files. */
  async receive(...flags) {
    const shown = await this.run('receive', ...flags);
    return shown.map(({ message, saved }) => ({ ...message, saved }));
  }

  /** Sends and returns the message as it stands in the chat then. */
  async send(to, ...words) {
    const [{ message }] = await this.run('send', to, ...words);
    return message;
  }

  /** The messages of a chat as they stand now. */
  async history(who) {
    const [{ messages }] = await this.run('history', who, '--no-read');
    return messages;
  }

  /** Lets a new device of this name join; returns it. */
  async link(name) {
    const joining = new Chat({ folder: this.#folder, name, relay: this.#relay });
    const child = spawn(BINARY, joining.#flags(['link']), { stdio: ['ignore', 'pipe', 'inherit'] });
    const exit = once(child, 'exit');
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    await this.run('link', JSON.parse(line).url, '--yes');
    const [code] = await exit;
    if (code !== 0) throw new Error(`linking ended with ${code}`);
    return joining;
  }

  /** Copies everything of this account; returns what puts the copy back in its place. */
  async backUp() {
    const [own, copy] = [join(this.#folder, this.#name), join(this.#folder, `${this.#name}.backup`)];
    await cp(own, copy, { recursive: true });
    return async () => {
      await rm(own, { recursive: true });
      await cp(copy, own, { recursive: true });
    };
  }

  #flags(words) {
    return ['chat', '--as', this.#name, '--data', this.#folder, '--relay', this.#relay, '--json', ...words];
  }
}
