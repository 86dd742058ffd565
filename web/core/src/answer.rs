//! What the core answers, where it is not a type of `client`.

use client::{AccountId, Chat, Contact, Message, MessageRef, PhoneNumber, Trust};
use serde::{Deserialize, Serialize};
use wire::Base64;

/// A code is on its way.
#[derive(Clone, Debug, Serialize)]
pub struct CodeSent {
    /// To this number.
    pub number: PhoneNumber,
    /// Milliseconds for which it is good.
    pub expires_in_ms: u64,
    /// Milliseconds after which another may be asked for.
    pub retry_after_ms: u64,
}

/// The account as the relay knows it.
#[derive(Clone, Debug, Serialize)]
pub struct AccountState {
    /// Which.
    pub account: AccountId,
    /// Its number.
    pub number: PhoneNumber,
    /// Whether others find it by its number.
    pub discoverable: bool,
    /// Whether registering again asks for a PIN.
    pub registration_lock: bool,
    /// Whether this is the primary device.
    pub primary: bool,
}

/// A chat, and all that a list shows of it.
#[derive(Clone, Debug, Serialize)]
pub struct ChatOverview {
    /// The chat.
    #[serde(flatten)]
    pub chat: Chat,
    /// With whom.
    pub contact: Contact,
    /// Whether it is with a business, as far as is known.
    pub business: bool,
    /// What this browser alone keeps of it.
    pub marks: ChatMarks,
}

/// What this browser alone keeps of a chat: other own devices do not know it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChatMarks {
    /// Since when it is pinned: milliseconds since 1970.
    pub pinned: Option<u64>,
    /// Until when it is muted: milliseconds since 1970; 0 for ever.
    pub muted: Option<u64>,
    /// Whether it is archived.
    pub archived: bool,
    /// Whether it was marked as unread.
    pub marked_unread: bool,
    /// What was begun to be written.
    pub draft: Option<WrittenDraft>,
    /// Since when the business was told not to sell: milliseconds since 1970.
    pub marketing_stopped: Option<u64>,
    /// Since when the number was shared.
    pub number_shared: Option<u64>,
    /// Since when it was asked for erasure.
    pub erasure_asked: Option<u64>,
    /// When it was reported.
    pub reported: Option<u64>,
}

/// What was begun to be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenDraft {
    /// The words.
    pub text: String,
    /// The message that they answer.
    #[serde(default)]
    pub quote: Option<MessageRef>,
    /// When it was written last: milliseconds since 1970.
    pub at: u64,
}

/// Where a link leads.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum LinkTarget {
    /// To a chat.
    Chat {
        /// The chat.
        chat: Box<ChatOverview>,
        /// What to write in it, not sent yet.
        text: String,
    },
    /// To the approval of a device that wants to join: `approve_device` takes the code.
    Device {
        /// The code.
        code: String,
    },
    /// Nobody at this relay has this number, or does not let themselves be found.
    Nobody {
        /// The number.
        number: PhoneNumber,
    },
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// The latest first.
    pub messages: Vec<Message>,
    /// Where to go on: the `before` of the next search. None at the end.
    pub next: Option<u64>,
}

/// What was sent.
#[derive(Clone, Debug, Serialize)]
pub struct Sent {
    /// Its name; of a change, the name of the change.
    pub id: MessageRef,
    /// As it stands in its chat; none for a change.
    pub message: Option<Message>,
}

/// What two people compare to know that nobody stands between them.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// 60 digits, the same on both sides.
    pub digits: String,
    /// The bytes to show as a QR code.
    pub code: Base64,
    /// How far the key is trusted now.
    pub trust: Trust,
}

/// A QR code.
#[derive(Clone, Debug, Serialize)]
pub struct QrModules {
    /// Modules of a side, without a margin.
    pub width: u32,
    /// Row by row: `1` for dark, `0` for light.
    pub modules: String,
}

/// What this browser keeps.
#[derive(Clone, Debug, Serialize)]
pub struct StorageFigures {
    /// Chats.
    pub chats: u64,
    /// Messages.
    pub messages: u64,
    /// Kept files.
    pub files: u64,
    /// Their bytes.
    pub file_bytes: u64,
    /// Bytes that the browser counts for this site; 0 if it does not say.
    pub used: u64,
    /// Bytes that it allows; 0 if it does not say.
    pub quota: u64,
    /// Whether the browser keeps it also when room runs out.
    pub persistent: bool,
}

/// How much waits to be sent.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Waiting {
    /// Messages and receipts.
    pub waiting: u64,
}
