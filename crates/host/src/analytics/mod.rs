//! How many messages a business sent, to where and of what, and how far they came. Counted, never read: neither their
//! words nor who got them is opened, and yet it needs the purpose `analyse`, for it looks at what customers do.

mod store;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ::store::Timestamp;

pub(crate) use self::store::{MIGRATIONS, keep};
use crate::{
    HostError,
    content::Category,
    ground::Ground,
    ids::{BusinessId, NumberId, TemplateId, WabaId},
    messages::category_number,
    purposes::{Access, Gate, Purpose, Subject, SubjectKind},
};

const HALF_HOUR: i64 = 30 * 60 * 1000;
const DAY: i64 = 24 * 60 * 60 * 1000;
/// Rows that are read for one answer.
const MOST: i64 = 100_000;
/// How far it is looked back: a year, and a day for the zones of the earth.
const BACK: i64 = 367 * DAY;

/// By what stretches of time something is counted. Days and months are those of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granularity {
    /// By half hours.
    HalfHour,
    /// By days.
    Day,
    /// By months.
    Month,
}

impl Granularity {
    const fn stretch(self) -> i64 {
        match self {
            Self::HalfHour => HALF_HOUR,
            Self::Day | Self::Month => DAY,
        }
    }

    /// Where the stretch begins and ends that this moment is in, in milliseconds.
    pub(crate) fn around(self, at: i64) -> (i64, i64) {
        let stretch = self.stretch();
        let start = at.div_euclid(stretch) * stretch;
        if self != Self::Month {
            return (start, start + stretch);
        }
        let date = jiff::Timestamp::from_millisecond(start)
            .map(|time| time.to_zoned(jiff::tz::TimeZone::UTC).date());
        let month = date.map(|date| {
            let next = date.last_of_month().tomorrow();
            (date.first_of_month(), next.unwrap_or(date))
        });
        let millis = |date: jiff::civil::Date| {
            date.to_zoned(jiff::tz::TimeZone::UTC).map_or(start, |zoned| zoned.timestamp().as_millisecond())
        };
        month.map_or((start, start + stretch), |(first, next)| (millis(first), millis(next)))
    }
}

/// What is asked. Empty sets stand for everything.
#[derive(Debug, Clone)]
pub struct Question {
    /// From when.
    pub start: Timestamp,
    /// Until when; this moment is not within.
    pub end: Timestamp,
    /// By what stretches.
    pub granularity: Granularity,
    /// Only these numbers.
    pub numbers: BTreeSet<NumberId>,
    /// Only to people of these countries.
    pub countries: BTreeSet<String>,
    /// Only of these templates.
    pub templates: BTreeSet<TemplateId>,
    /// Only of these categories.
    pub categories: BTreeSet<&'static str>,
}

/// By what the counts are told apart, beside time.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// When the stretch begins, in seconds.
    pub start: i64,
    /// When it ends.
    pub end: i64,
    /// Of which number.
    pub number: Option<u64>,
    /// To which country.
    pub country: Option<String>,
    /// As what it is charged.
    pub category: Option<&'static str>,
    /// Of which template.
    pub template: Option<u64>,
}

/// How many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// The relay had them.
    pub sent: i64,
    /// They were on a device.
    pub delivered: i64,
    /// A person saw them.
    pub read: i64,
}

/// By what counts are to be told apart, beside time.
#[derive(Debug, Clone, Copy, Default)]
#[expect(missing_docs, reason = "the fields of Key")]
pub struct Apart {
    pub number: bool,
    pub country: bool,
    pub category: bool,
    pub template: bool,
}

/// Counts.
#[derive(Debug)]
pub struct Analytics {
    ground: Arc<Ground>,
    gate: Arc<Gate>,
}

impl Analytics {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>, gate: Arc<Gate>) -> Arc<Self> {
        Arc::new(Self { ground, gate })
    }

    /// Whether a business lets its host count.
    ///
    /// # Errors
    /// `NotAllowed`, which stands in the log too; those of the database.
    pub async fn allowed(&self, business: BusinessId, waba: WabaId) -> Result<(), HostError> {
        let access = Access::by("analytics", business, Purpose::Analyse);
        let subject = Subject { kind: SubjectKind::Message, names: vec![format!("counts of {waba}")] };
        self.gate.receive(&access, subject, ()).await.map(drop)
    }

    /// Counts the messages that a business sent. Only stretches in which there are some are in the answer.
    ///
    /// # Errors
    /// `NotAllowed`; `Invalid` for a range that is none, or for more than can be counted at once; those of the database.
    pub async fn count(
        &self,
        (business, waba): (BusinessId, WabaId),
        question: &Question,
        apart: Apart,
    ) -> Result<BTreeMap<Key, Tally>, HostError> {
        let (start, end) = (question.start.0, question.end.0);
        if start >= end {
            return Err(HostError::invalid("end", "must be later than start"));
        }
        self.allowed(business, waba).await?;
        let range = (start.max(self.ground.now().0 - BACK), end);
        let stretch = question.granularity.stretch();
        let mut reader = self.ground.reader().await?;
        let found = store::counts(&mut reader, business, range, stretch, MOST).await?;
        drop(reader);
        if found.len() >= usize::try_from(MOST).unwrap_or(usize::MAX) {
            return Err(HostError::invalid("start", "too much to count at once: ask for less time"));
        }
        let mut tallies: BTreeMap<Key, Tally> = BTreeMap::new();
        for count in found {
            let category = word(count.category);
            let number = count.number.cast_unsigned();
            let template = count.template.cast_unsigned();
            let wanted = (question.numbers.is_empty()
                || question.numbers.iter().any(|id| id.get() == number))
                && (question.templates.is_empty()
                    || question.templates.iter().any(|id| id.get() == template))
                && (question.countries.is_empty() || question.countries.contains(&count.country))
                && (question.categories.is_empty() || question.categories.contains(category));
            if !wanted {
                continue;
            }
            let (start, end) = question.granularity.around(count.slot.saturating_mul(stretch));
            let key = Key {
                start: start / 1000,
                end: end / 1000,
                number: apart.number.then_some(number),
                country: apart.country.then_some(count.country),
                category: apart.category.then_some(category),
                template: apart.template.then_some(template),
            };
            let (sent, delivered, read) = crate::messages::came_to(count.state);
            let tally = tallies.entry(key).or_default();
            for (to, came) in
                [(&mut tally.sent, sent), (&mut tally.delivered, delivered), (&mut tally.read, read)]
            {
                *to += if came { count.amount } else { 0 };
            }
        }
        Ok(tallies)
    }
}

/// The API's word for a stored category.
fn word(stored: i64) -> &'static str {
    [Category::Utility, Category::Marketing, Category::Authentication]
        .into_iter()
        .find(|category| category_number(*category) == stored)
        .map_or("SERVICE", |category| match category {
            Category::Utility => "UTILITY",
            Category::Marketing => "MARKETING",
            _ => "AUTHENTICATION",
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_those_of_utc() {
        // 2024-02-29 13:47:00.
        let at = 1_709_214_420_000;
        assert_eq!(Granularity::HalfHour.around(at), (1_709_213_400_000, 1_709_215_200_000));
        assert_eq!(Granularity::Day.around(at), (1_709_164_800_000, 1_709_251_200_000));
        assert_eq!(Granularity::Month.around(at), (1_706_745_600_000, 1_709_251_200_000));
    }
}
