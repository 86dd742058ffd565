// What the samples share: the Cloud API as one function, templates that are there when they are needed, and a callback.
// Node 20, no packages. `demo.json` is what `make run` (or `tradepost up`) wrote; DEMO names another one.
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const demo = process.env.DEMO ?? new URL("../../build/try/up/demo.json", import.meta.url);
export const business = (() => {
  try {
    return JSON.parse(readFileSync(demo, "utf8"));
  } catch (error) {
    console.error(`${error.message}\nStart \`make run\` first, or say in DEMO where its demo.json is.`);
    process.exit(2);
  }
})();

/** Calls the API; throws what it says when it refuses. */
export async function call(method, path, body) {
  const response = await fetch(`${business.base_url}/v24.0/${path}`, {
    method,
    headers: { authorization: `Bearer ${business.token}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (answer.error) {
    const { code, message, error_data, error_user_msg } = answer.error;
    throw new Error(`${method} ${path}: ${code} ${message}. ${error_data?.details ?? error_user_msg ?? ""}`);
  }
  return answer;
}

/** Creates a template if it is not there, and waits until it is approved. */
export async function template(name, components, { language = "en_US", ...more } = {}) {
  const path = `${business.waba_id}/message_templates`;
  const find = async () => (await call("GET", `${path}?name=${name}`)).data.find((one) => one.name === name && one.language === language);
  if (!(await find())) await call("POST", path, { name, language, category: "UTILITY", components, ...more });
  for (const end = Date.now() + 30_000; Date.now() < end; await new Promise((wait) => setTimeout(wait, 200))) {
    const { status, rejected_reason } = await find();
    if (status === "APPROVED") return;
    if (status === "REJECTED") throw new Error(`the template ${name} was rejected: ${rejected_reason}`);
  }
  throw new Error(`the template ${name} waits for the operator's review`);
}

/** Sends a template to the sample customer, or to the number after the script's name; the message's id. */
export async function notify(name, components, language = "en_US") {
  const to = process.argv[2] ?? business.customer_number;
  const message = { name, language: { code: language }, components };
  const sent = await call("POST", `${business.phone_number_id}/messages`, {
    messaging_product: "whatsapp", to, type: "template", template: message,
  });
  console.log(`sent ${name} to ${to}: ${sent.messages[0].id}`);
  return sent.messages[0].id;
}

export const text = (...values) => values.map((value) => ({ type: "text", text: String(value) }));

/** Is told what customers do, for as long as `work` lasts, which gets a function that waits for a message. */
export async function listening(work) {
  const arrived = [], waiting = [];
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk)).on("end", () => {
      const query = new URL(request.url, "http://callback").searchParams;
      if (request.method === "GET") {
        const known = query.get("hub.verify_token") === business.verify_token;
        return response.writeHead(known ? 200 : 403).end(known ? query.get("hub.challenge") : "");
      }
      const body = Buffer.concat(chunks);
      const wanted = `sha256=${createHmac("sha256", business.app_secret).update(body).digest("hex")}`;
      const given = Buffer.from(request.headers["x-hub-signature-256"] ?? "");
      if (given.length !== wanted.length || !timingSafeEqual(given, Buffer.from(wanted))) {
        return response.writeHead(401).end();
      }
      response.end();
      for (const { changes } of JSON.parse(body).entry) {
        for (const message of changes.flatMap((change) => change.value.messages ?? [])) {
          arrived.push(message);
          waiting.splice(0).forEach((look) => look());
        }
      }
    });
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const url = `http://127.0.0.1:${server.address().port}/`;
  await call("POST", `${business.waba_id}/subscribed_apps`, {
    override_callback_uri: url, verify_token: business.verify_token,
  });
  try {
    return await work(async (wanted) => {
      for (;;) {
        const found = arrived.find(wanted);
        if (found) return found;
        await new Promise((look) => waiting.push(look));
      }
    });
  } finally {
    await call("POST", `${business.waba_id}/subscribed_apps`, {});
    server.close();
    server.closeAllConnections();
  }
}
