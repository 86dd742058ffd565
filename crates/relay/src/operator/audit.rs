//! The audit trail: what was decided and changed about businesses, their hosting and vendors. It is only ever added to,
//! and each entry carries the hash of the one before it, so that what is removed, changed or moved shows.

use ::store::{Timestamp, sql::Transaction};
use sha2::{Digest as _, Sha256};
use wire::api;

use super::store;
use crate::RelayError;

const CONTEXT: &[u8] = b"Tradepost audit v1";

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// With the operator's token.
    Operator,
    /// With the credential of the business that it is about.
    Business,
    /// With a device of the business that it is about.
    Host,
    /// With a code that was sent to a number.
    NumberHolder,
}

impl Who {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Business => "business",
            Self::Host => "host",
            Self::NumberHolder => "number_holder",
        }
    }
}

/// What is to be remembered.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) who: Who,
    /// A stable word.
    pub(crate) what: &'static str,
    /// The business or vendor that it is about; empty for the relay itself.
    pub(crate) subject: String,
    pub(crate) before: Option<serde_json::Value>,
    pub(crate) after: Option<serde_json::Value>,
}

/// Adds an entry, in the transaction of what it is about. It is the last thing that the transaction locks.
pub(crate) async fn append(
    transaction: &mut Transaction,
    event: Event,
    now: Timestamp,
) -> Result<(), RelayError> {
    let head = store::hold_head(transaction).await?;
    let text = |value: Option<serde_json::Value>| value.map_or_else(String::new, |value| value.to_string());
    let mut entry = api::AuditEntry {
        number: u64::try_from(head.number).unwrap_or_default() + 1,
        at: u64::try_from(now.0).unwrap_or_default(),
        who: event.who.as_str().to_owned(),
        what: event.what.to_owned(),
        subject: event.subject,
        before: text(event.before),
        after: text(event.after),
        hash: Vec::new().into(),
    };
    let hash = chained(&head.hash, &entry);
    entry.hash = hash.to_vec().into();
    store::add_entry(transaction, &entry, hash).await?;
    Ok(())
}

/// The hash of an entry that follows one with the hash `before`.
fn chained(before: &[u8; 32], entry: &api::AuditEntry) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(CONTEXT);
    hash.update(before);
    hash.update(entry.number.to_be_bytes());
    hash.update(entry.at.to_be_bytes());
    for field in [&entry.who, &entry.what, &entry.subject, &entry.before, &entry.after] {
        hash.update(u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
        hash.update(field.as_bytes());
    }
    hash.finalize().into()
}

/// Where a trail is not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// There is a gap, or what is there was moved.
    #[error("entry {0} is not where it should be: something was removed or moved")]
    Missing(u64),
    /// It, or the order of those before it, was changed.
    #[error("entry {0} was changed, or something before it")]
    Changed(u64),
    /// The trail ends before an entry that is known to have been there.
    #[error("the trail ends before entry {0}: its end was removed")]
    Ends(u64),
    /// An entry has another hash than is known of it.
    #[error("entry {0} is another one than it was: the trail was written anew")]
    Rewritten(u64),
}

/// Follows a trail entry by entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    number: u64,
    hash: [u8; 32],
    known: Option<(u64, [u8; 32])>,
}

impl Verifier {
    /// From the beginning. `known` is an entry whose number and hash were noted down earlier: without one, a trail whose
    /// end was cut off, or which was written anew from some entry on, looks like a good one.
    #[must_use]
    pub const fn new(known: Option<(u64, [u8; 32])>) -> Self {
        Self { number: 0, hash: [0; 32], known }
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// [`Broken`]: it is not the one that was written here.
    pub fn take(&mut self, entry: &api::AuditEntry) -> Result<(), Broken> {
        let expected = self.number + 1;
        if entry.number != expected {
            return Err(Broken::Missing(expected));
        }
        let hash = chained(&self.hash, entry);
        if entry.hash.0 != hash {
            return Err(Broken::Changed(expected));
        }
        if self.known.is_some_and(|(number, known)| number == expected && known != hash) {
            return Err(Broken::Rewritten(expected));
        }
        (self.number, self.hash) = (expected, hash);
        Ok(())
    }

    /// Nothing follows: the number and the hash of the last entry, to be noted down.
    ///
    /// # Errors
    /// [`Broken::Ends`].
    pub fn end(self) -> Result<(u64, [u8; 32]), Broken> {
        match self.known {
            Some((number, _)) if number > self.number => Err(Broken::Ends(number)),
            _ => Ok((self.number, self.hash)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trail() -> Vec<api::AuditEntry> {
        let mut before = [0; 32];
        let entry = |number| {
            let mut entry = api::AuditEntry {
                number,
                at: 7 * number,
                who: "operator".into(),
                what: "approved".into(),
                subject: format!("business {number}"),
                before: r#"{"state":"in_review"}"#.into(),
                after: r#"{"state":"approved"}"#.into(),
                hash: Vec::new().into(),
            };
            before = chained(&before, &entry);
            entry.hash = before.to_vec().into();
            entry
        };
        (1..=5).map(entry).collect()
    }

    fn verify(trail: &[api::AuditEntry], known: Option<(u64, [u8; 32])>) -> Result<(u64, [u8; 32]), Broken> {
        let mut verifier = Verifier::new(known);
        trail.iter().try_for_each(|entry| verifier.take(entry))?;
        verifier.end()
    }

    #[test]
    fn a_trail_shows_what_was_done_to_it() {
        let trail = trail();
        let head = verify(&trail, None).unwrap();
        assert_eq!(head.0, 5);
        assert_eq!(verify(&trail, Some(head)), Ok(head));

        for index in 0..5 {
            let number = u64::try_from(index).unwrap() + 1;
            let mut removed = trail.clone();
            removed.remove(index);
            let expected = if number == 5 { Broken::Ends(5) } else { Broken::Missing(number) };
            assert_eq!(verify(&removed, Some(head)), Err(expected));
            for change in [
                |entry: &mut api::AuditEntry| entry.at += 1,
                |entry: &mut api::AuditEntry| entry.who.push('s'),
                |entry: &mut api::AuditEntry| entry.what.insert(0, 'd'),
                |entry: &mut api::AuditEntry| entry.after = std::mem::take(&mut entry.before),
                |entry: &mut api::AuditEntry| entry.hash.0[31] ^= 1,
            ] {
                let mut changed = trail.clone();
                change(&mut changed[index]);
                assert_eq!(verify(&changed, None), Err(Broken::Changed(number)));
            }
        }
        let mut moved = trail.clone();
        moved.swap(1, 2);
        assert_eq!(verify(&moved, None), Err(Broken::Missing(2)));
        // Also with numbers that fit.
        (moved[1].number, moved[2].number) = (2, 3);
        assert_eq!(verify(&moved, None), Err(Broken::Changed(2)));
    }

    #[test]
    fn a_trail_that_is_written_anew_shows_if_one_entry_is_known() {
        let mut anew = trail();
        anew.truncate(3);
        anew[2].after = "{}".into();
        let before = <[u8; 32]>::try_from(&*anew[1].hash.0).unwrap();
        anew[2].hash = chained(&before, &anew[2]).to_vec().into();
        verify(&anew, None).unwrap();
        let known = <[u8; 32]>::try_from(&*trail()[2].hash.0).unwrap();
        assert_eq!(verify(&anew, Some((3, known))), Err(Broken::Rewritten(3)));
    }
}
