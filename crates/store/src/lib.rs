//! The ground of both servers: SQL on SQLite and PostgreSQL, migrations, group commit, jobs, bus and blobs.
//!
//! It knows no feature: a feature brings its own tables, migrations and SQL and stands on these rooms. It reads no
//! clock and owns no random numbers; both are given to it ([`Clock`], [`Entropy`]).
//!
//! - [`sql`]: one [`Database`](sql::Database) handle for both engines; a statement is written once.
//! - [`writer`]: many callers' writes in one transaction, acknowledged after its commit.
//! - [`jobs`]: work that must happen after a commit, as rows written in it.
//! - [`bus`]: small wake-up signals between tasks and between nodes. They may be lost; rows may not.
//! - [`blobs`]: large opaque bytes in a folder or in S3, never whole in memory.
#![deny(missing_docs)]
#![cfg_attr(
    not(any(test, feature = "testing")),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod ambient;
pub mod blobs;
pub mod bus;
mod error;
pub mod jobs;
mod location;
pub mod sql;
#[cfg(feature = "testing")]
pub mod testing;
pub mod writer;

pub use ambient::{Clock, Entropy, Timestamp};
pub use error::StoreError;
pub use location::Location;
