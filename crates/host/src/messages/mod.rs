//! Messages on their way out and in.

mod outgoing;

pub use self::outgoing::{Accepted, Outgoing, Recipient};
