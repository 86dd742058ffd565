//! What is inside an envelope: `proto/content.proto`, field for field.
//!
//! A reader ignores fields it does not know; a [`Content`] without a body that it knows is shown as "not supported by
//! this version".

mod business;

pub use business::*;

/// A decrypted message.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Content {
    /// Milliseconds since 1970 by the sender's clock; with the author, the name of the message.
    #[prost(uint64, tag = "1")]
    pub timestamp: u64,
    /// Seconds after which it disappears; 0 for never.
    #[prost(uint32, tag = "2")]
    pub expires_after: u32,
    /// 32 bytes with which the sender's profile can be read.
    #[prost(bytes = "vec", tag = "3")]
    pub profile_key: Vec<u8>,
    /// What this answers.
    #[prost(message, optional, tag = "4")]
    pub quote: Option<Quote>,
    /// How often it was passed on before it came to its sender; 0 for the sender's own.
    #[prost(uint32, tag = "5")]
    pub forwarded: u32,
    /// What the first link in it leads to.
    #[prost(message, optional, tag = "6")]
    pub preview: Option<LinkPreview>,
    /// Until when it is worth reading: milliseconds since 1970, by the sender's clock; 0 for ever.
    #[prost(uint64, tag = "7")]
    pub deliver_by: u64,
    /// What it is.
    #[prost(
        oneof = "Body",
        tags = "10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 30, 31"
    )]
    pub body: Option<Body>,
}

/// What a [`Content`] is.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Body {
    /// Words.
    #[prost(message, tag = "10")]
    Text(Text),
    /// Image, audio, voice note, video, document, sticker or file.
    #[prost(message, tag = "11")]
    Media(Media),
    /// A place.
    #[prost(message, tag = "12")]
    Location(Location),
    /// Somebody's cards.
    #[prost(message, tag = "13")]
    Contacts(Contacts),
    /// To a message.
    #[prost(message, tag = "14")]
    Reaction(Reaction),
    /// Of an own message.
    #[prost(message, tag = "15")]
    Edit(Edit),
    /// Of an own message, for everybody.
    #[prost(message, tag = "16")]
    Delete(Delete),
    /// Delivered or read.
    #[prost(message, tag = "17")]
    Receipt(Receipt),
    /// Somebody types.
    #[prost(message, tag = "18")]
    Typing(Typing),
    /// Between own devices.
    #[prost(message, tag = "19")]
    Sync(Sync),
    /// The timer of disappearing messages was changed.
    #[prost(message, tag = "20")]
    TimerChange(TimerChange),
    /// Words with something to press or to choose.
    #[prost(message, tag = "21")]
    Interactive(Interactive),
    /// A text that was approved before, filled in.
    #[prost(message, tag = "22")]
    Template(Template),
    /// What somebody pressed or chose.
    #[prost(message, tag = "23")]
    Reply(Reply),
    /// Lets a business know the author's number.
    #[prost(message, tag = "24")]
    NumberShare(NumberShare),
    /// What the author wants from the reader.
    #[prost(message, tag = "25")]
    Preference(Preference),
    /// Asks to erase the chat.
    #[prost(message, tag = "26")]
    ErasureRequest(ErasureRequest),
    /// It was erased.
    #[prost(message, tag = "27")]
    ErasureDone(ErasureDone),
    /// A business's chat is on a screen.
    #[prost(message, tag = "30")]
    ChatOpened(ChatOpened),
    /// What a business offers in front of a chat.
    #[prost(message, tag = "31")]
    Menu(Menu),
}

/// Names a message.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct MessageRef {
    /// 16 bytes: who wrote it.
    #[prost(bytes = "vec", tag = "1")]
    pub author: Vec<u8>,
    /// When, by the author's clock.
    #[prost(uint64, tag = "2")]
    pub timestamp: u64,
}

/// What a message answers.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Quote {
    /// Which message.
    #[prost(message, optional, tag = "1")]
    pub message: Option<MessageRef>,
    /// Its first words.
    #[prost(string, tag = "2")]
    pub excerpt: String,
}

/// What a link leads to, as the sender saw it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct LinkPreview {
    /// Where: `http` or `https`.
    #[prost(string, tag = "1")]
    pub url: String,
    /// What it is called.
    #[prost(string, tag = "2")]
    pub title: String,
    /// A few words.
    #[prost(string, tag = "3")]
    pub description: String,
    /// A small JPEG, PNG or WebP.
    #[prost(bytes = "vec", tag = "4")]
    pub thumbnail: Vec<u8>,
}

/// Words.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Text {
    /// The words.
    #[prost(string, tag = "1")]
    pub body: String,
}

/// What a medium is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum MediaType {
    /// Anything.
    File = 0,
    /// A picture.
    Image = 1,
    /// Sound.
    Audio = 2,
    /// Spoken by the sender.
    Voice = 3,
    /// Moving pictures.
    Video = 4,
    /// Something to read.
    Document = 5,
    /// A small picture that stands by itself.
    Sticker = 6,
}

/// Image, audio, voice note, video, document, sticker or file.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Media {
    /// Which of them.
    #[prost(enumeration = "MediaType", tag = "1")]
    pub r#type: i32,
    /// Where it is.
    #[prost(message, optional, tag = "2")]
    pub blob: Option<BlobPointer>,
    /// As in HTTP.
    #[prost(string, tag = "3")]
    pub content_type: String,
    /// The name to save it under; a reader takes only its last part.
    #[prost(string, tag = "4")]
    pub file_name: String,
    /// Words under it.
    #[prost(string, tag = "5")]
    pub caption: String,
    /// Pixels.
    #[prost(uint32, tag = "6")]
    pub width: u32,
    /// Pixels.
    #[prost(uint32, tag = "7")]
    pub height: u32,
    /// Milliseconds.
    #[prost(uint32, tag = "8")]
    pub duration: u32,
    /// A small JPEG, PNG or WebP.
    #[prost(bytes = "vec", tag = "9")]
    pub thumbnail: Vec<u8>,
    /// A sticker that moves.
    #[prost(bool, tag = "10")]
    pub animated: bool,
}

/// Where encrypted bytes are and how to open them.
#[derive(Clone, PartialEq, prost::Message)]
pub struct BlobPointer {
    /// The id of the blob at the relay.
    #[prost(string, tag = "1")]
    pub id: String,
    /// 32 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub key: Vec<u8>,
    /// SHA-256 of the ciphertext.
    #[prost(bytes = "vec", tag = "3")]
    pub digest: Vec<u8>,
    /// Bytes of the plaintext.
    #[prost(uint64, tag = "4")]
    pub size: u64,
}

/// A place.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Location {
    /// Degrees north.
    #[prost(double, tag = "1")]
    pub latitude: f64,
    /// Degrees east.
    #[prost(double, tag = "2")]
    pub longitude: f64,
    /// Metres; 0 if unknown.
    #[prost(float, tag = "3")]
    pub accuracy: f32,
    /// What it is called.
    #[prost(string, tag = "4")]
    pub name: String,
    /// Its postal address.
    #[prost(string, tag = "5")]
    pub address: String,
}

/// Somebody's cards.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Contacts {
    /// The cards.
    #[prost(message, repeated, tag = "1")]
    pub contacts: Vec<Contact>,
}

/// A card.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Contact {
    /// Whose.
    #[prost(string, tag = "1")]
    pub name: String,
    /// As they were written.
    #[prost(string, repeated, tag = "2")]
    pub phone_numbers: Vec<String>,
    /// As they were written.
    #[prost(string, repeated, tag = "3")]
    pub email_addresses: Vec<String>,
    /// Where they work.
    #[prost(string, tag = "4")]
    pub organization: String,
    /// The name in parts.
    #[prost(message, optional, tag = "5")]
    pub name_parts: Option<NameParts>,
    /// What the number at the same place is for.
    #[prost(string, repeated, tag = "6")]
    pub phone_labels: Vec<String>,
    /// What the address at the same place is for.
    #[prost(string, repeated, tag = "7")]
    pub email_labels: Vec<String>,
    /// Where to find them.
    #[prost(message, repeated, tag = "8")]
    pub addresses: Vec<PostalAddress>,
    /// In which part of the organization.
    #[prost(string, tag = "9")]
    pub department: String,
    /// What they are there.
    #[prost(string, tag = "10")]
    pub title: String,
    /// Their pages.
    #[prost(message, repeated, tag = "11")]
    pub websites: Vec<Website>,
    /// `YYYY-MM-DD`.
    #[prost(string, tag = "12")]
    pub birthday: String,
}

/// A name in parts.
#[derive(Clone, PartialEq, prost::Message)]
pub struct NameParts {
    /// Given.
    #[prost(string, tag = "1")]
    pub first: String,
    /// Of the family.
    #[prost(string, tag = "2")]
    pub last: String,
    /// Between them.
    #[prost(string, tag = "3")]
    pub middle: String,
    /// Before them.
    #[prost(string, tag = "4")]
    pub prefix: String,
    /// After them.
    #[prost(string, tag = "5")]
    pub suffix: String,
}

/// A postal address.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PostalAddress {
    /// With the house's number.
    #[prost(string, tag = "1")]
    pub street: String,
    /// The place.
    #[prost(string, tag = "2")]
    pub city: String,
    /// Or province.
    #[prost(string, tag = "3")]
    pub state: String,
    /// As it is written there.
    #[prost(string, tag = "4")]
    pub postal_code: String,
    /// In words.
    #[prost(string, tag = "5")]
    pub country: String,
    /// Two letters.
    #[prost(string, tag = "6")]
    pub country_code: String,
    /// What it is for.
    #[prost(string, tag = "7")]
    pub label: String,
}

/// A page.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Website {
    /// Where.
    #[prost(string, tag = "1")]
    pub url: String,
    /// What it is for.
    #[prost(string, tag = "2")]
    pub label: String,
}

/// A reaction to a message.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Reaction {
    /// To which.
    #[prost(message, optional, tag = "1")]
    pub message: Option<MessageRef>,
    /// One emoji.
    #[prost(string, tag = "2")]
    pub emoji: String,
    /// Takes it back.
    #[prost(bool, tag = "3")]
    pub remove: bool,
}

/// Replaces the text or caption of an own message.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Edit {
    /// Of which.
    #[prost(uint64, tag = "1")]
    pub timestamp: u64,
    /// The new words.
    #[prost(string, tag = "2")]
    pub body: String,
}

/// Takes an own message back for everybody.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Delete {
    /// Which.
    #[prost(uint64, tag = "1")]
    pub timestamp: u64,
}

/// What happened to messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum ReceiptType {
    /// A device has them.
    Delivered = 0,
    /// A person saw them.
    Read = 1,
    /// A person heard them: voice notes.
    Played = 2,
}

/// Delivered, read or played.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Receipt {
    /// Which of them.
    #[prost(enumeration = "ReceiptType", tag = "1")]
    pub r#type: i32,
    /// Of messages of the receipt's recipient.
    #[prost(uint64, repeated, tag = "2")]
    pub timestamps: Vec<u64>,
}

/// Somebody types.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Typing {
    /// No longer.
    #[prost(bool, tag = "1")]
    pub stopped: bool,
}

/// The timer of disappearing messages is now the content's `expires_after`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct TimerChange {}

/// Between the devices of one account.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Sync {
    /// What happened.
    #[prost(oneof = "SyncEvent", tags = "1, 2, 3, 4")]
    pub event: Option<SyncEvent>,
}

/// What happened on another own device.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum SyncEvent {
    /// It sent this.
    #[prost(message, tag = "1")]
    Sent(Sent),
    /// It has shown these.
    #[prost(message, tag = "2")]
    Read(ReadHere),
    /// It blocked or unblocked an account.
    #[prost(message, tag = "3")]
    Blocked(Blocked),
    /// It gave somebody a name.
    #[prost(message, tag = "4")]
    Contact(ContactChange),
}

/// Sent by another own device.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Sent {
    /// 16 bytes: to whom.
    #[prost(bytes = "vec", tag = "1")]
    pub to: Vec<u8>,
    /// The [`Content`] as it was sent.
    #[prost(bytes = "vec", tag = "2")]
    pub content: Vec<u8>,
}

/// Shown by another own device.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ReadHere {
    /// Which.
    #[prost(message, repeated, tag = "1")]
    pub messages: Vec<MessageRef>,
}

/// Blocked on another own device.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Blocked {
    /// 16 bytes: who.
    #[prost(bytes = "vec", tag = "1")]
    pub account: Vec<u8>,
    /// No longer.
    #[prost(bool, tag = "2")]
    pub unblocked: bool,
}

/// What this account calls somebody.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ContactChange {
    /// 16 bytes: whom.
    #[prost(bytes = "vec", tag = "1")]
    pub account: Vec<u8>,
    /// The name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// In E.164.
    #[prost(string, tag = "3")]
    pub phone_number: String,
}

/// Sealed to a device that is being linked. Holds secrets: `Debug` shows none.
#[derive(Clone, PartialEq, prost::Message)]
#[prost(skip_debug)]
pub struct Provision {
    /// 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub account: Vec<u8>,
    /// In E.164.
    #[prost(string, tag = "2")]
    pub number: String,
    /// 32 bytes.
    #[prost(bytes = "vec", tag = "3")]
    pub identity_private_key: Vec<u8>,
    /// 33 bytes.
    #[prost(bytes = "vec", tag = "4")]
    pub identity_public_key: Vec<u8>,
    /// 32 bytes.
    #[prost(bytes = "vec", tag = "5")]
    pub profile_key: Vec<u8>,
    /// For `POST /v1/devices`.
    #[prost(string, tag = "6")]
    pub linking_code: String,
}

impl std::fmt::Debug for Provision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provision").finish_non_exhaustive()
    }
}

/// What a profile blob holds, sealed with the profile key.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Profile {
    /// What the person is called.
    #[prost(string, tag = "1")]
    pub name: String,
    /// A few words.
    #[prost(string, tag = "2")]
    pub about: String,
    /// A picture.
    #[prost(message, optional, tag = "3")]
    pub avatar: Option<BlobPointer>,
}
