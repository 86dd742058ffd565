/** The routes of the pretended host that are about chats. */
import type { Content } from "../src/business/api/content.ts";
import type { Chat, Message } from "../src/business/api/types.ts";
import type { Host, Routes } from "./host.ts";
import { Refused, type Answer, type Call } from "./http.ts";
import { picture } from "./picture.ts";
import type { Talk } from "./talk.ts";

/** A tone of one second, as a WAV. */
function sound(): Buffer {
  const rate = 8_000;
  const wave = Buffer.alloc(44 + rate);
  wave.write("RIFF", 0);
  wave.writeUInt32LE(36 + rate, 4);
  wave.write("WAVEfmt ", 8);
  wave.writeUInt32LE(16, 16);
  wave.writeUInt16LE(1, 20);
  wave.writeUInt16LE(1, 22);
  wave.writeUInt32LE(rate, 24);
  wave.writeUInt32LE(rate, 28);
  wave.writeUInt16LE(1, 32);
  wave.writeUInt16LE(8, 34);
  wave.write("data", 36);
  wave.writeUInt32LE(rate, 40);
  for (let at = 0; at < rate; at++) wave[44 + at] = 128 + Math.round(40 * Math.sin(at / 5));
  return wave;
}

function words(message: Message): string {
  return JSON.stringify(message.content).toLowerCase();
}

/** What is sent, as it is stored. */
function stored(message: Record<string, unknown>): Content {
  const type = String(message["type"]);
  const part = (message[type] ?? {}) as Record<string, unknown>;
  if (type === "text") return { type: "text", body: String(part["body"]) };
  if (type === "interactive") {
    const body = part["body"] as { text: string };
    const action = part["action"] as { buttons?: { reply: { id: string; title: string } }[] };
    return {
      type: "interactive",
      body: body.text,
      action: { type: "button", buttons: (action.buttons ?? []).map(({ reply }) => reply) },
    };
  }
  if (type === "template") {
    return {
      type,
      id: "501",
      name: String(part["name"]),
      language: "en",
      category: "UTILITY",
      body: "Hello Ada, you asked about a loan on our page. Shall we go on here?",
    };
  }
  return { type, ...part } as Content;
}

export function chatRoutes(host: Host): Routes {
  const { business } = host;
  const find = ({ path }: Call): Talk => {
    const found = business.talks.find(
      ({ chat }) => chat.phone_number_id === path[1] && chat.user_id === path[2],
    );
    if (!found) throw new Refused(404, "not_found");
    return found;
  };
  const name = ({ chat }: Talk) => ({ phone_number_id: chat.phone_number_id, user_id: chat.user_id });
  const changed = (talk: Talk): Answer => {
    host.tell("chat", name(talk));
    return { json: talk.chat };
  };
  const says = (talk: Talk, message: Partial<Message> & { content: Content }): Message => {
    const last = talk.messages.at(-1);
    const made: Message = {
      id: `wamid.${Date.now()}${talk.messages.length}`,
      seq: String(Number(last?.seq ?? 1000) + 1),
      ...name(talk),
      direction: "out",
      type: message.content.type,
      at: Date.now(),
      status: "sent",
      read: true,
      imported: false,
      category: "service",
      context: {},
      agent_id: null,
      ...message,
    };
    talk.messages.push(made);
    talk.chat.latest = made.at;
    host.tell("message", { ...name(talk), id: made.id });
    return made;
  };
  return {
    "POST chats/list": ({ body }, who) => {
      const wanted = (chat: Chat): boolean => {
        const { assigned, label, status, unread, words: sought, phone_number_id } = body;
        if (status && chat.status !== status) return false;
        if (unread && chat.unread === 0) return false;
        if (label && !chat.labels.includes(String(label))) return false;
        if (phone_number_id && chat.phone_number_id !== phone_number_id) return false;
        if (assigned === "nobody" && chat.assigned_to !== null) return false;
        if (assigned === "somebody" && chat.assigned_to === null) return false;
        const by = assigned === "me" ? who : assigned;
        if (by && !["nobody", "somebody"].includes(String(by)) && chat.assigned_to !== by) return false;
        return !sought || chat.name.toLowerCase().includes(String(sought).toLowerCase());
      };
      const all = business.talks.map(({ chat }) => chat).filter(wanted);
      return { json: { chats: all.toSorted((a, b) => b.latest - a.latest), next: null } };
    },
    "GET chats/{}/{}": (call) => ({ json: find(call).chat }),
    "PUT chats/{}/{}": (call) => {
      const talk = find(call);
      const { status, assigned_to, expected } = call.body;
      if ("expected" in call.body && talk.chat.assigned_to !== expected) throw new Refused(409, "conflict");
      if (status) talk.chat.status = status as Chat["status"];
      if (assigned_to !== undefined) talk.chat.assigned_to = assigned_to as string | null;
      return changed(talk);
    },
    "POST chats/{}/{}/messages/list": (call) => {
      const { limit = 50, after, type } = call.body as { limit?: number; after?: string; type?: string };
      const all = find(call)
        .messages.filter((message) => !type || message.type === type)
        .toReversed();
      const from = after ? Number(after) : 0;
      const next = from + limit < all.length ? String(from + limit) : null;
      return { json: { messages: all.slice(from, from + limit), next } };
    },
    "POST chats/{}/{}/messages": (call, who) => {
      const talk = find(call);
      const message = call.body["message"] as Record<string, unknown>;
      const other = talk.chat.answering.find(({ agent_id }) => agent_id !== who);
      if (call.body["seen"] && !call.body["force"] && other) throw new Refused(409, "answered");
      const open = (talk.chat.window_until ?? 0) > Date.now();
      if (!open && message["type"] !== "template") throw new Refused(409, "window_closed");
      const made = says(talk, {
        content: stored(message),
        agent_id: who,
        context: (message["context"] ?? {}) as object,
      });
      const further = (status: Message["status"], wait: number) =>
        setTimeout(() => {
          made.status = status;
          host.tell("status", { ...name(talk), id: made.id });
        }, wait).unref();
      further("delivered", 150);
      further("read", 400);
      return { json: { id: made.id, user_id: talk.chat.user_id } };
    },
    "POST chats/{}/{}/read": (call) => {
      const talk = find(call);
      talk.chat.unread = 0;
      for (const message of talk.messages) message.read = true;
      host.tell("chat", name(talk));
      return {};
    },
    "PUT chats/{}/{}/answering": (call, who) => {
      const talk = find(call);
      const until = Date.now() + 15_000;
      const others = talk.chat.answering.filter(({ agent_id }) => agent_id !== who);
      talk.chat.answering = [...others, { agent_id: who, until }];
      host.tell("answering", { ...name(talk), agent_id: who, until });
      return { json: { answering: talk.chat.answering } };
    },
    "DELETE chats/{}/{}/answering": (call, who) => {
      const talk = find(call);
      talk.chat.answering = talk.chat.answering.filter(({ agent_id }) => agent_id !== who);
      host.tell("answering", { ...name(talk), agent_id: who, until: 0 });
      return {};
    },
    "PUT chats/{}/{}/labels/{}": (call) => {
      const talk = find(call);
      const label = call.path[4] ?? "";
      if (!talk.chat.labels.includes(label)) talk.chat.labels = [...talk.chat.labels, label];
      changed(talk);
      return {};
    },
    "DELETE chats/{}/{}/labels/{}": (call) => {
      const talk = find(call);
      talk.chat.labels = talk.chat.labels.filter((label) => label !== call.path[4]);
      changed(talk);
      return {};
    },
    "GET chats/{}/{}/notes": (call) => ({ json: { notes: find(call).notes, next: null } }),
    "POST chats/{}/{}/notes": (call, who) => {
      const talk = find(call);
      const note = {
        note_id: `n${Date.now()}`,
        agent_id: who,
        at: Date.now(),
        text: String(call.body["text"]),
      };
      talk.notes.unshift(note);
      host.tell("note", name(talk));
      return { status: 201, json: note };
    },
    "DELETE chats/{}/{}/notes/{}": (call) => {
      const talk = find(call);
      talk.notes = talk.notes.filter(({ note_id }) => note_id !== call.path[4]);
      host.tell("note", name(talk));
      return {};
    },
    "PUT chats/{}/{}/block": (call) => {
      const talk = find(call);
      talk.chat.blocked = true;
      changed(talk);
      return {};
    },
    "DELETE chats/{}/{}/block": (call) => {
      const talk = find(call);
      talk.chat.blocked = false;
      changed(talk);
      return {};
    },
    "POST messages/list": ({ body }) => {
      const sought = String(body["words"]).toLowerCase();
      const all = business.talks
        .flatMap(({ messages }) => messages)
        .filter((message) => words(message).includes(sought));
      return { json: { messages: all.toSorted((a, b) => b.at - a.at).slice(0, 50), next: null } };
    },
    "POST numbers/{}/messages": ({ body }) => ({ json: { id: "wamid.new", user_id: String(body["to"]) } }),
    "POST numbers/{}/media": () => ({ status: 201, json: { media_id: "pic3" } }),
    "GET media/{}": ({ path }) => {
      const id = path[1] ?? "";
      if (id.startsWith("voice")) return { bytes: sound(), type: "audio/wav" };
      if (id.startsWith("doc")) return { bytes: Buffer.from("%PDF-1.4\n"), type: "application/pdf" };
      return { bytes: picture(id.charCodeAt(3) % 7), type: "image/png" };
    },
    "POST people/list": ({ body }) => {
      const of = business.talks.filter(
        ({ chat }) => !body["phone_number_id"] || chat.phone_number_id === body["phone_number_id"],
      );
      const people = of.map(({ chat }) => {
        const { phone_number_id, user_id, wa_id, name: called, wrote, blocked, marketing_stopped } = chat;
        return { phone_number_id, user_id, wa_id, name: called, wrote, blocked, marketing_stopped };
      });
      return { json: { people, next: null } };
    },
  };
}
