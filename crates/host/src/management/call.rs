//! Requests, read: bounded, checked, and refused with the field that is wrong.

use std::{collections::HashMap, str::FromStr, time::Duration};

use axum::{body::Body, extract::Request};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use wire::ErrorCode;
use zeroize::Zeroizing;

use super::Refused;
use crate::cloud_api::has_nul;

/// Bytes of a body at most.
const BODY: usize = 64 << 10;
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Parameters of a query at most.
const PARAMETERS: usize = 16;

/// A request whose sender was admitted.
#[derive(Debug)]
pub(crate) struct Call {
    ids: Vec<String>,
    query: HashMap<String, String>,
    /// What names it, if it may be repeated.
    once: Option<String>,
    /// There may be a credential in it.
    body: Zeroizing<Vec<u8>>,
}

impl Call {
    pub(crate) async fn read(ids: Vec<String>, request: Request) -> Result<Self, Refused> {
        let query = request.uri().query().unwrap_or_default();
        let query: HashMap<String, String> =
            form_urlencoded::parse(query.as_bytes()).into_owned().take(PARAMETERS).collect();
        // One that is no text is no name, which is said where names are taken.
        let once =
            request.headers().get("idempotency-key").map(|name| name.to_str().unwrap_or(" ").to_owned());
        let bytes = timeout(PATIENCE, whole(request.into_body()));
        let bytes =
            bytes.await.map_err(|_| Refused::new(ErrorCode::InvalidRequest, "the body took too long"))??;
        Ok(Self { ids, query, once, body: Zeroizing::new(bytes.into()) })
    }

    /// What names it, if it may be repeated.
    pub(crate) fn once(&self) -> Option<&str> {
        self.once.as_deref()
    }

    /// An id in the path.
    pub(crate) fn id<T: FromStr>(&self, at: usize) -> Result<T, Refused> {
        let id = self.ids.get(at).and_then(|id| id.parse().ok());
        id.ok_or_else(Refused::not_found)
    }

    /// What is asked with no more than this in the query.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Refused> {
        match self.query.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => {
                let name: String = name.chars().take(64).collect();
                Err(Refused::field(name, "there is no such parameter"))
            }
            None => Ok(()),
        }
    }

    /// A parameter of the query.
    pub(crate) fn parameter<T: FromStr>(&self, name: &str) -> Result<Option<T>, Refused> {
        let Some(text) = self.query.get(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Refused::field(name, "not what it should be"))
    }

    /// How many are asked for at most.
    pub(crate) fn limit(&self, most: u32) -> Result<u32, Refused> {
        match self.parameter("limit")? {
            Some(limit) if (1..=most).contains(&limit) => Ok(limit),
            Some(_) => Err(Refused::field("limit", format!("from 1 to {most}"))),
            None => Ok(most.min(100)),
        }
    }

    /// The body. What it is for is in the type.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        // An empty one says nothing of what it could say.
        let bytes: &[u8] = if self.body.is_empty() { b"{}" } else { &self.body };
        // Written out it is no JSON: it can only stand there so.
        let suspected = bytes.windows(6).any(|window| window == br"\u0000");
        if suspected && serde_json::from_slice(bytes).is_ok_and(|value| has_nul(&value)) {
            return Err(Refused::new(
                ErrorCode::InvalidRequest,
                "a text has the character U+0000 in it, which no database takes",
            ));
        }
        serde_json::from_slice(bytes).map_err(|error| {
            // What stands in the body is not repeated: it may be a credential.
            let what = match error.classify() {
                serde_json::error::Category::Data => error.to_string(),
                _ => format!("not JSON, at line {} column {}", error.line(), error.column()),
            };
            Refused::new(ErrorCode::InvalidRequest, without_values(&what))
        })
    }
}

/// An error of reading without the values that it quotes: they stand in double quotes, names in backticks.
fn without_values(text: &str) -> String {
    let mut parts = text.split('"');
    let first = parts.next().unwrap_or_default();
    match parts.next_back() {
        Some(last) => format!("{first}…{last}"),
        None => first.to_owned(),
    }
}

async fn whole(body: Body) -> Result<Bytes, Refused> {
    match Limited::new(body, BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Refused::new(ErrorCode::TooLarge, format!("a body has at most {BODY} bytes")))
        }
        Err(_) => Err(Refused::new(ErrorCode::InvalidRequest, "the body broke off")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        #[expect(dead_code, reason = "it is read, and never looked at")]
        credential: wire::BusinessId,
    }

    async fn read(body: &str) -> Result<Asked, Refused> {
        let request = Request::builder().uri("/host/v1/x?limit=5").body(Body::from(body.to_owned())).unwrap();
        Call::read(Vec::new(), request).await?.body()
    }

    #[tokio::test]
    async fn what_is_refused_is_not_repeated() {
        for body in
            [r#"{"credential": "tpb1_secret"}"#, r#"{"credential": "tpb1_secret""#, "tpb1_secret", "[]"]
        {
            let refused = read(body).await.unwrap_err();
            assert!(!format!("{refused:?}").contains("secret"), "{refused:?}");
        }
        let unknown = format!("{:?}", read(r#"{"credentail": "x"}"#).await.unwrap_err());
        assert!(unknown.contains("credentail"), "{unknown}");
        let large = format!("{:?}", read(&"x".repeat(BODY + 1)).await.unwrap_err());
        assert!(large.contains("TooLarge"), "{large}");
    }
}
