//! How many templates an account may have, and make.

use std::time::Duration;

use ::store::{Timestamp, sql::Transaction};

use super::{Templates, millis, store};
use crate::{
    HostError,
    businesses::BusinessState,
    codes::{Code, Refusal},
    ids::{BusinessId, WabaId},
};

/// Templates of an account at most, each in many languages: of a business that is verified, and of one that is not yet.
const MOST: i64 = 6_000;
const MOST_UNVERIFIED: i64 = 250;
/// Of all languages together: all of an account are looked through.
const MOST_IN_ALL: i64 = 6_000;
/// Templates that an account may make in an hour.
const MOST_AN_HOUR: i64 = 100;
const HOUR: Duration = Duration::from_secs(60 * 60);

impl Templates {
    /// How many templates an account may have, in any number of languages, by how far its business's approval is.
    #[must_use]
    pub const fn most(state: BusinessState) -> i64 {
        match state {
            BusinessState::Approved | BusinessState::Suspended => MOST,
            _ => MOST_UNVERIFIED,
        }
    }
}

/// Refuses these names of further templates, one for each language, if an account may not have them.
pub(super) async fn room(
    transaction: &mut Transaction,
    (business, waba): (BusinessId, WabaId),
    fresh: &[&str],
    now: Timestamp,
) -> Result<(), HostError> {
    let Some(name) = fresh.first() else { return Ok(()) };
    let more = i64::try_from(fresh.len()).unwrap_or(i64::MAX);
    let counts = store::counts(transaction, waba, name, Timestamp(now.0 - millis(HOUR))).await?;
    // All that come together are one template in several languages.
    let new_name = i64::from(!counts.has_name);
    let most = Templates::most(store::state_of(transaction, business).await?);
    if counts.names + new_name > most || counts.all + more > MOST_IN_ALL {
        let details = format!("the account has as many templates as it may have: {most}");
        return Err(Refusal::new(Code::Parameter, details).with_subcode(2_388_019).into());
    }
    if counts.fresh + more > MOST_AN_HOUR {
        return Err(Refusal::new(Code::AccountRate, "the account may make 100 templates an hour").into());
    }
    Ok(())
}
