//! One handle for SQLite and PostgreSQL; a statement is written once.
//!
//! ```no_run
//! # async fn example(database: store::sql::Database) -> Result<(), store::StoreError> {
//! use store::sql::query;
//!
//! store::row! {
//!     /// Somebody with an account.
//!     struct Person from "people" { id: i64, name: Option<String> }
//! }
//! let mut reader = database.reader().await?;
//! let found: Option<Person> =
//!     query("SELECT id, name FROM people WHERE id = $1").bind(7).optional(&mut reader).await?;
//!
//! // As many rows as wanted in few statements, in place of `{rows}`.
//! let mut transaction = database.begin().await?;
//! query("INSERT INTO people (id, name) VALUES {rows} ON CONFLICT (id) DO NOTHING")
//!     .rows([[1.into(), "Ada".into()], [2.into(), "Grace".into()]])
//!     .execute(&mut transaction)
//!     .await?;
//! transaction.commit().await
//! # }
//! ```
//!
//! Writes of a running server go through [`crate::writer`], which commits those of many callers at once.

mod connection;
mod database;
pub mod migrations;
mod owner;
mod row;
mod rows;
mod statement;
mod value;

pub use connection::{Connection, Transaction};
pub use database::{Database, DatabaseConfig, Engine};
pub use row::{Column, ColumnError, FromRow, Row};
pub use rows::Rows;
pub use statement::{Query, Sql, query};
pub use value::Value;
