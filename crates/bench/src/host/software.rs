//! The business's software: it asks the API.

use std::cell::Cell;

use serde_json::{Value, json};

use super::{Stand, sink::Sink};
use crate::{error::BenchError, http::Http, place::Place};

/// What it knows of the API.
#[derive(Debug, Clone)]
pub(super) struct Software {
    places: Vec<Place>,
    /// Which of them is asked next.
    next: Cell<usize>,
    token: String,
    /// The app's own, for its callback.
    app_token: String,
    messages: String,
    subscriptions: String,
    verify_token: String,
}

impl Software {
    pub(super) fn new(stand: &Stand) -> Self {
        let demo = &stand.demo;
        Self {
            places: stand.hosts.iter().map(|host| host.place.clone()).collect(),
            next: Cell::new(0),
            token: demo.token.clone(),
            app_token: format!("{}|{}", demo.app_id, demo.app_secret),
            messages: format!("/v24.0/{}/messages", demo.phone_number_id),
            subscriptions: format!("/v24.0/{}/subscriptions", demo.app_id),
            verify_token: demo.verify_token.clone(),
        }
    }

    /// A connection that is kept: to one host after the other.
    pub(super) async fn connect(&self) -> Result<Http, BenchError> {
        let next = self.next.replace(self.next.get() + 1) % self.places.len().max(1);
        let place = self.places.get(next).ok_or(BenchError::Closed(None))?;
        Http::connect(place).await
    }

    /// Wants to be told of everything.
    pub(super) async fn tell(&self, sink: &Sink) -> Result<(), BenchError> {
        let asked = json!({
            "object": "whatsapp_business_account",
            "callback_url": sink.url,
            "verify_token": self.verify_token,
            "fields": ["messages"],
        });
        let mut http = self.connect().await?;
        let _: Value = http.post(&self.subscriptions, Some(&self.app_token), &asked).await?;
        Ok(())
    }

    /// Wants to be told nothing.
    pub(super) async fn hush(&self) -> Result<(), BenchError> {
        let mut http = self.connect().await?;
        let _: Value = http.delete(&self.subscriptions, Some(&self.app_token)).await?;
        Ok(())
    }

    /// Sends a text; the id that it has now.
    pub(super) async fn send(&self, http: &mut Http, to: &str, text: &str) -> Result<String, BenchError> {
        let asked = json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": to,
            "type": "text",
            "text": { "body": text },
        });
        let answer: Value = http.post(&self.messages, Some(&self.token), &asked).await?;
        let id = answer.pointer("/messages/0/id").and_then(Value::as_str);
        id.map(str::to_owned)
            .ok_or_else(|| BenchError::Protocol(format!("an answer without an id: {answer}")))
    }
}
