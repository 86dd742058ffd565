//! The sample customer: a device like everybody's, that shares its number with the sample business.

use std::{path::Path, time::Duration};

use client::{
    AccountId, Body, Device, DraftContent, Error, LabelChange, Message, PhoneNumber, Profile, Registration,
    State,
};
use serde_json::{Value, json};
use tokio::{sync::Mutex, task::JoinHandle};

use super::business;
use crate::{
    chat::{
        answer,
        home::{Secret, Where},
        opened::{Opened, Place},
        problem::{Answer, Exit, Problem},
        render::{self, Output},
    },
    demo::line::Choice,
};

/// Its number: of the range that is kept free for stories.
pub(super) const NUMBER: &str = "+491713920000";
/// How long a message may take to the relay before one says that it waits.
const LEAVING: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);
/// Messages among which the shared number is looked for.
const LATEST: usize = 1000;

/// A device that stays online.
#[derive(Debug)]
pub(super) struct Customer {
    opened: Opened,
    business: AccountId,
    running: Mutex<Option<JoinHandle<()>>>,
}

impl Customer {
    /// Opens or registers it, and goes online.
    pub(super) async fn start(data: &Path, relay: &str, business: AccountId) -> anyhow::Result<Self> {
        let flags = Where {
            account: "customer".to_owned(),
            data: Some(data.to_owned()),
            relay: Some(relay.to_owned()),
            relay_certificate: None,
            plain_beyond_loopback: false,
            secret: Secret::default(),
        };
        let place = Place::open(&flags, Output { json: false }, "up").map_err(said)?;
        let device = match Device::open(place.edges().await.map_err(said)?).await {
            Err(Error::NotRegistered) => register(&place, relay).await?,
            opened => opened?,
        };
        place.home.remember_relay(&place.relay).map_err(said)?;
        let running = tokio::spawn({
            let device = device.clone();
            async move {
                match device.run().await {
                    Ok(ended) => tracing::debug!(?ended, "the sample customer is offline"),
                    Err(error) => {
                        tracing::error!(
                            error = &error as &dyn std::error::Error,
                            "the sample customer is offline"
                        );
                    }
                }
            }
        });
        let opened = Opened { device, home: place.home, output: place.output };
        let customer = Self { opened, business, running: Mutex::new(Some(running)) };
        customer.meet().await?;
        Ok(customer)
    }

    /// Says its name, sees who can read the chat, and lets the business know its number.
    async fn meet(&self) -> anyhow::Result<()> {
        let device = &self.opened.device;
        if device.profile_of(device.own().account).await?.is_none_or(|profile| profile.name.is_empty()) {
            device.set_profile(&Profile { name: "Sample customer".to_owned(), ..Profile::default() }).await?;
        }
        let number: PhoneNumber = business::NUMBER.parse()?;
        device.set_contact(self.business, "Example Bank", Some(&number)).await?;
        let history = device.history(self.business, None, LATEST).await?;
        if history.iter().any(|message| matches!(message.body, Body::NumberShare { .. })) {
            return Ok(());
        }
        if let Some(label) = device.refresh_label(self.business).await?
            && label.change == LabelChange::First
        {
            device.label_shown(self.business, &label.digest.0).await?;
        }
        device.share_number(self.business).await?;
        Ok(())
    }

    /// Writes to the business.
    pub(super) async fn say(&self, text: String) -> Answer<Value> {
        self.send(DraftContent::Text { text }).await
    }

    /// Presses a button, or chooses a row.
    pub(super) async fn answer(&self, choice: Option<Choice>, message: Option<u64>) -> Answer<Value> {
        let question = answer::question(&self.opened, self.business, message).await?;
        let choices = question.body.choices();
        let choice = match choice {
            None => {
                let list = answer::list(question.position, &choices);
                return Ok(json!({ "position": question.position, "choices": choices, "list": list }));
            }
            Some(Choice::Id(id)) if answer::has(&choices, &id) => id,
            Some(Choice::Id(id)) => {
                let message = format!("it offers nothing with the id {}", render::line(&id, 80));
                return Err(Problem::usage(message).hint(answer::list(question.position, &choices)));
            }
            Some(Choice::Number(number)) => {
                let names = self.opened.names().await?;
                let chosen = answer::choose(&choices, number, &names.of(self.business));
                chosen.map_err(|problem| match problem.hint {
                    None => problem.hint(answer::list(question.position, &choices)),
                    Some(_) => problem,
                })?
            }
        };
        self.send(DraftContent::Choose { message: question.id, choice }).await
    }

    async fn send(&self, content: DraftContent) -> Answer<Value> {
        let device = &self.opened.device;
        if let Some(label) = device.label(self.business).await?.filter(|label| !label.shown) {
            let words = render::label(label.label.as_ref(), label.change);
            let message =
                format!("who can read this chat changed, and nothing is sent before that was seen: {words}");
            return Err(Problem::new(Exit::LabelChanged, "label_changed", message)
                .hint("tradepost demo read shows it; then say it again."));
        }
        let id = device.send(self.business, content.into()).await?;
        let until = tokio::time::Instant::now() + LEAVING;
        loop {
            let message = device.message(id).await?.ok_or(Error::NoSuchMessage)?;
            if message.state != State::Queued || tokio::time::Instant::now() >= until {
                return Ok(json!({ "id": id, "position": message.position, "state": message.state }));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The chat as the customer sees it, the latest `limit` messages of it, and who can read it.
    pub(super) async fn read(&self, limit: usize, leave_unread: bool) -> Answer<Value> {
        let device = &self.opened.device;
        let label = device.label(self.business).await?;
        let mut messages = device.history(self.business, None, limit).await?;
        messages.reverse();
        for message in &mut messages {
            self.quoted(message).await?;
        }
        let names = self.opened.names().await?;
        let shown: Vec<Value> = messages.iter().map(|message| self.shown(message)).collect();
        let lines: Vec<String> = messages.iter().map(|message| render::message(message, &names)).collect();
        if !leave_unread {
            if let Some(last) = messages.last() {
                device.mark_read(self.business, last.position).await?;
            }
            if let Some(label) = label.as_ref().filter(|label| !label.shown) {
                device.label_shown(self.business, &label.digest.0).await?;
            }
        }
        let known = label.as_ref().and_then(|state| state.label.as_ref());
        let mut value = json!({
            "business": names.of(self.business),
            "label": known.map(client::Label::words),
            "label_line": label.as_ref().map(|state| render::label(state.label.as_ref(), state.change)),
            "label_details": label,
            "messages": shown,
            "lines": lines,
        });
        render::hide_keys(&mut value);
        Ok(value)
    }

    /// Who quotes need not have the message any more: then its words are here.
    async fn quoted(&self, message: &mut Message) -> Answer<()> {
        let Some(quote) = message.quote.as_mut().filter(|quote| quote.excerpt.is_empty()) else {
            return Ok(());
        };
        if let Some(known) = self.opened.device.message(quote.message).await? {
            quote.excerpt = words(&known.body).unwrap_or_default();
        }
        Ok(())
    }

    /// A message, for programs.
    fn shown(&self, message: &Message) -> Value {
        let own = self.opened.device.own().account;
        let from = match &message.body {
            Body::Label { .. } => "nobody",
            _ if message.id.author == own => "customer",
            _ => "business",
        };
        let text = words(&message.body);
        json!({
            "position": message.position,
            "from": from,
            "time": message.id.timestamp,
            "text": text,
            "body": message.body,
            "choices": message.body.choices(),
            "state": message.state,
            "quote": message.quote,
            "reactions": message.reactions,
        })
    }

    /// Lets what waits leave, and goes offline.
    pub(super) async fn stop(&self) {
        let device = &self.opened.device;
        let _what_waits_is_sent_next_time = tokio::time::timeout(LEAVING / 4, device.settled()).await;
        device.stop();
        if let Some(mut running) = self.running.lock().await.take()
            && tokio::time::timeout(LEAVING, &mut running).await.is_err()
        {
            running.abort();
        }
    }
}

/// What a message says, if it is words.
fn words(body: &Body) -> Option<String> {
    match body {
        Body::Text { text } => Some(text.clone()),
        Body::Interactive(content) => Some(content.body.clone()),
        Body::Template(template) => Some(template.content.body.clone()),
        Body::Reply(reply) => Some(reply.title.clone()),
        _ => None,
    }
}

async fn register(place: &Place, relay: &str) -> anyhow::Result<Device> {
    let number: PhoneNumber = NUMBER.parse()?;
    let code = business::code(relay, &number).await?;
    let registration = Registration { number, code, pin: None, device_name: "sample".to_owned() };
    Ok(Device::register(place.edges().await.map_err(said)?, registration).await?)
}

fn said(problem: Problem) -> anyhow::Error {
    anyhow::anyhow!("{problem}")
}
