// What both benches share, this one's and that of interop/wasm: two parties, one session record per
// party, serialized after every message and restored before the next, as an application with a
// database does it. So their figures can be put side by side.
//
// A side is what is measured:
//
//   title, about         what it is called, and the sentence of --help that says what is measured
//   record               the word for what a session is serialized to
//   version()            its version
//   party()              a new party, with `address`, `offerBundle` and `processBundle`
//   encrypt(from, to, plaintext), decrypt(from, to, message)
//                        one message, and what travels; both may be promises
//   size(party, remote)  bytes of the record that `party` keeps for `remote`

import { parseArgs } from 'node:util';

const MESSAGES = 1000;
const SETUPS = 100;
const SIZE_INTERVAL = 10;
const PLAINTEXT = new Uint8Array(100).fill(7);

const usage = ({ about, record }) => `Usage: node bench.mjs [--json] [--rounds N]

${about}: medians over N rounds (default 5).

  --json      print one JSON object instead of a table
  --rounds N  measure N rounds after one warm-up round
  --help      show this text

Times are microseconds of wall time per operation, sizes bytes of a serialized ${record}. Each
operation restores the ${record} from bytes and serializes it again:

  setup             process a bundle, encrypt the first message, decrypt it; keys made before
  setup_with_keys   the same, and making the two identities and the prekeys
  encrypt, decrypt  one 100-byte message of ${MESSAGES} sent in one direction after a first reply
  pingpong          one 100-byte message encrypted and decrypted, the direction alternating
  sizes             [initiator, responder] after the first reply, after ${MESSAGES} messages in one
                    direction, after ${MESSAGES} ping-pong messages from a first reply, and the
                    maximum seen at every 10th of those
`;

function microseconds() {
  return Number(process.hrtime.bigint()) / 1000;
}

/** Wall time of `work` in microseconds, per one of its `count` operations. */
async function timePer(count, work) {
  const start = microseconds();
  await work();
  return (microseconds() - start) / count;
}

function larger(some, others) {
  return some.map((size, index) => Math.max(size, others[index]));
}

/** One side's rounds. Awaiting what is no promise costs a tenth of a microsecond. */
class Rounds {
  #side;

  constructor(side) {
    this.#side = side;
  }

  async measure() {
    return {
      ...(await this.#setUps()),
      ...(await this.#oneDirection()),
      ...(await this.#pingPong()),
    };
  }

  async #send(sender, receiver) {
    const message = await this.#side.encrypt(sender, receiver, PLAINTEXT);
    await this.#side.decrypt(sender, receiver, message);
  }

  #newPair() {
    return { initiator: this.#side.party(), responder: this.#side.party() };
  }

  async #setUp({ initiator, responder }, bundle) {
    await initiator.processBundle(responder.address, bundle);
    await this.#send(initiator, responder);
  }

  /** Two parties whose session both sides have acknowledged, so messages are of type 2. */
  async #acknowledgedPair() {
    const pair = this.#newPair();
    await this.#setUp(pair, await pair.responder.offerBundle());
    await this.#send(pair.responder, pair.initiator);
    return pair;
  }

  #sizes({ initiator, responder }) {
    return [
      this.#side.size(initiator, responder.address),
      this.#side.size(responder, initiator.address),
    ];
  }

  /** Alternates making keys and using them, so that both meet the same state of the machine. */
  async #setUps() {
    let keys = 0;
    let setup = 0;
    for (let i = 0; i < SETUPS; i++) {
      let pair;
      let bundle;
      keys += await timePer(SETUPS, async () => {
        pair = this.#newPair();
        bundle = await pair.responder.offerBundle();
      });
      setup += await timePer(SETUPS, () => this.#setUp(pair, bundle));
    }
    return { setup, setupWithKeys: setup + keys };
  }

  async #oneDirection() {
    const pair = await this.#acknowledgedPair();
    const { initiator, responder } = pair;
    const firstReply = this.#sizes(pair);
    const sent = [];
    const encrypt = await timePer(MESSAGES, async () => {
      for (let i = 0; i < MESSAGES; i++) {
        sent.push(await this.#side.encrypt(initiator, responder, PLAINTEXT));
      }
    });
    const decrypt = await timePer(MESSAGES, async () => {
      for (const message of sent) await this.#side.decrypt(initiator, responder, message);
    });
    return { encrypt, decrypt, firstReply, oneDirection: this.#sizes(pair) };
  }

  async #pingPong() {
    const pair = await this.#acknowledgedPair();
    let [sender, receiver] = [pair.initiator, pair.responder];
    let max = this.#sizes(pair);
    const pingpong = await timePer(MESSAGES, async () => {
      for (let i = 1; i <= MESSAGES; i++) {
        await this.#send(sender, receiver);
        [sender, receiver] = [receiver, sender];
        if (i % SIZE_INTERVAL === 0) max = larger(max, this.#sizes(pair));
      }
    });
    return { pingpong, pingPong: this.#sizes(pair), max };
  }
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function summarize(version, rounds) {
  const time = (name) => Math.round(median(rounds.map((round) => round[name])) * 10) / 10;
  const size = (name) =>
    [0, 1].map((party) => Math.round(median(rounds.map((round) => round[name][party]))));
  return {
    version,
    rounds: rounds.length,
    setup_us: time('setup'),
    setup_with_keys_us: time('setupWithKeys'),
    encrypt_us: time('encrypt'),
    decrypt_us: time('decrypt'),
    pingpong_us: time('pingpong'),
    sizes: {
      first_reply: size('firstReply'),
      one_direction: size('oneDirection'),
      pingpong: size('pingPong'),
      pingpong_max: rounds.map((round) => round.max).reduce(larger),
    },
  };
}

function table({ title, record }, { version, rounds, sizes, ...times }) {
  const timeRows = Object.entries(times).map(
    ([name, value]) => `${name.padEnd(20)}${value.toFixed(1).padStart(9)}`,
  );
  const sizeRows = Object.entries(sizes).map(
    ([name, pair]) => `${name.padEnd(20)}${pair.map((size) => `${size}`.padStart(9)).join('')}`,
  );
  const head = `${title} ${version}, medians of ${rounds} rounds`;
  const sizeHead = `${`${record} bytes`.padEnd(20)}initiator responder`;
  return [head, ...timeRows, sizeHead, ...sizeRows].join('\n');
}

function options() {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
      help: { type: 'boolean', default: false },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a number from 1');
  return { ...values, rounds };
}

function optionsOrExit() {
  try {
    return options();
  } catch (error) {
    console.error(`bench: ${error.message} (see --help)`);
    process.exit(2);
  }
}

/** The whole program: measures a side as the command line says, and prints the figures. */
export async function bench(side) {
  const { help, json, rounds } = optionsOrExit();
  if (help) {
    console.log(usage(side));
    return;
  }
  const measuring = new Rounds(side);
  await measuring.measure();
  const measured = [];
  for (let i = 0; i < rounds; i++) measured.push(await measuring.measure());
  const summary = summarize(side.version(), measured);
  console.log(json ? JSON.stringify(summary) : table(side, summary));
}
