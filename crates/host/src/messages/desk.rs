//! What is done for a number, in one task: what was accepted goes to its device, what the device has goes into the tables.

use std::{collections::HashSet, sync::Arc, time::Duration};

use ::store::{
    Timestamp,
    bus::{Bus, Subject as BusSubject},
    sql::Engine,
};
use async_trait::async_trait;
use bytes::Bytes;
use client::{Draft, Event, MessageRef, Unsaved};
use futures_util::{StreamExt as _, stream::FuturesOrdered};
use tokio::sync::Mutex;

use super::{
    Messages,
    ends::{Heard, too_late},
    store::{self, Stored},
};
use crate::{
    HostError,
    codes::{Code, Refusal},
    content::{Content, MessageName},
    ids::{MessageId, NumberId},
    numbers::{
        Number,
        running::{Desk, Live},
    },
    purposes::{Access, Purpose},
    sealing::{Domain, Place},
};

/// Messages that go to the device at once, and items of its feed that are taken at once.
pub(super) const BATCH: usize = 500;
/// Bytes of them, as they are stored, and how many after one that had to wait: what is read with those may be read again.
const BATCH_BYTES: usize = 2 << 20;
const CAREFUL: usize = 16;
/// How many of those are given to it before anything else is done.
const BATCHES: usize = 8;
/// How many of them are on their way into the tables at once, while the next is encrypted.
const UNDER_WAY: usize = 3;
/// How often to look without being woken, and for what was not delivered in time.
const LOOK: Duration = Duration::from_secs(2);

fn subject(number: NumberId) -> Option<BusSubject> {
    BusSubject::new(format!("numbers.work.{number}")).ok()
}

/// Tells the desk of a number, wherever it is.
pub(crate) async fn tell(bus: &dyn Bus, number: NumberId) {
    let Some(subject) = subject(number) else { return };
    if let Err(error) = bus.publish(&subject, Bytes::new()).await {
        tracing::debug!(error = &error as &dyn std::error::Error, "a number's desk was not woken");
    }
}

#[async_trait]
impl Desk for Messages {
    async fn work(&self, live: Arc<Live>) -> HostError {
        // Who is being erased is not written to.
        let (turn, heard) = (Mutex::new(()), Heard::default());
        let outcome = tokio::select! {
            outcome = self.serve(&live, &turn, &heard) => outcome,
            outcome = self.listen(&live, &turn, &heard) => outcome,
            outcome = self.bring_files(&live) => outcome,
        };
        match outcome {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }
}

/// What the device was given.
#[derive(Default)]
struct HandedOver {
    /// Up to this row.
    through: i64,
    /// Whether there may be more for which it has room.
    more: bool,
    /// Whether what comes next has to wait for this and all before it.
    waits: bool,
    /// Rows that it took, and how it calls them; once it has them for sure.
    handed: Vec<(i64, u64)>,
    unsaved: Option<Unsaved>,
    failed: Vec<(Stored, Refusal)>,
}

impl Messages {
    /// What the business wants done.
    async fn serve(
        &self,
        live: &Live,
        turn: &Mutex<()>,
        heard: &Heard,
    ) -> Result<std::convert::Infallible, HostError> {
        let mut signals = match subject(live.number.id) {
            Some(subject) => self.ground.bus.subscribe(&subject).await.ok(),
            None => None,
        };
        let mut looked = None;
        loop {
            let turn = turn.lock().await;
            let busy = self.dispatch(live).await?;
            drop(turn);
            self.tell_read(live).await?;
            let now = self.ground.now();
            let look = looked.is_none_or(|looked: Timestamp| now >= looked.after(LOOK));
            if busy && !look {
                continue;
            }
            if look {
                looked = Some(now);
                self.fail_overdue(live, heard).await?;
                while self.tell_withheld(live).await? {}
            }
            self.people.tell_blocks(live).await?;
            if busy {
                continue;
            }
            let heard = async {
                match &mut signals {
                    Some(signals) => drop(signals.next().await),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = live.wake.notified() => {}
                () = heard => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// What the device has to say.
    async fn listen(
        &self,
        live: &Live,
        turn: &Mutex<()>,
        heard: &Heard,
    ) -> Result<std::convert::Infallible, HostError> {
        let mut events = live.device.events();
        loop {
            let drained = heard.is_drained();
            while self.receive(live, turn).await? {
                while let Some(event) = events.try_next() {
                    heard.note(&event);
                }
            }
            if drained {
                heard.taken(self.ground.now());
            }
            let next = async {
                loop {
                    let event = events.next().await;
                    heard.note(&event);
                    if matches!(event, Event::Feed { .. } | Event::Drained) {
                        break;
                    }
                }
            };
            tokio::select! {
                () = next => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Gives the device what was accepted; whether there may be more.
    async fn dispatch(&self, live: &Live) -> Result<bool, HostError> {
        let mut under_way = FuturesOrdered::new();
        let (mut after, mut more, mut batches, mut limit) = (0, true, 0, BATCH);
        while more && batches < BATCHES {
            batches += 1;
            let next = self.hand_over(live, after, under_way.is_empty(), limit);
            tokio::pin!(next);
            let handed = loop {
                tokio::select! {
                    biased;
                    handed = &mut next => break handed?,
                    Some(settled) = under_way.next(), if !under_way.is_empty() => { let () = settled?; }
                }
            };
            more = handed.more;
            // Of another process's messages those with lower numbers may be committed later: there it begins with the first
            // that waits each time, which it may only when nothing is under way.
            let ordered = self.ground.database.engine() == Engine::Sqlite;
            let most = if ordered && !handed.waits { UNDER_WAY } else { 0 };
            after = if ordered { handed.through } else { 0 };
            limit = if handed.waits { CAREFUL } else { BATCH };
            under_way.push_back(self.settle(&live.number, handed));
            while under_way.len() > most {
                under_way.next().await.transpose()?;
            }
        }
        while under_way.next().await.transpose()?.is_some() {}
        Ok(more)
    }

    /// Gives the device some of what was accepted, of that after `after`; `settled` if nothing before it is under way.
    async fn hand_over(
        &self,
        live: &Live,
        after: i64,
        settled: bool,
        limit: usize,
    ) -> Result<HandedOver, HostError> {
        let number = &live.number;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows =
            store::waiting(&mut self.ground.reader().await?, number.id, store::ACCEPTED, after, limit)
                .await?;
        let mut bytes = 0;
        rows.retain(|row| {
            let fits = bytes < BATCH_BYTES;
            bytes += row.sealed.len();
            fits
        });
        let Some(through) = rows.last().map(|row| row.seq) else {
            return Ok(HandedOver { through: after, ..HandedOver::default() });
        };
        let mut over = HandedOver { through, more: true, ..HandedOver::default() };
        let access = Access::by("sending", number.business, Purpose::Deliver);
        let documents = match self.open_rows(&access, number.id, &rows).await {
            Ok(documents) => documents,
            // The business changed its mind: nothing goes out.
            Err(HostError::NotAllowed(_)) => {
                let refusal =
                    Refusal::new(Code::AccessDenied, "The business does not allow its host to deliver.");
                over.failed = rows.into_iter().map(|row| (row, refusal.clone())).collect();
                return Ok(over);
            }
            Err(error) => return Err(error),
        };
        let people: Vec<_> = rows.iter().map(|row| row.person).collect();
        let people = self.people.of_ids(number.business, &people).await?;
        let own = live.device.own().account;
        let names = self.named(number, rows.iter().zip(&documents).map(|(_, document)| &**document)).await?;
        let (mut drafts, mut sent) = (Vec::new(), Vec::new());
        let mut before = HashSet::new();
        for (row, document) in rows.into_iter().zip(documents) {
            // What it is about may be before it, and get its name only with what is under way.
            let may_come = |name: &MessageName| {
                !names.contains_key(&(row.person, *name.0.name()))
                    && (!settled || before.contains(name.0.name()))
            };
            if referred(&document).any(|name| may_come(&name)) {
                (over.through, over.waits) = (row.seq - 1, true);
                break;
            }
            before.insert(row.name);
            let Some(known) = people.get(&row.person) else {
                over.failed.push((row, Refusal::new(Code::Undeliverable, "The person was erased.")));
                continue;
            };
            let account = known.person.account;
            let reference = MessageId::from_parts(number.id, row.name).reference();
            let of = |id: MessageId| {
                let (outbound, stamp) = names.get(&(row.person, *id.name()))?;
                let author = if *outbound { own } else { account };
                Some(MessageRef { author, timestamp: *stamp })
            };
            let deliver_by = document.deliver_by(row.at);
            if deliver_by.is_some_and(|by| by < self.ground.now()) {
                over.failed.push((row, too_late()));
                continue;
            }
            let mut document = document.hand_over();
            let quote = document.context.message_id.and_then(|name| of(name.0));
            let files = self.media.at_relay(number, &mut document.content).await?;
            match super::convert::draft(document.content, &files, &of) {
                Ok(content) => {
                    let deliver_by = deliver_by.map(|by| by.0.cast_unsigned());
                    let draft = Draft { quote, deliver_by, reference: Some(reference), ..content.into() };
                    drafts.push((account, draft));
                    sent.push(row);
                }
                Err(refusal) => over.failed.push((row, refusal)),
            }
        }
        let (outcomes, unsaved) = live.device.hand_many(drafts).await?;
        over.unsaved = Some(unsaved);
        for (row, outcome) in sent.into_iter().zip(outcomes) {
            match outcome {
                Ok(message) => over.handed.push((row.seq, message.timestamp)),
                // What comes later would overtake it.
                Err(client::Error::OutboxFull) => over.more = false,
                Err(error) => over.failed.push((row, refused(&error))),
            }
        }
        Ok(over)
    }

    /// Notes what the device has, as soon as it cannot lose it.
    async fn settle(&self, number: &Number, over: HandedOver) -> Result<(), HostError> {
        let HandedOver { handed, failed, unsaved, .. } = over;
        if let Some(unsaved) = unsaved {
            unsaved.durable().await?;
        }
        if !handed.is_empty() {
            let (id, handed) = (number.id, Arc::new(handed));
            let written = self.ground.write(id.get(), move |transaction| {
                let handed = handed.clone();
                Box::pin(async move { Ok(store::handed(transaction, id, &handed).await?) })
            });
            written.await?;
        }
        self.fail(number, failed).await
    }

    /// How devices call the messages that these documents refer to: by whom, and when.
    async fn named<'a>(
        &self,
        number: &Number,
        documents: impl Iterator<Item = &'a super::Document>,
    ) -> Result<std::collections::HashMap<(crate::people::PersonId, [u8; 22]), (bool, u64)>, HostError> {
        let names: Vec<_> = documents.flat_map(referred).map(|name| *name.0.name()).collect();
        if names.is_empty() {
            return Ok(std::collections::HashMap::new());
        }
        let rows = store::by_names(&mut self.ground.reader().await?, number.id, &names).await?;
        let name = |row: Stored| {
            let stamp = row.stamp.filter(|stamp| *stamp > 0)?;
            Some(((row.person, row.name), (row.outbound, stamp.cast_unsigned())))
        };
        Ok(rows.into_iter().filter_map(name).collect())
    }

    /// Brings the files of what was accepted to the relay, beside everything else.
    async fn bring_files(&self, live: &Live) -> Result<std::convert::Infallible, HostError> {
        loop {
            if self.prepare_files(live).await? {
                live.wake.notify_one();
                continue;
            }
            tokio::select! {
                () = live.files.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Some of them; whether there may be more. What cannot be fetched fails.
    async fn prepare_files(&self, live: &Live) -> Result<bool, HostError> {
        let number = &live.number;
        let rows =
            store::waiting(&mut self.ground.reader().await?, number.id, store::PREPARING, 0, 16).await?;
        if rows.is_empty() {
            return Ok(false);
        }
        let access = Access::by("sending", number.business, Purpose::Deliver);
        let documents = match self.open_rows(&access, number.id, &rows).await {
            Ok(documents) => documents,
            Err(HostError::NotAllowed(_)) => {
                let refusal =
                    Refusal::new(Code::AccessDenied, "The business does not allow its host to deliver.");
                self.fail(number, rows.into_iter().map(|row| (row, refusal.clone())).collect()).await?;
                return Ok(true);
            }
            Err(error) => return Err(error),
        };
        let key = self.gate.names(number.business).await?;
        for (row, document) in rows.into_iter().zip(documents) {
            let mut document = document.hand_over();
            match self.media.bring(live, &mut document.content).await {
                Ok(()) => {
                    let plain = serde_json::to_vec(&document).map_err(HostError::internal)?;
                    let place = super::place_name(number.id, &row.name);
                    let place = Place { domain: Domain::Message, name: &place };
                    let sealed = key.seal(place, self.ground.random(), &plain)?.into_stored();
                    let (id, name) = (number.id, row.name);
                    let written = self.ground.write(id.get(), move |transaction| {
                        let sealed = sealed.clone();
                        Box::pin(async move { Ok(store::prepared(transaction, id, name, &sealed).await?) })
                    });
                    written.await?;
                }
                Err(HostError::Refused(refusal)) => self.fail(number, vec![(row, refusal)]).await?,
                Err(HostError::NotFound(_)) => {
                    let refusal = Refusal::new(Code::MediaUpload, "There is no such file any more.");
                    self.fail(number, vec![(row, refusal)]).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Tells people what the business has read, and that it types.
    async fn tell_read(&self, live: &Live) -> Result<(), HostError> {
        let number = &live.number;
        let marks = store::marks(&mut self.ground.reader().await?, number.id, 100).await?;
        if marks.is_empty() {
            return Ok(());
        }
        let people: Vec<_> = marks.iter().map(|mark| mark.person).collect();
        let people = self.people.of_ids(number.business, &people).await?;
        for mark in marks {
            let (id, person) = (number.id, mark.person);
            let Some(known) = people.get(&person) else {
                // Erased meanwhile: there is nobody to tell.
                let written = self.ground.write(id.get(), move |transaction| {
                    Box::pin(async move { Ok(store::told(transaction, id, person, mark.through).await?) })
                });
                written.await?;
                continue;
            };
            let account = known.person.account;
            let stamps = store::stamps_between(
                &mut self.ground.reader().await?,
                number.id,
                mark.person,
                mark.told,
                mark.through,
                1000,
            )
            .await?;
            let through = if stamps.len() < 1000 {
                mark.through
            } else {
                stamps.last().map_or(mark.through, |(_, seq)| *seq)
            };
            let read: Vec<_> = stamps
                .iter()
                .map(|(timestamp, _)| MessageRef { author: account, timestamp: *timestamp })
                .collect();
            if !read.is_empty() {
                live.device.mark_these_read(account, &read).await?;
            }
            if mark.typing {
                live.device.typing(account, false).await?;
            }
            let written = self.ground.write(id.get(), move |transaction| {
                Box::pin(async move { Ok(store::told(transaction, id, person, through).await?) })
            });
            written.await?;
        }
        Ok(())
    }
}

/// The messages that a document is about or quotes.
fn referred(document: &super::Document) -> impl Iterator<Item = MessageName> + use<> {
    let about = match &document.content {
        Content::Reaction(reaction) => Some(reaction.message_id),
        Content::Edit { original, .. } | Content::Revoke { original } => Some(*original),
        _ => None,
    };
    about.into_iter().chain(document.context.message_id)
}

/// Why a device does not take a draft.
fn refused(error: &client::Error) -> Refusal {
    match error {
        client::Error::NoSuchAccount => {
            Refusal::new(Code::Undeliverable, "There is nobody with this number.")
        }
        client::Error::TooLate => {
            Refusal::new(Code::ParameterInvalid, "Messages can be changed for 24 hours.")
        }
        client::Error::NoSuchMessage => {
            Refusal::new(Code::ParameterInvalid, "There is no such message in this chat.")
        }
        client::Error::Invalid(why) => Refusal::new(Code::ParameterInvalid, *why),
        _ => Refusal::new(Code::SomethingWrong, "The message could not be sent."),
    }
}
