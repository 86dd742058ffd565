// Sends with the SDK and prints what was answered, one line of JSON each. Its environment is that of the SDK itself.
const WhatsApp = require("whatsapp");

const wa = new WhatsApp(Number(process.env.WA_PHONE_NUMBER_ID));
// 443 unless it is changed here.
wa.requester.port = Number(process.env.WA_PORT);
const to = Number(process.env.TO);

async function show(name, call) {
  const response = await call;
  console.log(JSON.stringify({ name, status: response.statusCode(), body: await response.responseBodyToJSON() }));
}

(async () => {
  const language = { policy: "deterministic", code: "en_US" };
  await show("text", wa.messages.text({ body: "From the SDK", preview_url: false }, to));
  await show("template", wa.messages.template({ name: "hello_world", language }, to));
  const buttons = [{ type: "reply", reply: { id: "agree", title: "Agree" } }];
  const interactive = { type: "button", body: { text: "Do you agree?" }, action: { buttons } };
  await show("buttons", wa.messages.interactive(interactive, to));
  await show("reply", wa.messages.text({ body: "As you said" }, to, process.env.WAMID));
  await show("read", wa.messages.status({ status: "read", message_id: process.env.WAMID }));
  await show("nobody", wa.messages.text({ body: "Hello" }, Number.NaN));
  // Otherwise the process does not end.
  wa.requester.client.clearSockets();
})();
