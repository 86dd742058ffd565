//! Chats that a business had elsewhere: exports of WhatsApp, as its app writes them on Android and iOS, brought into the
//! chats that are kept here. They are sealed, found by words and deleted like those; nothing is sent and nobody is told.
//!
//! ```text
//! file ─▶ source (text, or a zip that was looked at) ─▶ text: surveyed, then taken apart ─▶ who is who
//!      ─▶ batches: names, files, contents sealed ─▶ one short transaction each
//! ```
//!
//! A message's name is made of what it says, who said it and in which minute. So the same export again, a longer one, or
//! one that goes on after it was killed, adds nothing twice.

mod batches;
mod convert;
mod source;
mod store;
pub mod text;
mod who;

use std::{collections::HashMap, io, path::PathBuf, sync::Arc, time::Duration};

use ::store::Timestamp;
use jiff::{civil::Date, tz::TimeZone};
use tokio::{sync::mpsc, task::JoinHandle};
use wire::PhoneNumber;

use self::{
    batches::Turns,
    convert::Repetitions,
    source::{Files, Inside, Source},
    store::New,
    text::{Chat, DateOrder, Entry, Item, Problem, Said, Senders, Survey},
};
pub use self::{source::SourceError, who::WhoError};
use crate::{
    HostError,
    ground::Ground,
    ids::UserId,
    media::Media,
    numbers::Number,
    people::{People, PersonId},
    purposes::{Access, Gate, Instructions, Purpose, Subject, SubjectKind},
    sealing::BusinessKey,
};

/// Messages written in one transaction, and bytes of their texts.
const BATCH: usize = 1000;
const BATCH_BYTES: usize = 1 << 20;
/// Between two transactions, so that a host beside gets its turn at SQLite.
const PAUSE: Duration = Duration::from_millis(5);
/// How often a transaction that found no place is tried again, and how long to wait before.
const TRIES: u32 = 5;
const AGAIN: Duration = Duration::from_millis(200);
/// Lines that a report names.
const NAMED: usize = 1000;
/// Bytes of a file with cards.
const CARDS: u64 = 256 << 10;
/// Days after which nothing is kept: no file expires later.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Brings exports in.
#[derive(Debug)]
pub struct Imports {
    ground: Arc<Ground>,
    gate: Arc<Gate>,
    people: Arc<People>,
    media: Arc<Media>,
}

/// What is to be brought in.
#[derive(Debug, Clone)]
pub struct Request {
    /// The text or the zip.
    pub path: PathBuf,
    /// Into the chats of this number.
    pub number: Arc<Number>,
    /// What the business is called in it.
    pub me: String,
    /// The customer's number, if neither the export's name nor theirs in it says it.
    pub customer: Option<PhoneNumber>,
    /// What the customer is called in it, if that is not clear.
    pub customer_name: Option<String>,
    /// Where the phone was that exported it: times in it are local.
    pub time_zone: TimeZone,
    /// In which order dates are written, if the text does not show it.
    pub date_order: Option<DateOrder>,
    /// Only to say what would be done.
    pub dry_run: bool,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Report {
    /// Lines of the text.
    pub lines: u64,
    /// Messages that are new here.
    pub imported: u64,
    /// Messages that were there already.
    pub already_there: u64,
    /// Messages older than the business keeps any: left out.
    pub too_old: u64,
    /// Lines of the app itself: left out.
    pub of_the_app: u64,
    /// Files taken in.
    pub files: u64,
    /// Messages whose file the export has left out.
    pub files_left_out: u64,
    /// Messages that were taken back.
    pub deleted: u64,
    /// Messages that were changed after they had been sent.
    pub edited: u64,
    /// Polls, as words.
    pub polls: u64,
    /// Lines that are not understood, or not whole.
    pub problems: u64,
    /// The first thousand of them.
    pub problem_lines: Vec<Problem>,
    /// How dates were read.
    pub date_order: Option<&'static str>,
    /// Whether the text itself shows that.
    pub date_order_certain: bool,
    /// With whom, by the business's name for them; none of a dry run with somebody new.
    pub customer: Option<String>,
    /// With whom, by their number.
    pub filed_under: Option<String>,
    /// The number that the export itself says, if that is another one.
    pub export_says: Option<String>,
}

/// Why an export was not brought in. What was written before stays; the same again goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Who is who.
    #[error(transparent)]
    Who(#[from] WhoError),
    /// It could be read no further.
    #[error("it cannot be read to its end: {0}")]
    Broken(#[from] io::Error),
    /// The host.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl From<::store::StoreError> for ImportError {
    fn from(error: ::store::StoreError) -> Self {
        Self::Host(error.into())
    }
}

/// Hears how far it is.
pub trait Watch: Send + Sync {
    /// So many bytes of the text are read for the first time, or done with.
    fn at(&self, surveyed: bool, done: u64, total: u64);
    /// A line is not understood, or not whole.
    fn problem(&self, problem: &Problem);
}

/// What a thread reads ahead.
#[derive(Default)]
struct Batch {
    entries: Vec<(Entry, Said)>,
    problems: Vec<Problem>,
    bytes: usize,
    /// Bytes of the text up to its end.
    through: u64,
}

/// A batch that is being written, and how far the text is read with it.
type Writing = (JoinHandle<Result<u64, HostError>>, u64);

/// What holds for all messages of an export.
struct Target {
    number: Arc<Number>,
    access: Access,
    key: Arc<BusinessKey>,
    customer: PhoneNumber,
    person: Option<PersonId>,
    zone: TimeZone,
    instructions: Instructions,
    oldest: Timestamp,
    files: HashMap<String, Inside>,
    reading: Files,
    is_zip: bool,
}

impl Imports {
    /// On these parts.
    #[must_use]
    pub fn new(ground: Arc<Ground>, gate: Arc<Gate>, people: Arc<People>, media: Arc<Media>) -> Arc<Self> {
        Arc::new(Self { ground, gate, people, media })
    }

    /// Brings one export in.
    ///
    /// # Errors
    /// [`ImportError`]; `NotAllowed` within unless the business lets its host store chats.
    pub async fn run(&self, request: Request, watch: Arc<dyn Watch>) -> Result<Report, ImportError> {
        let number = request.number.clone();
        let instructions = self.allowed(&number).await?;
        let now = self.ground.now();
        let today = jiff::Timestamp::from_millisecond(now.0).unwrap_or_default();
        let today = today.to_zoned(request.time_zone.clone()).date();
        let (path, watching) = (request.path.clone(), watch.clone());
        let surveyed = tokio::task::spawn_blocking(move || survey(&path, today, &*watching));
        let (source, survey) = surveyed.await.map_err(HostError::internal)??;
        let titles = source.titles();
        let senders = who::senders(&survey, &request.me, request.customer_name.as_deref(), &titles)?;
        let found = who::number(&senders, &titles);
        let customer = match request.customer.clone() {
            Some(customer) => customer,
            None => found.clone()?,
        };
        let other = found.ok().filter(|found| *found != customer);
        let access = Access::by("import", number.business, Purpose::Store);
        let known = if request.dry_run {
            None
        } else {
            let name = senders.other.clone().unwrap_or_default();
            Some(self.people.expect(&access, &number, &customer, &name).await?)
        };
        let order = request.date_order.unwrap_or(survey.order);
        let report = Report {
            lines: survey.lines,
            date_order: Some(match order {
                DateOrder::Dmy => "dmy",
                DateOrder::Mdy => "mdy",
                DateOrder::Ymd => "ymd",
            }),
            date_order_certain: request.date_order.is_some() || survey.order_certain,
            customer: known.as_ref().map(|known| known.person.user_id.to_string()),
            filed_under: Some(customer.to_string()),
            export_says: other.map(|other| other.to_string()),
            ..Report::default()
        };
        let into = Target {
            access,
            key: self.gate.names(number.business).await?,
            customer,
            person: known.as_ref().map(|known| known.person.id),
            zone: request.time_zone.clone(),
            oldest: Timestamp(now.0 - i64::from(instructions.kept_days()) * 24 * 60 * 60 * 1000),
            instructions,
            files: source.files(),
            reading: Files::of(&request.path),
            is_zip: source.is_zip(),
            number,
        };
        let total = source.size()?;
        let (to, batches) = mpsc::channel(1);
        let reading =
            tokio::task::spawn_blocking(move || read(source, &survey, Some(order), senders, today, &to));
        let batches = match known.map(|known| known.person.user_id.clone()) {
            Some(user_id) => self.taken(&into.access, &user_id, batches).await?,
            None => batches,
        };
        let report = self.take(&into, report, batches, total, &*watch).await?;
        reading.await.map_err(HostError::internal)??;
        Ok(report)
    }

    /// What the business allows, if that is to store chats; else its log says that somebody wanted to.
    async fn allowed(&self, number: &Number) -> Result<Instructions, HostError> {
        let instructions = self.gate.instructions(number.business).await?;
        if !instructions.allow(Purpose::Store) {
            let access = Access::by("import", number.business, Purpose::Store);
            let subject = Subject { kind: SubjectKind::Chat, names: Vec::new() };
            self.gate.receive(&access, subject, ()).await?;
        }
        Ok(instructions)
    }

    /// Through the gate: what a chat says is taken in, and the log says so.
    async fn taken(
        &self,
        access: &Access,
        user_id: &UserId,
        batches: mpsc::Receiver<Batch>,
    ) -> Result<mpsc::Receiver<Batch>, HostError> {
        let subject = Subject { kind: SubjectKind::Chat, names: vec![user_id.to_string()] };
        Ok(self.gate.receive(access, subject, batches).await?.hand_over())
    }

    /// Prepares a batch while the one before it is written.
    async fn take(
        &self,
        into: &Target,
        mut report: Report,
        mut batches: mpsc::Receiver<Batch>,
        total: u64,
        watch: &dyn Watch,
    ) -> Result<Report, ImportError> {
        let mut before = Repetitions::default();
        let mut turns = Turns::default();
        let mut writing: Option<Writing> = None;
        let written = async |writing: Option<Writing>, report: &mut Report| {
            if let Some((writing, through)) = writing {
                report.imported += writing.await.map_err(HostError::internal)??;
                watch.at(false, through, total);
            }
            Ok::<_, ImportError>(())
        };
        while let Some(batch) = batches.recv().await {
            let through = batch.through;
            let new = self.prepare(into, &mut report, &mut before, &mut turns, batch, watch).await?;
            written(writing.take(), &mut report).await?;
            writing = Some((self.write(into, new), through));
        }
        written(writing.take(), &mut report).await?;
        Ok(report)
    }

    fn write(&self, into: &Target, new: Vec<New>) -> JoinHandle<Result<u64, HostError>> {
        let fresh = new.iter().filter(|new| !new.with_file).count() as u64;
        let Some(person) = into.person else { return tokio::spawn(async move { Ok(fresh) }) };
        let chat = store::Chat { business: into.number.business, number: into.number.id, person };
        let (ground, new) = (self.ground.clone(), Arc::new(new));
        tokio::spawn(async move {
            if new.is_empty() {
                return Ok(0);
            }
            let mut tries = 0;
            let written = loop {
                let new = new.clone();
                let written = ground.write(chat.number.get(), move |transaction| {
                    let new = new.clone();
                    Box::pin(async move { Ok(store::add(transaction, chat, &new).await?) })
                });
                match written.await {
                    Ok(written) => break written,
                    // A host beside has a lot to write: it is its turn.
                    Err(error) if error.is_transient() && tries < TRIES => {
                        tries += 1;
                        tokio::time::sleep(AGAIN * tries).await;
                    }
                    Err(error) => return Err(error),
                }
            };
            tokio::time::sleep(PAUSE).await;
            Ok(written)
        })
    }
}

fn survey(path: &std::path::Path, today: Date, watch: &dyn Watch) -> Result<(Source, Survey), ImportError> {
    let mut source = Source::open(path)?;
    let total = source.size()?;
    let (mut done, mut told) = (0, 0);
    let survey = Survey::of(source.text()?, today, |bytes| {
        done += bytes;
        if done - told > 1 << 20 {
            told = done;
            watch.at(true, done.min(total), total);
        }
    })?;
    Ok((source, survey))
}

/// Reads ahead, on a thread of its own, until all is read or nobody wants more.
fn read(
    mut source: Source,
    survey: &Survey,
    order: Option<DateOrder>,
    senders: Senders,
    today: Date,
    to: &mpsc::Sender<Batch>,
) -> Result<(), ImportError> {
    let files = source.files();
    let mut chat = Chat::new(source.text()?, survey, order, senders, today);
    let mut batch = Batch::default();
    let mut through = 0;
    while let Some(item) = chat.item()? {
        match item {
            Item::Problem(problem) => batch.problems.push(problem),
            Item::Entry(entry) => {
                let said = Said::read(&entry.text, |name| files.contains_key(name));
                batch.bytes += entry.text.len();
                // About: with its stamp and its name.
                through += entry.text.len() as u64 + 32;
                batch.entries.push((entry, said));
            }
        }
        if batch.entries.len() >= BATCH || batch.problems.len() >= BATCH || batch.bytes >= BATCH_BYTES {
            batch.through = through;
            if to.blocking_send(std::mem::take(&mut batch)).is_err() {
                return Ok(());
            }
        }
    }
    batch.through = u64::MAX;
    // Nobody may want it any more.
    let _ = to.blocking_send(batch);
    Ok(())
}
