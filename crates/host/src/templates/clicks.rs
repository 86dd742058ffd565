//! How often quick replies of templates were pressed. What a person does with a link or a number stays on their device, and
//! nobody tells a host.
//!
//! A press is a message that answers a template. It is counted when it comes, in the transaction in which it is written: so
//! the count outlives it, and is not made twice. To look at it is to analyse: only if the business allows that, through the
//! gate, and it stands in the log.

use std::{collections::BTreeMap, sync::Arc};

use ::store::{Timestamp, sql::Transaction};
use async_trait::async_trait;

use super::{Templates, parts::ButtonPart, store};
use crate::{
    HostError,
    content::{ButtonReply, Content, Inbound},
    ids::{BusinessId, MessageId, TemplateId, WabaId},
    messages::{Happened, Outlet, Prepared},
    purposes::{Access, Gate, Purpose, Subject, SubjectKind},
    sealing::BusinessKey,
};

/// What it is counted by: half an hour, in milliseconds.
pub(super) const SLOT: i64 = 30 * 60 * 1000;
const DAY: i64 = 24 * 60 * 60 * 1000;
/// Presses between their being sealed and their being written at the same time, at most.
const WAITING: usize = 10_000;

/// A press that is about to be written.
#[derive(Debug, Clone)]
pub(super) struct Click {
    pub(super) business: BusinessId,
    pub(super) template: TemplateId,
    pub(super) slot: i64,
    /// What stands on the button, by a name that only the business's key gives.
    pub(super) button: [u8; 32],
}

/// How often each quick reply was pressed: by the second in which a day (UTC) begins, and the template; what stands on it,
/// and how often.
pub type Clicked = BTreeMap<(i64, TemplateId), Vec<(String, i64)>>;

/// Counts presses on their way to another outlet.
#[derive(Debug)]
pub struct Clicks {
    templates: Arc<Templates>,
    gate: Arc<Gate>,
    outlet: Arc<dyn Outlet>,
    /// By the name of the event. Not taken out, for a transaction may run again; what is old makes place.
    waiting: quick_cache::sync::Cache<String, Click>,
}

impl Clicks {
    /// In front of `outlet`.
    #[must_use]
    pub fn new(templates: Arc<Templates>, gate: Arc<Gate>, outlet: Arc<dyn Outlet>) -> Arc<Self> {
        Arc::new(Self { templates, gate, outlet, waiting: quick_cache::sync::Cache::new(WAITING) })
    }

    /// The press that a message is, if it answers a template with one of its buttons and the business lets it be counted.
    async fn click(
        &self,
        business: BusinessId,
        inbound: &Inbound,
        (reply, of): (&ButtonReply, MessageId),
    ) -> Result<Option<Click>, HostError> {
        if !self.gate.instructions(business).await?.allow(Purpose::Analyse) {
            return Ok(None);
        }
        let mut reader = self.templates.ground.reader().await?;
        let Some(template) = store::of_message(&mut reader, business, of).await? else { return Ok(None) };
        drop(reader);
        let access = Access::by("analytics", business, Purpose::Analyse);
        let name = inbound.id.name().iter().map(|byte| format!("{byte:02x}")).collect();
        let subject = Subject { kind: SubjectKind::Message, names: vec![name] };
        let text = match self.gate.receive(&access, subject, &reply.text).await {
            // Since a moment ago.
            Err(HostError::NotAllowed(_)) => return Ok(None),
            text => text?,
        };
        // People's programs may say anything: only what stands on a button is counted.
        let known = self.templates.quick_replies(template).await?;
        if !known.iter().any(|known| known == *text) {
            return Ok(None);
        }
        let button = named(&*self.gate.names(business).await?, &text);
        Ok(Some(Click { business, template, slot: inbound.at.0.div_euclid(SLOT), button }))
    }
}

fn named(key: &BusinessKey, text: &str) -> [u8; 32] {
    key.name("button of a template", text.as_bytes())
}

#[async_trait]
impl Outlet for Clicks {
    async fn seal(
        &self,
        business: BusinessId,
        unique: String,
        happened: &Happened,
    ) -> Result<Prepared, HostError> {
        if let Happened::Message(inbound) = happened
            && let Content::Button(reply) = &inbound.content
            && let Some(of) = inbound.context.message_id
            && let Some(click) = self.click(business, inbound, (reply, of.0)).await?
        {
            self.waiting.insert(unique.clone(), click);
        }
        self.outlet.seal(business, unique, happened).await
    }

    async fn add(&self, transaction: &mut Transaction, events: Vec<Prepared>) -> Result<(), HostError> {
        for event in &events {
            if let Some(click) = self.waiting.get(&event.unique) {
                store::click(transaction, &click).await?;
            }
        }
        self.outlet.add(transaction, events).await
    }

    async fn wake(&self) {
        self.outlet.wake().await;
    }
}

impl Templates {
    /// What stands on a template's quick replies; of one that is gone, nothing.
    async fn quick_replies(&self, template: TemplateId) -> Result<Vec<String>, HostError> {
        let definition = match self.of_any(template).await {
            Ok(template) => template.definition,
            Err(HostError::NotFound(_)) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let parts = std::iter::once(&definition.parts).chain(&definition.parts.cards);
        let mut texts: Vec<String> = parts
            .flat_map(|parts| &parts.buttons)
            .filter_map(|button| match button {
                ButtonPart::QuickReply { text } => Some(text.clone()),
                _ => None,
            })
            .collect();
        texts.sort_unstable();
        texts.dedup();
        Ok(texts)
    }

    /// How often the quick replies that these templates have were pressed in a range of time. Who asks has asked whether the
    /// business lets it be counted ([`Analytics::allowed`](crate::analytics::Analytics::allowed)).
    ///
    /// # Errors
    /// `Sealed`, `Erased`; those of the database.
    pub async fn clicks(
        &self,
        (business, waba): (BusinessId, WabaId),
        templates: &[TemplateId],
        (start, end): (Timestamp, Timestamp),
    ) -> Result<Clicked, HostError> {
        let slots = (start.0.div_euclid(SLOT), end.0.saturating_add(SLOT - 1).div_euclid(SLOT));
        let counts = store::clicks(&mut self.ground.reader().await?, business, templates, slots).await?;
        let mut clicked = Clicked::new();
        if counts.is_empty() {
            return Ok(clicked);
        }
        let key = self.keys.of(business).await?;
        let mut texts: BTreeMap<(TemplateId, [u8; 32]), String> = BTreeMap::new();
        for template in templates {
            match self.stored(waba, *template).await {
                Ok(_) => {}
                Err(HostError::NotFound(_)) => continue,
                Err(error) => return Err(error),
            }
            let known = self.quick_replies(*template).await?;
            texts.extend(known.into_iter().map(|text| ((*template, named(&key, &text)), text)));
        }
        for count in counts {
            // What the template said before it was edited has no words any more.
            let Some(text) = texts.get(&(count.template, count.button)) else { continue };
            let start = count.day.saturating_mul(DAY / 1000);
            clicked.entry((start, count.template)).or_default().push((text.clone(), count.amount));
        }
        Ok(clicked)
    }
}
