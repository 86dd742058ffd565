//! People whose chats are brought here before they have come themselves: known by a number, without an account. When
//! somebody with that number is known, what was said with the one was said with the other.

use std::{sync::Arc, time::Duration};

use wire::{AccountId, PhoneNumber};

use super::{
    Details, Known, People,
    store::{self, New},
};
use crate::{
    HostError,
    ids::{BusinessId, UserId},
    numbers::Number,
    purposes::Access,
    sealing::{Domain, Place},
};

/// How long the relay may take to say who has a number.
const PATIENCE: Duration = Duration::from_secs(10);
/// Of numbers that are from no country: what ISO 3166 leaves to its users.
const NOWHERE: &str = "ZZ";

impl People {
    /// Whoever has a number: known already, at the relay, or to come. If the relay cannot be asked, they are to come.
    ///
    /// # Errors
    /// Those of the gate and of the database.
    pub(crate) async fn expect(
        &self,
        access: &Access,
        number: &Number,
        to: &PhoneNumber,
        name: &str,
    ) -> Result<Arc<Known>, HostError> {
        let business = number.business;
        let number_name = self.number_name(business, to).await?;
        let found = store::by_number(&mut self.ground.reader().await?, business, number_name).await?;
        if found.is_none_or(|found| found.awaited) && number.account.is_some() {
            match tokio::time::timeout(PATIENCE, self.look_up(number, to)).await {
                Ok(Ok(Some(known))) => return Ok(known),
                Ok(Ok(None)) | Err(_) | Ok(Err(HostError::Device(_))) => {}
                Ok(Err(error)) => return Err(error),
            }
        }
        self.awaited(access, business, to, name).await
    }

    /// Whoever has a number, or will: of those that the tables know, or somebody new.
    pub(super) async fn awaited(
        &self,
        access: &Access,
        business: BusinessId,
        to: &PhoneNumber,
        name: &str,
    ) -> Result<Arc<Known>, HostError> {
        let number_name = self.number_name(business, to).await?;
        let found = store::by_number(&mut self.ground.reader().await?, business, number_name).await?;
        if let Some(found) = found {
            return self.only(access, found).await;
        }
        let digest = self.gate.names(business).await?.name("awaited", to.as_str().as_bytes());
        let mut account = [0; 16];
        account.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        let account = AccountId::from_random(account);
        let country = to.country().unwrap_or_else(|| NOWHERE.to_owned());
        let digits: String = digest.iter().skip(16).map(|byte| format!("{:02}", byte % 100)).collect();
        let user_id: UserId = format!("{country}.{digits}").parse().map_err(HostError::internal)?;
        let details = Details { number: Some(to.clone()), name: name.to_owned() };
        let plain = serde_json::to_vec(&details).map_err(HostError::internal)?;
        let place = Place { domain: Domain::Person, name: account.as_bytes() };
        let sealed = self.gate.seal(business, place, &plain).await?.into_stored();
        let new = New { account, user_id: user_id.to_string(), number_name: Some(number_name), sealed };
        let (new, now) = (Arc::new(new), self.ground.now());
        let written = self.ground.write(business.get(), move |transaction| {
            let new = new.clone();
            Box::pin(async move { Ok(store::put_awaited(transaction, business, &new, now).await?) })
        });
        written.await?;
        let found = store::by_number(&mut self.ground.reader().await?, business, number_name).await?;
        self.only(access, found.ok_or(HostError::NotFound("person"))?).await
    }

    async fn only(&self, access: &Access, found: store::Stored) -> Result<Arc<Known>, HostError> {
        self.open_for(access, vec![found]).await?.pop().ok_or(HostError::NotFound("person"))
    }
}
