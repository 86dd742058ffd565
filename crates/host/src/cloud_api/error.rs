//! The one way from a failure to an answer: the API's envelope (spec section 2).

use std::borrow::Cow;

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use store::blobs::BlobError;

use super::Version;
use crate::{
    HostError,
    codes::{Code, Refusal},
};

/// `type` of nearly all.
const USUAL: &str = "OAuthException";
/// `type` where the object or the method is unknown.
const GRAPH: &str = "GraphMethodException";
/// The subcode of an object that is not there, or not for who asks.
const NO_OBJECT: u32 = 33;
/// Before v16, errors of messaging had one of these too.
const MESSAGING_SUBCODE: u32 = 2_494_073;

/// A request that is answered with an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("(#{}) {}: {}", .code.number(), .code.title(), .details.as_deref().unwrap_or_default())]
pub struct Failure {
    code: Code,
    status: StatusCode,
    kind: &'static str,
    /// What stands in `message` instead of the code's title.
    message: Option<Cow<'static, str>>,
    details: Option<Cow<'static, str>>,
    subcode: Option<u32>,
    transient: bool,
    retry_after: Option<u64>,
}

impl Failure {
    /// With this code, and what is wrong in this case.
    pub fn new(code: Code, details: impl Into<Cow<'static, str>>) -> Self {
        let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::BAD_REQUEST);
        Self {
            code,
            status,
            kind: USUAL,
            message: None,
            details: Some(details.into()),
            subcode: None,
            transient: false,
            retry_after: None,
        }
    }

    /// A parameter of a call that is not about messages.
    pub fn parameter(field: &str, reason: &str) -> Self {
        Self::new(Code::Parameter, format!("{field}: {reason}"))
    }

    /// An object that is not there, or not for who asks, or not with this method.
    #[must_use]
    pub fn no_object(method: &http::Method, id: &str) -> Self {
        let shown: String = id.chars().take(64).collect();
        let method = method.as_str().to_ascii_lowercase();
        let message = format!(
            "Unsupported {method} request. Object with ID '{shown}' does not exist, cannot be loaded due to missing \
             permissions, or does not support this operation"
        );
        let failure = Self::new(Code::Parameter, "");
        Self {
            kind: GRAPH,
            message: Some(message.into()),
            details: None,
            subcode: Some(NO_OBJECT),
            ..failure
        }
    }

    /// A field that objects of this kind do not have.
    #[must_use]
    pub fn no_field(field: &str, node: &str) -> Self {
        let shown: String = field.chars().take(64).collect();
        let message = format!("(#100) Tried accessing nonexisting field ({shown}) on node type ({node})");
        Self { message: Some(message.into()), details: None, ..Self::new(Code::Parameter, "") }
    }

    /// The token is no good. `subcode`: 463 expired, 467 invalid.
    #[must_use]
    pub fn token(message: &'static str, subcode: Option<u32>) -> Self {
        Self { message: Some(message.into()), details: None, subcode, ..Self::new(Code::Token, "") }
    }

    /// There is no token.
    #[must_use]
    pub fn no_token() -> Self {
        Self::token("An access token is required to request this resource.", None)
    }

    /// Down for a moment.
    #[must_use]
    pub fn down(details: &'static str) -> Self {
        Self { transient: true, retry_after: Some(1), ..Self::new(Code::ServiceDown, details) }
    }

    /// The proof of the app's secret is missing or wrong.
    #[must_use]
    pub fn proof(message: &'static str) -> Self {
        let failure = Self::new(Code::Parameter, "");
        Self { kind: GRAPH, message: Some(message.into()), details: None, ..failure }
    }

    /// More bytes than the server takes.
    #[must_use]
    pub fn too_large(what: &str, limit: usize) -> Self {
        let failure = Self::new(Code::Parameter, format!("{what}: at most {limit} bytes"));
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, ..failure }
    }

    /// With a subcode, as management calls have it.
    #[must_use]
    pub const fn with_subcode(mut self, subcode: u32) -> Self {
        self.subcode = Some(subcode);
        self
    }

    /// The code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The body. Before v16 the message was without its code.
    #[must_use]
    pub fn body(&self, version: Version, trace: &str) -> Value {
        let (number, title) = (self.code.number(), self.code.title());
        let message = match &self.message {
            Some(message) => message.to_string(),
            None if version.has_codes_in_messages() => format!("(#{number}) {title}"),
            None => title.to_owned(),
        };
        let mut error = json!({ "message": message, "type": self.kind, "code": number, "fbtrace_id": trace });
        let Some(fields) = error.as_object_mut() else { return error };
        if let Some(details) = &self.details {
            let data = json!({ "messaging_product": "whatsapp", "details": details });
            fields.insert("error_data".to_owned(), data);
        }
        let older = !version.has_codes_in_messages() && number >= 130_000;
        if let Some(subcode) = self.subcode.or(older.then_some(MESSAGING_SUBCODE)) {
            fields.insert("error_subcode".to_owned(), subcode.into());
        }
        if self.transient {
            fields.insert("is_transient".to_owned(), true.into());
        }
        json!({ "error": error })
    }

    /// The answer.
    #[must_use]
    pub fn answer(&self, version: Version, trace: &str) -> Response {
        let mut response = json_response(self.status, &self.body(version, trace));
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("OAuth \"Facebook Platform\" \"invalid_token\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// An answer as the API writes it.
#[must_use]
pub fn json_response(status: StatusCode, body: &Value) -> Response {
    let kind = HeaderValue::from_static("application/json; charset=UTF-8");
    let mut response = (status, Body::from(body.to_string())).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let Refusal { code, details, subcode, retry_after } = refusal;
        Self { subcode, retry_after, transient: retry_after.is_some(), ..Self::new(code, details) }
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Refused(refusal) => refusal.into(),
            HostError::Invalid { field, reason } => Self::parameter(&field, &reason),
            HostError::NotFound(what) => {
                let message =
                    format!("Unsupported request. The {what} does not exist, or not for this token");
                let failure = Self::new(Code::Parameter, "");
                Self {
                    kind: GRAPH,
                    message: Some(message.into()),
                    details: None,
                    subcode: Some(NO_OBJECT),
                    ..failure
                }
            }
            HostError::Erased => Self::from(HostError::NotFound("business")),
            HostError::KeyMissing | HostError::NewerKey => {
                tracing::error!(error = &error as &dyn std::error::Error, "a key is not here");
                Self::new(Code::ServiceUnavailable, "come back later")
            }
            HostError::NotAllowed(_) => Self::new(Code::AccessDenied, error.to_string()),
            HostError::Conflict(what) => Self::new(Code::GenericUser, what),
            HostError::Wait { retry_after } => {
                let seconds = retry_after.as_secs().max(1);
                let failure = Self::new(Code::AccountRate, format!("come back in {seconds} s"));
                Self { transient: true, retry_after: Some(seconds), ..failure }
            }
            HostError::Blob(blob) if matches!(&*blob, BlobError::TooLarge { .. }) => {
                Self::new(Code::Parameter, blob.to_string())
            }
            HostError::Blob(blob) if matches!(&*blob, BlobError::Interrupted(_)) => {
                Self::new(Code::Unknown, "the body broke off, or is no form")
            }
            error if error.is_transient() => {
                let failure = Self::new(Code::ServiceUnavailable, "try again in a moment");
                Self { transient: true, retry_after: Some(1), ..failure }
            }
            error => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a request failed on the host's side"
                );
                Self { transient: true, ..Self::new(Code::SomethingWrong, "try again in a moment") }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_makes_a_whole_envelope() {
        for code in Code::ALL {
            let failure = Failure::from(Refusal::new(*code, "text.body: missing"));
            assert_eq!(failure.status().as_u16(), code.status());
            let body = failure.body(Version::LATEST, "A1");
            let error = &body["error"];
            assert_eq!(error["code"], code.number());
            assert_eq!(error["message"], format!("(#{}) {}", code.number(), code.title()));
            assert_eq!(error["type"], "OAuthException");
            assert_eq!(error["fbtrace_id"], "A1");
            assert_eq!(error["error_data"]["details"], "text.body: missing");
            assert_eq!(error.get("error_subcode"), None);
        }
    }

    #[test]
    fn before_v16_the_code_was_not_in_the_message() {
        let failure = Failure::new(Code::TemplateMissing, "x");
        let body = failure.body("v15.0".parse().unwrap(), "A1");
        assert_eq!(body["error"]["message"], Code::TemplateMissing.title());
        assert_eq!(body["error"]["error_subcode"], MESSAGING_SUBCODE);
        let body = failure.body("v16.0".parse().unwrap(), "A1");
        assert_eq!(body["error"]["error_subcode"], Value::Null);
    }

    #[test]
    fn what_is_not_there_is_33_of_graph_methods() {
        for error in [HostError::NotFound("phone number"), HostError::Erased] {
            let body = Failure::from(error).body(Version::LATEST, "A1");
            assert_eq!(body["error"]["code"], 100);
            assert_eq!(body["error"]["error_subcode"], 33);
            assert_eq!(body["error"]["type"], "GraphMethodException");
        }
    }

    #[test]
    fn only_the_hosts_own_trouble_is_of_the_five_hundreds() {
        use crate::purposes::Purpose;
        for (error, status) in [
            (HostError::invalid("x", "y"), 400),
            (HostError::NotAllowed(Purpose::Search), 403),
            (HostError::Conflict("there already"), 400),
            (HostError::Wait { retry_after: std::time::Duration::from_secs(3) }, 400),
            (HostError::internal("defect"), 500),
            (HostError::Sealed("damaged"), 500),
        ] {
            assert_eq!(Failure::from(error).status().as_u16(), status);
        }
    }
}
