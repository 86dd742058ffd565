// A payment looks wrong: ask the card's owner, and act on the button they press.
//   node examples/notifications/fraud-alert.mjs [NUMBER]     then: tradepost demo answer --data build/try/up 2
import { call, business, listening, notify, template, text } from "./business.mjs";

await template("fraud_alert", [
  { type: "HEADER", format: "TEXT", text: "Was this you?" },
  {
    type: "BODY",
    text: "We stopped a payment of {{1}} to {{2}} with your card ending in {{3}}. Did you make it?",
    example: { body_text: [["EUR 1,249.00", "Nordlicht Electronics", "4417"]] },
  },
  { type: "FOOTER", text: "We never ask for your PIN or a code." },
  { type: "BUTTONS", buttons: [{ type: "QUICK_REPLY", text: "Yes, it was me" }, { type: "QUICK_REPLY", text: "No, block it" }] },
]);

await listening(async (message) => {
  const payment = "payment-20931";
  const alert = await notify("fraud_alert", [
    { type: "body", parameters: text("EUR 1,249.00", "Nordlicht Electronics", "4417") },
    ...["yes", "no"].map((answer, index) => ({
      type: "button", sub_type: "quick_reply", index, parameters: [{ type: "payload", payload: `${answer}:${payment}` }],
    })),
  ]);
  console.log("waiting for the customer's answer …");
  const answer = await message((one) => one.context?.id === alert && one.type === "button");
  const blocked = answer.button.payload === `no:${payment}`;
  console.log(blocked ? "blocking the card" : "releasing the payment");
  await call("POST", `${business.phone_number_id}/messages`, {
    messaging_product: "whatsapp", to: answer.from ?? answer.from_user_id, type: "text", context: { message_id: answer.id },
    text: { body: blocked ? "Your card is blocked. A new one is on its way." : "Thank you. The payment goes through now." },
  });
});
