//! All that a business has here, to take along: a zip of JSON lines and files.
//!
//! ```text
//! export.json                    what this is, the business, who hosts it, its numbers, what it allows, what it set
//! templates.jsonl, people.jsonl  one in each line
//! chats/NUMBER/PERSON.jsonl      messages, the first first
//! files/ID…, files-0001.jsonl…   files, and what is known of each, 500 in each list
//! readings.jsonl                 the log of what was read
//! counts.json                    how many there are of each; written last, so that who finds it has all
//! ```
//!
//! It goes through the gate like every other reading: the log names every message, file and person.

mod pack;
mod records;
mod store;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::StreamExt as _;
use serde::Serialize;
use serde_json::json;

pub use self::pack::PackError;
use self::{pack::Pack, records::MessageRecord};
use crate::{
    HostError,
    businesses::Business,
    ground::Ground,
    ids::{BusinessId, MediaId},
    media::{Media, ending},
    messages::{Messages, files_mut},
    numbers::{Number, Numbers},
    people::{Known, People, PersonId},
    purposes::{Access, Gate, Purpose, Subject, SubjectKind},
    qr_codes::QrCodes,
    settings::{Automation, Commerce, Profile, Settings},
    templates::Templates,
};

/// Rows read at once.
const PAGE: i64 = 500;
/// Files of one chat that are remembered at most.
const FILES: usize = 1_000_000;

/// Takes everything of a business along.
#[derive(Debug)]
pub struct Exports {
    ground: Arc<Ground>,
    gate: Arc<Gate>,
    numbers: Arc<Numbers>,
    people: Arc<People>,
    messages: Arc<Messages>,
    media: Arc<Media>,
    settings: Arc<Settings>,
    qr_codes: Arc<QrCodes>,
    templates: Arc<Templates>,
}

/// What is to be exported, and where to.
#[derive(Debug, Clone)]
pub struct Request {
    /// Whose.
    pub business: Arc<Business>,
    /// Only the chat with this person: a number or a user id.
    pub chat: Option<String>,
    /// The zip.
    pub to: PathBuf,
    /// Whether a file that is there may be replaced.
    pub replace: bool,
}

/// What was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[expect(missing_docs, reason = "counts of what the fields say")]
pub struct Counts {
    pub people: u64,
    pub chats: u64,
    pub messages: u64,
    pub files: u64,
    pub templates: u64,
    pub readings: u64,
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The zip.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The host.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl From<::store::StoreError> for ExportError {
    fn from(error: ::store::StoreError) -> Self {
        Self::Host(error.into())
    }
}

/// Hears how far it is.
pub trait Watch: Send + Sync {
    /// So much is written.
    fn at(&self, counts: &Counts);
}

/// One export on its way.
struct Writing<'a> {
    access: Access,
    pack: Pack,
    counts: Counts,
    watch: &'a dyn Watch,
}

impl Exports {
    /// On these parts.
    #[must_use]
    pub fn new(
        ground: Arc<Ground>,
        gate: Arc<Gate>,
        numbers: Arc<Numbers>,
        people: Arc<People>,
        messages: Arc<Messages>,
        media: Arc<Media>,
        (settings, qr_codes, templates): (Arc<Settings>, Arc<QrCodes>, Arc<Templates>),
    ) -> Arc<Self> {
        Arc::new(Self { ground, gate, numbers, people, messages, media, settings, qr_codes, templates })
    }

    /// Writes an export. The file is there when it is whole.
    ///
    /// # Errors
    /// [`ExportError`]; within, `NotAllowed` unless the business lets its host store chats, `NotFound` for a chat that is
    /// not there.
    pub async fn run(&self, request: &Request, watch: &dyn Watch) -> Result<Counts, ExportError> {
        let business = &*request.business;
        self.allowed(business.id).await?;
        let access = Access::by("export", business.id, Purpose::Export);
        let chosen = match &request.chat {
            Some(chat) => Some(self.chosen(&access, business.id, chat).await?),
            None => None,
        };
        let pack = Pack::create(&request.to, request.replace).await?;
        let mut writing = Writing { access, pack, counts: Counts::default(), watch };
        match self.write(business, chosen, &mut writing).await {
            Ok(()) => {
                writing.pack.finish().await?;
                Ok(writing.counts)
            }
            Err(error) => {
                writing.pack.abandon().await;
                Err(error)
            }
        }
    }

    /// A business that lets nothing be stored has no chats to export, only what waits for its delivery. That somebody
    /// wanted to stands in its log.
    async fn allowed(&self, business: BusinessId) -> Result<(), HostError> {
        if !self.gate.instructions(business).await?.allow(Purpose::Store) {
            let access = Access::by("export", business, Purpose::Store);
            let subject = Subject { kind: SubjectKind::Chat, names: vec!["all".to_owned()] };
            self.gate.receive(&access, subject, ()).await?;
        }
        Ok(())
    }

    /// The person whose chat is wanted.
    async fn chosen(&self, access: &Access, business: BusinessId, chat: &str) -> Result<PersonId, HostError> {
        let name = self.gate.names(business).await?.name("number", chat.as_bytes());
        let found = store::person(&mut self.ground.reader().await?, business, chat, name).await?;
        let found = found.ok_or(HostError::NotFound("chat"))?;
        let subject = Subject { kind: SubjectKind::Chat, names: vec![found.user_id] };
        self.gate.receive(access, subject, ()).await?;
        Ok(found.id)
    }

    async fn write(
        &self,
        business: &Business,
        chosen: Option<PersonId>,
        writing: &mut Writing<'_>,
    ) -> Result<(), ExportError> {
        let numbers = self.numbers.of_waba(business.waba).await?;
        self.head(business, &numbers, writing).await?;
        if chosen.is_none() {
            self.templates(business, writing).await?;
        }
        self.people(business.id, chosen, writing).await?;
        let mut files = BTreeSet::new();
        for number in &numbers {
            self.chats(number, chosen, &mut files, writing).await?;
        }
        self.files(business.id, chosen.is_some().then_some(files), writing).await?;
        if chosen.is_none() {
            self.readings(business.id, writing).await?;
        }
        let counts = writing.counts;
        writing.pack.begin("counts.json").await?;
        writing.line(&counts).await
    }

    async fn head(
        &self,
        business: &Business,
        numbers: &[Number],
        writing: &mut Writing<'_>,
    ) -> Result<(), ExportError> {
        let mut of_numbers = Vec::with_capacity(numbers.len());
        for number in numbers {
            let codes = self.qr_codes.list(number).await?;
            let codes: Vec<_> =
                codes.iter().map(|code| json!({ "code": code.code, "message": code.message })).collect();
            of_numbers.push(json!({
                "id": number.id,
                "number": number.number.as_str(),
                "verified_name": number.verified_name,
                "registered": number.registered,
                "profile": self.settings.get::<Profile>(number).await?,
                "automation": self.settings.get::<Automation>(number).await?,
                "commerce": self.settings.get::<Commerce>(number).await?,
                "short_links": codes,
            }));
        }
        let head = json!({
            "format": "tradepost-export",
            "version": 1,
            "made": records::time(self.ground.now()),
            "business": {
                "id": business.id,
                "account": business.waba,
                "relay_id": business.relay_id.to_string(),
                "name": business.name,
                "legal_name": business.legal_name,
                "country": business.country,
                "currency": business.currency,
                "timezone_id": business.timezone_id,
                "state": business.state,
                "created": records::time(business.created),
            },
            "hosting": { "mode": business.mode, "host_name": business.host_name },
            "instructions": self.gate.instructions(business.id).await?,
            "numbers": of_numbers,
        });
        writing.pack.begin("export.json").await?;
        writing.line(&head).await
    }

    async fn templates(&self, business: &Business, writing: &mut Writing<'_>) -> Result<(), ExportError> {
        writing.pack.begin("templates.jsonl").await?;
        for template in self.templates.list(business.waba).await? {
            let line = json!({
                "id": template.id,
                "status": template.status.to_string(),
                "reason": template.reason,
                "edited": records::time(template.edited),
                "definition": template.definition,
            });
            writing.counts.templates += 1;
            writing.line(&line).await?;
        }
        Ok(())
    }

    async fn people(
        &self,
        business: BusinessId,
        chosen: Option<PersonId>,
        writing: &mut Writing<'_>,
    ) -> Result<(), ExportError> {
        writing.pack.begin("people.jsonl").await?;
        let mut after = chosen.map_or(0, |chosen| chosen.0 - 1);
        loop {
            let limit = if chosen.is_some() { 1 } else { PAGE };
            let ids = store::people(&mut self.ground.reader().await?, business, after, limit).await?;
            let Some(last) = ids.last() else { return Ok(()) };
            after = last.0;
            for known in self.people.shown(&writing.access, &ids).await?.into_values() {
                writing.counts.people += 1;
                writing.line(&known.profile()).await?;
            }
            if chosen.is_some() {
                return Ok(());
            }
        }
    }

    async fn chats(
        &self,
        number: &Number,
        chosen: Option<PersonId>,
        files: &mut BTreeSet<MediaId>,
        writing: &mut Writing<'_>,
    ) -> Result<(), ExportError> {
        let mut after = chosen.map_or(0, |chosen| chosen.0 - 1);
        loop {
            let limit = if chosen.is_some() { 1 } else { PAGE };
            let mut people = store::chats(&mut self.ground.reader().await?, number.id, after, limit).await?;
            people.retain(|person| chosen.is_none_or(|chosen| chosen == *person));
            let Some(last) = people.last() else { return Ok(()) };
            after = last.0;
            for known in self.people.shown(&writing.access, &people).await?.into_values() {
                self.chat(number, &known, chosen.is_some().then_some(&mut *files), writing).await?;
            }
            if chosen.is_some() {
                return Ok(());
            }
        }
    }

    async fn chat(
        &self,
        number: &Number,
        known: &Known,
        mut files: Option<&mut BTreeSet<MediaId>>,
        writing: &mut Writing<'_>,
    ) -> Result<(), ExportError> {
        // Both are letters, digits and dots.
        let name = format!("chats/{}/{}.jsonl", number.digits(), known.person.user_id);
        writing.pack.begin(&name).await?;
        writing.counts.chats += 1;
        let mut after = i64::MIN;
        loop {
            let mut reader = self.ground.reader().await?;
            let rows = store::messages(&mut reader, number.id, known.person.id, after, PAGE).await?;
            drop(reader);
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.seq;
            let documents = self.messages.open_rows(&writing.access, number.id, &rows).await?;
            for (row, document) in rows.iter().zip(documents) {
                let mut document = document.hand_over();
                if let Some(files) = files.as_deref_mut() {
                    let ids = files_mut(&mut document.content).into_iter().filter_map(|file| file.id);
                    files.extend(ids.take(FILES.saturating_sub(files.len())));
                }
                writing.counts.messages += 1;
                writing
                    .line(&MessageRecord::of(&row.about(number.id), &known.person.user_id, &document))
                    .await?;
            }
            writing.watch.at(&writing.counts);
        }
    }

    /// These files, or all.
    async fn files(
        &self,
        business: BusinessId,
        chosen: Option<BTreeSet<MediaId>>,
        writing: &mut Writing<'_>,
    ) -> Result<(), ExportError> {
        let mut all = chosen.map(|chosen| chosen.into_iter().collect::<Vec<_>>());
        let mut after = None;
        for list in 1.. {
            let page = match all.as_mut() {
                Some(all) => all.split_off(all.len().saturating_sub(500)),
                None => self.media.after(business, after, PAGE).await?,
            };
            let Some(last) = page.last() else { break };
            after = Some(*last);
            let mut lines = Vec::with_capacity(page.len());
            for id in page {
                match self.file(id, writing).await {
                    Ok(line) => lines.push(line),
                    // It expired meanwhile, or was deleted.
                    Err(ExportError::Host(HostError::NotFound(_))) => {}
                    Err(error) => return Err(error),
                }
            }
            writing.pack.begin(&format!("files-{list:04}.jsonl")).await?;
            writing.pack.write(lines.concat().into()).await?;
            writing.watch.at(&writing.counts);
        }
        Ok(())
    }

    /// Writes one file; what is known of it, as a line.
    async fn file(&self, id: MediaId, writing: &mut Writing<'_>) -> Result<Vec<u8>, ExportError> {
        let about = self.media.about_for(&writing.access, id).await?;
        let mut bytes = self.media.open(id, &writing.access).await?;
        let name = format!("files/{id}{}", ending(&about.mime_type));
        writing.pack.begin_packed(&name).await?;
        while let Some(more) = bytes.next().await {
            writing.pack.write(more?).await?;
        }
        writing.counts.files += 1;
        records::line(&json!({
            "id": id,
            "file": name,
            "mime_type": about.mime_type,
            "size": about.size,
            "sha256": about.sha256,
            "filename": about.filename,
            "number": about.number,
        }))
    }

    async fn readings(&self, business: BusinessId, writing: &mut Writing<'_>) -> Result<(), ExportError> {
        // What is read for this export stands in it as well.
        let through = self.gate.head(business).await?.seq;
        writing.pack.begin("readings.jsonl").await?;
        let mut after = 0;
        while after < through {
            let entries = self.gate.entries(business, after, 500).await?;
            let Some(last) = entries.last() else { break };
            after = last.seq;
            for entry in &entries {
                writing.counts.readings += 1;
                writing.line(entry).await?;
            }
        }
        Ok(())
    }
}

impl Writing<'_> {
    async fn line(&mut self, record: &impl Serialize) -> Result<(), ExportError> {
        Ok(self.pack.write(records::line(record)?.into()).await?)
    }
}

/// Where an export stands until it is whole.
fn partial(to: &Path) -> PathBuf {
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    to.with_file_name(name)
}
