//! The one error of the relay, and the one way from it to an answer.

use std::{borrow::Cow, error::Error, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use store::{StoreError, blobs::BlobError};
use wire::{
    ErrorCode,
    api::{ErrorBody, ErrorDetail},
};

use crate::{ground::Ground, limits::TooOften};

/// Why a request is not answered as it wished, named for what the caller can do.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// Mend the request.
    #[error("{reason}")]
    Invalid {
        /// Which field is wrong, where it is one.
        field: Option<&'static str>,
        /// What is wrong with it.
        reason: Cow<'static, str>,
    },
    /// Not a phone number.
    #[error("not a valid phone number in E.164, such as +4915112345678")]
    InvalidNumber,
    /// No credential, or none that is good.
    #[error("a credential is needed, and this is none that is good")]
    Unauthorized,
    /// No credential at all, and which is needed.
    #[error("no credential was shown (Authorization: Bearer …): this needs {0}")]
    NoCredential(&'static str),
    /// A credential that is not good for this, and which is needed.
    #[error("the credential that was shown is not good for this, which needs {0}")]
    WrongCredential(&'static str),
    /// Good credential, not for this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Another code was sent.
    #[error("this is not the code that was sent")]
    CodeWrong {
        /// How often one may try again.
        tries_left: u32,
    },
    /// There is no code (any more).
    #[error("there is no such code any more; ask for a new one")]
    CodeExpired,
    /// There is no such thing.
    #[error("there is no such thing")]
    NotFound,
    /// The path is right, the method is not.
    #[error("this cannot be done here")]
    MethodNotAllowed,
    /// Not one part for each device.
    #[error("not one part for each device of the account")]
    MismatchedDevices {
        /// These have no part.
        missing: Vec<u32>,
        /// These do not exist.
        extra: Vec<u32>,
    },
    /// Devices were set up anew.
    #[error("devices were set up anew")]
    StaleDevices {
        /// Which.
        devices: Vec<u32>,
    },
    /// It is there already, or something else is.
    #[error("{0}")]
    Conflict(&'static str),
    /// Over a limit.
    #[error("{what} may have {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
    },
    /// A PIN is needed.
    #[error("the account has a registration lock")]
    RegistrationLocked {
        /// How often one may try.
        tries_left: u32,
        /// When the lock lapses by itself.
        expires_in: Duration,
    },
    /// Too often.
    #[error("too often; come back later")]
    RateLimited {
        /// How long to wait.
        retry_after: Duration,
    },
    /// Devices take no more.
    #[error("devices take no more until they collect what waits")]
    QueueFull {
        /// Which.
        devices: Vec<u32>,
    },
    /// Too much is going on just now.
    #[error("too much is going on just now")]
    Unavailable,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A blob.
    #[error(transparent)]
    Blob(Arc<BlobError>),
    /// A defect.
    #[error("a defect: {0}")]
    Internal(#[source] Arc<dyn Error + Send + Sync>),
}

impl RelayError {
    /// A field of the request is wrong.
    pub fn field(field: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid { field: Some(field), reason: reason.into() }
    }

    /// The request is wrong.
    pub fn invalid(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid { field: None, reason: reason.into() }
    }

    /// A defect.
    pub fn internal(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(Arc::from(error.into()))
    }

    /// The code that the API has for it.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid { .. } => ErrorCode::InvalidRequest,
            Self::InvalidNumber => ErrorCode::InvalidNumber,
            Self::Unauthorized | Self::NoCredential(_) | Self::WrongCredential(_) => ErrorCode::Unauthorized,
            Self::Forbidden(_) => ErrorCode::Forbidden,
            Self::CodeWrong { .. } => ErrorCode::CodeWrong,
            Self::CodeExpired => ErrorCode::CodeExpired,
            Self::NotFound => ErrorCode::NotFound,
            Self::MethodNotAllowed => ErrorCode::MethodNotAllowed,
            Self::MismatchedDevices { .. } => ErrorCode::MismatchedDevices,
            Self::StaleDevices { .. } => ErrorCode::StaleDevices,
            Self::Conflict(_) => ErrorCode::Conflict,
            Self::TooLarge { .. } => ErrorCode::TooLarge,
            Self::RegistrationLocked { .. } => ErrorCode::RegistrationLocked,
            Self::RateLimited { .. } => ErrorCode::RateLimited,
            Self::QueueFull { .. } => ErrorCode::QueueFull,
            Self::Unavailable => ErrorCode::Unavailable,
            Self::Store(error) => of_store(error),
            Self::Blob(error) => match &**error {
                BlobError::NotFound => ErrorCode::NotFound,
                BlobError::TooLarge { .. } => ErrorCode::TooLarge,
                BlobError::WrongOffset { .. } => ErrorCode::WrongOffset,
                BlobError::Busy => ErrorCode::Conflict,
                BlobError::OutOfRange { .. } => ErrorCode::OutOfRange,
                BlobError::WrongDigest | BlobError::Interrupted(_) => ErrorCode::InvalidRequest,
                BlobError::Store(error) => of_store(error),
                _ => ErrorCode::Internal,
            },
            Self::Internal(_) => ErrorCode::Internal,
        }
    }

    /// How long to wait before the same again, where that helps.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } => Some(*retry_after),
            _ if self.code() == ErrorCode::Unavailable => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    /// What the caller is told. Of a defect, nothing but the reference.
    #[must_use]
    pub fn detail(&self, reference: Option<String>) -> ErrorDetail {
        let code = self.code();
        let message = match code {
            ErrorCode::Internal => "a defect of the relay; please tell the operator the reference".to_owned(),
            ErrorCode::Unavailable => "the relay cannot do this just now".to_owned(),
            ErrorCode::InvalidRequest if matches!(self, Self::Blob(_)) => "the bytes broke off".to_owned(),
            _ => self.to_string(),
        };
        let mut detail = ErrorDetail::new(code, message);
        detail.reference = reference;
        match self {
            Self::Invalid { field, .. } => detail.field = field.map(str::to_owned),
            Self::CodeWrong { tries_left } => detail.tries_left = Some(*tries_left),
            Self::MismatchedDevices { missing, extra } => {
                detail.missing.clone_from(missing);
                detail.extra.clone_from(extra);
            }
            Self::StaleDevices { devices } | Self::QueueFull { devices } => {
                detail.devices.clone_from(devices);
            }
            Self::TooLarge { limit, .. } => detail.limit = Some(*limit),
            Self::RegistrationLocked { tries_left, expires_in } => {
                detail.tries_left = Some(*tries_left);
                detail.expires_in_ms = Some(millis(*expires_in));
            }
            Self::Blob(error) => match &**error {
                BlobError::TooLarge { limit } => detail.limit = Some(*limit),
                BlobError::WrongOffset { offset } => detail.offset = Some(*offset),
                BlobError::OutOfRange { size } => detail.limit = Some(*size),
                _ => {}
            },
            _ => {}
        }
        detail
    }

    fn answer(&self, reference: Option<String>) -> Response {
        let detail = self.detail(reference);
        let status = StatusCode::from_u16(detail.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(ErrorBody { error: detail })).into_response();
        if let Some(wait) = self.retry_after() {
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
                response.headers_mut().insert(RETRY_AFTER, value);
            }
        }
        response
    }
}

fn of_store(error: &StoreError) -> ErrorCode {
    if error.is_transient() { ErrorCode::Unavailable } else { ErrorCode::Internal }
}

/// Whole milliseconds.
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl From<TooOften> for RelayError {
    fn from(TooOften(retry_after): TooOften) -> Self {
        Self::RateLimited { retry_after }
    }
}

impl From<BlobError> for RelayError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Store(error) => Self::Store(error),
            error => Self::Blob(Arc::new(error)),
        }
    }
}

/// Handlers return it; [`answer`] renders it.
impl IntoResponse for RelayError {
    fn into_response(self) -> Response {
        // What is seen if the layer is not there.
        let mut response = self.answer(None);
        response.extensions_mut().insert(Failed(Arc::new(self)));
        response
    }
}

#[derive(Clone)]
struct Failed(Arc<RelayError>);

/// The layer that logs what the operator should know, once, and gives a defect its reference.
pub async fn answer(State(ground): State<Arc<Ground>>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    let Some(Failed(error)) = response.extensions_mut().remove::<Failed>() else { return response };
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let code = error.code();
    match code {
        ErrorCode::Internal => {
            let reference: String = ground.random::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
            let cause = &*error as &dyn Error;
            tracing::error!(%method, route, reference, error = cause, "a request met a defect");
            error.answer(Some(reference))
        }
        ErrorCode::Unavailable => {
            let cause = &*error as &dyn Error;
            tracing::warn!(%method, route, error = cause, "a request could not be served");
            response
        }
        _ => {
            tracing::debug!(%method, route, code = code.as_str(), "a request was refused");
            response
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_defect_shows_nothing_of_itself() {
        let error = RelayError::internal("the secret table is broken");
        let body = serde_json::to_string(&error.detail(Some("r".to_owned()))).unwrap();
        assert!(!body.contains("secret"), "{body}");
        assert!(body.contains("\"reference\":\"r\""), "{body}");
        assert_eq!(error.into_response().status(), 500);
    }

    #[test]
    fn what_may_be_tried_again_says_when() {
        let limited = RelayError::RateLimited { retry_after: Duration::from_millis(1200) }.into_response();
        assert_eq!(limited.status(), 429);
        assert_eq!(limited.headers()[RETRY_AFTER], "2");
        let busy = RelayError::from(StoreError::Busy).into_response();
        assert_eq!(busy.status(), 503);
        assert_eq!(busy.headers()[RETRY_AFTER], "1");
        let mistake = RelayError::from(StoreError::Invalid("x".to_owned()));
        assert_eq!(mistake.code(), ErrorCode::Internal);
    }
}
