// Generated from the Rust types by web/core/tests/types.rs; change those, then
// UPDATE=1 cargo test -p tradepost-web-core --test types

/** An account, of a person or a business: a UUID. */
export type AccountId = string;
/** Number of a device within its account: 1 to 127, 1 being the primary. */
export type DeviceId = number;
/** A phone number in E.164. */
export type PhoneNumber = string;
/** Bytes: base64 with padding. */
export type Base64 = string;

/**
 * What a page asks of the core. It is answered once, with what `Answers` in `core.ts` says beside its name, or with a
 * `Problem`.
 */
export type Command =
  /** How it is with the device of this browser. */
  | { command: "standing" }
  /** Has a code sent to a number. A page shows the number that it answers: so it was understood. */
  | {
      command: "request_code";
      /** As a person typed it, with its country code; spaces and hyphens may be in it. */
      number: string;
      /** The country of a number without its code: ISO 3166, two capital letters. */
      region?: string | null;
    }
  /** The code that was sent to a number, from a relay in development; refused by any other. */
  | {
      command: "development_code";
      /** In E.164. */
      number: string;
    }
  /** Registers a number, and with it this browser as the primary device of its account. */
  | {
      command: "register";
      /** In E.164. */
      number: string;
      /** Six digits. */
      code: string;
      /** The PIN, if the account has a registration lock. */
      pin?: string | null;
      /** What the account's other devices see this one called. */
      device_name: string;
      /** What the person wants to be called; can be set later. */
      name?: string | null;
    }
  /**
   * Shows a code with which this browser joins an account: a `standing` of the phase `linking` has it. The answer comes at
   * once; joined or expired is told by the next `standing`.
   */
  | {
      command: "begin_linking";
      /** What the account's other devices see this one called. */
      device_name: string;
    }
  /** Stops waiting for the primary device. */
  | { command: "cancel_linking" }
  /**
   * Lets the device join this account that shows this code, and answers when it has. The person was asked: whoever shows
   * the code reads everything from then on. Only the primary device can.
   */
  | {
      command: "approve_device";
      /** What the other device shows: `tradepost://link?…`. */
      code: string;
    }
  /** The account as the relay knows it. */
  | { command: "account" }
  /** Whether others find the account by its number. Only on the primary device. */
  | {
      command: "set_discoverable";
      /** Whether. */
      discoverable: boolean;
    }
  /** Sets the PIN that registering the number again asks for; none takes it away. Only on the primary device. */
  | {
      command: "set_pin";
      /** 4 to 64 characters. */
      pin?: string | null;
    }
  /** All devices of the account. */
  | { command: "devices" }
  /** Removes a device from the account. A linked device may remove only itself, and erases itself by that. */
  | {
      command: "remove_device";
      /** Which. */
      device: DeviceId;
    }
  /** How this device behaves. */
  | { command: "settings" }
  /** Changes how this device behaves. */
  | {
      command: "set_settings";
      /** Whether others are not told what was read. */
      read_in_silence: boolean;
      /** Whether changed identity keys are accepted without asking, except where the old one was verified. */
      accept_changed_identities: boolean;
    }
  /** What an account says of itself, asked of the relay; of the own account without `account`. */
  | {
      command: "profile";
      /** Whose. */
      account?: AccountId | null;
    }
  /** Sets what this account says of itself. With a file beside the command it is the new picture. */
  | {
      command: "set_profile";
      /** What the person is called: at most 256 bytes. */
      name: string;
      /** A few words: at most 2048 bytes. */
      about: string;
      /** Whether the picture stays; else it goes, or the file takes its place. */
      keep_picture: boolean;
    }
  /** Everybody this account knows something of. */
  | { command: "contacts" }
  /** What is known of somebody. */
  | {
      command: "contact";
      /** Who. */
      account: AccountId;
    }
  /** Calls somebody by a name on all own devices; an empty one takes the name back. */
  | {
      command: "set_contact";
      /** Whom. */
      account: AccountId;
      /** At most 1024 bytes. */
      name: string;
    }
  /** Finds an account by its number. */
  | {
      command: "lookup";
      /** As a person typed it. */
      number: string;
      /** The country of a number without its code. */
      region?: string | null;
    }
  /** Follows a link or a scanned code: to a chat with a business, or of a device that wants to join. */
  | {
      command: "open_link";
      /**
       * `tradepost://chat?number=…&text=…`, the address of a page with the same in its query, `tradepost://link?…`, or a
       * number.
       */
      link: string;
    }
  /** All chats: the pinned ones first, then by their latest message. Archived ones are among them. */
  | { command: "chats" }
  /** One chat; also one in which nothing stands yet. */
  | {
      command: "chat";
      /** With whom. */
      account: AccountId;
    }
  /** The chat is on a screen: a business is told at most once a day, and may answer with a menu. */
  | {
      command: "open_chat";
      /** With whom. */
      account: AccountId;
    }
  /** What a business offers in front of its chat. */
  | {
      command: "menu";
      /** Which business. */
      account: AccountId;
    }
  /** Pins a chat or unpins it. Local: other own devices are not told. */
  | {
      command: "set_pinned";
      /** With whom. */
      account: AccountId;
      /** Whether. */
      pinned: boolean;
    }
  /** Mutes a chat. Local. */
  | {
      command: "set_muted";
      /** With whom. */
      account: AccountId;
      /** Until when, milliseconds since 1970; 0 for ever; none unmutes it. */
      until?: number | null;
    }
  /** Archives a chat or takes it out again. Local. A new message does not take it out. */
  | {
      command: "set_archived";
      /** With whom. */
      account: AccountId;
      /** Whether. */
      archived: boolean;
    }
  /** Marks a chat as unread until it is read again. Local. */
  | {
      command: "set_marked_unread";
      /** With whom. */
      account: AccountId;
      /** Whether. */
      marked: boolean;
    }
  /** Keeps what somebody has begun to write. Local. An empty text takes it away. */
  | {
      command: "set_draft";
      /** With whom. */
      account: AccountId;
      /** At most 64 KiB. */
      text: string;
      /** The message that it answers. */
      quote?: MessageRef | null;
    }
  /** Messages of a chat, the latest first. */
  | {
      command: "history";
      /** With whom. */
      account: AccountId;
      /** Those before this position; without it the last ones. */
      before?: number | null;
      /** At most 500; 50 if it does not say. */
      limit?: number | null;
    }
  /** One message. */
  | {
      command: "message";
      /** Which. */
      message: MessageRef;
    }
  /**
   * Messages that have these words, the latest first, whatever their case. Looks through some thousands at once:
   * `next` says where to go on.
   */
  | {
      command: "search";
      /** At most 256 bytes. */
      text: string;
      /** Only in this chat. */
      account?: AccountId | null;
      /** Those before this position. */
      before?: number | null;
      /** At most 100; 50 if it does not say. */
      limit?: number | null;
    }
  /**
   * Sends something: text, quote, reaction, edit, delete, location, contacts, the answer to a button or row, the timer of
   * disappearing messages, and all else that a draft can be. With a `reference`, however often it is asked, it is sent
   * once; `Core` gives each one.
   */
  | {
      command: "send";
      /** To whom; the own account for notes to oneself. */
      account: AccountId;
      /** What. */
      draft: Draft;
    }
  /** Encrypts and uploads the file beside the command, and sends it. */
  | {
      command: "send_media";
      /** To whom. */
      account: AccountId;
      /** What is said of the file. */
      media: MediaDraft;
      /** The message that it answers. */
      quote?: MessageRef | null;
      /** 16 bytes: sent once. */
      reference?: Base64 | null;
      /** Names its progress in `transfer` notices. */
      transfer?: string | null;
    }
  /** Sends cards of people. */
  | {
      command: "send_contacts";
      /** To whom. */
      account: AccountId;
      /** At most 257. */
      contacts: Card[];
    }
  /** Sends a place. */
  | {
      command: "send_location";
      /** To whom. */
      account: AccountId;
      /** Where. */
      location: Place;
      /** The message that asked for it. */
      quote?: MessageRef | null;
    }
  /** Presses a button or chooses a row of a message. */
  | {
      command: "answer";
      /** With whom the chat is. */
      account: AccountId;
      /** The message. */
      message: MessageRef;
      /** The id of the button or row. */
      choice: string;
    }
  /** What can be pressed or chosen in a message. */
  | {
      command: "choices";
      /** Which. */
      message: MessageRef;
    }
  /** Says that the person types, or stopped. */
  | {
      command: "typing";
      /** To whom. */
      account: AccountId;
      /** Whether they stopped. */
      stopped?: boolean;
    }
  /** The person saw the messages of a chat up to this position. How many that were. */
  | {
      command: "mark_read";
      /** With whom. */
      account: AccountId;
      /** The position of the last one. */
      through: number;
    }
  /** The person heard a voice note. */
  | {
      command: "mark_played";
      /** Which. */
      message: MessageRef;
    }
  /** Takes a message away here, and nowhere else. */
  | {
      command: "forget_message";
      /** Which. */
      message: MessageRef;
    }
  /** Takes a chat with all its messages away here, and nowhere else. */
  | {
      command: "forget_chat";
      /** With whom. */
      account: AccountId;
    }
  /** Sets the timer of disappearing messages. */
  | {
      command: "set_timer";
      /** With whom. */
      account: AccountId;
      /** 0 for never. */
      seconds: number;
    }
  /** Takes nothing from an account any more; it is not told. */
  | {
      command: "block";
      /** Whom. */
      account: AccountId;
    }
  /** Takes what an account sends again. */
  | {
      command: "unblock";
      /** Whom. */
      account: AccountId;
    }
  /** Notes that a person reported a business, and blocks it if asked. Local: the relay takes no reports yet. */
  | {
      command: "report";
      /** Whom. */
      account: AccountId;
      /** In words: at most 2 KiB. */
      reason: string;
      /** Whether to block it too. */
      block: boolean;
    }
  /** Tells a business not to sell to this person any more, or that it may again. */
  | {
      command: "set_marketing";
      /** Which business. */
      account: AccountId;
      /** Whether it may. */
      allowed: boolean;
    }
  /** Lets a business know the own number. The person must have said so. */
  | {
      command: "share_number";
      /** Which business. */
      account: AccountId;
    }
  /** Shows the number as not shared from now on. Local: what a business was told it knows; ask it for erasure. */
  | {
      command: "hide_number";
      /** Which business. */
      account: AccountId;
    }
  /** Asks a business to erase everything of this chat and of this person. `erasure_done` answers in the chat. */
  | {
      command: "ask_erasure";
      /** Which business. */
      account: AccountId;
    }
  /** Who can read the chat with a business, asked of the relay; none for a person. */
  | {
      command: "label";
      /** Which business. */
      account: AccountId;
    }
  /** The person was shown the label of a business, or what is wrong with it: what waits is sent. */
  | {
      command: "label_shown";
      /** Which business. */
      account: AccountId;
      /** The `digest` of the label state that was shown. */
      digest: Base64;
    }
  /** What two people compare. */
  | {
      command: "safety_number";
      /** With whom. */
      account: AccountId;
    }
  /** Compares the code that the other side shows; if it is right, they are verified. */
  | {
      command: "compare_scanned";
      /** With whom. */
      account: AccountId;
      /** What was scanned. */
      code: Base64;
    }
  /** Notes that a person compared the digits; without them they do not vouch for it any more. */
  | {
      command: "set_verified";
      /** Whom. */
      account: AccountId;
      /** The digits that were shown. */
      digits?: string | null;
    }
  /** Sends to a changed identity key from now on: the one whose digits were shown. */
  | {
      command: "accept_identity";
      /** Whose. */
      account: AccountId;
      /** The digits that were shown. */
      digits: string;
    }
  /** A QR code for a text or bytes: rows of modules. */
  | {
      command: "qr_code";
      /** A text; or */
      text?: string | null;
      /** bytes. */
      bytes?: Base64 | null;
    }
  /** Downloads a file and decrypts it; it is kept for later, and without a connection. The answer has the file beside it. */
  | {
      command: "download";
      /** Which. */
      file: FilePointer;
      /** Its type, as in HTTP: what the `Blob` says it is. */
      content_type?: string;
      /** Names its progress in `transfer` notices. */
      transfer?: string | null;
    }
  /** What this browser keeps, and how much room it takes. */
  | { command: "storage" }
  /** Forgets all downloaded files; they can be downloaded again while the relay has them. */
  | { command: "forget_files" }
  /** Everything this device knows, as JSON: the answer has it as a file beside it. */
  | { command: "export" }
  /** How much waits to be sent. */
  | { command: "outbox" }
  /** Erases the account at the relay and everything here. Only on the primary device. */
  | { command: "delete_account" }
  /** Removes this device from its account, and erases everything here. */
  | { command: "sign_out" }
  /** Erases everything here and tells nobody: where the vault is damaged, or to begin anew. */
  | { command: "erase_here" };

/** What is said of a file that is to be sent. */
export interface MediaDraft {
  /** What kind. */
  kind: MediaKind;
  /** As in HTTP. */
  content_type?: string;
  /** A name without folders. */
  file_name?: string;
  /** Words under it. */
  caption?: string;
  /** Pixels; 0 if unknown. */
  width?: number;
  /** Pixels; 0 if unknown. */
  height?: number;
  /** Milliseconds; 0 if unknown. */
  duration?: number;
  /** A small JPEG, PNG or WebP, at most 64 KiB. */
  thumbnail?: Base64;
  /** A sticker that moves. */
  animated?: boolean;
}

/** A code is on its way. */
export interface CodeSent {
  /** To this number. */
  number: PhoneNumber;
  /** Milliseconds for which it is good. */
  expires_in_ms: number;
  /** Milliseconds after which another may be asked for. */
  retry_after_ms: number;
}

/** The account as the relay knows it. */
export interface AccountState {
  /** Which. */
  account: AccountId;
  /** Its number. */
  number: PhoneNumber;
  /** Whether others find it by its number. */
  discoverable: boolean;
  /** Whether registering again asks for a PIN. */
  registration_lock: boolean;
  /** Whether this is the primary device. */
  primary: boolean;
}

/** A chat, and all that a list shows of it. */
export type ChatOverview = {
  /** With whom. */
  contact: Contact;
  /** Whether it is with a business, as far as is known. */
  business: boolean;
  /** What this browser alone keeps of it. */
  marks: ChatMarks;
} & Chat;

/** What this browser alone keeps of a chat: other own devices do not know it. */
export interface ChatMarks {
  /** Since when it is pinned: milliseconds since 1970. */
  pinned: number | null;
  /** Until when it is muted: milliseconds since 1970; 0 for ever. */
  muted: number | null;
  /** Whether it is archived. */
  archived: boolean;
  /** Whether it was marked as unread. */
  marked_unread: boolean;
  /** What was begun to be written. */
  draft: WrittenDraft | null;
  /** Since when the business was told not to sell: milliseconds since 1970. */
  marketing_stopped: number | null;
  /** Since when the number was shared. */
  number_shared: number | null;
  /** Since when it was asked for erasure. */
  erasure_asked: number | null;
  /** When it was reported. */
  reported: number | null;
}

/** What was begun to be written. */
export interface WrittenDraft {
  /** The words. */
  text: string;
  /** The message that they answer. */
  quote: MessageRef | null;
  /** When it was written last: milliseconds since 1970. */
  at: number;
}

/** Where a link leads. */
export type LinkTarget =
  /** To a chat. */
  | {
      to: "chat";
      /** The chat. */
      chat: ChatOverview;
      /** What to write in it, not sent yet. */
      text: string;
    }
  /** To the approval of a device that wants to join: `approve_device` takes the code. */
  | {
      to: "device";
      /** The code. */
      code: string;
    }
  /** Nobody at this relay has this number, or does not let themselves be found. */
  | {
      to: "nobody";
      /** The number. */
      number: PhoneNumber;
    };

/** What was found. */
export interface Found {
  /** The latest first. */
  messages: Message[];
  /** Where to go on: the `before` of the next search. None at the end. */
  next: number | null;
}

/** What was sent. */
export interface Sent {
  /** Its name; of a change, the name of the change. */
  id: MessageRef;
  /** As it stands in its chat; none for a change. */
  message: Message | null;
}

/** What two people compare to know that nobody stands between them. */
export interface Comparison {
  /** 60 digits, the same on both sides. */
  digits: string;
  /** The bytes to show as a QR code. */
  code: Base64;
  /** How far the key is trusted now. */
  trust: Trust;
}

/** A QR code. */
export interface QrModules {
  /** Modules of a side, without a margin. */
  width: number;
  /** Row by row: `1` for dark, `0` for light. */
  modules: string;
}

/** What this browser keeps. */
export interface StorageFigures {
  /** Chats. */
  chats: number;
  /** Messages. */
  messages: number;
  /** Kept files. */
  files: number;
  /** Their bytes. */
  file_bytes: number;
  /** Bytes that the browser counts for this site; 0 if it does not say. */
  used: number;
  /** Bytes that it allows; 0 if it does not say. */
  quota: number;
  /** Whether the browser keeps it also when room runs out. */
  persistent: boolean;
}

/** How much waits to be sent. */
export interface Waiting {
  /** Messages and receipts. */
  waiting: number;
}

/** How it is with the device of this browser. */
export type Standing =
  /** There is none: register, or link. */
  | {
      phase: "unregistered";
      /** Why there is none any more, if there was one. */
      erased: Erased | null;
      /** Why joining an account did not come about, if that was tried. */
      problem: Problem | null;
    }
  /** It shows a code, and waits for the primary device to scan it. */
  | {
      phase: "linking";
      /** What to show as a QR code, and to accept as typed text. */
      code: string;
    }
  /** It is there. */
  | {
      phase: "ready";
      /** Who it is. */
      own: Own;
      /** Whether it is connected to the relay. */
      connected: Connected;
    }
  /** What is stored cannot be used; `erase_here` begins anew. */
  | {
      phase: "failed";
      /** Why. */
      problem: Problem;
    };

/** Whether the device is connected to the relay. */
export type Connected =
  /** Not yet. */
  | "connecting"
  /** It is. */
  | "online"
  /** It is not; it is tried again. What is read is what is here, what is sent waits. */
  | "offline"
  /** Another copy of this device took over; this one has stopped. */
  | "replaced";

/** Why there is no device any more. */
export type Erased =
  /** It was removed on another device, or the account was deleted or registered anew there. Everything here is erased. */
  | "removed"
  /** The account was deleted here. */
  | "deleted"
  /** The device was removed here. */
  | "signed_out";

/** What the core tells a page unasked, besides the events of `client`. */
export type Notice =
  /** The standing is another one. */
  | {
      event: "standing";
      /** It. */
      standing: Standing;
    }
  /** What this browser keeps of a chat is something else. */
  | {
      event: "marks";
      /** With whom. */
      account: AccountId;
      /** As it is now. */
      marks: ChatMarks;
    }
  /** Messages of a chat were seen here, in this tab or another. */
  | {
      event: "read";
      /** With whom. */
      account: AccountId;
      /** Up to this position. */
      through: number;
    }
  /** A chat was taken away here. */
  | {
      event: "chat_forgotten";
      /** With whom. */
      account: AccountId;
    }
  /** So far a file is. */
  | {
      event: "transfer";
      /** What the command called it. */
      transfer: string;
      /** Bytes. */
      done: number;
      /** Bytes in all. */
      total: number;
    };

/** Why a command was not done. */
export interface Problem {
  /** What to do about it. */
  code: ProblemCode;
  /** For developers, in English; a page has words of its own. */
  message: string;
  /** The relay's own code, with `refused`: `code_wrong`, `registration_locked`, …. */
  relay_code?: string;
  /** How long to wait, with `wait`. */
  retry_after_ms?: number;
  /** How often a code or PIN may be tried again. */
  tries_left?: number;
}

/** What to do about a problem. */
export type ProblemCode =
  /** There is no device here: register or link. */
  | "not_registered"
  /** There is one already. */
  | "already_registered"
  /** The relay was not reached: try again. */
  | "unreachable"
  /** Too often: wait. */
  | "wait"
  /** The relay says no: `relay_code`. */
  | "refused"
  /** The relay does not know this device any more. */
  | "removed"
  /** Only the primary device can. */
  | "primary_only"
  /** The command makes no sense. */
  | "invalid"
  /** There is no such account (any more). */
  | "no_such_account"
  /** There is no such message. */
  | "no_such_message"
  /** Longer ago than it may be changed. */
  | "too_late"
  /** Nothing was exchanged with this account yet. */
  | "unknown_identity"
  /** The identity key changed since it was compared. */
  | "identity_changed"
  /** Too much waits to be sent. */
  | "outbox_full"
  /** Not a linking code. */
  | "linking_code"
  /** The linking code was not used in time. */
  | "linking_expired"
  /** A file was changed or cut on its way. */
  | "tampered"
  /** A file cannot be read or kept. */
  | "file"
  /** What is stored cannot be read or written. */
  | "vault"
  /** The tab that did it was closed: look whether it happened. */
  | "interrupted"
  /** A defect. */
  | "internal";

/** Names a message: who wrote it, and when by the author's clock. */
export interface MessageRef {
  /** Who wrote it. */
  author: AccountId;
  /** Milliseconds since 1970. */
  timestamp: number;
}

/** A message of a chat. */
export interface Message {
  /** The other account of the chat; the own one for notes to oneself. */
  chat: AccountId;
  /** Its name. */
  id: MessageRef;
  /** Which of the author's devices. */
  device: DeviceId;
  /** Its place among all messages of this vault, in the order in which they came: what pages are counted by. */
  position: number;
  /** When it was accepted by the relay; of own messages, when it was made. */
  received: number;
  /** What it says. */
  body: Body;
  /** What it answers. */
  quote: Quote | null;
  /**
   * How far it has come; of messages of others always [`State::Delivered`], [`State::Read`]
   * or [`State::Played`].
   */
  state: State;
  /** Who thinks what of it. */
  reactions: Reaction[];
  /** When its words were changed last. */
  edited: number | null;
  /** Seconds after which it disappears once it is read (own ones: sent); 0 for never. */
  expires_after: number;
  /** When it disappears, if that has begun to count. */
  expires_at: number | null;
  /** How often it was passed on before it came to its author. */
  forwarded?: number;
  /** What the first link in it leads to, as its author saw it. */
  preview?: LinkPreview;
  /** Under what the program that sent it knows it: [`Draft::reference`]. Only of what this device sent. */
  reference?: Base64;
}

/** What a link leads to, as the author of the message saw it: nothing needs to be fetched to show it. */
export interface LinkPreview {
  /** Where: `http` or `https`. */
  url: string;
  /** What it is called. */
  title: string;
  /** A few words. */
  description: string;
  /** A small JPEG, PNG or WebP, at most 64 KiB. */
  thumbnail: Base64;
}

/** What a message says. */
export type Body =
  /** Words. */
  | {
      type: "text";
      /** The words. */
      text: string;
    }
  /** A file of any kind. */
  | ({ type: "media" } & Media)
  /** A place. */
  | ({ type: "location" } & Place)
  /** Cards of people. */
  | {
      type: "contacts";
      /** The cards. */
      contacts: Card[];
    }
  /** The timer of disappearing messages is now the message's `expires_after`. */
  | { type: "timer" }
  /** Words with something to press or to choose. */
  | ({ type: "interactive" } & Interactive)
  /** A text that was approved before, filled in. */
  | ({ type: "template" } & Template)
  /** What somebody pressed or chose. */
  | ({ type: "reply" } & Reply)
  /** Its author lets a business know their number. */
  | {
      type: "number_share";
      /** What the relay signed about it. */
      proof: Base64;
    }
  /** What its author wants. */
  | {
      type: "preference";
      /** Whether to be sold to. */
      marketing: Marketing;
    }
  /** Its author asks to erase everything of this chat and of them. */
  | { type: "erasure_request" }
  /** It was erased. */
  | {
      type: "erasure_done";
      /** The request. */
      request: MessageRef;
      /** How many messages went. */
      messages: number;
      /** How many files. */
      media: number;
    }
  /** Its author has the chat on a screen; only in the feed of a business's device. */
  | { type: "chat_opened" }
  /** Nobody said it: who can read what is written in this chat. */
  | {
      type: "label";
      /** The label, or the last good one. */
      label: Label | null;
      /** What there is to say of it. */
      change: LabelChange;
    }
  /** Its author took it back. */
  | { type: "deleted" }
  /** Something that this version does not know. */
  | { type: "unsupported" };

/** What kind of file. */
export type MediaKind =
  /** Anything. */
  | "file"
  /** A picture. */
  | "image"
  /** Sound. */
  | "audio"
  /** Spoken by the sender. */
  | "voice"
  /** Moving pictures. */
  | "video"
  /** Something to read. */
  | "document"
  /** A small picture that stands by itself. */
  | "sticker";

/** A file that was uploaded, and what is said of it. */
export interface Media {
  /** What kind. */
  kind: MediaKind;
  /** Where it is. */
  blob: FilePointer;
  /** As in HTTP. */
  content_type: string;
  /** A name without folders. */
  file_name: string;
  /** Words under it. */
  caption: string;
  /** Pixels; 0 if unknown. */
  width: number;
  /** Pixels; 0 if unknown. */
  height: number;
  /** Milliseconds; 0 if unknown. */
  duration: number;
  /** A small JPEG, PNG or WebP, at most 64 KiB. */
  thumbnail: Base64;
  /** A sticker that moves. */
  animated: boolean;
}

/** Encrypted bytes at the relay: what [`Device::upload`](crate::Device::upload) gave. Serialised it holds the key. */
export interface FilePointer {
  /** Its name at the relay. */
  id: string;
  /** 32 bytes that open it. */
  key: Base64;
  /** SHA-256 of the encrypted bytes. */
  digest: Base64;
  /** Bytes of the file. */
  size: number;
}

/** A place. */
export interface Place {
  /** Degrees north. */
  latitude: number;
  /** Degrees east. */
  longitude: number;
  /** Metres; 0 if unknown. */
  accuracy: number;
  /** What it is called. */
  name: string;
  /** Its postal address. */
  address: string;
}

/** What a message answers. */
export interface Quote {
  /** Which message. */
  message: MessageRef;
  /** Its first words, as its quoter says. */
  excerpt: string;
}

/** What somebody thinks of a message. */
export interface Reaction {
  /** Who. */
  author: AccountId;
  /** An emoji. */
  emoji: string;
}

/** How far a message has come. */
export type State =
  /** Waits here. */
  | { state: "queued" }
  /** Safe at the relay. */
  | { state: "sent" }
  /** A device has it. */
  | { state: "delivered" }
  /** A person saw it. */
  | { state: "read" }
  /** A person heard it: of voice notes. */
  | { state: "played" }
  /** Will not be sent. */
  | {
      state: "failed";
      /** Why. */
      reason: Failure;
    }
  /** Was not collected within 30 days and is deleted. */
  | { state: "expired" };

/** Why a message will not be sent. */
export type Failure =
  /** There is no such account (any more). */
  | "no_such_account"
  /** A device of the recipient takes no more until it collects what waits. */
  | "queue_full"
  /** The relay takes it for malformed or too large. */
  | "refused"
  /** The recipient's devices or keys are in no state to send to. */
  | "devices"
  /** This account is a business that may not write to the recipient: not approved, or suspended. */
  | "forbidden";

/** What is to be sent. */
export type Draft = {
  /** What it answers. */
  quote?: MessageRef | null;
  /** Seconds after which it disappears; the chat's timer if it does not say. */
  expires_after?: number | null;
  /** How often it was passed on before. */
  forwarded?: number;
  /** What the first link in it leads to. */
  preview?: LinkPreview | null;
  /**
   * Milliseconds since 1970: a device that is given it more than a minute later does not show it. For ever if it does not
   * say.
   */
  deliver_by?: number | null;
  /**
   * Names what is to happen once: a draft under a reference that was used is not sent again, whatever it says, and
   * [`Device::send`](crate::Device::send) gives the name of the first. Kept for 45 days.
   */
  reference?: Base64 | null;
} & DraftContent;

/** What a [`Draft`] is. */
export type DraftContent =
  /** Words. */
  | {
      type: "text";
      /** At most 64 KiB. */
      text: string;
    }
  /** A file that was uploaded. */
  | ({ type: "media" } & Media)
  /** A place. */
  | ({ type: "location" } & Place)
  /** Cards of people. */
  | {
      type: "contacts";
      /** At most 257. */
      contacts: Card[];
    }
  /** To a message of the chat. */
  | {
      type: "reaction";
      /** Which. */
      message: MessageRef;
      /** An emoji; none takes the reaction back. */
      emoji?: string | null;
    }
  /** Other words for an own message of the last 24 hours. */
  | {
      type: "edit";
      /** Which. */
      message: MessageRef;
      /** The new words. */
      text: string;
    }
  /** Takes an own message of the last 24 hours back. */
  | {
      type: "delete";
      /** Which. */
      message: MessageRef;
    }
  /** Sets the timer of disappearing messages for the chat. */
  | {
      type: "timer";
      /** 0 for never. */
      seconds: number;
    }
  /** Words with something to press or to choose. */
  | ({ type: "interactive" } & Interactive)
  /** A text that was approved before, filled in. */
  | ({ type: "template" } & Template)
  /** Presses or chooses something in a message of the chat that has it. */
  | {
      type: "choose";
      /** The message. */
      message: MessageRef;
      /** The id of the button or row. */
      choice: string;
    }
  /** What a form was filled in with, or what was pressed where the message is no longer here. */
  | ({ type: "reply" } & Reply)
  /** Lets a business know the own number: [`Device::share_number`](crate::Device::share_number) does it all. */
  | {
      type: "number_share";
      /** What the relay signed about it. */
      proof: Base64;
    }
  /** What this account wants from the other. */
  | {
      type: "preference";
      /** Whether to be sold to. */
      marketing: Marketing;
    }
  /** Asks to erase everything of this chat and of this account. */
  | { type: "erasure_request" }
  /** Says that it was erased. */
  | {
      type: "erasure_done";
      /** The request. */
      request: MessageRef;
      /** How many messages went. */
      messages: number;
      /** How many files. */
      media: number;
    };

/** All messages with one account. */
export interface Chat {
  /** With whom; the own account for notes to oneself. */
  account: AccountId;
  /** What this account calls them, else what they call themselves, else their number. */
  title: string | null;
  /** How many messages nobody here has read. */
  unread: number;
  /** The latest message. */
  latest: Message | null;
  /** Seconds after which new messages disappear; 0 for never. */
  timer: number;
  /** Whether what is sent waits until a changed identity key is accepted. */
  held: boolean;
  /** Who can read it, if it is with a business. */
  label?: LabelState;
}

/** Somebody this account knows. */
export interface Contact {
  /** Who. */
  account: AccountId;
  /** What this account calls them. */
  name: string | null;
  /** Their number, if it is known. */
  number: PhoneNumber | null;
  /** What they call themselves. */
  profile: Profile | null;
  /** If it is a business: as its label says. */
  business: BusinessName | null;
  /** Whether nothing is taken from them. */
  blocked: boolean;
  /** How far their identity key is trusted. */
  trust: Trust;
}

/** What a business is called, by its label. */
export interface BusinessName {
  /** Its name; empty if the relay never said one. */
  name: string;
  /** Whether the relay still says so, and the operator has approved it. Else it is only what it calls itself. */
  vouched: boolean;
}

/** How far an identity key is trusted. */
export type Trust =
  /** No key is known yet. */
  | "unknown"
  /** The first key that was seen. */
  | "first_use"
  /** A person compared the safety number. */
  | "verified"
  /** It changed: nothing is sent until that is accepted. */
  | "changed";

/** What somebody says of themselves. */
export interface Profile {
  /** What they are called. */
  name: string;
  /** A few words. */
  about: string;
  /** A picture. */
  avatar: FilePointer | null;
}

/** Who this device is. */
export interface Own {
  /** The account. */
  account: AccountId;
  /** Which of its devices. */
  device: DeviceId;
  /** The account's number. */
  number: PhoneNumber;
}

/** One of the account's devices. */
export interface OwnDevice {
  /** Its number. */
  id: DeviceId;
  /** What it is called; none if that cannot be read. */
  name: string | null;
  /** When it was registered or linked. */
  created: number;
  /** The day on which it was last online. */
  last_seen: number;
  /** Whether it is the one that asks. */
  this: boolean;
}

/** Words with something to press or to choose. */
export interface Interactive {
  /** Above the words. */
  header: Header | null;
  /** The words: at most 64 KiB. */
  body: string;
  /** Below them, small. */
  footer: string;
  /** At most 10. */
  buttons: Button[];
  /** What can be chosen from. */
  list: ChoiceList | null;
  /** To be looked through side by side, at most 10. */
  slides: Slide[];
}

/** What stands above the words. */
export type Header =
  /** More words. */
  | {
      type: "text";
      /** At most 1 KiB. */
      text: string;
    }
  /** A picture, a video, a document. */
  | ({ type: "media" } & Media)
  /** A place. */
  | ({ type: "location" } & Place);

/** Something to press. */
export type Button = {
  /** What stands on it: at most 256 bytes. */
  title: string;
} & ButtonAction;

/** What a button does. */
export type ButtonAction =
  /** Answers with a [`Reply`]. */
  | {
      action: "reply";
      /** Its id: at most 1 KiB. */
      id: string;
    }
  /** Opens an address. */
  | {
      action: "url";
      /** `http` or `https`, at most 2 KiB. */
      url: string;
    }
  /** Calls a number. */
  | {
      action: "call";
      /** As it is dialled: digits, and what people put between them. */
      number: string;
    }
  /** Copies words. */
  | {
      action: "copy";
      /** The words. */
      text: string;
    }
  /** Asks where somebody is: answered with a location that quotes the message. */
  | { action: "location_request" }
  /**
   * Asks for somebody's number: answered by [`Device::share_number`](crate::Device::share_number), or with contacts
   * that quote the message.
   */
  | { action: "contact_request" }
  /** Forms, catalogues, calls: for readers that know them. */
  | {
      action: "other";
      /** Which. */
      name: string;
      /** JSON, at most 32 KiB. */
      parameters: string;
    }
  /** Something that this version does not know; it cannot be pressed, and is not sent. */
  | { action: "unsupported" };

/** What can be chosen from. */
export interface ChoiceList {
  /** What opens it. */
  button: string;
  /** At most 10, with at most 100 rows in all. */
  sections: Section[];
}

/** A part of a list. */
export interface Section {
  /** Above it. */
  title: string;
  /** What is in it. */
  rows: Row[];
}

/** Something to choose. */
export interface Row {
  /** The id of the [`Reply`]: at most 1 KiB. */
  id: string;
  /** What it is called. */
  title: string;
  /** A few words. */
  description: string;
}

/** One of those side by side. */
export interface Slide {
  /** Above the words. */
  header: Header | null;
  /** The words. */
  body: string;
  /** Below them. */
  buttons: Button[];
}

/** What a template is for. */
export type TemplateCategory =
  /** It does not say. */
  | "unknown"
  /** About something that is under way. */
  | "utility"
  /** To sell. */
  | "marketing"
  /** A code that proves who somebody is. */
  | "authentication";

/** A text that was approved before, filled in. */
export interface Template {
  /** What it is called: at most 1 KiB. */
  name: string;
  /** As in `en_US`. */
  language: string;
  /** What it is for. */
  category: TemplateCategory;
  /** What is shown. */
  content: Interactive;
  /** An offer that ends. */
  offer: Offer | null;
}

/** An offer that ends. */
export interface Offer {
  /** In words. */
  text: string;
  /** Milliseconds since 1970; 0 if it does not say. */
  ends: number;
}

/** Where something was pressed or chosen. */
export type ReplyKind =
  /** A button. */
  | "button"
  /** A row of a list. */
  | "row"
  /** A button of a template. */
  | "template"
  /** A form, filled in. */
  | "form";

/** What somebody pressed or chose. */
export interface Reply {
  /** In which message. */
  message: MessageRef;
  /** What it was. */
  kind: ReplyKind;
  /** That of the button or row; the name of the form. */
  id: string;
  /** What stood on it. */
  title: string;
  /** What stood below. */
  description: string;
  /** What a form was filled in with: JSON; else empty. */
  response: string;
}

/** Whether somebody wants to be sold to. */
export type Marketing =
  /** As before. */
  | "unchanged"
  /** No longer. */
  | "stop"
  /** Again. */
  | "resume";

/** What can be pressed or chosen in a message, in the order in which it stands there. */
export type Choice = {
  /** What stands on it. */
  title: string;
  /** What stands below. */
  description?: string;
  /** As what it is answered. */
  kind: ReplyKind;
} & ButtonAction;

/** Somebody's card. */
export interface Card {
  /** Whose. */
  name: string;
  /** As they were written. */
  phone_numbers: string[];
  /** As they were written. */
  email_addresses: string[];
  /** Where they work. */
  organization: string;
  /** The name in parts. */
  name_parts?: NameParts;
  /** What the number at the same place is for: `Work`. */
  phone_labels?: string[];
  /** What the address at the same place is for. */
  email_labels?: string[];
  /** Where to find them. */
  addresses?: PostalAddress[];
  /** In which part of the organization. */
  department?: string;
  /** What they are there. */
  title?: string;
  /** Their pages. */
  websites?: Website[];
  /** `YYYY-MM-DD`, or nothing. */
  birthday?: string;
}

/** A name in parts. */
export interface NameParts {
  /** Given. */
  first: string;
  /** Of the family. */
  last: string;
  /** Between them. */
  middle: string;
  /** Before them. */
  prefix: string;
  /** After them. */
  suffix: string;
}

/** A postal address. */
export interface PostalAddress {
  /** With the house's number. */
  street: string;
  /** The place. */
  city: string;
  /** Or province. */
  state: string;
  /** As it is written there. */
  postal_code: string;
  /** In words. */
  country: string;
  /** Two letters. */
  country_code: string;
  /** What it is for. */
  label: string;
}

/** A page. */
export interface Website {
  /** Where, as it was written. */
  url: string;
  /** What it is for. */
  label: string;
}

/** Who runs the process that holds a business's keys. */
export type Hosting =
  /** The business itself. */
  | "self"
  /** A vendor. */
  | "vendor"
  /** The operator of the relay. */
  | "operator"
  /** Nobody but the business's agents can read it. */
  | "sealed"
  /** In a way that this version does not know. */
  | "unknown";

/** What the relay states about a business, under its label key. */
export interface Label {
  /** The business: 16 bytes. */
  business: Base64;
  /** Who hosts it. */
  hosting: Hosting;
  /** The vendor's or the operator's name; empty if the business hosts itself. */
  host_name: string;
  /** As the business calls itself. */
  name: string;
  /** As it is registered. */
  legal_name: string;
  /** Whether the operator has approved it. */
  verified: boolean;
  /** Milliseconds since 1970: since when it is hosted so. */
  since: number;
  /** ISO 3166, two letters. */
  country: string;
  /** What kind of business. */
  category: string;
}

/** What there is to say of a business's label. */
export type LabelChange =
  /** It is the first one. */
  | "first"
  /** It is another one than before, or there is one again. */
  | "changed"
  /** The relay gives none any more. */
  | "missing"
  /** It is not signed by the relay's label key. */
  | "unsigned"
  /** It is about another account, or about another identity key. */
  | "foreign"
  /** Its time is over, or it is older than what was known. */
  | "stale";

/** How it is with the label of a business. */
export interface LabelState {
  /** The last good one. Only with [`LabelChange::First`] and [`LabelChange::Changed`] it still holds. */
  label: Label | null;
  /** How it came to be so. */
  change: LabelChange;
  /** Names this state: what [`Device::label_shown`](crate::Device::label_shown) takes. */
  digest: Base64;
  /** Whether a person was shown it here. Until then what is sent to the business waits. */
  shown: boolean;
}

/** What a business offers in front of a chat. */
export interface Menu {
  /** At most 4: words that are sent when they are chosen. */
  prompts: string[];
  /** At most 30: what can be typed behind a slash. */
  commands: MenuCommand[];
}

/** Something to be typed behind a slash. */
export interface MenuCommand {
  /** At most 32 characters, without the slash. */
  name: string;
  /** What it does, in at most 256 characters. */
  description: string;
}

/** How a device behaves where people differ. */
export interface Settings {
  /** Whether changed identity keys are accepted without asking, except where the old one was verified. */
  accept_changed_identities: boolean;
  /** Whether others are not told what was read. */
  read_in_silence: boolean;
  /**
   * Whether messages stay in their chats. If not, the device is one for a program that keeps them itself: what happens
   * stands in [`Device::feed`] until the program has taken it, and of what is sent only how far it has come is kept, for
   * 45 days or until it was read. What was in chats before stays there.
   */
  keep_history: boolean;
  /**
   * Whether it is sent to businesses without looking at who hosts them: for devices of businesses, whose people have no
   * labels.
   */
  ignore_labels: boolean;
}

/**
 * What happened. Everything but [`Event::Typing`], [`Event::Connection`] and [`Event::Drained`] is in the vault before
 * it is told.
 */
export type DeviceEvent =
  /** A message came, or another own device sent one. */
  | {
      event: "message";
      /** The message. */
      message: Message;
    }
  /** A message was edited, taken back or reacted to. */
  | {
      event: "changed";
      /** As it is now. */
      message: Message;
    }
  /** An own message has come further. */
  | ({
      event: "state";
      /** With whom. */
      chat: AccountId;
      /** Which message. */
      message: MessageRef;
    } & State)
  /** Another own device has shown messages. */
  | {
      event: "read_elsewhere";
      /** Which. */
      messages: MessageRef[];
    }
  /** Messages disappeared. */
  | {
      event: "disappeared";
      /** Which. */
      messages: MessageRef[];
    }
  /** Somebody types, or stopped. */
  | {
      event: "typing";
      /** Who. */
      account: AccountId;
      /** On which device. */
      device: DeviceId;
      /** Whether they stopped. */
      stopped: boolean;
    }
  /** The identity key of an account changed. What is sent to it waits, if `held`. */
  | {
      event: "identity_changed";
      /** Whose. */
      account: AccountId;
      /** Whether [`Device::accept_identity`](crate::Device::accept_identity) is waited for. */
      held: boolean;
    }
  /** A message cannot be read. It was asked for again, if `asked`. */
  | {
      event: "undecryptable";
      /** From whom. */
      account: AccountId;
      /** From which device. */
      device: DeviceId;
      /** When it was sent. */
      timestamp: number;
      /** Whether it was asked for again. */
      asked: boolean;
    }
  /**
   * Something came into the feed, of a device that keeps no history ([`Device::feed`](crate::Device::feed)). Messages,
   * changes, states and changed identities are told in no other way then.
   */
  | {
      event: "feed";
      /** The position of the last of it. */
      through: number;
    }
  /**
   * The label of a business is the first, or another one than before, or something is wrong with it. What is sent to it
   * waits until [`Device::label_shown`](crate::Device::label_shown).
   */
  | ({
      event: "label";
      /** Whose. */
      account: AccountId;
    } & LabelState)
  /** A contact's name, profile or block changed, here or on another own device. */
  | {
      event: "contact";
      /** Who. */
      account: AccountId;
    }
  /** A business offers something else in front of its chat than before ([`Device::menu`](crate::Device::menu)). */
  | {
      event: "menu";
      /** Which business. */
      account: AccountId;
      /** What it offers now. */
      menu: Menu;
    }
  /** The connection to the relay. */
  | ({
      event: "connection";
    } & Connection)
  /** All that waited at the relay has come. */
  | { event: "drained" };

/** How the connection to the relay is. */
export type Connection =
  /** There. */
  | { connection: "online" }
  /** Not there; tried again after this time. */
  | {
      connection: "offline";
      /** Milliseconds. */
      retry_in_ms: number;
    }
  /** Taken over by a newer socket of the same device; not tried again. */
  | { connection: "replaced" }
  /** The device was removed or its account deleted; not tried again. */
  | { connection: "removed" };
