//! Decisions about businesses.

use wire::{BusinessId, api};

use super::{Office, Who};
use crate::{
    RelayError,
    businesses::{State, lines},
};

/// What the operator does about a business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Looks at it.
    Review,
    /// Lets it write to everybody.
    Approve,
    /// Says no.
    Reject,
    /// Lets nothing out any more.
    Suspend,
    /// Ends that.
    Reinstate,
}

impl Decision {
    const fn from(self) -> &'static [State] {
        match self {
            Self::Review => &[State::Submitted],
            Self::Approve | Self::Reject => &[State::InReview],
            Self::Suspend => &[State::Approved],
            Self::Reinstate => &[State::Suspended],
        }
    }

    const fn to(self) -> State {
        match self {
            Self::Review => State::InReview,
            Self::Approve | Self::Reinstate => State::Approved,
            Self::Reject => State::Rejected,
            Self::Suspend => State::Suspended,
        }
    }

    const fn refusal(self) -> &'static str {
        match self {
            Self::Review => "only what was submitted is taken into review",
            Self::Approve => "only what is in review is approved",
            Self::Reject => "only what is in review is rejected",
            Self::Suspend => "only an approved business is suspended",
            Self::Reinstate => "only a suspended business is reinstated",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Review => "business_in_review",
            Self::Approve => "business_approved",
            Self::Reject => "business_rejected",
            Self::Suspend => "business_suspended",
            Self::Reinstate => "business_reinstated",
        }
    }
}

impl Office {
    /// Decides about a business; to reject and to suspend it has a reason.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`, `Conflict` if its state is not the one before; those of the database.
    pub async fn decide(
        &self,
        business: BusinessId,
        decision: Decision,
        reason: Option<&str>,
    ) -> Result<api::Business, RelayError> {
        let reason = reason.map(|reason| lines("reason", reason, 1000)).transpose()?;
        let change = crate::businesses::Change {
            who: Who::Operator,
            what: decision.word(),
            from: decision.from(),
            to: decision.to(),
            reason,
            refusal: decision.refusal(),
        };
        self.businesses.change_state(business, change).await?;
        self.businesses.show(business).await
    }
}
