/** The console's API, as functions. The cookie says who asks; what changes something carries the session's CSRF token. */
import { ask, problemFrom } from "../../shell/http.ts";
import { Problem } from "../../shell/problem.ts";
import type * as t from "./types.ts";
import type { FilledTemplate } from "./content.ts";

const BASE = "/console/v1/";
let csrf = "";
let ended: () => void = () => undefined;

/** With which token changes are asked for from now on. */
export function useToken(token: string): void {
  csrf = token;
}

/** What happens once a session is found to have ended. */
export function onEnded(act: () => void): void {
  ended = act;
}

type Query = Record<string, string | number | boolean | undefined | null>;

function address(path: string, query: Query = {}): string {
  const given = Object.entries(query).filter(
    ([, value]) => value !== undefined && value !== null && value !== "",
  );
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return BASE + path + (text && `?${text}`);
}

async function call(
  method: string,
  path: string,
  body?: unknown,
  more: Record<string, string> = {},
): Promise<Response> {
  const headers: Record<string, string> = { ...more };
  if (method !== "GET") headers["x-csrf-token"] = csrf;
  if (body !== undefined) headers["content-type"] = "application/json";
  try {
    return await ask(BASE + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.code === "unauthorized") ended();
    throw thrown;
  }
}

async function read<T>(path: string, query?: Query): Promise<T> {
  const response = await call("GET", address(path, query).slice(BASE.length));
  return (await response.json()) as T;
}

async function write<T>(
  method: string,
  path: string,
  body?: unknown,
  more?: Record<string, string>,
): Promise<T> {
  const response = await call(method, path, body, more);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

const part = encodeURIComponent;
const chatPath = (chat: { phone_number_id: string; user_id: string }) =>
  `chats/${part(chat.phone_number_id)}/${part(chat.user_id)}`;
export type ChatName = Pick<t.Chat, "phone_number_id" | "user_id">;

export const session = {
  get: () => read<t.Session>("session"),
  signIn: (name: string, password: string, code?: string) =>
    write<t.Session>("POST", "session", { name, password, ...(code ? { code } : {}) }),
  signOut: () => write<void>("DELETE", "session"),
  all: () => read<{ sessions: t.OpenSession[] }>("sessions"),
  end: (id: string) => write<void>("DELETE", `sessions/${part(id)}`),
  endOthers: () => write<void>("DELETE", "sessions"),
  invitation: (secret: string) => write<t.InvitationShown>("POST", "invitation", { secret }),
  accept: (secret: string, password: string, display_name?: string) =>
    write<t.Session>("POST", "invitation/accept", {
      secret,
      password,
      ...(display_name ? { display_name } : {}),
    }),
};

export const account = {
  rename: (display_name: string) => write<t.Session>("PUT", "account", { display_name }),
  password: (password: string, new_password: string) =>
    write<void>("PUT", "account/password", { password, new_password }),
  beginTotp: (password: string) =>
    write<{ secret: string; uri: string }>("POST", "account/totp", { password }),
  confirmTotp: (code: string) =>
    write<{ recovery_codes: string[] }>("POST", "account/totp/confirm", { code }),
  removeTotp: (password: string, code: string) =>
    write<void>("POST", "account/totp/remove", { password, code }),
};

export const agents = {
  all: () => read<{ agents: t.Agent[] }>("agents"),
  invite: (name: string, display_name: string, role: t.Role) =>
    write<t.Invited>("POST", "agents", { name, display_name, role }),
  change: (id: string, change: Partial<Pick<t.Agent, "role" | "display_name" | "disabled">>) =>
    write<t.Agent>("PUT", `agents/${part(id)}`, change),
  remove: (id: string) => write<void>("DELETE", `agents/${part(id)}`),
  reinvite: (id: string) => write<t.Invited>("POST", `agents/${part(id)}/invite`),
  signOut: (id: string) => write<void>("POST", `agents/${part(id)}/sign-out`),
  invitations: () => read<{ invitations: t.Invitation[] }>("invitations"),
  withdraw: (id: string) => write<void>("DELETE", `invitations/${part(id)}`),
};

export const chats = {
  list: (filter: t.ChatFilter) =>
    write<{ chats: t.Chat[]; next: string | null }>("POST", "chats/list", filter),
  get: (chat: ChatName) => read<t.Chat>(chatPath(chat)),
  change: (
    chat: ChatName,
    change: { status?: "open" | "closed"; assigned_to?: string | null; expected?: string | null },
  ) => write<t.Chat>("PUT", chatPath(chat), change),
  messages: (chat: ChatName, asked: { after?: string; limit?: number; type?: string; words?: string }) =>
    write<{ messages: t.Message[]; next: string | null }>("POST", `${chatPath(chat)}/messages/list`, asked),
  send: (chat: ChatName, message: object, key: string, seen?: string, force = false) =>
    write<{ id: string; user_id: string }>(
      "POST",
      `${chatPath(chat)}/messages`,
      { message, ...(seen ? { seen } : {}), ...(force ? { force } : {}) },
      { "idempotency-key": key },
    ),
  read: (chat: ChatName, message_id: string) => write<void>("POST", `${chatPath(chat)}/read`, { message_id }),
  answer: (chat: ChatName) => write<{ answering: t.Answering[] }>("PUT", `${chatPath(chat)}/answering`),
  stopAnswering: (chat: ChatName) => write<void>("DELETE", `${chatPath(chat)}/answering`),
  label: (chat: ChatName, label: string, on: boolean) =>
    write<void>(on ? "PUT" : "DELETE", `${chatPath(chat)}/labels/${part(label)}`),
  block: (chat: ChatName, on: boolean) => write<void>(on ? "PUT" : "DELETE", `${chatPath(chat)}/block`),
  notes: (chat: ChatName) =>
    read<{ notes: t.Note[]; next: string | null }>(`${chatPath(chat)}/notes`, { limit: 200 }),
  note: (chat: ChatName, text: string) => write<t.Note>("POST", `${chatPath(chat)}/notes`, { text }),
  removeNote: (chat: ChatName, id: string) => write<void>("DELETE", `${chatPath(chat)}/notes/${part(id)}`),
  search: (words: string, after?: string) =>
    write<{ messages: t.Message[]; next: string | null }>("POST", "messages/list", {
      words,
      ...(after ? { after } : {}),
    }),
  begin: (number: string, to: string, message: object, key: string) =>
    write<{ id: string; user_id: string }>(
      "POST",
      `numbers/${part(number)}/messages`,
      { to, message },
      { "idempotency-key": key },
    ),
  people: (asked: { phone_number_id?: string; after?: string; limit?: number }) =>
    write<{ people: t.Contact[]; next: string | null }>("POST", "people/list", asked),
};

export const media = {
  upload: (number: string, file: File, progress?: (part: number) => void) =>
    upload<{ media_id: string }>(`numbers/${part(number)}/media`, { filename: file.name }, file, progress),
  get: async (id: string) => (await call("GET", `media/${part(id)}`)).blob(),
};

export const labels = {
  all: () => read<{ labels: t.Label[] }>("labels"),
  add: (name: string, colour: string) => write<t.Label>("POST", "labels", { name, colour }),
  change: (id: string, name: string, colour: string) =>
    write<t.Label>("PUT", `labels/${part(id)}`, { name, colour }),
  remove: (id: string) => write<void>("DELETE", `labels/${part(id)}`),
};

export const replies = {
  all: () => read<{ replies: t.Reply[] }>("replies"),
  add: (shortcut: string, text: string) => write<t.Reply>("POST", "replies", { shortcut, text }),
  change: (id: string, shortcut: string, text: string) =>
    write<t.Reply>("PUT", `replies/${part(id)}`, { shortcut, text }),
  remove: (id: string) => write<void>("DELETE", `replies/${part(id)}`),
};

export const numbers = {
  all: () => read<{ numbers: t.Number_[] }>("numbers"),
  profile: (id: string) => read<t.Profile>(`numbers/${part(id)}/profile`),
  setProfile: (id: string, profile: Partial<t.Profile>) =>
    write<t.Profile>("PUT", `numbers/${part(id)}/profile`, profile),
  links: (id: string) => read<{ links: t.Link[] }>(`numbers/${part(id)}/links`),
  addLink: (id: string, message: string) => write<t.Link>("POST", `numbers/${part(id)}/links`, { message }),
  changeLink: (id: string, code: string, message: string) =>
    write<t.Link>("PUT", `numbers/${part(id)}/links/${part(code)}`, { message }),
  removeLink: (id: string, code: string) => write<void>("DELETE", `numbers/${part(id)}/links/${part(code)}`),
  linkPicture: async (id: string, code: string) =>
    (await call("GET", `numbers/${part(id)}/links/${part(code)}/picture`)).blob(),
};

export const templates = {
  all: () => read<{ templates: t.Template[] }>("templates"),
  get: (id: string) => read<t.Template>(`templates/${part(id)}`),
  add: (draft: t.TemplateDraft) => write<t.Template>("POST", "templates", draft),
  change: (id: string, draft: Partial<t.TemplateDraft>) =>
    write<t.Template>("PUT", `templates/${part(id)}`, draft),
  remove: (id: string) => write<void>("DELETE", `templates/${part(id)}`),
  preview: (draft: t.TemplateDraft, parameters?: object[]) =>
    write<{ content: FilledTemplate }>("POST", "templates/preview", {
      ...draft,
      ...(parameters ? { parameters } : {}),
    }),
};

export const apps = {
  all: () => read<{ apps: t.App[] }>("apps"),
  add: (name: string) => write<{ app_id: string; secret: string; token: string }>("POST", "apps", { name }),
  addToken: (app: string, scopes: string[], days?: number) =>
    write<{ token: string; token_id: string; expires: number | null }>("POST", `apps/${part(app)}/tokens`, {
      scopes,
      ...(days ? { days } : {}),
    }),
  removeToken: (app: string, token: string) =>
    write<void>("DELETE", `apps/${part(app)}/tokens/${part(token)}`),
  setCallback: (app: string, url: string, verify_token: string, fields: string[]) =>
    write<t.App>("PUT", `apps/${part(app)}/callback`, { url, verify_token, fields }),
  removeCallback: (app: string) => write<void>("DELETE", `apps/${part(app)}/callback`),
  deliveries: (asked: { app?: string; before?: number; limit?: number }) =>
    read<{ deliveries: t.Delivery[] }>("deliveries", asked),
  deadLetters: (asked: { app?: string; after?: number; limit?: number }) =>
    read<{ dead_letters: t.DeadLetter[] }>("dead-letters", asked),
  replay: (asked: { event?: number; app?: string }) =>
    write<{ replayed: number }>("POST", "dead-letters/replay", asked),
};

export const hosting = {
  get: () => read<t.Hosting>("hosting"),
  instruct: (instructions: t.Instructions) => write<t.Hosting>("PUT", "hosting/instructions", instructions),
  log: (before?: number) =>
    read<{ entries: t.LogEntry[]; head: t.Head }>("hosting/log", { before, limit: 50 }),
  verify: (head?: t.Head) =>
    write<{ intact: boolean; problem: string | null; head: t.Head }>(
      "POST",
      "hosting/log/verify",
      head ?? {},
    ),
  downloadLog: () => `${BASE}hosting/log/download`,
  export: (user_id?: string) => write<t.Task>("POST", "hosting/exports", user_id ? { user_id } : {}),
  import: (number: string, file: File, about: Query, progress?: (part: number) => void) =>
    upload<t.Task>(`numbers/${part(number)}/imports`, about, file, progress),
  tasks: () => read<{ tasks: t.Task[] }>("tasks"),
  task: (id: string) => read<t.Task>(`tasks/${part(id)}`),
  taskFile: (id: string) => `${BASE}tasks/${part(id)}/file`,
};

export const figures = {
  get: (asked: { start: number; end: number; granularity: string; phone_number_id?: string }) =>
    read<t.Figures>("figures", asked),
};

/** Raw bytes, with how much of them is there: only the older way tells that. */
function upload<T>(path: string, query: Query, file: File, progress?: (part: number) => void): Promise<T> {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", address(path, query));
    request.setRequestHeader("x-csrf-token", csrf);
    request.setRequestHeader("content-type", file.type || "application/octet-stream");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) progress?.(event.loaded / event.total);
    });
    request.addEventListener("error", () => failed(new Problem(0, { code: "unreachable" })));
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300) {
        done(JSON.parse(request.responseText) as T);
        return;
      }
      if (request.status === 401) ended();
      failed(problemFrom(request.status, request.responseText));
    });
    request.send(file);
  });
}
