//! Files that a business names by their address. What holds for addresses of callbacks holds for these.

use std::{sync::Arc, time::Duration};

use ::store::blobs::BlobError;
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
        match self.links.get(number.id, link, self.ground.now()) {
            // The business may have deleted it.
            Some(Ok(id)) => match self.row(id).await {
                Ok(_) => return Ok(id),
                Err(HostError::NotFound(_)) => {}
                Err(error) => return Err(error),
            },
            Some(Err(refusal)) => return Err(refusal.into()),
            None => {}
        }
        let fetched = self.fetch(number, link).await;
        let led = match &fetched {
            Ok(id) => Ok(*id),
            Err(HostError::Refused(refusal)) => Err(refusal.clone()),
            // It is no fault of the address.
            Err(_) => return fetched,
        };
        self.links.keep(number.id, link, led, self.ground.now());
        fetched
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
            Err(HostError::Blob(blob)) if matches!(&*blob, BlobError::Interrupted(_)) => {
                Err(refuse("The link broke off."))
            }
            other => other,
        }
    }
}
