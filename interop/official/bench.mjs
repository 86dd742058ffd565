// Measures the official package driven from Node, one session record per party, serialized after
// every message and deserialized before the next, as an application with a database does it.

import { parseArgs } from 'node:util';
import { Party } from './parties.mjs';
import { packageVersion } from './version.mjs';

const MESSAGES = 1000;
const SETUPS = 100;
const SIZE_INTERVAL = 10;
const PLAINTEXT = Buffer.alloc(100, 7);

const USAGE = `Usage: node bench.mjs [--json] [--rounds N]

Measures the installed official Signal protocol package: medians over N rounds (default 5).

  --json      print one JSON object instead of a table
  --rounds N  measure N rounds after one warm-up round
  --help      show this text

Times are microseconds of wall time per operation, sizes bytes of a serialized session record:

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

async function send(sender, receiver) {
  const message = await sender.encrypt(receiver.address, PLAINTEXT);
  await receive(sender, receiver, { type: message.type(), body: message.serialize() });
}

async function receive(sender, receiver, { type, body }) {
  await receiver.decrypt(sender.address, type, body);
}

/** Two parties whose session both sides have acknowledged, so messages are of type 2. */
async function acknowledgedPair() {
  const pair = { initiator: new Party(), responder: new Party() };
  await setUp(pair, await pair.responder.offerBundle());
  await send(pair.responder, pair.initiator);
  return pair;
}

async function setUp({ initiator, responder }, bundle) {
  await initiator.processBundle(responder.address, bundle);
  await send(initiator, responder);
}

function recordSizes({ initiator, responder }) {
  return [
    initiator.sessions.serialized(responder.address).length,
    responder.sessions.serialized(initiator.address).length,
  ];
}

/** Alternates making keys and using them, so that both meet the same state of the machine. */
async function measureSetUp() {
  let keys = 0;
  let setup = 0;
  for (let i = 0; i < SETUPS; i++) {
    let pair;
    let bundle;
    keys += await timePer(SETUPS, async () => {
      pair = { initiator: new Party(), responder: new Party() };
      bundle = await pair.responder.offerBundle();
    });
    setup += await timePer(SETUPS, () => setUp(pair, bundle));
  }
  return { setup, setupWithKeys: setup + keys };
}

async function measureOneDirection() {
  const pair = await acknowledgedPair();
  const { initiator, responder } = pair;
  const firstReply = recordSizes(pair);
  const sent = [];
  const encrypt = await timePer(MESSAGES, async () => {
    for (let i = 0; i < MESSAGES; i++) {
      const message = await initiator.encrypt(responder.address, PLAINTEXT);
      sent.push({ type: message.type(), body: message.serialize() });
    }
  });
  const decrypt = await timePer(MESSAGES, async () => {
    for (const message of sent) await receive(initiator, responder, message);
  });
  return { encrypt, decrypt, firstReply, oneDirection: recordSizes(pair) };
}

async function measurePingPong() {
  const pair = await acknowledgedPair();
  let [sender, receiver] = [pair.initiator, pair.responder];
  let max = recordSizes(pair);
  const pingpong = await timePer(MESSAGES, async () => {
    for (let i = 1; i <= MESSAGES; i++) {
      await send(sender, receiver);
      [sender, receiver] = [receiver, sender];
      if (i % SIZE_INTERVAL === 0) max = larger(max, recordSizes(pair));
    }
  });
  return { pingpong, pingPong: recordSizes(pair), max };
}

function larger(some, others) {
  return some.map((size, index) => Math.max(size, others[index]));
}

async function measureRound() {
  return {
    ...(await measureSetUp()),
    ...(await measureOneDirection()),
    ...(await measurePingPong()),
  };
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
    version: packageVersion(),
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
  const head = `official package ${version}, medians of ${rounds} rounds`;
  const sizeHead = `record bytes           initiator responder`;
  return [head, ...timeRows, sizeHead, ...sizeRows].join('\n');
}

async function main({ json, rounds }) {
  await measureRound();
  const measured = [];
  for (let i = 0; i < rounds; i++) measured.push(await measureRound());
  const summary = summarize(measured);
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
else await main(chosen);
