//! What addresses of files led to a little while ago: a business that sends one picture to a thousand people names it by
//! its address, and it is fetched once (spec section 3, `link`).

use std::{sync::Arc, time::Duration};

use ::store::Timestamp;
use quick_cache::sync::Cache;

use crate::ids::{MediaId, NumberId};

/// How long an address leads to the same file.
const LASTING: Duration = Duration::from_secs(10 * 60);
/// Addresses that are remembered at most.
const REMEMBERED: usize = 10_000;

/// An address of a number's.
type Of = (NumberId, Arc<str>);

/// What addresses lead to.
#[derive(Debug)]
pub(super) struct Links {
    known: Cache<Of, (MediaId, Timestamp)>,
    /// Each is fetched once at a time.
    turns: Cache<Of, Arc<tokio::sync::Mutex<()>>>,
}

impl Links {
    pub(super) fn new() -> Self {
        Self { known: Cache::new(REMEMBERED), turns: Cache::new(REMEMBERED) }
    }

    /// What it led to, if that is not long ago.
    pub(super) fn get(&self, number: NumberId, link: &str, now: Timestamp) -> Option<MediaId> {
        let known = self.known.get(&(number, link.into()))?;
        let (id, at) = known;
        (now < at.after(LASTING)).then_some(id)
    }

    pub(super) fn keep(&self, number: NumberId, link: &str, id: MediaId, now: Timestamp) {
        self.known.insert((number, link.into()), (id, now));
    }

    /// The turn to fetch an address.
    pub(super) fn turn(&self, number: NumberId, link: &str) -> Arc<tokio::sync::Mutex<()>> {
        let turn = self.turns.get_or_insert_with(&(number, Arc::from(link)), || {
            Ok::<_, std::convert::Infallible>(Arc::default())
        });
        turn.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_to_the_same_for_ten_minutes_and_for_one_number() {
        let (links, id) = (Links::new(), MediaId::from_name(7));
        let (one, two) = (NumberId::from_name(1), NumberId::from_name(2));
        let at = |minutes: i64| Timestamp(minutes * 60_000);
        links.keep(one, "https://a.example/x", id, at(1));
        assert_eq!(links.get(one, "https://a.example/x", at(10)), Some(id));
        assert_eq!(links.get(one, "https://a.example/x", at(11)), None);
        assert_eq!(links.get(two, "https://a.example/x", at(2)), None);
        assert_eq!(links.get(one, "https://a.example/y", at(2)), None);
    }
}
