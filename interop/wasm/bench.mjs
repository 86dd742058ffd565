// Measures the protocol in WASM driven from Node, in the way and with the output of
// interop/official/bench.mjs, so that the two can be put side by side.

import { parseArgs } from 'node:util';
import { Party, wasm } from './party.mjs';

const MESSAGES = 1000;
const SETUPS = 100;
const SIZE_INTERVAL = 10;
const PLAINTEXT = new Uint8Array(100).fill(7);

const USAGE = `Usage: node bench.mjs [--json] [--rounds N]

Measures the protocol in WASM, as scripts/wasm.sh built it: medians over N rounds (default 5).

  --json      print one JSON object instead of a table
  --rounds N  measure N rounds after one warm-up round
  --help      show this text

Times are microseconds of wall time per operation, sizes bytes of a serialized session. Each
operation restores the session from bytes and serializes it again:

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
function timePer(count, work) {
  const start = microseconds();
  work();
  return (microseconds() - start) / count;
}

function send(sender, receiver) {
  receiver.decrypt(sender.address, sender.encrypt(receiver.address, PLAINTEXT));
}

/** Two parties whose session both sides have acknowledged, so messages are of kind 2. */
function acknowledgedPair() {
  const pair = { initiator: new Party(), responder: new Party() };
  setUp(pair, pair.responder.offerBundle());
  send(pair.responder, pair.initiator);
  return pair;
}

function setUp({ initiator, responder }, bundle) {
  initiator.processBundle(responder.address, bundle);
  send(initiator, responder);
}

function sessionSizes({ initiator, responder }) {
  return [
    initiator.serialized(responder.address).length,
    responder.serialized(initiator.address).length,
  ];
}

/** Alternates making keys and using them, so that both meet the same state of the machine. */
function measureSetUp() {
  let keys = 0;
  let setup = 0;
  for (let i = 0; i < SETUPS; i++) {
    let pair;
    let bundle;
    keys += timePer(SETUPS, () => {
      pair = { initiator: new Party(), responder: new Party() };
      bundle = pair.responder.offerBundle();
    });
    setup += timePer(SETUPS, () => setUp(pair, bundle));
  }
  return { setup, setupWithKeys: setup + keys };
}

function measureOneDirection() {
  const pair = acknowledgedPair();
  const { initiator, responder } = pair;
  const firstReply = sessionSizes(pair);
  const sent = [];
  const encrypt = timePer(MESSAGES, () => {
    for (let i = 0; i < MESSAGES; i++) sent.push(initiator.encrypt(responder.address, PLAINTEXT));
  });
  const decrypt = timePer(MESSAGES, () => {
    for (const message of sent) responder.decrypt(initiator.address, message);
  });
  return { encrypt, decrypt, firstReply, oneDirection: sessionSizes(pair) };
}

function measurePingPong() {
  const pair = acknowledgedPair();
  let [sender, receiver] = [pair.initiator, pair.responder];
  let max = sessionSizes(pair);
  const pingpong = timePer(MESSAGES, () => {
    for (let i = 1; i <= MESSAGES; i++) {
      send(sender, receiver);
      [sender, receiver] = [receiver, sender];
      if (i % SIZE_INTERVAL === 0) max = larger(max, sessionSizes(pair));
    }
  });
  return { pingpong, pingPong: sessionSizes(pair), max };
}

function larger(some, others) {
  return some.map((size, index) => Math.max(size, others[index]));
}

function measureRound() {
  return { ...measureSetUp(), ...measureOneDirection(), ...measurePingPong() };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function summarize(rounds) {
  const time = (name) => Math.round(median(rounds.map((round) => round[name])) * 10) / 10;
  const size = (name) =>
    [0, 1].map((party) => Math.round(median(rounds.map((round) => round[name][party]))));
  return {
    version: wasm.version(),
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

function table({ version, rounds, sizes, ...times }) {
  const timeRows = Object.entries(times).map(
    ([name, value]) => `${name.padEnd(20)}${value.toFixed(1).padStart(9)}`,
  );
  const sizeRows = Object.entries(sizes).map(
    ([name, pair]) => `${name.padEnd(20)}${pair.map((size) => `${size}`.padStart(9)).join('')}`,
  );
  const head = `Tradepost in WASM ${version}, medians of ${rounds} rounds`;
  const sizeHead = `session bytes          initiator responder`;
  return [head, ...timeRows, sizeHead, ...sizeRows].join('\n');
}

function main({ json, rounds }) {
  measureRound();
  const summary = summarize(Array.from({ length: rounds }, measureRound));
  console.log(json ? JSON.stringify(summary) : table(summary));
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

const chosen = optionsOrExit();
if (chosen.help) console.log(USAGE);
else main(chosen);
