// A flight is late: the new time and gate, with a link to the booking.
//   node examples/notifications/flight-delay.mjs [NUMBER]
import { notify, template, text } from "./business.mjs";

await template("flight_delay", [
  { type: "HEADER", format: "TEXT", text: "Flight {{1}} is delayed", example: { header_text: ["TP 482"] } },
  {
    type: "BODY",
    text: "Your flight from {{1}} to {{2}} now leaves at *{{3}}* from gate {{4}}. We are sorry for the wait.",
    example: { body_text: [["Lisbon", "Vienna", "18:40", "B 12"]] },
  },
  {
    type: "BUTTONS",
    buttons: [{ type: "URL", text: "My booking", url: "https://air.example/booking/{{1}}", example: ["https://air.example/booking/QX7P2L"] }],
  },
]);

await notify("flight_delay", [
  { type: "header", parameters: text("TP 482") },
  { type: "body", parameters: text("Lisbon", "Vienna", "18:40", "B 12") },
  { type: "button", sub_type: "url", index: 0, parameters: text("QX7P2L") },
]);
