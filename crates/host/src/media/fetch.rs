//! Files that a business names by their address. What holds for addresses of callbacks holds for these.

use std::{sync::Arc, time::Duration};

use ::store::blobs::BlobError;
use bytes::BytesMut;
use futures_util::{StreamExt as _, stream};
use reqwest::{Response, Url, redirect::Policy};
use tokio::time::Instant;

use super::{Media, kinds, sniff};
use crate::{
    HostError,
    codes::{Code, Refusal},
    config::Webhooks as Config,
    ids::MediaId,
    numbers::Number,
    webhooks::address::{self, Guarded, SystemLookup},
};

/// How long a file may take to come, with all that leads to it.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How often an address may lead to another.
const REDIRECTS: usize = 3;

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
        let answer = self.follow(link).await?;
        let mime_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
        let mime_type = mime_type.unwrap_or_default().to_owned();
        let mut bytes = answer.bytes_stream().map(|piece| piece.map_err(|error| error.without_url())).boxed();
        // Stores of files often call everything bytes: then it is what it begins like.
        let mut first = BytesMut::new();
        let said = kinds::is_told(&mime_type);
        while !said && first.len() < kinds::HEAD {
            match bytes.next().await {
                Some(Ok(more)) => first.extend_from_slice(&more),
                Some(Err(_)) => return Err(refuse("The link broke off.")),
                None => break,
            }
        }
        let mime_type = if said { &*mime_type } else { sniff(&first).unwrap_or("application/octet-stream") };
        let whole = stream::iter((!first.is_empty()).then(|| Ok(first.freeze()))).chain(bytes);
        match self.put(number, mime_type, None, whole).await {
            Err(HostError::Blob(blob)) if matches!(&*blob, BlobError::Interrupted(_)) => {
                Err(refuse("The link broke off."))
            }
            // Of a link, nothing is wrong with a parameter: its file is none that can be sent.
            Err(HostError::Refused(refusal)) => Err(Refusal::new(Code::MediaUpload, refusal.details).into()),
            other => other,
        }
    }

    /// The answer of an address, or of where that leads. Each address on the way is judged like the first, and the time is
    /// that of all together with the file.
    async fn follow(&self, link: &str) -> Result<Response, HostError> {
        let ends = Instant::now() + TIMEOUT;
        let config = &self.ground.config.webhooks;
        let forbidden = || refuse("The link leads nowhere that may be called.");
        let (mut url, rules) = address::read_link(link, config).map_err(|_| forbidden())?;
        let client = reqwest::Client::builder()
            .dns_resolver(Arc::new(Guarded { rules, lookup: Arc::new(SystemLookup) }))
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .map_err(HostError::internal)?;
        for _ in 0..=REDIRECTS {
            let left = ends.saturating_duration_since(Instant::now());
            let answer = client.get(url.clone()).timeout(left).send().await;
            let answer = answer.map_err(|_| refuse("The link could not be fetched."))?;
            if answer.status().is_success() {
                return Ok(answer);
            }
            let to = answer.headers().get("location").and_then(|to| to.to_str().ok());
            let Some(to) = to.filter(|_| matches!(answer.status().as_u16(), 301..=303 | 307 | 308)) else {
                return Err(refuse("The link could not be fetched."));
            };
            url = next(&url, to, config).ok_or_else(forbidden)?;
        }
        Err(refuse("The link leads from one address to another too often."))
    }
}

/// Where a redirect leads, if that may be called. The rules for names are those of all links.
fn next(from: &Url, to: &str, config: &Config) -> Option<Url> {
    let to = from.join(to).ok()?;
    address::read_link(to.as_str(), config).ok().map(|(to, _)| to)
}

fn refuse(why: &'static str) -> HostError {
    Refusal::new(Code::MediaUpload, why).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_leads_only_where_a_link_may() {
        let closed = Config { loopback: false, private_networks: false, timeout_ms: 1000, parallel: 1 };
        let from = Url::parse("https://bank.example/a/b.png").unwrap();
        for (to, leads) in [
            ("c.png", "https://bank.example/a/c.png"),
            ("/c.png?x=1", "https://bank.example/c.png?x=1"),
            ("//cdn.example/c.png", "https://cdn.example/c.png"),
            ("http://cdn.example/c.png", "http://cdn.example/c.png"),
        ] {
            assert_eq!(next(&from, to, &closed).unwrap().as_str(), leads);
        }
        for to in [
            "http://127.0.0.1:8080/",
            "http://[::1]:8080/",
            "//10.0.0.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://user:secret@bank.example/",
            "https://bank.example:22/",
            "file:///etc/passwd",
            "data:image/png;base64,AAAA",
        ] {
            assert!(next(&from, to, &closed).is_none(), "{to}");
        }
    }
}
