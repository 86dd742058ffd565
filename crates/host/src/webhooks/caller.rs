//! The one place from which callbacks are called.

use std::{error::Error, fmt::Write as _, sync::Arc, time::Duration};

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Client, Response, StatusCode, Url, header, redirect};
use sha1::Sha1;
use sha2::Sha256;
use store::Timestamp;

use super::{
    Secret,
    address::{self, Forbidden, Guarded, Lookup, Rules},
};
use crate::{HostError, config::Webhooks as Config};

/// What consumers know the API by.
const USER_AGENT: &str = "facebookexternalua";

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The address is none, or leads inside.
    Address,
    /// Nobody is there, or TLS failed.
    Connect,
    /// It took too long.
    Timeout,
    /// The connection broke, or the answer is no HTTP.
    Broken,
}

impl Trouble {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address not allowed",
            Self::Connect => "connection or TLS failed",
            Self::Timeout => "timeout",
            Self::Broken => "connection broke",
        }
    }

    fn of(error: &reqwest::Error) -> Self {
        let mut source: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(inner) = source {
            if inner.is::<Forbidden>() {
                return Self::Address;
            }
            source = inner.source();
        }
        if error.is_timeout() {
            Self::Timeout
        } else if error.is_connect() {
            Self::Connect
        } else {
            Self::Broken
        }
    }
}

/// What a callback answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
}

/// Calls callbacks, and nothing else.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    config: Config,
    secure: Client,
    plain: Client,
}

impl Caller {
    /// With this resolver.
    ///
    /// # Errors
    /// `Internal` if TLS cannot be set up.
    pub(super) fn new(config: &Config, lookup: Arc<dyn Lookup>) -> Result<Self, HostError> {
        let client = |rules| {
            Client::builder()
                .user_agent(USER_AGENT)
                .no_proxy()
                .redirect(redirect::Policy::none())
                .referer(false)
                .timeout(Duration::from_millis(config.timeout_ms))
                .dns_resolver(Arc::new(Guarded { rules, lookup: lookup.clone() }))
                .pool_max_idle_per_host(config.parallel)
                .build()
                .map_err(HostError::internal)
        };
        Ok(Self {
            config: config.clone(),
            secure: client(Rules::secure(config))?,
            plain: client(Rules::plain(config))?,
        })
    }

    fn client(&self, url: &Url) -> Result<&Client, Trouble> {
        address::check(url, &self.config).map_err(|_| Trouble::Address)?;
        Ok(if url.scheme() == "https" { &self.secure } else { &self.plain })
    }

    /// Gets; the body up to one byte more than `most`.
    pub(super) async fn ask(&self, url: Url, most: usize) -> Result<(StatusCode, Vec<u8>), Trouble> {
        let answer = self.client(&url)?.get(url).send().await;
        let mut answer = answer.map_err(|error| Trouble::of(&error))?;
        let mut body = Vec::new();
        while body.len() <= most {
            let Some(chunk) = answer.chunk().await.map_err(|error| Trouble::of(&error))? else { break };
            body.extend(chunk.iter().take(most + 1 - body.len()));
        }
        Ok((answer.status(), body))
    }

    /// Posts an event, signed.
    pub(super) async fn post(
        &self,
        url: &Url,
        body: Vec<u8>,
        secret: &Secret,
        now: Timestamp,
    ) -> Result<Answer, Trouble> {
        let request = self
            .client(url)?
            .post(url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "*/*")
            .header("X-Hub-Signature-256", signature_256(secret, &body))
            .header("X-Hub-Signature", signature_1(secret, &body));
        let mut answer = request.body(body).send().await.map_err(|error| Trouble::of(&error))?;
        let told = Answer { status: answer.status(), retry_after: retry_after(&answer, now) };
        drain(&mut answer).await;
        Ok(told)
    }
}

/// Reads what little there is, so that the connection serves again; a long answer costs it.
async fn drain(answer: &mut Response) {
    let mut left = 16_384_usize;
    while let Ok(Some(chunk)) = answer.chunk().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => break,
        }
    }
}

/// `Retry-After` in either form, a day at most.
fn retry_after(answer: &Response, now: Timestamp) -> Option<Duration> {
    const MOST: Duration = Duration::from_secs(86_400);
    let text = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = text.parse() {
        Duration::from_secs(seconds)
    } else {
        let at = jiff::fmt::rfc2822::parse(text).ok()?;
        now.until(Timestamp(at.timestamp().as_millisecond()))
    };
    Some(wait.min(MOST))
}

fn hex(prefix: &str, bytes: &[u8]) -> String {
    let mut text = prefix.to_owned();
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// `sha256=` and the HMAC of the body.
fn signature_256(secret: &Secret, body: &[u8]) -> String {
    // A key may have any length.
    Hmac::<Sha256>::new_from_slice(secret.bytes())
        .map_or_else(|_| String::new(), |mac| hex("sha256=", &mac.chain_update(body).finalize().into_bytes()))
}

/// `sha1=` and the HMAC of the body: for older consumers.
fn signature_1(secret: &Secret, body: &[u8]) -> String {
    Hmac::<Sha1>::new_from_slice(secret.bytes())
        .map_or_else(|_| String::new(), |mac| hex("sha1=", &mac.chain_update(body).finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_published_vectors() {
        // RFC 4231 and RFC 2202, test case 2.
        let secret = Secret::new("Jefe");
        let body = b"what do ya want for nothing?";
        assert_eq!(
            signature_256(&secret, body),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(signature_1(&secret, body), "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    }
}
