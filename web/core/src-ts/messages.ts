/** What a page and its worker say to each other. */

import type {
  AccountState,
  ChatOverview,
  Choice,
  CodeSent,
  Command,
  Comparison,
  Contact,
  DeviceEvent,
  Found,
  LabelState,
  LinkTarget,
  Menu,
  Message,
  Notice,
  OwnDevice,
  Problem,
  Profile,
  QrModules,
  Sent,
  Settings,
  Standing,
  StorageFigures,
  Waiting,
} from "./types.js";

/** What is answered to each command. A file that belongs to an answer stands beside it. */
export interface Answers {
  standing: Standing;
  request_code: CodeSent;
  development_code: string;
  register: Standing;
  begin_linking: Standing;
  cancel_linking: Standing;
  approve_device: OwnDevice;
  account: AccountState;
  set_discoverable: null;
  set_pin: null;
  devices: OwnDevice[];
  remove_device: null;
  settings: Settings;
  set_settings: null;
  profile: Profile | null;
  set_profile: Profile;
  contacts: Contact[];
  contact: Contact;
  set_contact: null;
  lookup: Contact | null;
  open_link: LinkTarget;
  chats: ChatOverview[];
  chat: ChatOverview;
  open_chat: null;
  menu: Menu | null;
  set_pinned: null;
  set_muted: null;
  set_archived: null;
  set_marked_unread: null;
  set_draft: null;
  history: Message[];
  message: Message | null;
  search: Found;
  send: Sent;
  send_media: Sent;
  send_contacts: Sent;
  send_location: Sent;
  answer: Sent;
  choices: Choice[];
  typing: null;
  mark_read: number;
  mark_played: null;
  forget_message: null;
  forget_chat: null;
  set_timer: Sent;
  block: null;
  unblock: null;
  report: null;
  set_marketing: Sent;
  share_number: Sent;
  hide_number: null;
  ask_erasure: Sent;
  label: LabelState | null;
  label_shown: null;
  safety_number: Comparison;
  compare_scanned: boolean;
  set_verified: null;
  accept_identity: null;
  qr_code: QrModules;
  download: null;
  storage: StorageFigures;
  forget_files: null;
  export: null;
  outbox: Waiting;
  delete_account: null;
  sign_out: null;
  erase_here: null;
}

export type CommandName = Command["command"];

/**
 * What happens: on the device, and in the core. Every tab hears all of it; what was sent in any of them is a `message` too.
 */
export type CoreEvent = DeviceEvent | Notice;

/** An answer, and the file that belongs to it. */
export interface Answer {
  value: unknown;
  file?: Blob | undefined;
}

/** What a page says to its worker. */
export type ToWorker =
  | { say: "open"; relay: string; database: string }
  | { say: "ask"; id: number; command: Command; file?: Blob | undefined };

/** What a worker says to its page. */
export type ToPage =
  | { say: "answer"; id: number; answer: Answer }
  | { say: "refuse"; id: number; problem: Problem }
  | { say: "event"; event: CoreEvent }
  /** A defect: what the worker has in its memory is not to be relied on any more. */
  | { say: "broken" }
  /** Whether this tab is the one that holds the device. Of no consequence to a page. */
  | { say: "lead"; leads: boolean };

/** Why a command was not done. */
export class CoreError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.name = "CoreError";
    this.problem = problem;
  }

  get code(): Problem["code"] {
    return this.problem.code;
  }

  /** The relay's own code, where it said no. */
  get relayCode(): string | undefined {
    return this.problem.relay_code;
  }
}
