//! What makes no sense costs who says it: whoever says too much of it waits for every refusal.
//!
//! A refusal is cheap to ask for again. Held back, it takes from who asks as much time as it takes from nobody else, and
//! what it holds meanwhile is counted already: the connections of an address, the streams of a connection.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::StatusCode;
use store::Clock;
use tokio_util::sync::CancellationToken;
use wire::Party;

use super::{Buckets, Limits, TooOften};
use crate::devices::DeviceKey;

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Speaker {
    /// A device: what it says harms neither its account's others nor who would remove it.
    Device(DeviceKey),
    /// A business, or who hosts some.
    Party(Party),
    /// The operator.
    Operator,
    /// Nobody known, in a network.
    Stranger(IpAddr),
}

/// Who a request's credential is found to be, for whoever judges its answer. A layer puts it into every request.
#[derive(Debug, Clone)]
pub struct Asker {
    network: IpAddr,
    known: Arc<OnceLock<Speaker>>,
}

impl Asker {
    /// So far a stranger in this network.
    #[must_use]
    pub fn new(network: IpAddr) -> Self {
        Self { network, known: Arc::default() }
    }

    /// Showed a good credential.
    pub fn is(&self, speaker: Speaker) {
        // The first stays: a request has one credential.
        let _ = self.known.set(speaker);
    }

    /// Who it is, as far as it is known.
    #[must_use]
    pub fn speaker(&self) -> Speaker {
        self.known.get().copied().unwrap_or(Speaker::Stranger(self.network))
    }
}

/// How much nonsense each said of late.
#[derive(Debug)]
pub struct Nonsense {
    said: Buckets<Speaker>,
    held: Duration,
    /// Nobody is held back any more when the relay goes down.
    closing: CancellationToken,
}

impl Nonsense {
    /// Nobody said any.
    #[must_use]
    pub fn new(limits: &Limits, clock: Arc<dyn Clock>, closing: CancellationToken) -> Self {
        let said = Buckets::new(limits.nonsense, limits.remembered, clock);
        Self { said, held: Duration::from_millis(limits.held_ms), closing }
    }

    /// This made no sense.
    pub fn note(&self, speaker: Speaker) {
        // Whose bucket is empty is not heard, and so cannot owe more.
        let _ = self.said.take(&speaker);
    }

    /// An answer with this status is ready: some say that what was asked makes no sense. Such a one is held back the longer
    /// the more of them there were, so that who asks at once a thousand times is slow from the beginning.
    pub async fn judge(&self, speaker: Speaker, status: StatusCode) {
        if matches!(
            status,
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY
        ) {
            self.note(speaker);
            self.hold(self.said.taken(&speaker)).await;
        }
    }

    /// Waits this part of the time for which somebody is held back at most.
    async fn hold(&self, part: f64) {
        tokio::select! {
            () = tokio::time::sleep(self.held.mul_f64(part)) => {}
            () = self.closing.cancelled() => {}
        }
    }

    /// A socket broke the rules, and is left alone for a while: nobody honest waits for its end.
    pub async fn leave_alone(&self, speaker: Speaker) {
        self.note(speaker);
        self.hold(1.0).await;
    }

    /// Whether somebody is still heard. Who is not, waits first.
    ///
    /// # Errors
    /// How long until it is heard again.
    pub async fn hear(&self, speaker: Speaker) -> Result<(), TooOften> {
        self.held_back(self.said.has(&speaker)).await
    }

    /// A refusal, held back.
    ///
    /// # Errors
    /// That of `taken`.
    pub async fn held_back(&self, taken: Result<(), TooOften>) -> Result<(), TooOften> {
        if taken.is_err() {
            self.hold(1.0).await;
        }
        taken
    }
}
