// A parcel moves: one template in the customer's language, a message at each step, and what became of it.
//   node examples/notifications/delivery-status.mjs [NUMBER]
import { notify, template, text } from "./business.mjs";

const languages = {
  en_US: ["There is news of your parcel {{1}}: it is {{2}}. It should be with you by {{3}} at the latest.", ["packed", "on its way", "at your door"], "2 December"],
  de: ["Es gibt Neues von Ihrer Sendung {{1}}: Sie ist {{2}}. Sie sollte spätestens am {{3}} bei Ihnen sein.", ["verpackt", "unterwegs", "vor Ihrer Tür"], "2. Dezember"],
};
const language = process.env.LANGUAGE_CODE ?? "en_US";
const [body, steps, day] = languages[language] ?? languages.en_US;

await template("delivery_status", [
  { type: "BODY", text: body, example: { body_text: [["TP-2041-77", steps[0], day]] } },
], { language });

for (const step of steps) {
  await notify("delivery_status", [{ type: "body", parameters: text("TP-2041-77", step, day) }], language);
}
