//! A further number of a business, brought by a device that it has already.
//!
//! A code proves that the number's holder agrees, and the device says for which business: its own. It is a primary one and
//! signs with its identity key, so that a token that was read somewhere brings nothing. Who hosts the further number is who
//! hosts that device, as the label says it: nothing can be chosen here.

use std::sync::Arc;

use keys::{PublicKey, Signature};
use wire::{
    AccountId, api,
    hosting::{FURTHER_NUMBER, further_number, signed_bytes},
};

use super::{Hosted, Hosting, settle, store};
use crate::{
    RelayError, accounts,
    auth::Primary,
    businesses,
    devices::{self, Offered},
    ground::shard_of,
    operator::{self, Who},
    registration::Pin,
};

impl Hosting {
    /// Binds a number to the business of the caller, and registers its primary device, hosted as the caller is.
    ///
    /// # Errors
    /// `Forbidden` for anybody but a device of a business; `Invalid` for another signature; `CodeWrong`, `CodeExpired`, `RegistrationLocked`, `TooLarge`,
    /// `RateLimited`; those of the database.
    pub async fn add_number(
        &self,
        Primary(caller): Primary,
        request: api::AddHostedNumber,
    ) -> Result<api::Registered, RelayError> {
        let forbidden = RelayError::Forbidden("only a device of a business brings it a number");
        let mut reader = self.ground.reader().await?;
        let found = store::hosted(&mut reader, caller.account).await?;
        let business = found.ok_or_else(|| forbidden.clone())?.business;
        let asks = accounts::identity(&mut reader, caller.account).await?;
        drop(reader);
        self.brought.take(&business)?;
        let api::AddHostedNumber { number, code, pin, device, signature } = request;
        let stated = further_number(&number, &device.identity_key.0);
        let (identity, _) = asks.ok_or(RelayError::Unauthorized)?;
        let good = PublicKey::from_bytes(&identity).and_then(|identity| {
            identity.verify(&signed_bytes(FURTHER_NUMBER, &stated), &Signature::from_bytes(&signature.0)?)
        });
        good.map_err(|_| RelayError::field("signature", "not of the account that asks"))?;
        let pin = pin.map(Pin::parse).transpose()?;
        let device = Arc::new(Offered::parse(device)?.verify().await?);
        let number = Arc::new(number);
        let proof = Arc::new(self.registration.prove(None, &number, code, pin).await?);
        let (secret, token_hash) = devices::mint(&self.ground);
        let new_account = AccountId::from_random(self.ground.random());
        let (now, most) = (self.ground.now(), self.ground.config.businesses.numbers);
        let wanted = number.clone();
        let added = self.ground.write(shard_of(number.as_str().as_bytes()), move |transaction| {
            let (number, proof, device) = (wanted.clone(), proof.clone(), device.clone());
            let forbidden = forbidden.clone();
            Box::pin(async move {
                businesses::held(transaction, business).await?;
                devices::still(transaction, caller).await?;
                // The business may be hosted by somebody else since.
                let hosted = store::hosted(transaction, caller.account).await?;
                let hosted = hosted.filter(|hosted| hosted.business == business).ok_or(forbidden)?;
                if let Some(vendor) = hosted.vendor {
                    let vendor = operator::store::hold_vendor(transaction, vendor).await?;
                    if vendor.is_none_or(|vendor| vendor.suspended) {
                        return Err(RelayError::Forbidden("the vendor is suspended"));
                    }
                }
                proof.spend(transaction, &number, now).await?;
                let lost =
                    businesses::bind_number(transaction, business, &number, (Who::Host, most), now).await?;
                let known = accounts::by_number(transaction, &number).await?;
                let account = known.map_or(new_account, |known| known.account);
                if account == caller.account {
                    return Err(RelayError::Conflict("that is the number of the device that asks"));
                }
                let hosted = Hosted { since: now, ..hosted };
                let settled = settle(transaction, (&number, account), hosted, &device, token_hash).await?;
                Ok((lost, settled))
            })
        });
        let (lost, settled) = added.await?;
        if let Some((account, devices)) = lost {
            self.devices.gone(account, &devices).await;
        }
        Ok(self.settled(settled, &number, secret).await)
    }
}
