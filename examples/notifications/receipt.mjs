// A purchase is paid: what it was and how much, with named variables.
//   node examples/notifications/receipt.mjs [NUMBER]
import { notify, template } from "./business.mjs";

const named = (values) => Object.entries(values).map(([parameter_name, text]) => ({ type: "text", parameter_name, text }));
const purchase = { order: "#5531", items: "2 × coffee beans, 1 × filter papers", total: "EUR 31.80", card: "4417" };

await template("purchase_receipt", [
  {
    type: "BODY",
    text: "Thank you for order {{order}}:\n{{items}}\n*Total: {{total}}*, paid with the card ending in {{card}}. Keep this as your receipt.",
    example: { body_text_named_params: Object.entries(purchase).map(([param_name, example]) => ({ param_name, example })) },
  },
], { parameter_format: "NAMED" });

await notify("purchase_receipt", [{ type: "body", parameters: named(purchase) }]);
