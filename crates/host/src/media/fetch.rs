//! Files that a business names by their address. Addresses in private networks are not called, unless the host was told
//! that its own network may be.

use std::{net::IpAddr, sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use reqwest::{Url, redirect::Policy};

use super::Media;
use crate::{
    HostError,
    codes::{Code, Refusal},
    ids::MediaId,
    numbers::Number,
    webhooks::address::{Guarded, Rules, SystemLookup},
};

/// How long a file may take to come.
const TIMEOUT: Duration = Duration::from_secs(60);

impl Media {
    /// Fetches a file from its address. It is one of the business's then.
    pub(super) async fn fetch(&self, number: &Number, link: &str) -> Result<MediaId, HostError> {
        let refuse = |why: &'static str| HostError::from(Refusal::new(Code::MediaUpload, why));
        // The same nets as for callbacks; plain HTTP too, which the API tolerates here.
        let rules = Rules::secure(&self.ground.config.webhooks);
        let url = Url::parse(link).map_err(|_| refuse("The link is no address."))?;
        let address = url.host_str().and_then(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().ok());
        if !matches!(url.scheme(), "http" | "https") || address.is_some_and(|address| !rules.allow(address)) {
            return Err(refuse("The link leads nowhere that may be called."));
        }
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
