// Runs every sample as its reader does, and looks at the customer's screen.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const binary = process.env.TRADEPOST_BINARY ?? fileURLToPath(new URL("../../target/debug/tradepost", import.meta.url));
const sample = (name) => fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
const data = mkdtempSync(join(tmpdir(), "tradepost-samples-"));
const environment = { ...process.env, DEMO: join(data, "demo.json") };
const PATIENCE = 60_000;
let up;

async function until(what, wanted) {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await new Promise((wait) => setTimeout(wait, 200))) {
    const found = await wanted();
    if (found) return found;
  }
  assert.fail(`waited in vain for ${what}`);
}

const demo = async (...words) => (await run(binary, ["demo", words[0], "--data", data, ...words.slice(1)])).stdout;
const sees = (text) => until(`the customer to see ${text}`, async () => (await demo("read")).includes(text));

before(async () => {
  up = spawn(binary, ["up", "--data", data, "--listen", "127.0.0.1:0"], { stdio: "ignore" });
  await until("tradepost up", () => {
    assert.equal(up.exitCode, null, "tradepost up ended");
    return existsSync(environment.DEMO);
  });
});

after(async () => {
  if (up.exitCode === null) {
    const ended = new Promise((end) => up.once("exit", end));
    up.kill();
    await ended;
  }
  rmSync(data, { recursive: true, force: true });
});

for (const [name, ...texts] of [
  ["flight-delay", "Flight TP 482 is delayed", "gate B 12", "https://air.example/booking/QX7P2L"],
  ["receipt", "2 × coffee beans, 1 × filter papers", "EUR 31.80"],
  ["reservation", "Zum Anker", "Friday, 4 December at 19:30", "Cancel"],
  ["delivery-status", "TP-2041-77: it is packed", "it is on its way", "it is at your door"],
]) {
  test(name, async () => {
    await run(process.execPath, [sample(name)], { env: environment, timeout: PATIENCE });
    for (const text of texts) await sees(text);
  });
}

test("delivery-status in another language", async () => {
  const german = { ...environment, LANGUAGE_CODE: "de" };
  await run(process.execPath, [sample("delivery-status")], { env: german, timeout: PATIENCE });
  for (const text of ["Sie ist verpackt", "spätestens am 2. Dezember", "Sie ist vor Ihrer Tür"]) await sees(text);
});

test("without a business it says what to do", async () => {
  const nowhere = { ...environment, DEMO: join(data, "nowhere.json") };
  const error = await run(process.execPath, [sample("receipt")], { env: nowhere }).catch((error) => error);
  assert.equal(error.code, 2);
  assert.match(error.stderr, /make run/);
});

let last = 0;
for (const [button, decided, reply] of [
  ["no", "blocking the card", "Your card is blocked."],
  ["yes", "releasing the payment", "The payment goes through now."],
]) {
  test(`fraud-alert, answered ${button}`, async () => {
    const id = `${button}:payment-20931`;
    const alert = run(process.execPath, [sample("fraud-alert")], { env: environment, timeout: PATIENCE });
    const offers = ({ choices }) => choices?.some((one) => one.id === id);
    const latest = await until("the alert", async () => {
      const { messages } = JSON.parse(await demo("read", "--json"));
      return messages.findLast((message) => offers(message) && message.position > last);
    });
    last = latest.position;
    await demo("answer", "--button", id, "--message", String(latest.position));
    assert.match((await alert).stdout, new RegExp(decided));
    await sees(reply);
  });
}
