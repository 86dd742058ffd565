/** What is said in the chats of the pretended bank. */
import type { Content } from "../src/business/api/content.ts";
import type { Chat, Message, Note } from "../src/business/api/types.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const SERVICE = "106540352242922";
export const LOANS = "106540352242923";

export interface Talk {
  chat: Chat;
  messages: Message[];
  notes: Note[];
}

type Said = readonly [ago: number, by: "in" | string, content: Content, more?: Partial<Message>];

let serial = 0;
function user(): string {
  serial += 1;
  return `DE.1349120865530274${String(1000 + serial)}`;
}

const text = (body: string): Content => ({ type: "text", body, preview_url: false });

function talk(
  now: number,
  about: Partial<Chat> & { name: string },
  said: readonly Said[],
  notes: readonly (readonly [number, string, string])[] = [],
): Talk {
  const user_id = about.user_id ?? user();
  const number = about.phone_number_id ?? SERVICE;
  const messages = said.map(([ago, by, content, more], index): Message => {
    const out = by !== "in";
    return {
      id: `wamid.${user_id.slice(-4)}${String(index).padStart(4, "0")}`,
      seq: String(1000 + index),
      phone_number_id: number,
      user_id,
      direction: out ? "out" : "in",
      type: content.type === "interactive_reply" ? "interactive" : content.type,
      at: now - ago,
      status: out ? "read" : null,
      read: true,
      imported: false,
      category: "service",
      content,
      context: {},
      agent_id: out && by !== "software" ? by : null,
      ...more,
    };
  });
  const lastIn = messages.findLast(({ direction }) => direction === "in");
  const wrote = lastIn?.at ?? null;
  return {
    chat: {
      phone_number_id: number,
      user_id,
      wa_id: null,
      latest: messages.at(-1)?.at ?? now,
      wrote,
      window_until: wrote === null ? null : wrote + DAY,
      unread: 0,
      blocked: false,
      marketing_stopped: false,
      status: "open",
      assigned_to: null,
      labels: [],
      answering: [],
      ...about,
    },
    messages,
    notes: notes.map(([ago, agent_id, words], index) => ({
      note_id: `note${index}${user_id.slice(-4)}`,
      agent_id,
      at: now - ago,
      text: words,
    })),
  };
}

export function talks(now: number): Talk[] {
  const ada = "DE.13491208655302741918";
  return [
    talk(
      now,
      {
        name: "Ada Brandt",
        user_id: ada,
        wa_id: "4915112345678",
        unread: 2,
        labels: ["loan"],
        assigned_to: "mara",
      },
      [
        [2 * DAY, "software", template("Ada")],
        [
          2 * DAY - 20 * MINUTE,
          "in",
          text("Yes please. I would like to know what a loan of 12,000 € over four years would cost."),
        ],
        [
          2 * DAY - 34 * MINUTE,
          "jonas",
          text("Happy to help. May I ask what it is for? Rates differ a little between a car and a home."),
        ],
        [2 * DAY - 36 * MINUTE, "in", text("A car. A used one, *three years old*.")],
        [
          DAY + HOUR,
          "jonas",
          {
            type: "interactive",
            header: { type: "text", text: "Your loan" },
            body: "12,000 € over 48 months at 5.1 % would be 276.80 € a month. How shall we go on?",
            footer: "Example Bank, no obligation",
            action: {
              type: "button",
              buttons: [
                { id: "apply", title: "Apply now" },
                { id: "call", title: "Call me" },
                { id: "later", title: "Later" },
              ],
            },
          },
        ],
        [
          3 * HOUR,
          "in",
          { type: "interactive_reply", reply: "button_reply", id: "apply", title: "Apply now" },
        ],
        [
          2.5 * HOUR,
          "mara",
          text(
            "Wonderful. Please send me a picture of your payslip, then I can begin: https://example.org/payslips",
          ),
        ],
        [HOUR, "in", { type: "image", id: "pic1", caption: "Here is the first one", mime_type: "image/png" }],
        [50 * MINUTE, "mara", { type: "reaction", message_id: `wamid.${ada.slice(-4)}0007`, emoji: "👍" }],
        [
          22 * MINUTE,
          "in",
          { type: "document", id: "doc1", filename: "Payslip October.pdf", mime_type: "application/pdf" },
        ],
        [
          12 * MINUTE,
          "in",
          text("Is that enough, or do you need the September one as well?"),
          { context: { message_id: `wamid.${ada.slice(-4)}0006` }, read: false },
        ],
        [
          11 * MINUTE,
          "in",
          { type: "audio", id: "voice1", voice: true, mime_type: "audio/ogg" },
          { read: false },
        ],
      ],
      [
        [
          40 * MINUTE,
          "jonas",
          "She already has an account with us since 2019. Score is fine, go ahead without the third payslip.",
        ],
      ],
    ),
    talk(
      now,
      {
        name: "يوسف الحداد",
        unread: 1,
        phone_number_id: LOANS,
        labels: ["vip"],
        answering: [{ agent_id: "layla", until: now + 10 * MINUTE }],
      },
      [
        [5 * HOUR, "in", text("مرحبًا، متى يفتح الفرع القريب من المحطة؟")],
        [4.8 * HOUR, "layla", text("أهلًا بك. يفتح غدًا من الساعة 9:00 حتى 16:30.")],
        [18 * MINUTE, "in", text("شكرًا! وهل أحتاج إلى موعد؟"), { read: false }],
      ],
    ),
    talk(now, { name: "Marta Sánchez", unread: 3, labels: ["complaint", "vip"] }, [
      [70 * MINUTE, "in", text("Me han cobrado dos veces la misma compra.")],
      [69 * MINUTE, "in", { type: "image", id: "pic2", mime_type: "image/png" }, { read: false }],
      [26 * MINUTE, "in", text("¿Hola? ¿Hay alguien?"), { read: false }],
    ]),
    talk(now, { name: "Lena Hoffmann", assigned_to: "jonas", labels: ["card"] }, [
      [3 * HOUR, "in", text("My card is gone. I think I lost it on the train.")],
      [2.9 * HOUR, "jonas", text("I have blocked it. Nothing was booked since this morning.")],
      [2.8 * HOUR, "in", text("Thank you!! That was quick 🙏")],
      [
        40 * MINUTE,
        "jonas",
        text("The new one is in the post and should be with you on Tuesday."),
        { status: "delivered" },
      ],
    ]),
    talk(now, { name: "Tomás Rivera", assigned_to: "mara" }, [
      [
        6 * HOUR,
        "in",
        {
          type: "location",
          latitude: 40.4168,
          longitude: -3.7038,
          name: "Puerta del Sol",
          address: "Madrid",
        },
      ],
      [
        5 * HOUR,
        "mara",
        text("The nearest machine is 200 metres from there, at Calle Mayor 4."),
        { status: "read" },
      ],
      [5 * HOUR - MINUTE, "in", { type: "reaction", message_id: "x", emoji: "❤️" }],
    ]),
    talk(now, { name: "Grace Adeyemi", labels: ["loan"] }, [
      [
        8 * HOUR,
        "in",
        {
          type: "contacts",
          cards: [{ name: { formatted_name: "Samuel Adeyemi" }, phones: [{ phone: "+49 151 5550123" }] }],
        },
      ],
      [7.5 * HOUR, "software", text("Thank you. We will write to him by post."), { status: "failed" }],
    ]),
    talk(now, { name: "Old Oak Bakery", phone_number_id: LOANS, marketing_stopped: true }, [
      [30 * HOUR, "in", text("We would like to talk about the oven again next week.")],
      [26 * HOUR, "mara", text("Of course. Tuesday at ten?"), { status: "read" }],
    ]),
    talk(now, { name: "Piotr Zieliński", assigned_to: "sofia" }, [
      [DAY + 2 * HOUR, "in", text("Dzień dobry! Can I open an account online?")],
      [
        DAY + HOUR,
        "sofia",
        text("Yes, it takes ten minutes: https://example.org/open"),
        { status: "delivered" },
      ],
    ]),
    talk(now, { name: "Wei Zhang" }, [[3 * DAY, "in", text("谢谢，收到了。")]]),
    talk(now, { name: "", blocked: true }, [[4 * DAY, "in", text("WIN A PRIZE!!! click here")]]),
    ...["Ines Keller", "Noah Petersen", "Fatima Rahimi", "Hugo Lindqvist", "Chiara Russo", "Emil Novák"].map(
      (name, index) =>
        talk(now, { name, assigned_to: index % 2 ? "jonas" : null, labels: index % 3 ? [] : ["card"] }, [
          [(5 + index) * DAY, "in", text("Where can I see what I paid this month?")],
          [(5 + index) * DAY - HOUR, "jonas", text("In the app under “Spending”. Anything else I can do?")],
        ]),
    ),
    talk(now, { name: "Closed Case", status: "closed", assigned_to: "mara" }, [
      [9 * DAY, "in", text("All sorted, thanks a lot.")],
    ]),
  ];
}

function template(name: string): Content {
  return {
    type: "template",
    id: "501",
    name: "loan_question",
    language: "en",
    category: "UTILITY",
    header: { type: "text", text: "Your enquiry" },
    body: `Hello ${name}, you asked about a loan on our page. Shall we go on here?`,
    footer: "Example Bank",
    buttons: [
      { type: "quick_reply", text: "Yes, please" },
      { type: "url", text: "Read more", url: "https://example.org/loans" },
    ],
  };
}
