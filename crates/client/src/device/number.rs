//! Letting a business know the own number: only by a visible choice, and only that business.

use serde::{Deserialize, Serialize};
use wire::{AccountId, Base64};

use super::Device;
use crate::{Draft, DraftContent, Error, MessageRef};

#[derive(Serialize)]
struct ProveNumber {
    account: AccountId,
}

#[derive(Deserialize)]
struct NumberShown {
    proof: Base64,
}

impl Device {
    /// Has the relay sign which number this account has, for one business alone. What it gives is to be sent to that
    /// business if its person wants it to know the number; to nobody else is it of use.
    ///
    /// # Errors
    /// [`Error::Refused`] if the account is no business; [`Error::Link`].
    pub async fn number_proof(&self, business: AccountId) -> Result<Draft, Error> {
        let request = ProveNumber { account: business };
        let shown: NumberShown = self.relay().ask("POST", "/v1/account/number-proof", Some(&request)).await?;
        Ok(DraftContent::NumberShare { proof: shown.proof }.into())
    }

    /// Lets a business know the number of this account. The person must have said so.
    ///
    /// # Errors
    /// As [`Device::number_proof`] and [`Device::send`].
    pub async fn share_number(&self, business: AccountId) -> Result<MessageRef, Error> {
        let draft = self.number_proof(business).await?;
        self.send(business, draft).await
    }
}
