//! What a statement gives back.

use std::sync::Arc;

use sqlx::{Row as _, postgres::PgRow, sqlite::SqliteRow};

use crate::{StoreError, Timestamp};

/// One row of a result.
#[derive(Debug)]
pub struct Row(pub(super) Inner);

pub(super) enum Inner {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl std::fmt::Debug for Inner {
    /// Rows hold what people wrote: nothing of it is shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// A column that is missing or does not hold what it should.
#[derive(Debug, Clone, thiserror::Error)]
#[error("column {column}: {reason}")]
pub struct ColumnError {
    column: String,
    reason: Arc<dyn std::error::Error + Send + Sync>,
}

impl ColumnError {
    /// What `column` holds cannot be used, for this reason.
    pub fn new(column: &str, reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { column: column.to_owned(), reason: Arc::from(reason.into()) }
    }

    /// The error of a store in whose `table` this was found.
    #[must_use]
    pub fn within(self, table: &'static str) -> StoreError {
        StoreError::Inconsistent { table, column: self.column, source: self.reason }
    }
}

impl Row {
    /// The column of this name.
    ///
    /// # Errors
    /// There is no such column, or it holds something else than a `T`.
    pub fn get<T: Column>(&self, column: &str) -> Result<T, ColumnError> {
        T::read(self, column)
    }

    pub(super) fn first_column(&self) -> Option<&str> {
        use sqlx::Column as _;
        match &self.0 {
            Inner::Sqlite(row) => row.columns().first().map(|column| column.name()),
            Inner::Postgres(row) => row.columns().first().map(|column| column.name()),
        }
    }
}

/// A type that a column can be read as. A feature implements it for its newtypes by way of these.
pub trait Column: Sized {
    /// Reads the column of this name.
    ///
    /// # Errors
    /// There is no such column, or it holds something else.
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError>;
}

macro_rules! columns {
    ($($type:ty),*) => {$(
        impl Column for $type {
            fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
                match &row.0 {
                    Inner::Sqlite(row) => row.try_get(column),
                    Inner::Postgres(row) => row.try_get(column),
                }
                .map_err(|error| ColumnError::new(column, error))
            }
        }
    )*};
}

columns!(i64, bool, String, Vec<u8>, Option<i64>, Option<bool>, Option<String>, Option<Vec<u8>>);

impl Column for Timestamp {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        row.get(column).map(Self)
    }
}

impl Column for Option<Timestamp> {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        Ok(row.get::<Option<i64>>(column)?.map(Timestamp))
    }
}

impl<const N: usize> Column for [u8; N] {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        let bytes: Vec<u8> = row.get(column)?;
        let found = bytes.len();
        bytes.try_into().map_err(|_| ColumnError::new(column, format!("{found} bytes and not {N}")))
    }
}

/// A plain struct with the columns of a table; written by [`row!`](crate::row).
pub trait FromRow: Sized {
    /// The table to name when a row cannot be read.
    const TABLE: &'static str;

    /// Takes the columns out of a row.
    ///
    /// # Errors
    /// One of them is missing or holds something else.
    fn from_row(row: &Row) -> Result<Self, ColumnError>;
}

/// Declares a plain struct whose fields are columns of the same names.
///
/// ```
/// store::row! {
///     /// A waiting envelope.
///     pub struct Waiting from "envelopes" {
///         /// Its place in the queue.
///         pub seq: i64,
///         /// The ciphertext.
///         pub body: Vec<u8>,
///     }
/// }
/// ```
#[macro_export]
macro_rules! row {
    (
        $(#[$outer:meta])*
        $visible:vis struct $name:ident from $table:literal {
            $($(#[$inner:meta])* $public:vis $field:ident: $type:ty),* $(,)?
        }
    ) => {
        $(#[$outer])*
        $visible struct $name { $($(#[$inner])* $public $field: $type),* }

        impl $crate::sql::FromRow for $name {
            const TABLE: &'static str = $table;

            fn from_row(row: &$crate::sql::Row) -> ::std::result::Result<Self, $crate::sql::ColumnError> {
                Ok(Self { $($field: row.get(stringify!($field))?),* })
            }
        }
    };
}
