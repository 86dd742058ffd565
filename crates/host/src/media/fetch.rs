//! Files that a business names by their address. What holds for addresses of callbacks holds for these.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use reqwest::redirect::Policy;

use super::Media;
use crate::{
    HostError,
    codes::{Code, Refusal},
    ids::MediaId,
    numbers::Number,
    webhooks::address::{self, Guarded, SystemLookup},
};

/// How long a file may take to come.
const TIMEOUT: Duration = Duration::from_secs(60);

impl Media {
    /// The file behind an address: what it led to within the last minutes, or else it is fetched.
    pub(super) async fn linked(&self, number: &Number, link: &str) -> Result<MediaId, HostError> {
        let turn = self.links.turn(number.id, link);
        let _turn = turn.lock().await;
        let now = self.ground.now();
        if let Some(id) = self.links.get(number.id, link, now) {
            // The business may have deleted it.
            match self.row(id).await {
                Ok(_) => return Ok(id),
                Err(HostError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let id = self.fetch(number, link).await?;
        self.links.keep(number.id, link, id, now);
        Ok(id)
    }

    /// Fetches a file from its address. It is one of the business's then.
    async fn fetch(&self, number: &Number, link: &str) -> Result<MediaId, HostError> {
        let refuse = |why: &'static str| HostError::from(Refusal::new(Code::MediaUpload, why));
        let (url, rules) = address::read_link(link, &self.ground.config.webhooks)
            .map_err(|_| refuse("The link leads nowhere that may be called."))?;
        let client = reqwest::Client::builder()
            .dns_resolver(Arc::new(Guarded { rules, lookup: Arc::new(SystemLookup) }))
            .redirect(Policy::none())
            .no_proxy()
            .timeout(TIMEOUT)
            .build()
            .map_err(HostError::internal)?;
        let answer = client.get(url).send().await.map_err(|_| refuse("The link could not be fetched."))?;
        if !answer.status().is_success() {
            return Err(refuse("The link could not be fetched."));
        }
        let mime_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
        let mime_type = mime_type.unwrap_or("application/octet-stream").to_owned();
        let bytes = answer.bytes_stream().map(|piece| piece.map_err(|error| error.without_url()));
        match self.put(number, &mime_type, None, bytes).await {
            Err(HostError::Blob(_)) => Err(refuse("The link broke off.")),
            other => other,
        }
    }
}
