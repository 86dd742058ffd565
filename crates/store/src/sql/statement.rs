//! A statement and its parameters.

use std::borrow::Cow;

use sqlx::AssertSqlSafe;

use super::{
    Column, Connection, Engine, FromRow, Row, Rows, Value,
    connection::Raw,
    row::Inner,
    value::{for_postgres, for_sqlite},
};
use crate::StoreError;

/// The text of a statement: constant, with `$1`, `$2`, … for its parameters. One text serves both engines, or each has
/// its own.
#[derive(Debug, Clone, Copy)]
pub struct Sql {
    sqlite: &'static str,
    postgres: &'static str,
}

impl Sql {
    /// Twins, for what the engines say differently or what pays on one of them.
    #[must_use]
    pub const fn each(sqlite: &'static str, postgres: &'static str) -> Self {
        Self { sqlite, postgres }
    }

    pub(super) const fn on(self, engine: Engine) -> &'static str {
        match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        }
    }
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self::each(text, text)
    }
}

/// A statement with this text; parameters follow with [`bind`](Query::bind).
pub fn query(sql: impl Into<Sql>) -> Query {
    Query { sql: sql.into(), values: Vec::new() }
}

/// A statement with its parameters, ready to run.
#[derive(Debug, Clone)]
#[must_use = "a statement does nothing until it is run"]
pub struct Query {
    pub(super) sql: Sql,
    pub(super) values: Vec<Value>,
}

impl Query {
    /// Gives the next parameter.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Puts rows of parameters in the place of `{rows}`, numbered after those that were bound.
    pub fn rows<const N: usize>(self, rows: impl IntoIterator<Item = [Value; N]>) -> Rows<N> {
        Rows::new(self, rows)
    }

    /// Runs it; how many rows it changed.
    ///
    /// # Errors
    /// `Conflict`, `Contended`, `Unavailable`; `Refused` for a mistake in the text.
    pub async fn execute(self, connection: &mut Connection) -> Result<u64, StoreError> {
        let text = self.sql.on(connection.engine());
        execute(connection, Cow::Borrowed(text), self.values).await
    }

    /// Runs it; all rows it gives.
    ///
    /// # Errors
    /// As [`execute`](Self::execute), and `Inconsistent` for a row that is not an `R`.
    pub async fn all<R: FromRow>(self, connection: &mut Connection) -> Result<Vec<R>, StoreError> {
        let text = self.sql.on(connection.engine());
        fetch(connection, Cow::Borrowed(text), self.values).await?.iter().map(read).collect()
    }

    /// Runs it; the first row it gives, if it gives any.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub async fn optional<R: FromRow>(self, connection: &mut Connection) -> Result<Option<R>, StoreError> {
        let text = self.sql.on(connection.engine());
        fetch(connection, Cow::Borrowed(text), self.values).await?.first().map(read).transpose()
    }

    /// Runs it; the first column of the first row it gives, if it gives any: for counts and the like.
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub async fn value<T: Column>(self, connection: &mut Connection) -> Result<Option<T>, StoreError> {
        let text = self.sql.on(connection.engine());
        let rows = fetch(connection, Cow::Borrowed(text), self.values).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let column = row.first_column().unwrap_or_default();
        row.get(column).map(Some).map_err(|error| error.within("a single value"))
    }
}

pub(super) fn read<R: FromRow>(row: &Row) -> Result<R, StoreError> {
    R::from_row(row).map_err(|error| error.within(R::TABLE))
}

// The texts are constants, or constants with placeholders put in: nothing from outside ever enters one.

pub(super) async fn execute(
    connection: &mut Connection,
    text: Cow<'static, str>,
    values: Vec<Value>,
) -> Result<u64, StoreError> {
    let text = AssertSqlSafe(text);
    Ok(match connection.raw() {
        Raw::Sqlite(raw) => sqlx::query_with(text, for_sqlite(values)?).execute(raw).await?.rows_affected(),
        Raw::Postgres(raw) => {
            sqlx::query_with(text, for_postgres(values)?).execute(raw).await?.rows_affected()
        }
    })
}

pub(super) async fn fetch(
    connection: &mut Connection,
    text: Cow<'static, str>,
    values: Vec<Value>,
) -> Result<Vec<Row>, StoreError> {
    let text = AssertSqlSafe(text);
    Ok(match connection.raw() {
        Raw::Sqlite(raw) => {
            let rows = sqlx::query_with(text, for_sqlite(values)?).fetch_all(raw).await?;
            rows.into_iter().map(|row| Row(Inner::Sqlite(row))).collect()
        }
        Raw::Postgres(raw) => {
            let rows = sqlx::query_with(text, for_postgres(values)?).fetch_all(raw).await?;
            rows.into_iter().map(|row| Row(Inner::Postgres(row))).collect()
        }
    })
}
