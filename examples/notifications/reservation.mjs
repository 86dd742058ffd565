// A table is booked: when, and where it is on the map; the guest can cancel with a button.
//   node examples/notifications/reservation.mjs [NUMBER]
import { notify, template, text } from "./business.mjs";

await template("table_reservation", [
  { type: "HEADER", format: "LOCATION" },
  {
    type: "BODY",
    text: "Your table for {{1}} is booked: {{2}} at {{3}}. We look forward to seeing you.",
    example: { body_text: [["4", "Friday, 4 December", "19:30"]] },
  },
  { type: "BUTTONS", buttons: [{ type: "QUICK_REPLY", text: "Cancel" }] },
]);

await notify("table_reservation", [
  {
    type: "header",
    parameters: [{
      type: "location",
      location: { latitude: "48.2082", longitude: "16.3738", name: "Zum Anker", address: "Hafengasse 3, 1010 Wien" },
    }],
  },
  { type: "body", parameters: text("4", "Friday, 4 December", "19:30") },
  { type: "button", sub_type: "quick_reply", index: 0, parameters: [{ type: "payload", payload: "cancel:table-88" }] },
]);
