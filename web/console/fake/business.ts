/** A bank with its agents, templates, programs and figures: all that the pretended host knows. */
import { createHash } from "node:crypto";
import type * as t from "../src/business/api/types.ts";
import { DAY, HOUR, LOANS, MINUTE, SERVICE, talks, type Talk } from "./talk.ts";

export interface Business {
  now: number;
  agents: t.Agent[];
  invitations: t.Invitation[];
  talks: Talk[];
  labels: t.Label[];
  replies: t.Reply[];
  numbers: t.Number_[];
  profile: t.Profile;
  links: t.Link[];
  templates: t.Template[];
  apps: t.App[];
  deliveries: t.Delivery[];
  deadLetters: t.DeadLetter[];
  hosting: t.Hosting;
  log: t.LogEntry[];
  tasks: t.Task[];
  sessions: t.OpenSession[];
}

const hash = (text: string) => createHash("sha256").update(text).digest("hex");

export function bank(now: number): Business {
  const agent = (agent_id: string, display_name: string, role: t.Role, seen: number | null): t.Agent => ({
    agent_id,
    name: `${agent_id}@bank.example`,
    display_name,
    role,
    second_factor: role !== "agent",
    disabled: false,
    created: now - 200 * DAY,
    seen,
  });
  const log = entries(now);
  const numbers: t.Number_[] = [
    {
      phone_number_id: SERVICE,
      display_phone_number: "+493023125000",
      verified_name: "Example Bank",
      registered: true,
      tier: 2000,
    },
    {
      phone_number_id: LOANS,
      display_phone_number: "+493023125001",
      verified_name: "Example Bank Loans",
      registered: true,
      tier: 250,
    },
  ];
  return {
    now,
    agents: [
      agent("mara", "Mara Okafor", "owner", now - MINUTE),
      agent("sofia", "Sofia Marín", "admin", now - 3 * HOUR),
      agent("jonas", "Jonas Weber", "agent", now - 4 * MINUTE),
      agent("layla", "ليلى حداد", "agent", now - 2 * MINUTE),
      agent("ruth", "Ruth Adler", "auditor", now - 12 * DAY),
      { ...agent("kim", "Kim Sørensen", "agent", null), disabled: true },
    ],
    invitations: [
      {
        invitation_id: "i1",
        name: "ben@bank.example",
        display_name: "Ben Carter",
        role: "agent",
        expires: now + 2 * DAY,
        agent_id: null,
      },
    ],
    talks: talks(now),
    labels: [
      { label_id: "loan", name: "Loan", colour: "#3d4ea8" },
      { label_id: "card", name: "Card", colour: "#1f7a5a" },
      { label_id: "complaint", name: "Complaint", colour: "#b3372f" },
      { label_id: "vip", name: "Private banking", colour: "#9a6a00" },
    ],
    replies: [
      { reply_id: "r1", shortcut: "hello", text: "Hello, this is Example Bank. How can I help you?" },
      {
        reply_id: "r2",
        shortcut: "hours",
        text: "Our branches are open Monday to Friday from 9:00 to 16:30.",
      },
      {
        reply_id: "r3",
        shortcut: "blocked",
        text: "I have blocked the card. A new one is on its way and costs nothing.",
      },
      { reply_id: "r4", shortcut: "bye", text: "You are welcome. Have a good day!" },
    ],
    numbers,
    profile: {
      about: "Your bank around the corner, since 1887",
      address: "Marktplatz 1, 10115 Berlin",
      description:
        "Accounts, cards and loans for people and small companies. Nobody but us reads what you write here.",
      email: "service@bank.example",
      websites: ["https://bank.example"],
      vertical: "FINANCE",
      picture_url: null,
    },
    links: [
      {
        code: "Q7HZ2M4KXPN4B1",
        message: "Hello, I have a question about my account",
        url: "https://relay.example/m/Q7HZ2M4KXPN4B1",
        created: now - 40 * DAY,
      },
      {
        code: "L0ANS4YOU22",
        message: "I would like to know more about a loan",
        url: "https://relay.example/m/L0ANS4YOU22",
        created: now - 3 * DAY,
      },
    ],
    templates: templates(now),
    apps: [
      {
        app_id: "7001",
        name: "Core banking",
        created: now - 120 * DAY,
        callback: {
          url: "https://hooks.bank.example/tradepost",
          fields: ["messages", "message_template_status_update"],
          failures: 0,
        },
        tokens: [
          {
            token_id: "t1",
            scopes: ["whatsapp_business_messaging", "whatsapp_business_management"],
            issued: now - 120 * DAY,
            expires: null,
          },
          {
            token_id: "t2",
            scopes: ["whatsapp_business_messaging"],
            issued: now - 10 * DAY,
            expires: now + 80 * DAY,
          },
        ],
      },
      {
        app_id: "7002",
        name: "Reporting",
        created: now - 20 * DAY,
        callback: { url: "https://reports.bank.example/in", fields: ["messages"], failures: 14 },
        tokens: [
          { token_id: "t3", scopes: ["business_management"], issued: now - 20 * DAY, expires: now - DAY },
        ],
      },
    ],
    deliveries: Array.from({ length: 24 }, (_, index): t.Delivery => {
      const bad = index % 7 === 3;
      return {
        id: 900 - index,
        app_id: index % 3 ? "7001" : "7002",
        callback: index % 3 ? 1 : 2,
        url: index % 3 ? "https://hooks.bank.example/tradepost" : "https://reports.bank.example/in",
        event: 5400 - index,
        field: index % 5 ? "messages" : "message_template_status_update",
        attempt: bad ? 3 : 1,
        at: now - index * 4 * MINUTE,
        millis: bad ? 10_000 : 40 + ((index * 37) % 160),
        status: bad ? (index % 2 ? 503 : null) : 200,
        outcome: bad ? (index % 2 ? "refused" : "timeout") : "delivered",
      };
    }),
    deadLetters: [
      {
        event: 5102,
        app_id: "7002",
        callback: 2,
        target: SERVICE,
        field: "messages",
        created: now - 9 * DAY,
        died: now - 2 * DAY,
        attempts: 21,
        failure: "503",
      },
      {
        event: 5097,
        app_id: "7002",
        callback: 2,
        target: SERVICE,
        field: "messages",
        created: now - 9 * DAY,
        died: now - 2 * DAY,
        attempts: 21,
        failure: "timeout",
      },
    ],
    hosting: {
      business_id: "1234567890123456",
      name: "Example Bank",
      legal_name: "Example Bank AG",
      country: "DE",
      state: "approved",
      mode: "self",
      host_name: null,
      suspended: null,
      numbers,
      kept_days: 365,
      instructions: {
        deliver: true,
        store_days: 365,
        search: true,
        reply: false,
        analyse: true,
        market: false,
        advertise: false,
      },
      log: { seq: log[0]?.seq ?? 0, hash: log[0]?.hash ?? "" },
    },
    log,
    tasks: [
      {
        task_id: "k1",
        kind: "import",
        state: "running",
        done: 1840,
        total: 5210,
        error: null,
        report: null,
        created: now - 3 * MINUTE,
      },
      {
        task_id: "k2",
        kind: "export",
        state: "done",
        done: 12,
        total: 12,
        error: null,
        report: { chats: 17, messages: 2310, files: 140 },
        created: now - 20 * MINUTE,
      },
      {
        task_id: "k3",
        kind: "import",
        state: "failed",
        done: 0,
        total: null,
        error: "it is not clear who the customer is: say so",
        report: null,
        created: now - DAY,
      },
    ],
    sessions: [
      {
        session_id: "s1",
        created: now - 3 * HOUR,
        seen: now - MINUTE,
        browser: "Chromium on Linux",
        network: "192.0.2.0/24",
        current: true,
      },
      {
        session_id: "s2",
        created: now - 6 * DAY,
        seen: now - DAY,
        browser: "Safari on iOS",
        network: "198.51.100.0/24",
        current: false,
      },
    ],
  };
}

function templates(now: number): t.Template[] {
  const body = (text: string, more: object = {}) => ({ type: "BODY", text, ...more });
  const make = (
    id: string,
    name: string,
    status: string,
    category: string,
    components: t.Component[],
    more = {},
  ): t.Template => ({
    template_id: id,
    name,
    language: "en",
    category,
    status,
    reason: status === "REJECTED" ? "PROMOTIONAL" : "NONE",
    parameter_format: "POSITIONAL",
    components,
    message_send_ttl_seconds: null,
    edited: now - Number(id) * HOUR,
    ...more,
  });
  return [
    make("501", "loan_question", "APPROVED", "UTILITY", [
      { type: "HEADER", format: "TEXT", text: "Your enquiry" },
      body("Hello {{1}}, you asked about a loan on our page. Shall we go on here?", {
        example: { body_text: [["Ada"]] },
      }),
      { type: "FOOTER", text: "Example Bank" },
      {
        type: "BUTTONS",
        buttons: [
          { type: "QUICK_REPLY", text: "Yes, please" },
          { type: "URL", text: "Read more", url: "https://example.org/loans" },
        ],
      },
    ]),
    make("502", "card_on_its_way", "APPROVED", "UTILITY", [
      body("Good news, {{1}}: your new card was posted on {{2}}.", {
        example: { body_text: [["Lena", "Monday"]] },
      }),
    ]),
    make("503", "spring_offer", "REJECTED", "UTILITY", [
      body("Only this week: 0.5 % less for all new loans!"),
    ]),
    make("504", "branch_moves", "PENDING", "MARKETING", [
      { type: "HEADER", format: "IMAGE" },
      body("From Monday you find us at {{1}}. Come in for a coffee!", {
        example: { body_text: [["Marktplatz 3"]] },
      }),
    ]),
    make("505", "code", "APPROVED", "AUTHENTICATION", [
      {
        type: "BODY",
        text: "Your code is {{1}}.",
        add_security_recommendation: true,
        example: { body_text: [["482 193"]] },
      },
      { type: "FOOTER", code_expiration_minutes: 10 },
      { type: "BUTTONS", buttons: [{ type: "OTP", text: "Copy code", otp_type: "COPY_CODE" }] },
    ]),
    make(
      "506",
      "bienvenida",
      "PAUSED",
      "MARKETING",
      [body("¡Bienvenida, {{1}}!", { example: { body_text: [["Marta"]] } })],
      { language: "es" },
    ),
  ];
}

function entries(now: number): t.LogEntry[] {
  const kinds: readonly [string, string, string, string[]][] = [
    ["store", "agent mara", "message", ["DE.13491208655302741918"]],
    ["deliver", "webhook 7001", "message", ["wamid.19180010"]],
    ["search", "agent jonas", "chat", ["voucher"]],
    ["decide", "agent mara", "instructions", ["deliver", "store 365 days", "search", "analyse"]],
    ["market", "app 7002", "message", ["DE.13491208655302741918"]],
    ["decide", "agent sofia", "token_issued", ["9f2c51d07a3e44b1"]],
  ];
  return Array.from({ length: 50 }, (_, index): t.LogEntry => {
    const [purpose, reader, subject, names] = kinds[index % kinds.length] ?? ["store", "", "", []];
    const seq = 4312 - index;
    return {
      seq,
      at: now - index * 11 * MINUTE,
      purpose,
      reader,
      subject,
      names,
      refused: purpose === "market",
      hash: hash(`entry ${seq}`),
    };
  });
}
