/** What was said in the chats of tests. */
import type { Body, Media, Message, MessageRef, State } from "@tradepost/core";
import { AIR, BANK, CLINIC, label, LENA, MANY, MARTA, NEWCOMER, OTTO, OWN, SHOP, YUSUF } from "./cast.ts";
import { SIZES, thumbnail } from "./drawn.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

type More = Partial<Omit<Message, "chat" | "id" | "body">>;

export class Talk {
  readonly messages: Message[] = [];
  #position = 1;

  add(chat: string, author: string, time: number, body: Body, more: More = {}): Message {
    const id: MessageRef = { author, timestamp: time };
    const state: State = { state: "read" };
    const message: Message = {
      chat,
      id,
      device: 1,
      position: this.#position++,
      received: time,
      body,
      quote: null,
      state,
      reactions: [],
      edited: null,
      expires_after: 0,
      expires_at: null,
      ...more,
    };
    this.messages.push(message);
    return message;
  }

  text(chat: string, author: string, time: number, text: string, more: More = {}): Message {
    return this.add(chat, author, time, { type: "text", text }, more);
  }
}

export async function shown(name: string, more: Partial<Media> = {}): Promise<Media> {
  const [width, height] = SIZES[name] ?? [0, 0];
  return {
    kind: "image",
    blob: { id: name, key: "", digest: "", size: 240_000 },
    content_type: "image/jpeg",
    file_name: `${name}.jpg`,
    caption: "",
    width,
    height,
    duration: 0,
    thumbnail: await thumbnail(name),
    animated: false,
    ...more,
  };
}

export function file(
  name: string,
  size: number,
  kind: Media["kind"] = "document",
  more: Partial<Media> = {},
): Media {
  return {
    kind,
    blob: { id: name, key: "", digest: "", size },
    content_type: "application/pdf",
    file_name: name,
    caption: "",
    width: 0,
    height: 0,
    duration: 0,
    thumbnail: "",
    animated: false,
    ...more,
  };
}

const NOTHING = { header: null, body: "", footer: "", buttons: [], list: null, slides: [] };
const UNREAD: More = { state: { state: "delivered" } };

export async function talk(now: number): Promise<Message[]> {
  const all = new Talk();
  many(all, now);
  await friends(all, now);
  await businesses(all, now);
  return all.messages;
}

async function friends(all: Talk, now: number): Promise<void> {
  const t = (days: number, minutes: number) => now - days * DAY - minutes * MINUTE;
  all.text(OTTO, OTTO, t(2, 300), "Are you coming to the lake on Saturday?");
  all.text(OTTO, OWN, t(2, 295), "Yes! *Two o'clock* at the _old_ jetty?");
  all.text(OTTO, OWN, t(2, 294), "I bring the cake 🍰");
  all.add(
    OTTO,
    OTTO,
    t(1, 200),
    { type: "media", ...(await shown("lake", { caption: "This was this morning." })) },
    {
      reactions: [{ author: OWN, emoji: "❤️" }],
    },
  );
  const question = all.text(OTTO, OTTO, t(1, 198), "Could you bring the small tent as well?");
  all.text(OTTO, OWN, t(1, 190), "Sure, it is still in the car.", {
    quote: { message: question.id, excerpt: "Could you bring the small tent as well?" },
    state: { state: "read" },
  });
  all.add(
    OTTO,
    OTTO,
    t(0, 90),
    { type: "media", ...file("", 22_000, "voice", { content_type: "audio/wav", duration: 7_400 }) },
    { state: { state: "delivered" } },
  );
  all.add(OTTO, OWN, t(0, 80), {
    type: "location",
    latitude: 52.43451,
    longitude: 13.19512,
    accuracy: 12,
    name: "Old jetty",
    address: "Am Großen Wannsee",
  });
  all.add(OTTO, OTTO, t(0, 70), {
    type: "contacts",
    contacts: [
      {
        name: "Boat rental Kern",
        phone_numbers: ["+49 30 5550199"],
        email_addresses: [],
        organization: "Kern & Sons",
      },
    ],
  });
  all.text(OTTO, OWN, t(0, 62), "Great. Here is the list: https://example.org/lake-trip (see the end).", {
    edited: t(0, 60),
    state: { state: "read" },
  });
  all.add(OTTO, OTTO, t(0, 40), { type: "deleted" });
  all.add(
    OTTO,
    OWN,
    t(0, 30),
    { type: "media", ...file("Packing list.pdf", 184_320) },
    { state: { state: "delivered" } },
  );
  all.text(OTTO, OTTO, t(0, 12), "🎉", { state: { state: "read" } });
  all.text(OTTO, OTTO, t(0, 11), "See you there. Do not forget: sun cream, the *tent*, and `two` towels.", {
    reactions: [
      { author: OWN, emoji: "👍" },
      { author: OTTO, emoji: "👍" },
    ],
  });
  all.text(OTTO, OWN, t(0, 3), "On my way.", { state: { state: "sent" } });

  all.text(LENA, OWN, t(1, 60), "Did the parcel arrive?", { state: { state: "read" } });
  all.text(LENA, LENA, t(0, 25), "Yes! Thank you so much.", UNREAD);
  all.text(LENA, LENA, t(0, 24), "I'll call you later, the meeting runs late again.", UNREAD);

  all.text(YUSUF, OWN, t(3, 100), "مرحبا يوسف، كيف حالك؟");
  all.text(YUSUF, YUSUF, t(3, 90), "بخير، الحمد لله. متى تصلين إلى الرياض؟");
  all.text(YUSUF, OWN, t(3, 80), "الرحلة NW 417 تصل الساعة 14:35.", { state: { state: "delivered" } });

  all.text(MARTA, MARTA, t(4, 10), "¿Nos vemos el jueves?");
  all.text(MARTA, OWN, t(4, 5), "Sí, a las ocho.", { state: { state: "queued" } });
}

async function businesses(all: Talk, now: number): Promise<void> {
  const t = (days: number, minutes: number) => now - days * DAY - minutes * MINUTE;
  const bank = label("Example Bank", { legal_name: "Bank of Examples AG" });
  all.add(BANK, BANK, t(2, 500), { type: "label", label: bank, change: "first" });
  all.text(BANK, OWN, t(2, 498), "Is my card blocked?");
  all.text(BANK, BANK, t(2, 495), "No, it works. We looked it up just now.");
  const asked = all.add(BANK, BANK, t(0, 55), {
    type: "interactive",
    ...NOTHING,
    header: { type: "text", text: "A payment looks unusual" },
    body: "Did you pay *€99.00* at _Pastelaria Lisboa_ today at 11:42?",
    footer: "We never ask for your PIN.",
    buttons: [
      { title: "It was me", action: "reply", id: "yes" },
      { title: "No, block the card", action: "reply", id: "no" },
    ],
  });
  all.add(BANK, OWN, t(0, 52), {
    type: "reply",
    message: asked.id,
    kind: "button",
    id: "yes",
    title: "It was me",
    description: "",
    response: "",
  });
  all.add(BANK, BANK, t(0, 50), {
    type: "interactive",
    ...NOTHING,
    body: "Thank you. What can we do for you?",
    list: {
      button: "Choose a topic",
      sections: [
        {
          title: "Cards",
          rows: [
            { id: "limit", title: "Change my limit", description: "For payments and cash" },
            { id: "new", title: "Order a new card", description: "Comes within five days" },
          ],
        },
        { title: "Other", rows: [{ id: "human", title: "Talk to somebody", description: "" }] },
      ],
    },
  });
  all.add(BANK, BANK, t(0, 20), {
    type: "interactive",
    ...NOTHING,
    body: "To find the nearest branch we would need to know where you are.",
    buttons: [{ title: "", action: "location_request" }],
  });
  all.add(BANK, OWN, t(0, 15), { type: "preference", marketing: "stop" }, { state: { state: "delivered" } });

  const air = label("Nordwind Air", { hosting: "vendor", host_name: "Cloudline Hosting" });
  all.add(AIR, AIR, t(1, 600), { type: "label", label: air, change: "first" });
  all.add(AIR, AIR, t(0, 130), {
    type: "template",
    name: "boarding_pass",
    language: "en",
    category: "utility",
    offer: null,
    content: {
      ...NOTHING,
      header: { type: "media", ...(await shown("boarding")) },
      body: "Your flight *NW 417* to Riyadh leaves at 09:20 from gate B14. Boarding begins at 08:40.",
      footer: "Nordwind Air",
      buttons: [
        { title: "Open boarding pass", action: "url", url: "https://example.com/pass/417" },
        { title: "Call us", action: "call", number: "+49 30 5550100" },
        { title: "Copy booking code", action: "copy", text: "NW7K2P" },
      ],
    },
  });
  all.add(
    AIR,
    AIR,
    t(0, 35),
    {
      type: "template",
      name: "offers",
      language: "en",
      category: "marketing",
      offer: { text: "20% off until Sunday", ends: now + 2 * DAY },
      content: {
        ...NOTHING,
        body: "Three weekends that are still free:",
        slides: await Promise.all(
          [
            ["plant", "Madeira, 4 days"],
            ["lake", "Bled, 3 days"],
            ["cat", "Istanbul, 3 days"],
          ].map(async ([name, text]) => ({
            header: { type: "media" as const, ...(await shown(name ?? "lake")) },
            body: text ?? "",
            buttons: [{ title: "Look", action: "url" as const, url: `https://example.com/${name}` }],
          })),
        ),
      },
    },
    UNREAD,
  );

  const shop = label("Fern & Pot", { legal_name: "Fern and Pot Ltd", since: now - 300 * DAY });
  all.add(SHOP, SHOP, t(9, 60), { type: "label", label: shop, change: "first" });
  all.text(SHOP, OWN, t(9, 50), "Do you have the big monstera again?");
  all.add(SHOP, SHOP, t(9, 20), {
    type: "media",
    ...(await shown("plant", { caption: "Two left, 48 € each." })),
  });
  const moved = label("Fern & Pot", { hosting: "operator", host_name: "Tradepost Europe", since: now - DAY });
  all.add(SHOP, SHOP, t(0, 5), { type: "label", label: moved, change: "changed" });

  const clinic = label("Clinic at the Park", { hosting: "sealed", host_name: "Medivault" });
  all.add(CLINIC, CLINIC, t(6, 30), { type: "label", label: clinic, change: "first" });
  all.add(CLINIC, OWN, t(6, 29), { type: "timer" }, { expires_after: 604_800 });
  all.text(CLINIC, CLINIC, t(5, 20), "Your appointment is on Tuesday at 10:15.", { expires_after: 604_800 });
  all.add(CLINIC, OWN, t(5, 10), { type: "erasure_request" }, { state: { state: "read" } });

  const bakery = label("Corner Bakery", { legal_name: "Ecke Backwaren OHG" });
  all.add(NEWCOMER, NEWCOMER, t(0, 1), { type: "label", label: bakery, change: "first" });
}

function many(all: Talk, now: number): void {
  const words = "the boat came late and nobody minded because the bread was warm and the evening long".split(
    " ",
  );
  for (let at = 0; at < 10_000; at++) {
    const time = now - 400 * DAY + at * 57 * MINUTE;
    const from = (at * 7) % 11;
    const text = Array.from(
      { length: 3 + ((at * 13) % 29) },
      (_, word) => words[(from + word) % words.length],
    ).join(" ");
    all.text(MANY, at % 3 === 0 ? OWN : MANY, time, `${at + 1}. ${text}`);
  }
}
