//! What the core tells a page unasked, besides the events of `client`.

use client::{AccountId, Own};
use serde::Serialize;

use crate::{answer::ChatMarks, problem::Problem};

/// How it is with the device of this browser.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Standing {
    /// There is none: register, or link.
    Unregistered {
        /// Why there is none any more, if there was one.
        erased: Option<Erased>,
        /// Why joining an account did not come about, if that was tried.
        problem: Option<Problem>,
    },
    /// It shows a code, and waits for the primary device to scan it.
    Linking {
        /// What to show as a QR code, and to accept as typed text.
        code: String,
    },
    /// It is there.
    Ready {
        /// Who it is.
        own: Own,
        /// Whether it is connected to the relay.
        connected: Connected,
    },
    /// What is stored cannot be used; `erase_here` begins anew.
    Failed {
        /// Why.
        problem: Problem,
    },
}

/// Whether the device is connected to the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Connected {
    /// Not yet.
    Connecting,
    /// It is.
    Online,
    /// It is not; it is tried again. What is read is what is here, what is sent waits.
    Offline,
    /// Another copy of this device took over; this one has stopped.
    Replaced,
}

/// Why there is no device any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Erased {
    /// It was removed on another device, or the account was deleted or registered anew there. Everything here is erased.
    Removed,
    /// The account was deleted here.
    Deleted,
    /// The device was removed here.
    SignedOut,
}

/// What the core tells a page unasked, besides the events of `client`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Notice {
    /// The standing is another one.
    Standing {
        /// It.
        standing: Standing,
    },
    /// What this browser keeps of a chat is something else.
    Marks {
        /// With whom.
        account: AccountId,
        /// As it is now.
        marks: ChatMarks,
    },
    /// Messages of a chat were seen here, in this tab or another.
    Read {
        /// With whom.
        account: AccountId,
        /// Up to this position.
        through: u64,
    },
    /// A chat was taken away here.
    ChatForgotten {
        /// With whom.
        account: AccountId,
    },
    /// So far a file is.
    Transfer {
        /// What the command called it.
        transfer: String,
        /// Bytes.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
}
