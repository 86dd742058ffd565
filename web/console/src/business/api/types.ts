/** What the console's API says (docs/console-api.md). Times are milliseconds since 1970. */
import type { Content, Context } from "./content.ts";

export type Role = "owner" | "admin" | "agent" | "auditor";
export type Right = "chats" | "manage" | "integrate" | "staff" | "audit" | "own";
export type Mode = "self" | "vendor" | "operator" | "sealed";

export interface Agent {
  agent_id: string;
  name: string;
  display_name: string;
  role: Role;
  second_factor: boolean;
  disabled: boolean;
  created: number;
  seen: number | null;
}

export interface Me extends Agent {
  recovery_codes_left: number;
}

export interface Session {
  agent: Me;
  business: { business_id: string; name: string; mode: Mode; host_name: string | null };
  csrf: string;
  rights: Right[];
  idle_until: number;
  until: number;
}

export interface OpenSession {
  session_id: string;
  created: number;
  seen: number;
  browser: string | null;
  network: string | null;
  current: boolean;
}

export interface Invitation {
  invitation_id: string;
  name: string;
  display_name: string;
  role: Role;
  expires: number;
  agent_id: string | null;
}

export interface Invited {
  invitation_id: string;
  secret: string;
  path: string;
  url: string | null;
  expires: number;
}

export interface InvitationShown {
  business_name: string;
  name: string;
  display_name: string;
  role: Role;
  expires: number;
}

export interface Answering {
  agent_id: string;
  until: number;
}

export interface Chat {
  phone_number_id: string;
  user_id: string;
  wa_id: string | null;
  name: string;
  latest: number;
  wrote: number | null;
  window_until: number | null;
  unread: number;
  blocked: boolean;
  marketing_stopped: boolean;
  status: "open" | "closed";
  assigned_to: string | null;
  labels: string[];
  answering: Answering[];
}

export type MessageStatus = "accepted" | "sent" | "delivered" | "read" | "played" | "failed";

export interface Message {
  id: string;
  seq: string;
  phone_number_id: string;
  user_id: string;
  direction: "in" | "out";
  type: string;
  at: number;
  status: MessageStatus | null;
  read: boolean;
  imported: boolean;
  category: string;
  content: Content;
  context: Context;
  agent_id: string | null;
}

export interface Note {
  note_id: string;
  agent_id: string;
  at: number;
  text: string;
}

export interface Label {
  label_id: string;
  name: string;
  colour: string;
}

export interface Reply {
  reply_id: string;
  shortcut: string;
  text: string;
}

export interface Number_ {
  phone_number_id: string;
  display_phone_number: string;
  verified_name: string;
  registered: boolean;
  tier: number | null;
}

export interface Component {
  type: string;
  [field: string]: unknown;
}

export interface Template {
  template_id: string;
  name: string;
  language: string;
  category: string;
  status: string;
  reason: string;
  parameter_format: string;
  components: Component[];
  message_send_ttl_seconds: number | null;
  edited: number;
}

export interface TemplateDraft {
  name: string;
  language: string;
  category: string;
  parameter_format?: string;
  components: Component[];
  allow_category_change?: boolean;
}

export interface Profile {
  about: string | null;
  address: string | null;
  description: string | null;
  email: string | null;
  websites: string[];
  vertical: string | null;
  picture_url: string | null;
}

export interface Link {
  code: string;
  message: string;
  url: string;
  created: number;
}

export interface App {
  app_id: string;
  name: string;
  created: number;
  callback: { url: string; fields: string[]; failures: number } | null;
  tokens: { token_id: string; scopes: string[]; issued: number; expires: number | null }[];
}

export interface Delivery {
  id: number;
  app_id: string;
  callback: number;
  url: string | null;
  event: number;
  field: string;
  attempt: number;
  at: number;
  millis: number;
  status: number | null;
  outcome: string;
}

export interface DeadLetter {
  event: number;
  app_id: string;
  callback: number;
  target: string;
  field: string;
  created: number;
  died: number;
  attempts: number;
  failure: string | null;
}

export interface Instructions {
  deliver: boolean;
  store_days: number | null;
  search: boolean;
  reply: boolean;
  analyse: boolean;
  market: boolean;
  advertise: boolean;
}

export interface Head {
  seq: number;
  hash: string;
}

export interface Hosting {
  business_id: string;
  name: string;
  legal_name: string | null;
  country: string | null;
  state: string;
  mode: Mode;
  host_name: string | null;
  suspended: string | null;
  numbers: Number_[];
  kept_days: number;
  instructions: Instructions;
  log: Head;
}

export interface LogEntry {
  seq: number;
  at: number;
  purpose: string;
  reader: string;
  subject: string;
  names: string[];
  refused: boolean;
  hash: string;
}

export interface Task {
  task_id: string;
  kind: "export" | "import";
  state: "running" | "done" | "failed";
  done: number;
  total: number | null;
  error: string | null;
  report: Record<string, unknown> | null;
  created: number;
}

export interface Contact {
  phone_number_id: string;
  user_id: string;
  wa_id: string | null;
  name: string;
  wrote: number | null;
  blocked: boolean;
  marketing_stopped: boolean;
}

export interface Figures {
  messages: { start: number; end: number; sent: number; delivered: number; read: number }[];
  answers: {
    start: number;
    end: number;
    answers: number;
    mean_ms: number | null;
    longest_ms: number | null;
  }[];
}

export interface ChatFilter {
  phone_number_id?: string;
  user_id?: string;
  unread?: boolean;
  assigned?: string;
  label?: string;
  status?: "open" | "closed";
  words?: string;
  after?: string;
  limit?: number;
}

export interface Page<T> {
  items: T[];
  next: string | null;
}
