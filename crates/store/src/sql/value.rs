//! What a statement is given.

use sqlx::{Arguments as _, postgres::PgArguments, sqlite::SqliteArguments};

use crate::{StoreError, Timestamp};

/// A parameter of a statement. Nothing (`None`) keeps its type, which PostgreSQL wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `{integer}` in a migration.
    Integer(Option<i64>),
    /// `{bytes}` in a migration.
    Bytes(Option<Vec<u8>>),
    /// `TEXT` in a migration.
    Text(Option<String>),
    /// `{boolean}` in a migration.
    Boolean(Option<bool>),
}

macro_rules! from {
    ($($from:ty => $variant:ident),*) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$variant(Some(value.into()))
            }
        }
        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Self {
                Self::$variant(value.map(Into::into))
            }
        }
    )*};
}

from!(i64 => Integer, i32 => Integer, u32 => Integer, Timestamp => Integer);
from!(Vec<u8> => Bytes, &[u8] => Bytes);
from!(String => Text, &str => Text);
from!(bool => Boolean);

impl<const N: usize> From<[u8; N]> for Value {
    fn from(bytes: [u8; N]) -> Self {
        Self::Bytes(Some(bytes.to_vec()))
    }
}

impl From<Timestamp> for i64 {
    fn from(time: Timestamp) -> Self {
        time.0
    }
}

macro_rules! arguments {
    ($values:expr, $into:ty) => {{
        let mut arguments = <$into>::default();
        for value in $values {
            match value {
                Value::Integer(value) => arguments.add(value),
                Value::Bytes(value) => arguments.add(value),
                Value::Text(value) => arguments.add(value),
                Value::Boolean(value) => arguments.add(value),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok(arguments)
    }};
}

pub(super) fn for_sqlite(values: Vec<Value>) -> Result<SqliteArguments, StoreError> {
    arguments!(values, SqliteArguments)
}

pub(super) fn for_postgres(values: Vec<Value>) -> Result<PgArguments, StoreError> {
    arguments!(values, PgArguments)
}
