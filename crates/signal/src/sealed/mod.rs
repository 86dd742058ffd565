//! Sealed sender: who wrote a message is told to its receiver alone (the Signal specification, sections 9 and 10).
//!
//! The sender wraps a ciphertext and its [`SenderCertificate`] in a [`Content`] and seals that to the receiver's
//! identity key, once ([`Content::seal`]) or for many at a time ([`Content::seal_for_many`]). A relay cuts the second
//! form into one message per receiver with [`SentMessage`]. The receiver opens either kind with [`open`], which gives
//! the content only after it has proved who sent it; the ciphertext in it then goes where one that came openly from
//! [`Content::sender`] would go.

mod certificate;
mod content;
mod error;
mod sent;
#[cfg(test)]
mod tests;
mod v1;
mod v2;

use keys::KeyPair;

pub use certificate::{
    CertificateIssuer, REVOKED_SERVER_KEYS, Sender, SenderCertificate, ServerCertificate, ServerKeyId,
    ServerTrust,
};
pub use content::{Content, ContentHint};
pub use error::{CertificateError, OpenError, SealError, SplitError};
pub use sent::{Destination, MAX_RECIPIENTS, SentMessage, SentRecipient};

use crate::{Address, MAX_MESSAGE_LEN, ParseError, Timestamp};

/// Who opens a message.
#[derive(Clone, Copy, Debug)]
pub struct Receiver<'a> {
    /// The identity key pair that the message was sealed to.
    pub identity: &'a KeyPair,
    /// This device.
    pub address: &'a Address,
    /// The account's phone number, if it has one.
    pub e164: Option<&'a str>,
}

impl Receiver<'_> {
    fn is(&self, sender: &Sender) -> bool {
        let same_number = self.e164.is_some() && self.e164 == sender.e164.as_deref();
        let same_account = match (self.address.service_id(), sender.address.service_id()) {
            (Some(own), Some(theirs)) => own == theirs,
            _ => self.address.name() == sender.address.name(),
        };
        (same_account || same_number) && self.address.device() == sender.address.device()
    }
}

/// Opens a sealed message, of either version, and proves its sender.
///
/// # Errors
/// [`OpenError`]. Nothing of the content is given away then.
pub fn open(
    message: &[u8],
    receiver: &Receiver<'_>,
    trust: &ServerTrust<'_>,
    now: Timestamp,
) -> Result<Content, OpenError> {
    let actual = message.len();
    if actual > MAX_MESSAGE_LEN {
        return Err(ParseError::TooLong { actual }.into());
    }
    let (version, body) = message.split_first().ok_or(ParseError::TooShort { actual })?;
    let content = match version >> 4 {
        0 | 1 => v1::open(body, receiver.identity)?,
        2 => v2::open(body, receiver.identity)?,
        version => return Err(ParseError::UnknownVersion(version).into()),
    };
    content.certificate().validate(trust, now)?;
    if receiver.is(content.sender()) {
        return Err(OpenError::SelfSend);
    }
    Ok(content)
}
