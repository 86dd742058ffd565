/** A message in one line. */
import type { IconName } from "@tradepost/ui/icons.ts";
import type { Body, Message } from "../core/types.ts";
import { say } from "../words/index.ts";
import { length, span } from "../words/times.ts";
import { app } from "./app.svelte.ts";
import { labelWords } from "./label.ts";

export function summary(message: Message): string {
  return bodySummary(message.body, message.id.author === app.own?.account, message.expires_after);
}

function bodySummary(body: Body, own: boolean, timer: number): string {
  switch (body.type) {
    case "text":
      return oneLine(body.text);
    case "media":
      return media(body);
    case "location":
      return body.name ? oneLine(body.name) : say("body.location");
    case "contacts":
      return body.contacts.length === 1
        ? (body.contacts[0]?.name ?? say("body.contact"))
        : say("body.contacts", { count: body.contacts.length });
    case "timer":
      return timer === 0 ? say("note.timer_off") : say("note.timer_on", { time: span(timer) });
    case "interactive":
      return oneLine(body.body) || say("body.message");
    case "template":
      return oneLine(body.content.body) || say("body.message");
    case "reply":
      return oneLine(body.title) || say("body.answer");
    case "number_share":
      return say(own ? "note.number_shared" : "note.number_shared_other");
    case "preference":
      return say(body.marketing === "stop" ? "note.marketing_stopped" : "note.marketing_resumed");
    case "erasure_request":
      return say("note.erasure_asked");
    case "erasure_done":
      return say("note.erasure_done");
    case "label":
      return body.label ? labelWords(body.label) : say("label.missing");
    case "deleted":
      return say(own ? "body.deleted_own" : "body.deleted");
    default:
      return say("body.unsupported");
  }
}

function media(body: Extract<Body, { type: "media" }>): string {
  if (body.caption) return oneLine(body.caption);
  switch (body.kind) {
    case "image":
      return say("body.photo");
    case "video":
      return say("body.video");
    case "voice":
      return `${say("body.voice")} (${length(body.duration)})`;
    case "audio":
      return say("body.audio");
    case "sticker":
      return say("body.sticker");
    default:
      return body.file_name || say("body.file");
  }
}

/** What stands before it in a list. */
export function summaryIcon(body: Body): IconName | undefined {
  switch (body.type) {
    case "media":
      return (
        ({ image: "picture", video: "play", voice: "microphone", audio: "microphone", sticker: "smile" }[
          body.kind as "image"
        ] as IconName | undefined) ?? "file"
      );
    case "location":
      return "place";
    case "contacts":
      return "card";
    case "timer":
      return "timer";
    case "label":
      return "eye";
    case "deleted":
      return "block";
    default:
      return undefined;
  }
}

/** Without marks and line breaks. */
export function oneLine(text: string): string {
  return text
    .slice(0, 300)
    .replaceAll(/```|(?<![\p{L}\p{N}])[*_~](?=\S)|(?<=\S)[*_~](?![\p{L}\p{N}])/gu, "")
    .replaceAll(/\s+/gu, " ")
    .trim();
}
