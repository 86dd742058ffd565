//! What a page asks of the core.

use client::{AccountId, Blob, Card, DeviceId, Draft, Location, MediaKind, MessageRef};
use serde::Deserialize;
use wire::Base64;

/// What a page asks of the core. It is answered once, with what `Answers` in `core.ts` says beside its name, or with a
/// `Problem`.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// How it is with the device of this browser.
    Standing,
    /// Has a code sent to a number. A page shows the number that it answers: so it was understood.
    RequestCode {
        /// As a person typed it, with its country code; spaces and hyphens may be in it.
        number: String,
        /// The country of a number without its code: ISO 3166, two capital letters.
        #[serde(default)]
        region: Option<String>,
    },
    /// The code that was sent to a number, from a relay in development; refused by any other.
    DevelopmentCode {
        /// In E.164.
        number: String,
    },
    /// Registers a number, and with it this browser as the primary device of its account.
    Register {
        /// In E.164.
        number: String,
        /// Six digits.
        code: String,
        /// The PIN, if the account has a registration lock.
        #[serde(default)]
        pin: Option<String>,
        /// What the account's other devices see this one called.
        device_name: String,
        /// What the person wants to be called; can be set later.
        #[serde(default)]
        name: Option<String>,
    },
    /// Shows a code with which this browser joins an account: a `standing` of the phase `linking` has it. The answer comes at
    /// once; joined or expired is told by the next `standing`.
    BeginLinking {
        /// What the account's other devices see this one called.
        device_name: String,
    },
    /// Stops waiting for the primary device.
    CancelLinking,
    /// Lets the device join this account that shows this code, and answers when it has. The person was asked: whoever shows
    /// the code reads everything from then on. Only the primary device can.
    ApproveDevice {
        /// What the other device shows: `tradepost://link?…`.
        code: String,
    },
    /// The account as the relay knows it.
    Account,
    /// Whether others find the account by its number. Only on the primary device.
    SetDiscoverable {
        /// Whether.
        discoverable: bool,
    },
    /// Sets the PIN that registering the number again asks for; none takes it away. Only on the primary device.
    SetPin {
        /// 4 to 64 characters.
        pin: Option<String>,
    },
    /// All devices of the account.
    Devices,
    /// Removes a device from the account. A linked device may remove only itself, and erases itself by that.
    RemoveDevice {
        /// Which.
        device: DeviceId,
    },
    /// How this device behaves.
    Settings,
    /// Changes how this device behaves.
    SetSettings {
        /// Whether others are not told what was read.
        read_in_silence: bool,
        /// Whether changed identity keys are accepted without asking, except where the old one was verified.
        accept_changed_identities: bool,
    },
    /// What an account says of itself, asked of the relay; of the own account without `account`.
    Profile {
        /// Whose.
        #[serde(default)]
        account: Option<AccountId>,
    },
    /// Sets what this account says of itself. With a file beside the command it is the new picture.
    SetProfile {
        /// What the person is called: at most 256 bytes.
        name: String,
        /// A few words: at most 2048 bytes.
        about: String,
        /// Whether the picture stays; else it goes, or the file takes its place.
        keep_picture: bool,
    },
    /// Everybody this account knows something of.
    Contacts,
    /// What is known of somebody.
    Contact {
        /// Who.
        account: AccountId,
    },
    /// Calls somebody by a name on all own devices; an empty one takes the name back.
    SetContact {
        /// Whom.
        account: AccountId,
        /// At most 1024 bytes.
        name: String,
    },
    /// Finds an account by its number.
    Lookup {
        /// As a person typed it.
        number: String,
        /// The country of a number without its code.
        #[serde(default)]
        region: Option<String>,
    },
    /// Follows a link or a scanned code: to a chat with a business, or of a device that wants to join.
    OpenLink {
        /// `tradepost://chat?number=…&text=…`, the address of a page with the same in its query, `tradepost://link?…`, or a
        /// number.
        link: String,
    },
    /// All chats: the pinned ones first, then by their latest message. Archived ones are among them.
    Chats,
    /// One chat; also one in which nothing stands yet.
    Chat {
        /// With whom.
        account: AccountId,
    },
    /// The chat is on a screen: a business is told at most once a day, and may answer with a menu.
    OpenChat {
        /// With whom.
        account: AccountId,
    },
    /// What a business offers in front of its chat.
    Menu {
        /// Which business.
        account: AccountId,
    },
    /// Pins a chat or unpins it. Local: other own devices are not told.
    SetPinned {
        /// With whom.
        account: AccountId,
        /// Whether.
        pinned: bool,
    },
    /// Mutes a chat. Local.
    SetMuted {
        /// With whom.
        account: AccountId,
        /// Until when, milliseconds since 1970; 0 for ever; none unmutes it.
        until: Option<u64>,
    },
    /// Archives a chat or takes it out again. Local. A new message does not take it out.
    SetArchived {
        /// With whom.
        account: AccountId,
        /// Whether.
        archived: bool,
    },
    /// Marks a chat as unread until it is read again. Local.
    SetMarkedUnread {
        /// With whom.
        account: AccountId,
        /// Whether.
        marked: bool,
    },
    /// Keeps what somebody has begun to write. Local. An empty text takes it away.
    SetDraft {
        /// With whom.
        account: AccountId,
        /// At most 64 KiB.
        text: String,
        /// The message that it answers.
        #[serde(default)]
        quote: Option<MessageRef>,
    },
    /// Messages of a chat, the latest first.
    History {
        /// With whom.
        account: AccountId,
        /// Those before this position; without it the last ones.
        #[serde(default)]
        before: Option<u64>,
        /// At most 500; 50 if it does not say.
        #[serde(default)]
        limit: Option<u32>,
    },
    /// One message.
    Message {
        /// Which.
        message: MessageRef,
    },
    /// Messages that have these words, the latest first, whatever their case. Looks through some thousands at once:
    /// `next` says where to go on.
    Search {
        /// At most 256 bytes.
        text: String,
        /// Only in this chat.
        #[serde(default)]
        account: Option<AccountId>,
        /// Those before this position.
        #[serde(default)]
        before: Option<u64>,
        /// At most 100; 50 if it does not say.
        #[serde(default)]
        limit: Option<u32>,
    },
    /// Sends something: text, quote, reaction, edit, delete, location, contacts, the answer to a button or row, the timer of
    /// disappearing messages, and all else that a draft can be. With a `reference`, however often it is asked, it is sent
    /// once; `Core` gives each one.
    Send {
        /// To whom; the own account for notes to oneself.
        account: AccountId,
        /// What.
        draft: Box<Draft>,
    },
    /// Encrypts and uploads the file beside the command, and sends it.
    SendMedia {
        /// To whom.
        account: AccountId,
        /// What is said of the file.
        media: MediaDraft,
        /// The message that it answers.
        #[serde(default)]
        quote: Option<MessageRef>,
        /// 16 bytes: sent once.
        #[serde(default)]
        reference: Option<Base64>,
        /// Names its progress in `transfer` notices.
        #[serde(default)]
        transfer: Option<String>,
    },
    /// Sends cards of people.
    SendContacts {
        /// To whom.
        account: AccountId,
        /// At most 257.
        contacts: Vec<Card>,
    },
    /// Sends a place.
    SendLocation {
        /// To whom.
        account: AccountId,
        /// Where.
        location: Location,
        /// The message that asked for it.
        #[serde(default)]
        quote: Option<MessageRef>,
    },
    /// Presses a button or chooses a row of a message.
    Answer {
        /// With whom the chat is.
        account: AccountId,
        /// The message.
        message: MessageRef,
        /// The id of the button or row.
        choice: String,
    },
    /// What can be pressed or chosen in a message.
    Choices {
        /// Which.
        message: MessageRef,
    },
    /// Says that the person types, or stopped.
    Typing {
        /// To whom.
        account: AccountId,
        /// Whether they stopped.
        #[serde(default)]
        stopped: bool,
    },
    /// The person saw the messages of a chat up to this position. How many that were.
    MarkRead {
        /// With whom.
        account: AccountId,
        /// The position of the last one.
        through: u64,
    },
    /// The person heard a voice note.
    MarkPlayed {
        /// Which.
        message: MessageRef,
    },
    /// Takes a message away here, and nowhere else.
    ForgetMessage {
        /// Which.
        message: MessageRef,
    },
    /// Takes a chat with all its messages away here, and nowhere else.
    ForgetChat {
        /// With whom.
        account: AccountId,
    },
    /// Sets the timer of disappearing messages.
    SetTimer {
        /// With whom.
        account: AccountId,
        /// 0 for never.
        seconds: u32,
    },
    /// Takes nothing from an account any more; it is not told.
    Block {
        /// Whom.
        account: AccountId,
    },
    /// Takes what an account sends again.
    Unblock {
        /// Whom.
        account: AccountId,
    },
    /// Notes that a person reported a business, and blocks it if asked. Local: the relay takes no reports yet.
    Report {
        /// Whom.
        account: AccountId,
        /// In words: at most 2 KiB.
        reason: String,
        /// Whether to block it too.
        block: bool,
    },
    /// Tells a business not to sell to this person any more, or that it may again.
    SetMarketing {
        /// Which business.
        account: AccountId,
        /// Whether it may.
        allowed: bool,
    },
    /// Lets a business know the own number. The person must have said so.
    ShareNumber {
        /// Which business.
        account: AccountId,
    },
    /// Shows the number as not shared from now on. Local: what a business was told it knows; ask it for erasure.
    HideNumber {
        /// Which business.
        account: AccountId,
    },
    /// Asks a business to erase everything of this chat and of this person. `erasure_done` answers in the chat.
    AskErasure {
        /// Which business.
        account: AccountId,
    },
    /// Who can read the chat with a business, asked of the relay; none for a person.
    Label {
        /// Which business.
        account: AccountId,
    },
    /// The person was shown the label of a business, or what is wrong with it: what waits is sent.
    LabelShown {
        /// Which business.
        account: AccountId,
        /// The `digest` of the label state that was shown.
        digest: Base64,
    },
    /// What two people compare.
    SafetyNumber {
        /// With whom.
        account: AccountId,
    },
    /// Compares the code that the other side shows; if it is right, they are verified.
    CompareScanned {
        /// With whom.
        account: AccountId,
        /// What was scanned.
        code: Base64,
    },
    /// Notes that a person compared the digits; without them they do not vouch for it any more.
    SetVerified {
        /// Whom.
        account: AccountId,
        /// The digits that were shown.
        digits: Option<String>,
    },
    /// Sends to a changed identity key from now on: the one whose digits were shown.
    AcceptIdentity {
        /// Whose.
        account: AccountId,
        /// The digits that were shown.
        digits: String,
    },
    /// A QR code for a text or bytes: rows of modules.
    QrCode {
        /// A text; or
        #[serde(default)]
        text: Option<String>,
        /// bytes.
        #[serde(default)]
        bytes: Option<Base64>,
    },
    /// Downloads a file and decrypts it; it is kept for later, and without a connection. The answer has the file beside it.
    Download {
        /// Which.
        file: Blob,
        /// Its type, as in HTTP: what the `Blob` says it is.
        #[serde(default)]
        content_type: String,
        /// Names its progress in `transfer` notices.
        #[serde(default)]
        transfer: Option<String>,
    },
    /// What this browser keeps, and how much room it takes.
    Storage,
    /// Forgets all downloaded files; they can be downloaded again while the relay has them.
    ForgetFiles,
    /// Everything this device knows, as JSON: the answer has it as a file beside it.
    Export,
    /// How much waits to be sent.
    Outbox,
    /// Erases the account at the relay and everything here. Only on the primary device.
    DeleteAccount,
    /// Removes this device from its account, and erases everything here.
    SignOut,
    /// Erases everything here and tells nobody: where the vault is damaged, or to begin anew.
    EraseHere,
}

/// What is said of a file that is to be sent.
#[derive(Clone, Debug, Deserialize)]
pub struct MediaDraft {
    /// What kind.
    pub kind: MediaKind,
    /// As in HTTP.
    #[serde(default)]
    pub content_type: String,
    /// A name without folders.
    #[serde(default)]
    pub file_name: String,
    /// Words under it.
    #[serde(default)]
    pub caption: String,
    /// Pixels; 0 if unknown.
    #[serde(default)]
    pub width: u32,
    /// Pixels; 0 if unknown.
    #[serde(default)]
    pub height: u32,
    /// Milliseconds; 0 if unknown.
    #[serde(default)]
    pub duration: u32,
    /// A small JPEG, PNG or WebP, at most 64 KiB.
    #[serde(default)]
    pub thumbnail: Base64,
    /// A sticker that moves.
    #[serde(default)]
    pub animated: bool,
}
