//! Bringing codes to numbers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ::store::{
    Clock, Timestamp,
    jobs::{Failure, Handler, Job, NewJob, Schedule},
};
use async_trait::async_trait;
use http::header::RETRY_AFTER;
use serde::{Deserialize, Serialize};
use wire::PhoneNumber;

use crate::{RelayError, config::Gateway};

/// The jobs that bring a code to the gateway.
pub(super) const KIND: &str = "registration_code";
/// How many codes the development mailbox holds.
const MAILBOX: usize = 10_000;

/// For development: codes lie here, to be asked for on loopback.
#[derive(Debug, Default)]
pub(super) struct Mailbox(Mutex<HashMap<PhoneNumber, (String, Timestamp)>>);

impl Mailbox {
    pub(super) fn put(&self, number: &PhoneNumber, code: &str, expires: Timestamp, now: Timestamp) {
        // A number is nobody else's business, not even on the console.
        #[expect(clippy::print_stderr, reason = "it is what the console sender is for")]
        {
            eprintln!("Registration code for {}: {code}", number.masked());
        }
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if codes.len() >= MAILBOX {
            codes.retain(|_, (_, expires)| *expires > now);
        }
        if codes.len() >= MAILBOX {
            // Whoever waits for one asked lately.
            let mut ends: Vec<Timestamp> = codes.values().map(|(_, expires)| *expires).collect();
            let (_, median, _) = ends.select_nth_unstable(MAILBOX / 2);
            let median = *median;
            codes.retain(|_, (_, expires)| *expires > median);
        }
        codes.insert(number.clone(), (code.to_owned(), expires));
    }

    pub(super) fn get(&self, number: &PhoneNumber, now: Timestamp) -> Option<String> {
        let codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.get(number).filter(|(_, expires)| *expires > now).map(|(code, _)| code.clone())
    }
}

/// What a job of [`KIND`] is written with. It is gone as soon as the gateway has it, or the code is no longer good.
#[derive(Serialize, Deserialize)]
struct Text {
    number: PhoneNumber,
    code: String,
    expires: i64,
}

/// The job that brings a code to the gateway.
pub(super) fn job(
    number: &PhoneNumber,
    code: &str,
    expires: Timestamp,
    now: Timestamp,
) -> Result<NewJob, RelayError> {
    let text = Text { number: number.clone(), code: code.to_owned(), expires: expires.0 };
    let payload = serde_json::to_vec(&text).map_err(RelayError::internal)?;
    Ok(NewJob { kind: KIND, payload, due: now, unique_key: None })
}

/// What the gateway is sent.
#[derive(Serialize)]
struct Message<'a> {
    number: &'a str,
    text: String,
    code: &'a str,
}

/// Brings codes to the operator's SMS gateway.
pub(super) struct Texts {
    gateway: Gateway,
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
}

impl Texts {
    pub(super) fn new(gateway: Gateway, clock: Arc<dyn Clock>) -> Result<Self, RelayError> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_millis(gateway.timeout_ms))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(RelayError::internal)?;
        Ok(Self { gateway, client, clock })
    }

    async fn send(&self, job: &Job, text: &Text) -> Result<(), Failure> {
        let message = Message {
            number: text.number.as_str(),
            text: format!("Your Tradepost code is {}. Give it to nobody.", text.code),
            code: &text.code,
        };
        let mut request = self.client.post(self.gateway.url.expose()).json(&message);
        // A repetition is the same message.
        request = request.header("idempotency-key", format!("{}-{}", job.id, text.expires));
        if let Some(token) = &self.gateway.token {
            request = request.bearer_auth(token.expose());
        }
        // An error of reqwest names the URL, and that may hold a password.
        let answer = request.send().await;
        let answer = answer.map_err(|error| Failure::Later(error.without_url().to_string()))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let said = format!("the gateway answered {status}");
        let wait = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        match wait {
            Some(seconds) => Err(Failure::After(said, Duration::from_secs(seconds))),
            None if status.is_server_error() || status.as_u16() == 429 || status.as_u16() == 408 => {
                Err(Failure::Later(said))
            }
            None => Err(Failure::Never(said)),
        }
    }
}

#[async_trait]
impl Handler for Texts {
    fn kind(&self) -> &'static str {
        KIND
    }

    /// Longer than any code is good, so that none becomes a dead letter with a number in it.
    fn schedule(&self) -> Schedule {
        let delays_s = vec![1, 3, 10, 20, 40, 60, 120, 300, 600, 1200, 2400];
        Schedule { delays_s, jitter_percent: 20 }
    }

    async fn run(&self, job: &Job) -> Result<(), Failure> {
        let Ok(text) = serde_json::from_slice::<Text>(&job.payload) else {
            return Err(Failure::Never("unreadable".to_owned()));
        };
        if text.expires <= self.clock.now().0 {
            tracing::warn!(job = job.id, "a registration code was not sent before it expired");
            return Ok(());
        }
        match self.send(job, &text).await {
            Err(Failure::Never(reason)) => {
                tracing::error!(job = job.id, reason, "the SMS gateway refuses registration codes");
                Ok(())
            }
            outcome => outcome,
        }
    }
}
