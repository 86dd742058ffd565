//! Messages on their way out and in.
//!
//! ```text
//! API ─▶ rules ─▶ lane, commit ─▶ accepted      desk of the number: accepted rows ─▶ drafts ─▶ Device::send_many
//! device's feed ─▶ people, files, contents ─▶ one transaction: messages, statuses, events ─▶ forgotten in the feed
//! ```
//!
//! A number's desk is one task in one process. What it does is repeatable at every step: a draft has its message's name as
//! its reference, a message that came has a name made of its author's, a status moves forward only, and the feed is
//! forgotten after the commit.

mod convert;
mod desk;
mod ends;
mod erasure;
mod events;
mod identities;
mod once;
mod opened;
mod outgoing;
mod receive;
mod send;
mod statuses;
mod store;

use std::{collections::HashMap, sync::Arc};

use ::store::{Timestamp, writer::LaneHandle};
use serde::{Deserialize, Serialize};

pub(crate) use self::convert::{Files, files_mut, uses_mut};
pub(crate) use self::desk::tell as tell_desk;
use self::send::Sends;
pub(crate) use self::store::MIGRATIONS;
pub(crate) use self::store::{IMPORTED, RECEIVED, Stored, came_to, category_number};
pub use self::{
    events::{Happened, Outlet, Prepared},
    once::Once,
    outgoing::{Accepted, Outgoing, Recipient},
};
use crate::{
    HostError,
    content::{Category, Content, Context, Status},
    ground::Ground,
    ids::{MessageId, NumberId},
    media::Media,
    numbers::{Number, Numbers, running::Running},
    people::{People, PersonId},
    purposes::{Access, Gate, Plain, Subject, SubjectKind},
    sealing::{Domain, Place, Sealed},
    settings::Settings,
};

/// Takes messages from the business's software and from people, and says what becomes of them.
#[derive(Debug)]
pub struct Messages {
    ground: Arc<Ground>,
    gate: Arc<Gate>,
    numbers: Arc<Numbers>,
    people: Arc<People>,
    media: Arc<Media>,
    running: Arc<Running>,
    settings: Arc<Settings>,
    outlet: Arc<dyn Outlet>,
    sends: LaneHandle<Sends>,
    rates: send::Rates,
}

/// What is sealed of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// What it says.
    pub content: Content,
    /// What it refers to.
    #[serde(default)]
    pub context: Context,
}

impl Document {
    /// Until when it is worth delivering, if it was taken then; none for as long as the relay keeps it.
    fn deliver_by(&self, taken: Timestamp) -> Option<Timestamp> {
        let Content::Template(template) = &self.content else { return None };
        let seconds = template.ttl_seconds?;
        Some(taken.after(std::time::Duration::from_secs(seconds.into())))
    }
}

/// A message, without what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// Its name.
    pub id: MessageId,
    /// Its place among all messages.
    pub seq: i64,
    /// With whom.
    pub person: PersonId,
    /// Whether the business sent it.
    pub outbound: bool,
    /// The API's word for its type.
    pub kind: String,
    /// When it was taken: by the relay, or from the business.
    pub at: Timestamp,
    /// How far it has come; none for what people wrote, and for what was imported.
    pub status: Option<Status>,
    /// Whether the business has marked it as read.
    pub read: bool,
    /// Whether it was said elsewhere, and brought here by an import.
    pub imported: bool,
    /// What it is charged as.
    pub category: Category,
}

impl Messages {
    /// On these parts.
    #[must_use]
    #[expect(clippy::too_many_arguments, reason = "all that messages go through")]
    pub fn new(
        ground: Arc<Ground>,
        gate: Arc<Gate>,
        numbers: Arc<Numbers>,
        people: Arc<People>,
        media: Arc<Media>,
        running: Arc<Running>,
        settings: Arc<Settings>,
        outlet: Arc<dyn Outlet>,
    ) -> Arc<Self> {
        let sends = ground.writer.lane(Sends);
        let rates = send::Rates::default();
        Arc::new(Self { ground, gate, numbers, people, media, running, settings, outlet, sends, rates })
    }

    /// A message, without what it says.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn get(&self, id: MessageId) -> Result<About, HostError> {
        let found = store::by_name(&mut self.ground.reader().await?, id).await?;
        found.map(|row| row.about(id.number())).ok_or(HostError::NotFound("message"))
    }

    /// What a number sent, without what it says, the latest first: before this place, or (`back`) behind it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn sent_by(
        &self,
        number: NumberId,
        from: Option<i64>,
        back: bool,
        limit: u32,
    ) -> Result<Vec<About>, HostError> {
        let from = from.unwrap_or(if back { 0 } else { i64::MAX });
        let mut rows = store::sent_by(&mut self.ground.reader().await?, number, from, back, limit).await?;
        if back {
            rows.reverse();
        }
        Ok(rows.iter().map(|row| row.about(number)).collect())
    }

    /// What messages of one number say, as far as they are there.
    ///
    /// # Errors
    /// Those of the gate and of the database.
    pub async fn open(
        &self,
        access: &Access,
        number: &Number,
        ids: &[MessageId],
    ) -> Result<Vec<(About, Plain<Document>)>, HostError> {
        let names: Vec<_> = ids.iter().map(|id| *id.name()).collect();
        let rows = store::by_names(&mut self.ground.reader().await?, number.id, &names).await?;
        let opened = self.open_rows(access, number.id, &rows).await?;
        let abouts = rows.into_iter().map(|row| row.about(number.id));
        Ok(abouts.zip(opened).collect())
    }

    pub(crate) async fn open_rows(
        &self,
        access: &Access,
        number: NumberId,
        rows: &[Stored],
    ) -> Result<Vec<Plain<Document>>, HostError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let names = rows.iter().map(|row| log_name(&row.name)).collect();
        let subject = Subject { kind: SubjectKind::Message, names };
        let places: Vec<_> = rows.iter().map(|row| place_name(number, &row.name)).collect();
        let sealed: Vec<_> = rows.iter().map(|row| Sealed::from_stored(row.sealed.clone())).collect();
        let placed = places.iter().map(|name| Place { domain: Domain::Message, name });
        let placed: Vec<_> = placed.zip(&sealed).collect();
        let opened = self.gate.open(access, subject, &placed).await?;
        let documents = opened
            .into_iter()
            .map(|plain| plain.try_map(|bytes| serde_json::from_slice(&bytes)).map_err(HostError::internal));
        documents.collect()
    }

    /// Says that messages up to this one were read; with `typing`, also that an answer is being written.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn read(&self, number: &Number, id: MessageId, typing: bool) -> Result<(), HostError> {
        let found = store::by_name(&mut self.ground.reader().await?, id).await?;
        let found = found.filter(|row| id.number() == number.id && !row.outbound);
        let found = found.ok_or(HostError::NotFound("message"))?;
        let (number_id, person, seq) = (number.id, found.person, found.seq);
        let written = self.ground.write(number_id.get(), move |transaction| {
            Box::pin(async move { Ok(store::mark_read(transaction, number_id, person, seq, typing).await?) })
        });
        written.await?;
        self.wake(number_id).await;
        Ok(())
    }

    /// Tells a number's desk, here or in another process, that there is something to do.
    async fn wake(&self, number: NumberId) {
        if let Some(live) = self.running.live(number) {
            live.wake.notify_one();
            live.files.notify_one();
        } else {
            desk::tell(&*self.ground.bus, number).await;
        }
    }
}

/// The name of a message in the log of what was read.
fn log_name(name: &[u8; 22]) -> String {
    name.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where a message is sealed.
pub(crate) fn place_name(number: NumberId, name: &[u8; 22]) -> [u8; 30] {
    let mut place = [0; 30];
    let parts = number.get().to_be_bytes().into_iter().chain(*name);
    place.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    place
}

/// Messages of one number by what devices call them.
type Names = HashMap<(PersonId, bool, u64), MessageId>;
