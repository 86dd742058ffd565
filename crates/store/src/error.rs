//! The one error of this crate, named for what the caller can do.

use std::{error::Error, sync::Arc};

type Source = Arc<dyn Error + Send + Sync>;

/// Why something was not stored or not read.
///
/// It can be cloned, since one failed commit is the answer to many callers.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A constraint forbids it (unique, foreign key, check, not null). Nothing was changed; the same again will fail
    /// again.
    #[error("a constraint forbids it")]
    Conflict(#[source] Source),
    /// Parallel transactions stood in each other's way and this one gave in. Nothing was changed; the same again may
    /// succeed.
    #[error("lost against a parallel transaction")]
    Contended(#[source] Source),
    /// The queue in front of the database is full. Nothing was changed; come back later.
    #[error("too much is waiting to be written")]
    Busy,
    /// The service is lost: connection, disk full, shutting down. If it was lost during a commit, the change may or may
    /// not have happened.
    #[error("the store is not available")]
    Unavailable(#[source] Source),
    /// What is stored does not have the form it should have: somebody must look.
    #[error("unreadable data in {table}, column {column}")]
    Inconsistent {
        /// Where it is.
        table: &'static str,
        /// Which part of it.
        column: String,
        /// What was wrong with it.
        #[source]
        source: Source,
    },
    /// The configuration, the migrations or a statement are wrong: a mistake of the operator or of ours.
    #[error("{0}")]
    Invalid(String),
    /// The engine does not accept the statement: a mistake of ours.
    #[error("the engine refused a statement")]
    Refused(#[source] Source),
}

impl StoreError {
    /// The service is lost, for this reason.
    pub fn unavailable(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(Arc::from(reason.into()))
    }

    /// Whether the same again, later, may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Contended(_) | Self::Busy | Self::Unavailable(_))
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::error::ErrorKind::{
            CheckViolation, ForeignKeyViolation, NotNullViolation, UniqueViolation,
        };
        let class = match &error {
            sqlx::Error::Database(refusal) => match refusal.kind() {
                UniqueViolation | ForeignKeyViolation | NotNullViolation | CheckViolation => Self::Conflict,
                _ => classify(refusal.as_ref()),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable,
            sqlx::Error::Configuration(reason) => return Self::Invalid(reason.to_string()),
            _ => Self::Refused,
        };
        class(Arc::new(error))
    }
}

/// What a refusal by the engine means, by its code: PostgreSQL's five characters or SQLite's number.
fn classify(refusal: &dyn sqlx::error::DatabaseError) -> fn(Source) -> StoreError {
    let code = refusal.code().unwrap_or_default();
    if refusal.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
        return match code.get(..2) {
            Some("23") => StoreError::Conflict,
            Some("40") => StoreError::Contended,
            // Connection, resources (disk full), operator intervention, I/O, corruption.
            Some("08" | "53" | "57" | "58" | "XX") => StoreError::Unavailable,
            _ if code == "55P03" => StoreError::Contended,
            // A read-only server: the one that used to lead no longer does.
            _ if code == "25006" => StoreError::Unavailable,
            _ => StoreError::Refused,
        };
    }
    // The low byte is the primary code.
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(19) => StoreError::Conflict,
        // busy, locked
        Ok(5 | 6) => StoreError::Contended,
        // out of memory, read-only, I/O, corrupt, full, cannot open, not a database
        Ok(7 | 8 | 10 | 11 | 13 | 14 | 26) => StoreError::Unavailable,
        _ => StoreError::Refused,
    }
}
