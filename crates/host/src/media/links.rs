//! What addresses of files led to a little while ago: a business that sends one picture to a thousand people names it by
//! its address, and it is fetched once (spec section 3, `link`). Of one that leads nowhere the others wait no longer either.
//! A number's files are fetched one after the other, so that nothing is fetched twice at the same time.

use std::{sync::Arc, time::Duration};

use ::store::Timestamp;
use quick_cache::sync::Cache;

use crate::{
    codes::Refusal,
    ids::{MediaId, NumberId},
};

/// How long an address leads to the same file.
const LASTING: Duration = Duration::from_secs(10 * 60);
/// How long one that led nowhere is not tried again.
const DEAD: Duration = Duration::from_secs(60);
/// Addresses that are remembered at most.
const REMEMBERED: usize = 10_000;

/// A file, or why there is none.
pub(super) type Led = Result<MediaId, Refusal>;

/// What addresses lead to.
#[derive(Debug)]
pub(super) struct Links(Cache<(NumberId, Arc<str>), (Led, Timestamp)>);

impl Links {
    pub(super) fn new() -> Self {
        Self(Cache::new(REMEMBERED))
    }

    /// What it led to, if that is not long ago.
    pub(super) fn get(&self, number: NumberId, link: &str, now: Timestamp) -> Option<Led> {
        let (led, at) = self.0.get(&(number, link.into()))?;
        let lasting = if led.is_ok() { LASTING } else { DEAD };
        (now < at.after(lasting)).then_some(led)
    }

    pub(super) fn keep(&self, number: NumberId, link: &str, led: Led, now: Timestamp) {
        self.0.insert((number, link.into()), (led, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::Code;

    #[test]
    fn an_address_leads_to_the_same_for_ten_minutes_and_for_one_number() {
        let (links, id) = (Links::new(), MediaId::from_name(7));
        let (one, two) = (NumberId::from_name(1), NumberId::from_name(2));
        let at = |minutes: i64| Timestamp(minutes * 60_000);
        links.keep(one, "https://a.example/x", Ok(id), at(1));
        assert_eq!(links.get(one, "https://a.example/x", at(10)), Some(Ok(id)));
        assert_eq!(links.get(one, "https://a.example/x", at(11)), None);
        assert_eq!(links.get(two, "https://a.example/x", at(2)), None);
        assert_eq!(links.get(one, "https://a.example/y", at(2)), None);
        let dead = Refusal::new(Code::MediaUpload, "nothing there");
        links.keep(one, "https://a.example/z", Err(dead.clone()), at(1));
        assert_eq!(links.get(one, "https://a.example/z", Timestamp(119_999)), Some(Err(dead)));
        assert_eq!(links.get(one, "https://a.example/z", at(2)), None);
    }
}
