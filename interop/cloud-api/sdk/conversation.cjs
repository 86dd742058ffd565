// The SDK as a program of the business: each line of its input names a call of the SDK and what it is called with,
// and is answered with a line of JSON; every notification that its listener took is one too. Its environment is that
// of the SDK itself.
const readline = require("node:readline");
const WhatsApp = require("whatsapp");

// The listener puts the pieces of a body together as one text and then joins them as if they were a list of buffers.
// Here Node takes that too; otherwise a notification would end the process.
const joined = Buffer.concat;
Buffer.concat = (pieces, ...more) => (typeof pieces === "string" ? Buffer.from(pieces) : joined(pieces, ...more));

function say(line) {
  console.log(JSON.stringify(line));
}

const wa = new WhatsApp(Number(process.env.WA_PHONE_NUMBER_ID));
// 443 unless it is changed here.
wa.requester.port = Number(process.env.WA_PORT);
// Any free port, on this machine alone.
wa.config.LISTENER_PORT = { host: "127.0.0.1", port: 0 };
wa.webhooks.start((status, headers, body, response, error) => {
  if (response) {
    response.writeHead(status).end();
  }
  say({ notification: body, status, error: error?.message });
});
const listener = wa.webhooks.server.server;
listener.on("listening", () => say({ port: listener.address().port }));

async function answer({ id, call, words }) {
  const [object, method] = call.split(".");
  // JSON has no such number.
  const response = await wa[object][method](...words.map((word) => (word === "NaN" ? Number.NaN : word)));
  say({ id, status: response.statusCode(), body: await response.responseBodyToJSON() });
}

const lines = readline.createInterface({ input: process.stdin });
lines.on("line", (line) => answer(JSON.parse(line)).catch((error) => say({ failed: String(error) })));
lines.on("close", () => {
  // Otherwise the process does not end.
  wa.requester.client.clearSockets();
  wa.webhooks.stop(() => process.exit(0));
});
