//! Load generators.
//!
//! - [`relay`]: `tradepost bench relay`, real messages over real sockets to a real server process.
//! - [`host`]: `tradepost bench host`, a business's software, a host and a relay as processes, and customers' devices that
//!   decrypt.
#![deny(missing_docs)]

mod clock;
mod error;
mod histogram;
pub mod host;
mod http;
mod link;
mod place;
mod process;
pub mod relay;
mod report;
mod thread;

pub use self::{error::BenchError, report::Report};
