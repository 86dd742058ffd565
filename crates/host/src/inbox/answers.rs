//! How fast agents answer.

use ::store::Timestamp;
use serde::Serialize;

use super::{Inbox, store};
use crate::{
    HostError,
    ids::{BusinessId, NumberId},
};

/// The time that is counted together, in milliseconds.
pub(super) const SLOT: i64 = 30 * 60 * 1000;
/// Rows that are counted at once.
const MOST: u32 = 50_000;

/// How fast was answered in a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answered {
    /// When it begins and ends, in milliseconds.
    pub start: i64,
    /// When it ends.
    pub end: i64,
    /// How many answers there were.
    pub answers: i64,
    /// How long they took, on average.
    pub mean_ms: i64,
    /// How long the slowest took.
    pub longest_ms: i64,
}

impl Inbox {
    /// How fast was answered, by stretches of time: `around` says in which a moment is. Who asks has asked whether the business
    /// lets it be counted.
    ///
    /// # Errors
    /// `Invalid` for more than can be counted at once; those of the database.
    pub async fn answers(
        &self,
        business: BusinessId,
        (start, end): (Timestamp, Timestamp),
        number: Option<NumberId>,
        around: impl Fn(i64) -> (i64, i64),
    ) -> Result<Vec<Answered>, HostError> {
        let slots = (start.0.div_euclid(SLOT), end.0.saturating_add(SLOT - 1).div_euclid(SLOT));
        let mut reader = self.api.ground.reader().await?;
        let rows = store::answers(&mut reader, business, slots, MOST).await?;
        if rows.len() >= MOST as usize {
            return Err(HostError::invalid("start", "too much to count at once: ask for less time"));
        }
        let mut found: Vec<(Answered, i64)> = Vec::new();
        for row in rows.into_iter().filter(|row| number.is_none_or(|number| number == row.number)) {
            let (start, end) = around(row.slot.saturating_mul(SLOT));
            match found.last_mut().filter(|(last, _)| last.start == start) {
                Some((last, total)) => {
                    last.answers += row.answers;
                    last.longest_ms = last.longest_ms.max(row.longest);
                    *total += row.total;
                }
                None => {
                    let (answers, longest_ms) = (row.answers, row.longest);
                    found.push((Answered { start, end, answers, mean_ms: 0, longest_ms }, row.total));
                }
            }
        }
        let shown = found.into_iter().map(|(answered, total)| Answered {
            mean_ms: total.checked_div(answered.answers).unwrap_or_default(),
            ..answered
        });
        Ok(shown.collect())
    }
}
