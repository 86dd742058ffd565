//! The one way from a failure to an answer: the envelope of `/host/v1`, with the words that a page needs to tell apart.

use std::borrow::Cow;

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use wire::ErrorCode;

use crate::{
    HostError,
    agents::NotSignedIn,
    cloud_api::{Failure, Version},
    codes::Code,
    inbox::NotSent,
    management,
};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $status:literal;)*) => {
        /// What is wrong, as the page tells it apart.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word in `code`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The status it comes with.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }
        }
    };
}

kinds! {
    /// Mend the request.
    Invalid = "invalid_request", 400;
    /// Sign in.
    Unauthorized = "unauthorized", 401;
    /// It is not said what.
    WrongCredentials = "wrong_credentials", 401;
    /// The same again, with a code.
    SecondFactor = "second_factor", 401;
    /// The page is not ours, or an old one.
    Csrf = "csrf", 403;
    /// The role may not.
    Forbidden = "forbidden", 403;
    /// The business does not allow it.
    PurposeOff = "purpose_off", 403;
    /// By who runs the host.
    Suspended = "suspended", 403;
    /// There is none, or not here.
    NotFound = "not_found", 404;
    /// Another method.
    Method = "method_not_allowed", 405;
    /// Something is in the way.
    Conflict = "conflict", 409;
    /// Somebody else answers.
    Answered = "answered", 409;
    /// Only a template can be sent.
    WindowClosed = "window_closed", 409;
    /// It would not arrive.
    Undeliverable = "undeliverable", 409;
    /// Over a limit.
    TooLarge = "too_large", 413;
    /// Too often.
    RateLimited = "rate_limited", 429;
    /// A defect.
    Internal = "internal", 500;
    /// Not just now.
    Unavailable = "unavailable", 503;
}

/// A request that is answered with an error.
#[derive(Debug, Clone)]
pub struct Refused {
    pub(super) kind: Kind,
    message: Cow<'static, str>,
    field: Option<String>,
    retry_after: Option<u64>,
    /// What is wrong here, which is for the host's log.
    cause: Option<Box<HostError>>,
}

impl Refused {
    pub(crate) fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), field: None, retry_after: None, cause: None }
    }

    pub(crate) fn field(field: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { field: Some(field.into()), ..Self::new(Kind::Invalid, message) }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(Kind::NotFound, "there is no such thing, or not for who asks")
    }

    /// What the page is told, and, of a defect, the log.
    pub(super) fn answer(self, reference: impl FnOnce() -> String, route: &'static str) -> Response {
        let mut error = json!({ "code": self.kind.as_str(), "message": self.message });
        let fields = error.as_object_mut();
        if let (Some(fields), Some(field)) = (fields, self.field) {
            fields.insert("field".to_owned(), field.into());
        }
        if let Some(cause) = &self.cause {
            let cause = &**cause as &dyn std::error::Error;
            if self.kind == Kind::Internal {
                let reference = reference();
                tracing::error!(route, reference, error = cause, "a request of the console met a defect");
                if let Some(fields) = error.as_object_mut() {
                    fields.insert("reference".to_owned(), reference.into());
                }
            } else {
                tracing::warn!(route, error = cause, "a request of the console could not be served");
            }
        }
        let status = StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = Body::from(json!({ "error": error }).to_string());
        let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
        if let Some(wait) = self.retry_after.or((self.kind == Kind::Unavailable).then_some(1)) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
        }
        response
    }
}

impl From<management::Refused> for Refused {
    fn from(refused: management::Refused) -> Self {
        let kind = match refused.code {
            ErrorCode::InvalidRequest | ErrorCode::InvalidNumber => Kind::Invalid,
            ErrorCode::Unauthorized => Kind::Unauthorized,
            ErrorCode::Forbidden => Kind::Forbidden,
            ErrorCode::NotFound => Kind::NotFound,
            ErrorCode::MethodNotAllowed => Kind::Method,
            ErrorCode::TooLarge => Kind::TooLarge,
            ErrorCode::RateLimited => Kind::RateLimited,
            ErrorCode::Unavailable => Kind::Unavailable,
            ErrorCode::Internal => Kind::Internal,
            _ => Kind::Conflict,
        };
        let management::Refused { message, field, retry_after, cause, .. } = refused;
        Self { kind, message, field, retry_after, cause }
    }
}

/// Codes of the Cloud API that a page tells apart.
const fn kind_of(code: Code) -> Kind {
    match code {
        Code::WindowClosed => Kind::WindowClosed,
        Code::Undeliverable => Kind::Undeliverable,
        Code::PairRate | Code::SpamRate | Code::Throughput => Kind::RateLimited,
        code => match code.status() {
            403 => Kind::Forbidden,
            503 => Kind::Unavailable,
            _ => Kind::Invalid,
        },
    }
}

impl From<HostError> for Refused {
    fn from(error: HostError) -> Self {
        match &error {
            HostError::Refused(refusal) => Self::new(kind_of(refusal.code), refusal.details.clone()),
            HostError::NotAllowed(purpose) => Self {
                field: Some(purpose.as_str().to_owned()),
                ..Self::new(Kind::PurposeOff, error.to_string())
            },
            HostError::Wait { retry_after } => {
                let seconds = retry_after.as_millis().div_ceil(1000).max(1);
                let refused = Self::new(Kind::RateLimited, "too often; come back later");
                Self { retry_after: u64::try_from(seconds).ok(), ..refused }
            }
            _ => management::Refused::from(error).into(),
        }
    }
}

impl From<::store::StoreError> for Refused {
    fn from(error: ::store::StoreError) -> Self {
        HostError::from(error).into()
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        let body = failure.body(Version::LATEST, "");
        let text = |at: &str| body.pointer(at).and_then(serde_json::Value::as_str).map(str::to_owned);
        let message = text("/error/error_data/details").or_else(|| text("/error/message"));
        let message = message.unwrap_or_default();
        // What is wrong stands in front: `text.body: …`.
        let field = message.split_once(": ").map(|(field, _)| field.to_owned());
        let field = field.filter(|field| !field.contains(' ')).map(|field| format!("message.{field}"));
        Self { field, ..Self::new(kind_of(failure.code()), message) }
    }
}

impl From<NotSent> for Refused {
    fn from(error: NotSent) -> Self {
        match error {
            NotSent::Refused(failure) => failure.into(),
            NotSent::Answered => Self::new(
                Kind::Answered,
                "somebody else is answering, or has answered meanwhile: look, and send with force",
            ),
            NotSent::Host(error) => error.into(),
        }
    }
}

impl From<NotSignedIn> for Refused {
    fn from(error: NotSignedIn) -> Self {
        match &error {
            NotSignedIn::Wrong => Self::new(Kind::WrongCredentials, error.to_string()),
            NotSignedIn::SecondFactor => Self::new(Kind::SecondFactor, error.to_string()),
            NotSignedIn::Host(error) => error.clone().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{codes::Refusal, purposes::Purpose};

    #[test]
    fn what_a_page_tells_apart_has_a_word_of_its_own() {
        let of = |error: HostError| {
            let refused = Refused::from(error);
            (refused.kind.as_str(), refused.kind.status(), refused.field)
        };
        let off = of(HostError::NotAllowed(Purpose::Search));
        assert_eq!(off, ("purpose_off", 403, Some("search".to_owned())));
        assert_eq!(of(Refusal::new(Code::WindowClosed, "x").into()).0, "window_closed");
        assert_eq!(of(HostError::internal("the secret table")).0, "internal");
        assert_eq!(of(HostError::NotFound("x")).1, 404);
        let wait = HostError::Wait { retry_after: std::time::Duration::from_millis(1200) };
        let answer = Refused::from(wait).answer(String::new, "test");
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["retry-after"]),
            (429, &HeaderValue::from(2))
        );
    }

    #[test]
    fn a_field_of_a_message_is_named_where_it_stands() {
        let refused = Refused::from(Failure::new(Code::ParameterInvalid, "text.body: must be a text"));
        assert_eq!(refused.field.as_deref(), Some("message.text.body"));
        let refused = Refused::from(Failure::new(Code::ParameterMissing, "The parameter text is required."));
        assert_eq!(refused.field, None);
    }
}
