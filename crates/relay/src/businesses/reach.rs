//! Whom a business may write to.

use ::store::{StoreError, Timestamp, sql::Connection};
use wire::{AccountId, PhoneNumber};

use super::{State, store};
use crate::devices::DeviceKey;

/// Whom the account of a business may write to, as it was at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// When this was so.
    pub loaded: Timestamp,
    to: To,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum To {
    Everybody,
    Nobody,
    /// In order.
    Testers(Vec<AccountId>),
}

impl Reach {
    /// Whether messages may go to this account.
    #[must_use]
    pub fn includes(&self, account: AccountId) -> bool {
        match &self.to {
            To::Everybody => true,
            To::Nobody => false,
            To::Testers(accounts) => accounts.binary_search(&account).is_ok(),
        }
    }
}

/// Whom a hosted account may write to now.
pub(crate) async fn reach(
    reader: &mut Connection,
    account: AccountId,
    now: Timestamp,
) -> Result<Reach, StoreError> {
    let standing = store::standing(reader, account).await?;
    let to = match standing {
        // Whose it was is gone: the device goes too.
        None => To::Nobody,
        Some(standing) if standing.vendor_suspended => To::Nobody,
        Some(standing) => match standing.state {
            State::Approved => To::Everybody,
            State::Suspended => To::Nobody,
            _ => {
                let mut testers = store::tester_accounts(reader, standing.business).await?;
                testers.sort_unstable();
                To::Testers(testers)
            }
        },
    };
    Ok(Reach { loaded: now, to })
}

/// The devices of businesses that have this number as a tester: it has an account now, or another one.
pub(crate) async fn whose_tester(
    reader: &mut Connection,
    number: &PhoneNumber,
) -> Result<Vec<DeviceKey>, StoreError> {
    store::devices_with_tester(reader, number).await
}
