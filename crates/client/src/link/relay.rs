//! The relay's API over a [`Link`].

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use wire::{ErrorCode, api::ErrorBody};

use super::{HttpRequest, HttpResponse, Link, LinkError};
use crate::Error;

/// Bytes of the longest answer that is read: bundles of all devices of an account are a tenth of it.
const ANSWER: usize = 2 << 20;

/// A relay, spoken to with a credential or without.
#[derive(Clone, Copy)]
pub(crate) struct Relay<'a> {
    pub(crate) link: &'a dyn Link,
    pub(crate) token: Option<&'a str>,
}

/// Asks with no body.
pub(crate) const NOTHING: Option<&()> = None;

impl Relay<'_> {
    /// Asks and reads the answer.
    pub(crate) async fn ask<Answer: DeserializeOwned>(
        self,
        method: &'static str,
        path: impl Into<String>,
        body: Option<&impl Serialize>,
    ) -> Result<Answer, Error> {
        let (_, body) = self.exchange(method, path.into(), body).await?;
        serde_json::from_slice(&body).map_err(|_| Error::Answer("not the JSON that was asked for"))
    }

    /// Asks for something that has no answer but success.
    pub(crate) async fn tell(
        self,
        method: &'static str,
        path: impl Into<String>,
        body: Option<&impl Serialize>,
    ) -> Result<(), Error> {
        self.exchange(method, path.into(), body).await.map(drop)
    }

    /// Asks and gives the status, for those who must tell successes apart.
    pub(crate) async fn exchange(
        self,
        method: &'static str,
        path: String,
        body: Option<&impl Serialize>,
    ) -> Result<(u16, Bytes), Error> {
        let json = body.map(serde_json::to_vec).transpose().map_err(|_| Error::Invalid("not JSON"))?;
        let headers = json.iter().map(|_| ("content-type", "application/json".to_owned())).collect();
        let body = json.map(Bytes::from).unwrap_or_default();
        let response = self.send(method, path, headers, body).await?;
        let status = response.status;
        Ok((status, collect(response).await?))
    }

    /// Asks with any body, and turns failures into errors.
    pub(crate) async fn send(
        self,
        method: &'static str,
        path: String,
        headers: Vec<(&'static str, String)>,
        body: Bytes,
    ) -> Result<HttpResponse, Error> {
        let token = self.token.map(str::to_owned);
        let response = self.link.request(HttpRequest { method, path, token, headers, body }).await?;
        if (200..300).contains(&response.status) { Ok(response) } else { Err(refusal(response).await) }
    }
}

async fn collect(mut response: HttpResponse) -> Result<Bytes, Error> {
    let mut whole = Vec::new();
    while let Some(piece) = response.body.next().await? {
        if whole.len() + piece.len() > ANSWER {
            return Err(LinkError::TooMuch.into());
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.into())
}

async fn refusal(response: HttpResponse) -> Error {
    let status = response.status;
    let wait = response.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
    let body = match collect(response).await {
        Ok(body) => body,
        Err(error) => return error,
    };
    match (status, serde_json::from_slice::<ErrorBody>(&body)) {
        (401, _) => LinkError::Unauthorized.into(),
        (429 | 503, _) => {
            let retry_after_ms = wait.unwrap_or(1).min(86_400) * 1000;
            Error::Wait { retry_after_ms }
        }
        (_, Ok(ErrorBody { error })) => match error.code {
            ErrorCode::Unauthorized => LinkError::Unauthorized.into(),
            _ => error.into(),
        },
        // A proxy in between, or a relay in trouble.
        (500.., Err(_)) => LinkError::Unreachable(format!("status {status}")).into(),
        (_, Err(_)) => Error::Answer("neither success nor an error of the API"),
    }
}
