// The client of this folder with `tradepost chat`, through the real relay. scripts/interop-client.sh installs what it
// needs, `cargo build -p tradepost` makes the other side.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from './client.mjs';
import { IdentityChanged } from './errors.mjs';
import { Chat, RelayProcess } from './tradepost.mjs';
import { Content, accountBytes, accountFrom } from './wire.mjs';

const ECHO = fileURLToPath(new URL('./echo.mjs', import.meta.url));
const PATIENCE_MS = 20_000;
const DEVICE_REMOVED = 4004;
const EXIT_IDENTITY_CHANGED = 6;

let folder;
let relay;
let people = 0;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tradepost-'));
  relay = await RelayProcess.start(folder);
});

after(async () => {
  await relay?.stop();
  await rm(folder, { recursive: true });
});

const freshNumber = () => `+49151${String(10_000_000 + ++people)}`;

/** Everything that a client emits, kept until somebody asks for it. */
class Heard {
  #events = [];
  #waiting = [];

  constructor(client) {
    for (const name of ['content', 'asked', 'sentAgain', 'refilled', 'closed', 'trouble']) {
      client.on(name, (event) => {
        this.#events.push({ name, event });
        this.#waiting.forEach((look) => look());
      });
    }
  }

  /** The first event of that name, past or to come, for which `is` holds. */
  event(name, is = () => true) {
    return new Promise((resolve, reject) => {
      const told = this.#events.map(({ name, event }) => `${name} ${event?.content?.body ?? event}`);
      const late = () => reject(new Error(`no such ${name}; there was: ${told.join(', ')}`));
      const timer = setTimeout(late, PATIENCE_MS);
      const look = () => {
        const found = this.#events.find((one) => one.name === name && is(one.event));
        if (!found) return;
        clearTimeout(timer);
        this.#waiting = this.#waiting.filter((other) => other !== look);
        resolve(found.event);
      };
      this.#waiting.push(look);
      look();
    });
  }

  /** The content of the first message with this body. */
  async content(body, is = () => true) {
    return (await this.event('content', ({ content }) => content.body === body && is(content[body]))).content;
  }

  text(text) {
    return this.content('text', ({ body }) => body === text);
  }

  /** Whatever failed that it did by itself. */
  get troubles() {
    return this.#events.filter(({ name }) => name === 'trouble').map(({ event }) => event);
  }

  receipt(type, message) {
    const names = (receipt) => receipt.type === type && receipt.timestamps.includes(message.timestamp);
    return this.content('receipt', names);
  }
}

/** Anna writes with the client of this folder, the bank with `tradepost chat`; each test has its own two. */
async function withAnnaAndBank(body) {
  const { anna, heard } = await newClient();
  const bank = new Chat({ folder, name: `bank-${people}`, relay: relay.url });
  try {
    await bank.register(freshNumber());
    await body({ anna, heard, bank });
  } finally {
    await anna.disconnect();
  }
  assert.deepEqual(heard.troubles, []);
}

async function newClient(options = {}) {
  const anna = await Client.register({ url: relay.url, number: freshNumber(), ...options });
  const heard = new Heard(anna);
  await anna.connect();
  return { anna, heard };
}

const between = (sentence, body) => test(sentence, () => withAnnaAndBank(body));

/** Both have written to each other, so that both sides have a session. */
async function acquaint({ anna, heard, bank }) {
  await bank.send(anna.number, 'Good morning');
  await heard.text('Good morning');
  await anna.settled();
  await anna.sendText(bank.account, 'Good morning to you');
  await bank.receive();
}

between('text goes both ways', async ({ anna, heard, bank }) => {
  assert.equal(await anna.lookup(bank.number), bank.account);
  await anna.sendText(bank.account, 'Hello, I would like to open an account.');
  const [asked] = await bank.receive();
  assert.deepEqual(asked.body, { type: 'text', text: 'Hello, I would like to open an account.' });
  assert.equal(asked.id.author, anna.account);

  await bank.send(anna.number, 'Gladly. May we ask for your name?');
  await heard.text('Gladly. May we ask for your name?');
  await anna.sendText(bank.account, 'Anna');
  assert.deepEqual((await bank.receive()).map(({ body }) => body.text), ['Anna']);
});

between('each tells the other what was delivered and what was read', async ({ anna, heard, bank }) => {
  const message = await anna.sendText(bank.account, 'Did you get this?');
  await bank.receive('--no-read');
  await heard.receipt('DELIVERED', message);
  await bank.run('history', anna.number);
  await heard.receipt('READ', message);

  const delivered = await bank.send(anna.number, 'Yes.', '--until', 'delivered');
  assert.deepEqual(delivered.state, { state: 'delivered' });
  await heard.text('Yes.');
  await anna.sendRead(bank.account, [delivered.id.timestamp]);
  await bank.receive();
  assert.deepEqual((await bank.history(anna.number)).at(-1).state, { state: 'read' });
});

between('answers and reactions name the same message on both sides', async ({ anna, heard, bank }) => {
  const question = await anna.sendText(bank.account, 'Is Friday possible?');
  const [shown] = await bank.receive();
  await bank.send(anna.number, '--reply-to', String(shown.position), 'It is.');
  const { quote } = await heard.text('It is.');
  assert.deepEqual(quote.message, question);
  assert.equal(quote.excerpt, 'Is Friday possible?');
  await bank.send(anna.number, '--react', '👍', '--to-message', String(shown.position));
  const { reaction } = await heard.content('reaction');
  assert.equal(reaction.emoji, '👍');
  assert.deepEqual(reaction.message, question);

  const { timestamp } = await heard.text('It is.');
  const answered = { author: accountBytes(bank.account), timestamp };
  await anna.sendText(bank.account, 'Good.', { quote: { message: answered, excerpt: 'It is.' } });
  await anna.send(bank.account, { reaction: { message: answered, emoji: '🎉' } });
  const [good] = await bank.receive();
  assert.deepEqual(good.quote, { message: { author: bank.account, timestamp }, excerpt: 'It is.' });
  const own = (await bank.history(anna.number)).find(({ id }) => id.timestamp === timestamp);
  assert.deepEqual(own.reactions, [{ author: anna.account, emoji: '🎉' }]);
});

between('edits, deletions, places and cards are understood', async ({ anna, heard, bank }) => {
  const typo = await anna.sendText(bank.account, 'Hellp');
  await anna.send(bank.account, { edit: { timestamp: typo.timestamp, body: 'Hello' } });
  const regret = await anna.sendText(bank.account, 'My PIN is 1234');
  await anna.send(bank.account, { delete: { timestamp: regret.timestamp } });
  const place = { latitude: 52.5163, longitude: 13.3777, name: 'Brandenburg Gate' };
  await anna.send(bank.account, { location: place });
  const card = { name: 'Otto Muster', phoneNumbers: ['+493012345678'] };
  await anna.send(bank.account, { contacts: { contacts: [card] } });
  const [hello, gone, gate, otto] = (await bank.receive()).map(({ body }) => body);
  assert.equal(hello.text, 'Hello');
  assert.equal(gone.type, 'deleted');
  assert.equal(gate.name, 'Brandenburg Gate');
  assert.deepEqual(otto.contacts[0].phone_numbers, ['+493012345678']);

  const { position } = await bank.send(anna.number, 'Wellcome');
  await bank.run('send', anna.number, '--edit', String(position), 'Welcome');
  assert.equal((await heard.content('edit')).edit.body, 'Welcome');
});

between('what is sent to one who is offline waits, in order', async ({ anna, heard, bank }) => {
  await acquaint({ anna, heard, bank });
  await anna.disconnect();
  for (const word of ['one', 'two', 'three']) await bank.send(anna.number, word);
  const words = [];
  anna.on('content', ({ content }) => content.text && words.push(content.text.body));
  await anna.connect();
  assert.deepEqual(words, ['one', 'two', 'three']);
  await anna.settled();

  for (const word of ['four', 'five', 'six']) await anna.sendText(bank.account, word);
  assert.deepEqual((await bank.receive()).map(({ body }) => body.text), ['four', 'five', 'six']);
});

between('without a socket it sends by HTTP', async ({ anna, bank }) => {
  await anna.disconnect();
  await anna.sendText(bank.account, 'By post');
  const [message] = await bank.receive();
  assert.equal(message.body.text, 'By post');
});

between('what it cannot read it asks for again, and gets', async ({ anna, heard, bank }) => {
  await acquaint({ anna, heard, bank });
  anna.forgetSession(bank.account, 1);
  const { id } = await bank.send(anna.number, 'Can you read this?');
  const asked = await heard.event('asked');
  assert.deepEqual(asked, { of: bank.account, device: 1, timestamp: id.timestamp });
  await bank.receive();
  const { timestamp } = await heard.text('Can you read this?');
  assert.equal(timestamp, id.timestamp);
  await anna.settled();
  await bank.receive();
  assert.deepEqual((await bank.history(anna.number)).at(-1).state, { state: 'delivered' });
});

between('what the other cannot read it sends again', async ({ anna, heard, bank }) => {
  await acquaint({ anna, heard, bank });
  const restore = await bank.backUp();
  await anna.sendText(bank.account, 'The key to answer this with');
  await bank.receive();
  await bank.send(anna.number, 'will be lost');
  await heard.text('will be lost');
  await anna.settled();
  await restore();
  const message = await anna.sendText(bank.account, 'Can you read this?');
  // It asks while it receives: the answer comes in time to be shown, or the next time.
  const first = await bank.receive();
  // Receipts that were under way when it happened are asked for, too.
  const { to } = await heard.event('sentAgain', ({ timestamp }) => timestamp === message.timestamp);
  assert.equal(to, bank.account);
  const shown = [...first, ...(await bank.receive())];
  assert.deepEqual(shown.map(({ id, body }) => [id.timestamp, body.text]), [[message.timestamp, 'Can you read this?']]);
});

for (const [what, size] of [
  ['an empty file', 0],
  ['a file of exactly two chunks', 128 * 1024],
  ['a file of some chunks and a bit', 300_001],
]) {
  between(`${what} arrives whole, both ways`, async ({ anna, heard, bank }) => {
    const bytes = randomBytes(size);
    const about = { type: 'DOCUMENT', fileName: 'contract.pdf', contentType: 'application/pdf', caption: 'To sign' };
    await anna.sendFile(bank.account, bytes, about);
    const [{ body, saved }] = await bank.receive('--save-media', join(folder, 'saved', bank.account));
    assert.deepEqual([body.kind, body.file_name, body.caption], ['document', 'contract.pdf', 'To sign']);
    assert.deepEqual(await readFile(saved), bytes);

    const path = join(folder, 'signed.pdf');
    await writeFile(path, bytes);
    await bank.send(anna.number, '--file', path, 'Signed');
    const { media } = await heard.content('media');
    assert.deepEqual([media.type, media.fileName, media.caption], ['DOCUMENT', 'signed.pdf', 'Signed']);
    assert.deepEqual(await anna.fetchFile(media), bytes);
  });
}

between('each learns what the other is called', async ({ anna, heard, bank }) => {
  await bank.run('profile', '--name', 'Musterbank', '--about', 'Since 1888');
  await anna.setProfile({ name: 'Anna Muster' });
  await acquaint({ anna, heard, bank });
  const { name, about } = await anna.profileOf(bank.account);
  assert.deepEqual([name, about], ['Musterbank', 'Since 1888']);
  const [{ profile }] = await bank.run('profile', anna.number);
  assert.equal(profile.name, 'Anna Muster');
});

between('both see the same safety number', async ({ anna, heard, bank }) => {
  await acquaint({ anna, heard, bank });
  const [{ safety_number: number }] = await bank.run('verify', anna.number);
  assert.match(number, /^[0-9]{60}$/);
  assert.equal(anna.safetyNumber(bank.account), number);
  const [{ trust }] = await bank.run('verify', anna.number, '--is', anna.safetyNumber(bank.account));
  assert.equal(trust, 'verified');
});

for (const way of ['socket', 'HTTP']) {
  between(`it learns by ${way} that devices came and went`, async ({ anna, heard, bank }) => {
    await acquaint({ anna, heard, bank });
    if (way === 'HTTP') await anna.disconnect();
    const laptop = await bank.link(`laptop-${people}`);
    await anna.sendText(bank.account, 'To all of you');
    for (const device of [bank, laptop]) {
      assert.deepEqual((await device.receive()).map(({ body }) => body.text), ['To all of you']);
    }
    await bank.run('devices', 'remove', '2', '--yes');
    await anna.sendText(bank.account, 'To the one that is left');
    assert.deepEqual((await bank.receive()).at(-1).body.text, 'To the one that is left');
  });
}

between('it joins an account, and its devices know what the others do', async ({ anna, heard, bank }) => {
  let joined;
  const show = (url) => (joined = bank.run('link', url, '--yes'));
  const laptop = await Client.link({ url: relay.url, show, name: 'Laptop' });
  await joined;
  assert.deepEqual([laptop.account, laptop.device], [bank.account, 2]);
  const [{ devices }] = await bank.run('devices');
  assert.equal(devices.find(({ id }) => id === 2).name, 'Laptop');
  const heardByLaptop = new Heard(laptop);
  await laptop.connect();

  await anna.sendText(bank.account, 'To all of you');
  const { timestamp } = await heardByLaptop.text('To all of you');
  await bank.receive('--no-read');
  await laptop.sendRead(anna.account, [timestamp]);
  await heard.receipt('READ', { timestamp });
  await laptop.sendText(anna.account, 'From the laptop');
  await heard.text('From the laptop');
  await bank.receive('--no-read');
  const [read, said] = await bank.history(anna.number);
  assert.deepEqual([read.body.text, read.state.state], ['To all of you', 'read']);
  assert.deepEqual([said.body.text, said.id.author, said.device], ['From the laptop', bank.account, 2]);

  await bank.send(anna.number, 'From the desk');
  const isSent = ({ event }) => event === 'sent';
  const { sync } = await heardByLaptop.content('sync', isSent);
  assert.equal(accountFrom(sync.sent.to), anna.account);
  assert.equal(Content.decode(sync.sent.content).text.body, 'From the desk');
  await laptop.disconnect();
  assert.deepEqual(heardByLaptop.troubles, []);
});

between('nothing goes to a changed identity key before it is accepted', async ({ anna, heard, bank }) => {
  await acquaint({ anna, heard, bank });
  const before = anna.safetyNumber(bank.account);
  await bank.run('forget', '--yes');
  await bank.register(bank.number);
  await assert.rejects(anna.sendText(bank.account, 'Are you still you?'), IdentityChanged);
  assert.notEqual(anna.safetyNumber(bank.account), before);
  anna.acceptIdentity(bank.account);
  await anna.sendText(bank.account, 'Hello again');
  assert.equal((await bank.receive()).at(-1).body.text, 'Hello again');
});

between('the other side is told of a changed identity key of ours', async ({ anna, heard, bank }) => {
  await acquaint({ anna, heard, bank });
  const again = await Client.register({ url: relay.url, number: anna.number });
  assert.equal(again.account, anna.account);
  assert.equal(await heard.event('closed'), DEVICE_REMOVED);
  const refusal = await bank.send(anna.number, 'Are you still you?').catch((failure) => failure);
  assert.equal(refusal.code, EXIT_IDENTITY_CHANGED);
  // Only a number that was shown can be accepted.
  await bank.run('verify', anna.number);
  await bank.run('verify', anna.number, '--accept-new-identity');
  const heardAgain = new Heard(again);
  await again.connect();
  await heardAgain.text('Are you still you?');
  await again.disconnect();
});

test('the example answers whoever writes to it', async () => {
  const number = freshNumber();
  const echo = spawn(process.execPath, [ECHO, number, relay.url], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(echo.stdout, 'data');
    const anna = new Chat({ folder, name: 'anna', relay: relay.url });
    await anna.register(freshNumber());
    await anna.send(number, 'Is anybody there?', '--until', 'read');
    assert.deepEqual((await anna.receive()).map(({ body }) => body.text), ['Is anybody there?']);
  } finally {
    echo.kill();
  }
});

test('it uploads one-time keys when they run out', async () => {
  const { anna, heard } = await newClient({ oneTimeKeys: 20 });
  const other = await newClient();
  await other.anna.sendText(anna.account, 'The twentieth key');
  await heard.event('refilled');
  await heard.text('The twentieth key');
  await Promise.all([anna.disconnect(), other.anna.disconnect()]);
});
