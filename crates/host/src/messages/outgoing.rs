//! What a business wants to be sent: validated, so that only rules remain that need to know the chat.

use wire::PhoneNumber;

use crate::{
    content::{Content, Profile},
    ids::{MessageId, NumberId, UserId},
    messages::Once,
};

/// To whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// To whoever has this number.
    Number(PhoneNumber),
    /// To whom the business knows by this.
    User(UserId),
}

/// A message to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// From which number.
    pub number: NumberId,
    /// To whom.
    pub to: Recipient,
    /// What it says. Templates are filled in, files are named by id or by the address to fetch them from.
    pub content: Content,
    /// What it answers; a message that is not known is not quoted.
    pub context: Option<MessageId>,
    /// `biz_opaque_callback_data`: comes back in its statuses. At most 512 characters.
    pub tracker: Option<String>,
    /// Only if this is still the hash of the person's identity key.
    pub identity_key_hash: Option<String>,
    /// What names it, if the business wants to repeat it when its answer gets lost.
    pub once: Option<Once>,
}

/// A message was taken: it is safe here and on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// Its name.
    pub id: MessageId,
    /// To whom it goes.
    pub to: Profile,
}
