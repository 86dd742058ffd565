//! Addresses under which files are fetched from this host: good for minutes, and only with a token of their business.

use std::time::Duration;

use ::store::Timestamp;
use subtle::ConstantTimeEq as _;

use super::Media;
use crate::{
    HostError,
    ids::{BusinessId, MediaId},
};

/// How long an address that was asked for is good.
const ASKED: Duration = Duration::from_secs(5 * 60);
/// How long one in a webhook is, which may be told again for as long.
const TOLD: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl Media {
    /// Says what absolute addresses begin with, once that is known. The first time counts.
    pub(crate) fn served_at(&self, base: &str) {
        let _there_already = self.base.set(base.to_owned());
    }

    /// A file's address as webhooks tell it; none on a host that does not listen.
    pub(crate) async fn told_address(
        &self,
        business: BusinessId,
        id: MediaId,
    ) -> Result<Option<String>, HostError> {
        match self.base.get() {
            Some(base) => self.address_for(base, business, id, TOLD).await.map(Some),
            None => Ok(None),
        }
    }

    /// A file's address for whoever asks for it now, where the server was called so.
    pub(crate) async fn address_below(
        &self,
        base: &str,
        business: BusinessId,
        id: MediaId,
    ) -> Result<String, HostError> {
        self.address_for(base, business, id, ASKED).await
    }

    async fn address_for(
        &self,
        base: &str,
        business: BusinessId,
        id: MediaId,
        lasting: Duration,
    ) -> Result<String, HostError> {
        let until = self.ground.now().after(lasting);
        let signature = self.signature(business, id, until).await?;
        Ok(format!("{base}/media/{id}/{}/{signature}", until.0))
    }

    /// Whether an address with these parts was given, and is good.
    pub(crate) async fn is_address(
        &self,
        business: BusinessId,
        id: MediaId,
        until: Timestamp,
        signature: &str,
    ) -> Result<bool, HostError> {
        let expected = self.signature(business, id, until).await?;
        let right = bool::from(expected.as_bytes().ct_eq(signature.as_bytes()));
        Ok(right && until >= self.ground.now())
    }

    async fn signature(
        &self,
        business: BusinessId,
        id: MediaId,
        until: Timestamp,
    ) -> Result<String, HostError> {
        let key = self.gate.names(business).await?;
        let named = [&id.get().to_be_bytes()[..], &until.0.to_be_bytes()].concat();
        Ok(key.name("address of a file", &named).iter().take(16).map(|byte| format!("{byte:02x}")).collect())
    }
}
