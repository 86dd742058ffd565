//! The one error of the host, named for what the caller can do. `cloud_api::error` renders it.

use std::{borrow::Cow, error::Error, sync::Arc, time::Duration};

use store::{StoreError, blobs::BlobError};

use crate::purposes::Purpose;

/// Why the host did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The Cloud API has a code for it.
    #[error(transparent)]
    Refused(#[from] crate::codes::Refusal),
    /// Mend the request: this field is wrong.
    #[error("{field}: {reason}")]
    Invalid {
        /// Which, as a path: `template.components[1].type`.
        field: Cow<'static, str>,
        /// What is wrong with it.
        reason: Cow<'static, str>,
    },
    /// There is no such thing, or not for who asks.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The business did not allow this purpose.
    #[error("the business does not allow its host to {0}")]
    NotAllowed(Purpose),
    /// It is there already, or something else is in the way.
    #[error("{0}")]
    Conflict(&'static str),
    /// Too often, or too much: wait.
    #[error("too often; come back in {retry_after:?}")]
    Wait {
        /// How long.
        retry_after: Duration,
    },
    /// The business was erased: nothing of it opens any more.
    #[error("this business was erased")]
    Erased,
    /// The business is here, and its key is not: the database of keys is another one than was meant, or the business was
    /// erased after this copy of it was made.
    #[error("the key of this business is not here")]
    KeyMissing,
    /// Sealed bytes are under a key that is newer than what this process knew.
    #[error("sealed under a newer key")]
    NewerKey,
    /// Sealed bytes do not open: damaged, or under a key that is not here.
    #[error("stored bytes do not open: {0}")]
    Sealed(&'static str),
    /// The master key cannot be had.
    #[error("the master key: {0}")]
    MasterKey(String),
    /// The device of a number.
    #[error("the device of a number: {0}")]
    Device(#[source] Arc<client::Error>),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A blob.
    #[error("a blob: {0}")]
    Blob(#[source] Arc<BlobError>),
    /// A defect.
    #[error("a defect: {0}")]
    Internal(#[source] Arc<dyn Error + Send + Sync>),
}

impl HostError {
    /// A field of the request is wrong.
    pub fn invalid(field: impl Into<Cow<'static, str>>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid { field: field.into(), reason: reason.into() }
    }

    /// A defect.
    pub fn internal(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(Arc::from(error.into()))
    }

    /// Whether the same again, later, may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Wait { .. } | Self::NewerKey => true,
            Self::Blob(error) => matches!(&**error, BlobError::Store(error) if error.is_transient()),
            Self::Device(error) => matches!(&**error, client::Error::Link(_) | client::Error::Wait { .. }),
            _ => false,
        }
    }
}

impl From<BlobError> for HostError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Store(error) => Self::Store(error),
            BlobError::NotFound => Self::NotFound("file"),
            error => Self::Blob(Arc::new(error)),
        }
    }
}

impl From<client::Error> for HostError {
    fn from(error: client::Error) -> Self {
        Self::Device(Arc::new(error))
    }
}
