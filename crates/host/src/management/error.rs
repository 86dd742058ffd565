//! The one way from a failure to an answer: the envelope that the relay's API has too.

use std::borrow::Cow;

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use store::StoreError;
use wire::{
    ErrorCode,
    api::{ErrorBody, ErrorDetail},
};

use crate::HostError;

/// A request that is answered with an error.
#[derive(Debug, Clone)]
pub struct Refused {
    pub(crate) code: ErrorCode,
    pub(crate) message: Cow<'static, str>,
    pub(crate) field: Option<String>,
    pub(crate) retry_after: Option<u64>,
    /// What is wrong here, which is for the host's log.
    pub(crate) cause: Option<Box<HostError>>,
}

impl Refused {
    pub(super) fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), field: None, retry_after: None, cause: None }
    }

    pub(super) fn field(field: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { field: Some(field.into()), ..Self::new(ErrorCode::InvalidRequest, message) }
    }

    /// Whether a credential was shown, and which is needed.
    pub(super) fn unauthorized(shown: bool, needed: &'static str) -> Self {
        let message = if shown {
            format!("the token that was shown is not good for this, which needs {needed}")
        } else {
            format!("no token was shown (Authorization: Bearer …): this needs {needed}")
        };
        Self::new(ErrorCode::Unauthorized, message)
    }

    pub(super) fn not_found() -> Self {
        Self::new(ErrorCode::NotFound, "there is no such thing, or not for who asks")
    }

    /// What the caller is told, and, of a defect, the log.
    pub(super) fn answer(self, reference: impl FnOnce() -> String, route: &'static str) -> Response {
        let mut detail = ErrorDetail::new(self.code, self.message);
        detail.field = self.field;
        if let Some(cause) = &self.cause {
            let error = &**cause as &dyn std::error::Error;
            if self.code == ErrorCode::Internal {
                let reference = reference();
                tracing::error!(route, reference, error, "a request met a defect");
                detail.reference = Some(reference);
            } else {
                tracing::warn!(route, error, "a request could not be served");
            }
        }
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(ErrorBody { error: detail })).into_response();
        let wait = self.retry_after.or((self.code == ErrorCode::Unavailable).then_some(1));
        if let Some(value) = wait.and_then(|wait| HeaderValue::from_str(&wait.to_string()).ok()) {
            response.headers_mut().insert(RETRY_AFTER, value);
        }
        response
    }

    fn wait(seconds: u64) -> Self {
        let refused = Self::new(ErrorCode::RateLimited, "too often; come back later");
        Self { retry_after: Some(seconds.max(1)), ..refused }
    }

    fn because(self, cause: HostError) -> Self {
        Self { cause: Some(Box::new(cause)), ..self }
    }
}

impl From<HostError> for Refused {
    fn from(error: HostError) -> Self {
        match &error {
            HostError::Refused(refusal) => {
                let code = if refusal.code.status() == 403 {
                    ErrorCode::Forbidden
                } else {
                    ErrorCode::InvalidRequest
                };
                Self::new(code, refusal.details.clone())
            }
            HostError::Invalid { field, reason } => Self::field(field.clone(), reason.clone()),
            HostError::NotFound(_) | HostError::Erased => Self::not_found(),
            HostError::NotAllowed(_) => Self::new(ErrorCode::Forbidden, error.to_string()),
            HostError::Conflict(what) => Self::new(ErrorCode::Conflict, *what),
            HostError::Wait { retry_after } => Self::wait(retry_after.as_secs()),
            HostError::Device(device) => match of_relay(device) {
                Some(refused) => refused,
                None => defect(error),
            },
            HostError::Store(store) if store.is_transient() => busy(error),
            HostError::KeyMissing => {
                let what =
                    "the key of this business is not in the database of keys: another one was meant ([keys])";
                Self::new(ErrorCode::Unavailable, what)
            }
            HostError::NewerKey => busy(error),
            _ => defect(error),
        }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        HostError::from(error).into()
    }
}

impl From<client::Error> for Refused {
    fn from(error: client::Error) -> Self {
        HostError::from(error).into()
    }
}

fn busy(cause: HostError) -> Refused {
    Refused::new(ErrorCode::Unavailable, "the host cannot do this just now").because(cause)
}

fn defect(cause: HostError) -> Refused {
    let message = "a defect of the host; please tell who runs it the reference";
    Refused::new(ErrorCode::Internal, message).because(cause)
}

/// What the relay had against it.
fn of_relay(error: &client::Error) -> Option<Refused> {
    use client::{Error, LinkError};
    Some(match error {
        Error::Refused(detail) => {
            let code = match detail.code {
                ErrorCode::Internal | ErrorCode::Unknown => ErrorCode::Unavailable,
                code => code,
            };
            let message = format!("the relay says: {}", detail.message);
            Refused { field: detail.field.clone(), ..Refused::new(code, message) }
        }
        Error::Link(LinkError::Unauthorized) => {
            Refused::field("credential", "the relay does not take this credential: is it the latest one?")
        }
        Error::Link(link) => Refused::new(ErrorCode::Unavailable, format!("the relay: {link}")),
        Error::Wait { retry_after_ms } => Refused::wait(retry_after_ms.div_ceil(1000)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_defect_shows_nothing_of_itself() {
        let refused = Refused::from(HostError::internal("the secret table is broken"));
        assert!(!refused.message.contains("secret"));
        let response = refused.answer(|| "r".to_owned(), "test");
        assert_eq!(response.status(), 500);
    }

    #[test]
    fn what_helps_to_be_tried_again_says_when() {
        let busy = Refused::from(HostError::from(StoreError::Busy)).answer(String::new, "test");
        assert_eq!((busy.status().as_u16(), busy.headers()[RETRY_AFTER].to_str().unwrap()), (503, "1"));
        let wait = client::Error::Wait { retry_after_ms: 1200 };
        let wait = Refused::from(wait).answer(String::new, "test");
        assert_eq!((wait.status().as_u16(), wait.headers()[RETRY_AFTER].to_str().unwrap()), (429, "2"));
    }
}
