// The other end of peer.mjs's pipe, for tests.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PEER = fileURLToPath(new URL('./peer.mjs', import.meta.url));

export class Driver {
  #process = spawn(process.execPath, [PEER], { stdio: ['pipe', 'pipe', 'inherit'] });
  #exit = once(this.#process, 'exit');
  #lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  #lastId = 0;

  /** Sends one line as it is and returns the parsed reply. */
  async line(text) {
    this.#process.stdin.write(`${text}\n`);
    const { value } = await this.#lines.next();
    return JSON.parse(value);
  }

  async reply(op, fields = {}) {
    const id = ++this.#lastId;
    const reply = await this.line(JSON.stringify({ id, op, ...fields }));
    if (reply.id !== id) throw new Error(`reply ${reply.id} to request ${id}`);
    return reply;
  }

  /** The result of an operation that must succeed. */
  async ok(op, fields) {
    const { ok, error } = await this.reply(op, fields);
    if (error) throw new Error(`${op}: ${error.name}: ${error.message}`);
    return ok;
  }

  /** The error of an operation that must fail. */
  async error(op, fields) {
    const { error } = await this.reply(op, fields);
    if (!error) throw new Error(`${op} succeeded`);
    return error;
  }

  /** Ends the peer's stdin and returns its exit code. */
  async close() {
    this.#process.stdin.end();
    const [code] = await this.#exit;
    return code;
  }
}
