// The core in a real browser, at a real relay.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { opened, register, start, until } from "./stage.mjs";

let stage;

before(async () => (stage = await start()), { timeout: 180_000 });
after(() => stage?.stop(), { timeout: 30_000 });

/** The texts of a chat, the oldest first. */
const texts = (page, account) =>
  page.evaluate(
    async (account) =>
      (await core.history(account))
        .filter(({ body }) => body.type === "text")
        .map(({ body }) => body.text)
        .reverse(),
    account,
  );

const hears = (page, text) =>
  until(
    page,
    ([text]) => told.find(({ event, message }) => event === "message" && message.body.text === text)?.message,
    text,
  );

/** Two people who know each other. */
async function two() {
  const [first, second] = [await stage.person(), await stage.person()];
  const [anna, bert] = [await first.tab(), await second.tab()];
  const [own, other] = [await register(anna, "Anna"), await register(bert, "Bert")];
  const found = await anna.evaluate((number) => core.lookup(number), other.number);
  assert.equal(found.account, other.account);
  return { first, second, anna, bert, own, other };
}

test("two people write, react, edit, send a file, and reload", { timeout: 120_000 }, async () => {
  const { anna, bert, own, other } = await two();
  const sent = await anna.evaluate((to) => core.sendText(to, "Is the flat still free?"), other.account);
  assert.equal(sent.message.state.state, "queued");
  const got = await hears(bert, "Is the flat still free?");
  assert.deepEqual(got.id, sent.id);
  await until(anna, ([at]) => told.some((e) => e.event === "state" && e.message.timestamp === at && e.state === "delivered"), sent.id.timestamp);

  await bert.evaluate(([to, id]) => core.react(to, id, "👍"), [own.account, got.id]);
  await until(anna, () => told.some((e) => e.event === "changed" && e.message.reactions[0]?.emoji === "👍"));
  await bert.evaluate(([to, id]) => core.sendText(to, "It is", id), [own.account, got.id]);
  const answer = await hears(anna, "It is");
  assert.equal(answer.quote.excerpt, "Is the flat still free?");
  await anna.evaluate(([to, id]) => core.edit(to, id, "Is the house still free?"), [other.account, sent.id]);
  await until(bert, () => told.some((e) => e.event === "changed" && e.message.body.text === "Is the house still free?"));

  await bert.evaluate(([from, position]) => core.markRead(from, position), [own.account, got.position]);
  await until(anna, () => told.some((e) => e.event === "state" && e.state === "read"));

  // A file, with its progress; then again, from what is kept.
  const size = await anna.evaluate(async (to) => {
    const bytes = new Uint8Array(300_000).map((_, i) => i % 251);
    const file = new Blob([bytes], { type: "image/png" });
    let last = 0;
    const media = { kind: "image", content_type: "image/png", file_name: "flat.png", caption: "The garden" };
    await core.sendMedia(to, file, media, { progress: (done) => (last = done) });
    return last;
  }, other.account);
  assert.ok(size >= 300_000, "progress was told");
  const media = await until(bert, () => told.find((e) => e.event === "message" && e.message.body.type === "media")?.message.body);
  assert.equal(media.caption, "The garden");
  const right = await bert.evaluate(async (media) => {
    const check = async () => {
      const bytes = new Uint8Array(await (await core.download(media.blob, media.content_type)).arrayBuffer());
      return bytes.length === 300_000 && bytes.every((byte, i) => byte === i % 251);
    };
    return [await check(), await check()];
  }, media);
  assert.deepEqual(right, [true, true]);

  const found = await bert.evaluate(() => core.search("HOUSE"));
  assert.equal(found.messages.length, 1);
  await until(bert, () => told.some((e) => e.event === "contact"));
  const chats = await bert.evaluate(() => core.chats());
  assert.equal(chats.length, 1);
  assert.equal(chats[0].title, "Anna");
  const exported = await bert.evaluate(async () => JSON.parse(await (await core.export()).text()));
  assert.equal(exported.messages.length, 3);

  await anna.reload();
  await opened(anna);
  assert.equal((await anna.evaluate(() => core.standing)).phase, "ready");
  assert.deepEqual(await texts(anna, other.account), ["Is the house still free?", "It is"]);
  await bert.evaluate((to) => core.sendText(to, "After the reload"), own.account);
  await hears(anna, "After the reload");

  const number = await anna.evaluate((account) => core.safetyNumber(account), other.account);
  const verified = await bert.evaluate(([account, code]) => core.compareScanned(account, code), [own.account, number.code]);
  assert.equal(verified, true);
  const code = await anna.evaluate((bytes) => core.qrCode({ bytes }), number.code);
  assert.equal(code.modules.length, code.width ** 2);
});

test("without a relay everything can be read, and what is written goes out later", { timeout: 120_000 }, async () => {
  const { anna, bert, own, other } = await two();
  await anna.evaluate((to) => core.sendText(to, "before"), other.account);
  await hears(bert, "before");
  stage.served.setOffline(true);
  try {
    await until(anna, () => core.standing.connected === "offline");
    await anna.reload();
    await opened(anna);
    assert.deepEqual(await texts(anna, other.account), ["before"]);
    const sent = await anna.evaluate((to) => core.sendText(to, "written without a network"), other.account);
    assert.equal(sent.message.state.state, "queued");
    await anna.evaluate((to) => core.setDraft(to, "half a th"), other.account);
    await anna.reload();
    await opened(anna);
    assert.deepEqual(await texts(anna, other.account), ["before", "written without a network"]);
    const [chat] = await anna.evaluate(() => core.chats());
    assert.equal(chat.marks.draft.text, "half a th");
    const refused = await anna.evaluate(() => core.account().catch((error) => error.code));
    assert.equal(refused, "unreachable");
  } finally {
    stage.served.setOffline(false);
  }
  await hears(bert, "written without a network");
  assert.ok(own);
});

test("one tab leads, the other follows and takes over", { timeout: 120_000 }, async () => {
  const { first, anna, bert, own, other } = await two();
  const second = await first.tab();
  assert.equal(await anna.evaluate(() => core.leads), true);
  assert.equal(await second.evaluate(() => core.leads), false);
  assert.equal((await second.evaluate(() => core.standing)).own.account, own.account);
  await second.evaluate((to) => core.sendText(to, "from the second tab"), other.account);
  await hears(bert, "from the second tab");
  await hears(anna, "from the second tab");
  await bert.evaluate((to) => core.sendText(to, "seen in one tab"), own.account);
  const seen = await hears(second, "seen in one tab");
  await second.evaluate(([from, position]) => core.markRead(from, position), [other.account, seen.position]);
  await until(anna, ([through]) => told.some((e) => e.event === "read" && e.through === through), seen.position);
  const file = await second.evaluate(async (to) => {
    const { message } = await core.sendMedia(to, new Blob(["a note"]), { kind: "document", file_name: "note.txt" });
    return (await core.download(message.body.blob, "text/plain")).text();
  }, other.account);
  assert.equal(file, "a note");
  await anna.close();
  await until(second, () => core.leads);
  await second.evaluate((to) => core.sendText(to, "after the first was closed"), other.account);
  await hears(bert, "after the first was closed");
  await bert.evaluate((to) => core.sendText(to, "heard"), own.account);
  await hears(second, "heard");
});

test("a linked browser has its history, and erases itself when it is removed", { timeout: 120_000 }, async () => {
  const { anna, bert, own, other } = await two();
  const companion = await stage.person();
  const second = await companion.tab();
  const linking = await second.evaluate(() => core.beginLinking("Anna's second"));
  assert.equal(linking.phase, "linking");
  const device = await anna.evaluate((code) => core.approveDevice(code), linking.code);
  assert.equal(device.name, "Anna's second");
  await until(second, () => core.standing.phase === "ready" && core.standing.connected === "online");
  assert.equal((await second.evaluate(() => core.standing)).own.account, own.account);
  await until(anna, () => core.standing.connected === "online");
  await anna.evaluate((to) => core.sendText(to, "from the first device"), other.account);
  await hears(second, "from the first device");
  await bert.evaluate((to) => core.sendText(to, "to both"), own.account);
  await hears(second, "to both");
  await hears(anna, "to both");
  await second.evaluate((to) => core.sendText(to, "from the second device"), other.account);
  await hears(bert, "from the second device");
  await hears(anna, "from the second device");
  await second.reload();
  await opened(second);
  const all = ["from the first device", "to both", "from the second device"];
  assert.deepEqual(await texts(second, other.account), all);

  await anna.evaluate((id) => core.removeDevice(id), device.id);
  await until(second, () => core.standing.phase === "unregistered");
  assert.equal((await second.evaluate(() => core.standing)).erased, "removed");
  const left = await second.evaluate(async () => {
    const db = await new Promise((done) => {
      const request = indexedDB.open("tradepost");
      request.onsuccess = () => done(request.result);
    });
    const count = (store) =>
      new Promise((done) => {
        const request = db.transaction(store).objectStore(store).count();
        request.onsuccess = () => done(request.result);
      });
    return [await count("records"), await count("files")];
  });
  assert.deepEqual(left, [0, 0]);
  await second.reload();
  await opened(second);
  assert.equal((await second.evaluate(() => core.standing)).erased, "removed");
});

test("a browser that was removed while it was closed erases itself when it is opened", { timeout: 120_000 }, async () => {
  const { anna, other } = await two();
  const companion = await stage.person();
  const second = await companion.tab();
  const linking = await second.evaluate(() => core.beginLinking("Left in a train"));
  const device = await anna.evaluate((code) => core.approveDevice(code), linking.code);
  await until(second, () => core.standing.phase === "ready" && core.standing.connected === "online");
  await anna.evaluate((to) => core.sendText(to, "still here"), other.account);
  await hears(second, "still here");
  await second.goto("about:blank");
  await anna.evaluate((id) => core.removeDevice(id), device.id);
  await second.goto(stage.served.url);
  await opened(second);
  await until(second, () => core.standing.phase === "unregistered");
  assert.equal((await second.evaluate(() => core.standing)).erased, "removed");
  assert.deepEqual((await anna.evaluate(() => core.devices())).length, 1);

  // The primary leaves by deleting its account.
  await anna.evaluate(() => core.deleteAccount());
  assert.equal((await anna.evaluate(() => core.standing)).erased, "deleted");
  await register(anna, "Anna again");
  assert.equal((await anna.evaluate(() => core.standing)).phase, "ready");
});

test("what makes no sense is refused, and changes nothing", { timeout: 60_000 }, async () => {
  const { anna, other } = await two();
  const codes = await anna.evaluate(async (to) => {
    const code = (promise) => promise.then(() => "done", (error) => error.code);
    return [
      await code(core.ask("nothing", {})),
      await code(core.ask("history", { account: "not an account" })),
      await code(core.sendText(to, "x".repeat(100_000))),
      await code(core.search("")),
      await code(core.openLink("javascript:alert(1)")),
      await code(core.openLink("tradepost://chat?number=%ff")),
      await code(core.approveDevice("tradepost://link?relay=x&id=../..&key=AA")),
      await code(core.register({ number: "+4915112345678", code: "1", device_name: "x" })),
      await code(core.download({ id: "../x", key: "AA==", digest: "AA==", size: 1 }, "")),
      await code(core.qrCode({ text: "x".repeat(5000) })),
    ];
  }, other.account);
  const refused = Array.from({ length: 10 }, () => "invalid");
  refused[6] = "linking_code";
  refused[7] = "already_registered";
  assert.deepEqual(codes, refused);
  assert.equal((await anna.evaluate(() => core.standing)).phase, "ready");
});

test("a browser is a companion of `tradepost chat`", { timeout: 120_000 }, async () => {
  const person = await stage.person();
  const bert = await person.tab();
  const other = await register(bert, "Bert");
  await stage.chat("register", "+4915119999999", "--dev", "--name", "Dora");
  const companion = await stage.person();
  const page = await companion.tab();
  const linking = await page.evaluate(() => core.beginLinking("Dora's browser"));
  await stage.chat("link", linking.code, "--yes");
  await until(page, () => core.standing.phase === "ready" && core.standing.connected === "online");
  assert.equal((await page.evaluate(() => core.standing)).own.number, "+4915119999999");
  await stage.chat("send", other.number, "from the terminal");
  await hears(bert, "from the terminal");
  const chat = (await hears(page, "from the terminal")).chat;
  await page.evaluate((to) => core.sendText(to, "from the browser"), chat);
  await hears(bert, "from the browser");
  assert.match(await stage.chat("receive"), /from the browser/);
});

test("a chat with a business begins with who can read it", { timeout: 120_000 }, async () => {
  const person = await stage.person();
  const page = await person.tab();
  await register(page, "Carla");
  const link = `tradepost://chat?number=${encodeURIComponent(stage.demo.business_number)}&text=Hello%20there`;
  const target = await page.evaluate((link) => core.openLink(link), link);
  assert.equal(target.to, "chat");
  assert.equal(target.text, "Hello there");
  assert.equal(target.chat.business, true);
  assert.equal(target.chat.label.shown, false);
  const { account, label } = target.chat;
  await page.evaluate((account) => core.sendText(account, "Hello there"), account);
  await page.evaluate(([account, digest]) => core.labelShown(account, digest), [account, label.digest]);
  await until(page, () => told.some((e) => e.event === "state" && e.state === "delivered"));
  await page.evaluate((account) => core.setMarketing(account, false), account);
  await page.evaluate((account) => core.askErasure(account), account);
  // It learns the number only by a visible choice, and can then be answered what its software sends to it.
  await page.evaluate((account) => core.shareNumber(account), account);
  const own = (await page.evaluate(() => core.standing)).own;
  await stage.business(own.number, {
    type: "interactive",
    interactive: {
      type: "button",
      body: { text: "Which day?" },
      action: {
        buttons: ["Monday", "Tuesday"].map((title) => ({ type: "reply", reply: { id: title.toLowerCase(), title } })),
      },
    },
  });
  const asked = await until(
    page,
    () => told.find((e) => e.event === "message" && e.message.body.type === "interactive")?.message,
  );
  const choices = await page.evaluate((id) => core.choices(id), asked.id);
  assert.deepEqual(
    choices.map(({ title, id }) => [title, id]),
    [
      ["Monday", "monday"],
      ["Tuesday", "tuesday"],
    ],
  );
  const answer = await page.evaluate(([to, id]) => core.answer(to, id, "tuesday"), [account, asked.id]);
  assert.equal(answer.message.body.title, "Tuesday");

  const chat = await page.evaluate((account) => core.chat(account), account);
  assert.ok(chat.marks.number_shared > 0);
  assert.ok(chat.marks.marketing_stopped > 0 && chat.marks.erasure_asked > 0);
  await page.evaluate((account) => core.setPinned(account, true), account);
  await page.evaluate((account) => core.setMuted(account, 0), account);
  assert.ok((await page.evaluate(() => core.chats()))[0].marks.pinned > 0);
});

test("nothing that was said is in what left the pages, or in what they keep", { timeout: 60_000 }, async () => {
  const { anna, other } = await two();
  await anna.evaluate((to) => core.sendText(to, "the secret of the lighthouse"), other.account);
  await until(anna, () => told.some((e) => e.event === "state" && e.state === "delivered"));
  const traffic = Buffer.concat(stage.served.state.traffic).toString("latin1");
  assert.ok(traffic.length > 1000);
  assert.ok(!traffic.includes("lighthouse"));
  const kept = await anna.evaluate(async () => {
    const db = await new Promise((done) => {
      const request = indexedDB.open("tradepost");
      request.onsuccess = () => done(request.result);
    });
    const all = (store) =>
      new Promise((done) => {
        const request = db.transaction(store).objectStore(store).getAll();
        request.onsuccess = () => done(request.result);
      });
    const rows = await all("records");
    const text = rows.map((row) => String.fromCharCode(...row.v, ...row.n, ...row.o)).join("");
    const keys = await all("keys");
    const key = keys.find((key) => key instanceof CryptoKey);
    return { rows: rows.length, said: text.includes("lighthouse"), extractable: key.extractable };
  });
  assert.ok(kept.rows > 10);
  assert.deepEqual([kept.said, kept.extractable], [false, false]);
});

test("nothing complained", () => {
  // What a page that is offline cannot load the browser says by itself.
  const own = stage.complaints.filter((text) => !/ERR_|WebSocket connection|status of 40[134]/.test(text));
  assert.deepEqual(own, []);
});
