/** What a message says, as the host stores it. */
export interface FileContent {
  id: string | null;
  link?: string | null;
  caption?: string | null;
  filename?: string | null;
  voice?: boolean;
  animated?: boolean;
  mime_type?: string | null;
}

export type Header =
  | { type: "text"; text: string }
  | ({ type: "image" | "video" | "document" } & FileContent)
  | { type: "location"; latitude: string; longitude: string; name: string | null; address: string | null };

export interface TemplateButton {
  type: "quick_reply" | "url" | "phone_number" | "copy_code" | "request_contact_info";
  text: string;
  url?: string;
  phone_number?: string;
  code?: string;
}

export interface Card {
  header?: Header | null;
  body?: string | null;
  buttons?: TemplateButton[];
}

export interface FilledTemplate extends Card {
  type: "template";
  id: string;
  name: string;
  language: string;
  category: string;
  body: string;
  footer?: string | null;
  buttons?: TemplateButton[];
  cards?: Card[];
  offer?: { text: string; ends: number | null } | null;
}

export interface Row {
  id: string;
  title: string;
  description?: string | null;
}

export type Action =
  | { type: "button"; buttons: { id: string; title: string }[] }
  | { type: "list"; button: string; sections: { title: string; rows: Row[] }[] }
  | { type: "cta_url"; display_text: string; url: string }
  | { type: "location_request" | "contact_request" }
  | { type: "carousel"; cards: InteractiveContent[] };

export interface InteractiveContent {
  header?: Header | null;
  body: string | null;
  footer?: string | null;
  action: Action;
}

export interface ContactCard {
  name: { formatted_name?: string };
  phones?: { phone?: string; wa_id?: string }[];
  emails?: { email?: string }[];
  org?: { company?: string };
}

export type Content =
  | { type: "text"; body: string; preview_url?: boolean }
  | ({ type: "image" | "video" | "audio" | "document" | "sticker" } & FileContent)
  | { type: "location"; latitude: number; longitude: number; name?: string | null; address?: string | null }
  | { type: "contacts"; cards: ContactCard[] }
  | { type: "reaction"; message_id: string; emoji: string | null }
  | ({ type: "interactive" } & InteractiveContent)
  | FilledTemplate
  | { type: "button"; payload: string; text: string }
  | {
      type: "interactive_reply";
      reply: "button_reply" | "list_reply";
      id: string;
      title: string;
      description?: string | null;
    }
  | { type: "edit"; original: string; body: string }
  | { type: "revoke"; original: string }
  | { type: "system"; what: string }
  | { type: "request_welcome" }
  | { type: "unsupported"; what: string | null };

export interface Context {
  message_id?: string | null;
  forwarded?: boolean;
  frequently_forwarded?: boolean;
}

export function fileOf(content: Content): FileContent | undefined {
  switch (content.type) {
    case "image":
    case "video":
    case "audio":
    case "document":
    case "sticker":
      return content;
    default:
      return undefined;
  }
}
