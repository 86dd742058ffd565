//! The one door to plaintext.

use std::{borrow::Cow, sync::Arc};

use ::store::writer::LaneHandle;
use zeroize::Zeroizing;

use super::{
    Instructions, Plain, Purpose,
    decisions::{self, Decided},
    log::{self, Entry, Head, Item, Log, NewEntry},
    store,
};
use crate::{
    HostError,
    ground::{Ground, Recent},
    ids::BusinessId,
    sealing::{Keys, Place, Sealed},
};

/// How many businesses' instructions are kept in memory.
const CACHED: usize = 10_000;
/// Names in one entry of the log at most; more become more entries.
const NAMED: usize = 256;
/// Bytes of who reads, and of each name.
const READER: usize = 64;

/// Text as it stands in the log.
pub(super) fn short(mut text: String) -> String {
    while text.len() > READER {
        text.pop();
    }
    text
}

/// What kind of thing is read. The words are stored, and signed over by the log's hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubjectKind {
    /// Messages, by the names that their ids have.
    Message,
    /// Files, by id.
    Media,
    /// People, by the business's id of them.
    Person,
    /// A whole chat, by the person.
    Chat,
}

impl SubjectKind {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Media => "media",
            Self::Person => "person",
            Self::Chat => "chat",
        }
    }
}

/// What is read: names that say nothing to whoever has not the tables.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Of what kind.
    pub kind: SubjectKind,
    /// Which: at most 64 characters each.
    pub names: Vec<String>,
}

/// Who reads whose things, and why.
#[derive(Debug, Clone)]
pub struct Access {
    /// Whose.
    pub business: BusinessId,
    /// Why.
    pub purpose: Purpose,
    /// Who: a part of the host ("webhook"), or an app, agent or command by name ("app 4…", "import").
    pub reader: Cow<'static, str>,
}

impl Access {
    /// By this part of the host.
    #[must_use]
    pub const fn by(reader: &'static str, business: BusinessId, purpose: Purpose) -> Self {
        Self { business, purpose, reader: Cow::Borrowed(reader) }
    }
}

/// That the gate was asked. It is made here alone, so that nothing else can open what people wrote: a key takes one
/// (`BusinessKey::open`).
#[derive(Debug)]
pub struct Pass<'a>(std::marker::PhantomData<&'a Gate>);

/// Opens what is sealed, for purposes that are allowed, and writes it down.
#[derive(Debug)]
pub struct Gate {
    ground: Arc<Ground>,
    keys: Arc<Keys>,
    log: LaneHandle<Log>,
    instructions: Recent<BusinessId, Instructions>,
}

impl Gate {
    /// In front of what these keys open.
    #[must_use]
    pub fn new(ground: Arc<Ground>, keys: Arc<Keys>) -> Arc<Self> {
        let log = ground.writer.lane(Log);
        Arc::new(Self { ground, keys, log, instructions: Recent::new(CACHED) })
    }

    /// What a business allows.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn instructions(&self, business: BusinessId) -> Result<Instructions, HostError> {
        if let Some(known) = self.instructions.get(&business, self.ground.now()) {
            return Ok(known);
        }
        let stored = store::instructions(&mut self.ground.reader().await?, business).await?;
        let instructions = stored.unwrap_or_default();
        self.instructions.keep(business, instructions, self.ground.now());
        Ok(instructions)
    }

    /// Replaces what a business allows; from then on, here. Other processes are told. What changes stands in the log, with
    /// who (`by`) said it.
    ///
    /// # Errors
    /// `Invalid`; those of the database.
    pub async fn instruct(
        &self,
        business: BusinessId,
        instructions: Instructions,
        by: &str,
    ) -> Result<(), HostError> {
        instructions.validate()?;
        let now = self.ground.now();
        let by: Arc<str> = by.into();
        let written = self.ground.write(business.get(), move |transaction| {
            let by = by.clone();
            Box::pin(async move {
                let before = store::instructions(transaction, business).await?.unwrap_or_default();
                store::instruct(transaction, business, &instructions, now).await?;
                if before == instructions {
                    return Ok(());
                }
                let what = (Decided::Instructions, &*by);
                let names = decisions::allowed(&instructions);
                Ok(decisions::write_down(transaction, business, what, now, &names).await?)
            })
        });
        written.await?;
        self.forget(business);
        self.ground.changed(business).await;
        Ok(())
    }

    /// Forgets what is in memory of a business's instructions.
    pub fn forget(&self, business: BusinessId) {
        self.instructions.forget(&business);
    }

    /// Forgets all instructions that are in memory.
    pub fn forget_all(&self) {
        self.instructions.forget_all();
    }

    /// Opens sealed bytes, in their order: all of them or none. Committed to the log before anything is opened.
    ///
    /// # Errors
    /// `NotAllowed`, which stands in the log too; `Erased`, `Sealed`; those of the database.
    pub async fn open(
        &self,
        access: &Access,
        subject: Subject,
        sealed: &[(Place<'_>, &Sealed)],
    ) -> Result<Vec<Plain<Zeroizing<Vec<u8>>>>, HostError> {
        let bytes = sealed.iter().map(|(_, sealed)| sealed.stored());
        let key = self.keys.for_opening(access.business, bytes).await?;
        self.ask(access, subject).await?;
        let pass = || Pass(std::marker::PhantomData);
        sealed
            .iter()
            .map(|(place, sealed)| key.open(pass(), *place, sealed.stored()).map(Plain::new))
            .collect()
    }

    /// Takes what a device has just decrypted, what an API was just given for sending, or what a stream yields.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn receive<T>(
        &self,
        access: &Access,
        subject: Subject,
        plain: T,
    ) -> Result<Plain<T>, HostError> {
        self.ask(access, subject).await?;
        Ok(Plain::new(plain))
    }

    /// Seals what is to be kept.
    ///
    /// # Errors
    /// `Erased`; those of the database.
    pub async fn seal(
        &self,
        business: BusinessId,
        place: Place<'_>,
        plain: &[u8],
    ) -> Result<Sealed, HostError> {
        self.keys.of(business).await?.seal(place, self.ground.random(), plain)
    }

    /// The key, for sealing, names and words: what is looked up without being read. It opens nothing without a [`Pass`].
    ///
    /// # Errors
    /// `Erased`; those of the database.
    pub async fn names(&self, business: BusinessId) -> Result<Arc<crate::sealing::BusinessKey>, HostError> {
        self.keys.of(business).await
    }

    /// Entries of a business's log after this one, in order: what it downloads.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn entries(
        &self,
        business: BusinessId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Entry>, HostError> {
        Ok(store::entries(&mut self.ground.reader().await?, business, after, limit).await?)
    }

    /// The end of a business's log.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn head(&self, business: BusinessId) -> Result<Head, HostError> {
        let (seq, hash) = store::last(&mut self.ground.reader().await?, business).await?;
        Ok(Head { seq, hash: log::hex(&hash) })
    }

    /// Writes into the log that this is read, or that it was refused.
    async fn ask(&self, access: &Access, subject: Subject) -> Result<(), HostError> {
        let allowed = self.instructions(access.business).await?.allow(access.purpose);
        let reader = short(access.reader.to_string());
        let mut names: Vec<String> = subject.names.into_iter().map(short).collect();
        let at = self.ground.now();
        let mut entries = Vec::new();
        loop {
            let rest = if names.len() > NAMED { names.split_off(NAMED) } else { Vec::new() };
            entries.push(NewEntry {
                at,
                purpose: access.purpose.as_str(),
                reader: reader.clone(),
                subject: subject.kind.as_str(),
                names: std::mem::replace(&mut names, rest),
                refused: !allowed,
            });
            if names.is_empty() {
                break;
            }
        }
        self.log.submit(Item { business: access.business, entries }).await?;
        if allowed { Ok(()) } else { Err(HostError::NotAllowed(access.purpose)) }
    }
}
