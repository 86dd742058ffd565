//! Load generators.
//!
//! - [`relay`]: `tradepost bench relay`, real messages over real sockets to a real server process.
#![deny(missing_docs)]

pub mod relay;
