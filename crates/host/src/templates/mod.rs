//! Message templates: what a business may say outside of a person's window, after a review.
//!
//! - [`definition`](Definition): what is made and edited, validated as the API does.
//! - `parts`: what they consist of.
//! - `review`: rules that decide by themselves; what they leave waits for the operator of the host.
//! - `samples`: the files that media headers show when a template is made.
//! - `clicks`: how often their quick replies were pressed.
//! - `events`: what the business's software is told of a decision, in the transaction of the decision.
//! - `moving`: from one status to another: decided, put away, deleted.
//! - `fill`: from a template and a request to what is sent.

mod bounds;
mod clicks;
mod codes;
mod definition;
mod events;
mod fill;
pub mod library;
mod moving;
mod parts;
mod preview;
mod review;
mod samples;
mod state;
mod store;
mod values;
mod variables;

use std::{sync::Arc, time::Duration};

use ::store::Timestamp;
use serde_json::Value;

pub(crate) use self::parts::{BUTTONS, COMPONENTS, HEADERS};
pub(crate) use self::store::{MIGRATIONS, erase};
use self::{
    bounds::room,
    review::{Verdict, review},
    store::{New, Stored},
};
pub use self::{
    clicks::{Clicked, Clicks},
    definition::{Definition, language_of},
    parts::{ButtonPart, HeaderPart, OfferPart, Parts},
    state::{Decision, Reason, Status, UnknownStatus},
    variables::ParameterFormat,
};
use crate::{
    HostError,
    codes::{Code, Refusal},
    content::{self, Category},
    ground::Ground,
    ids::{BusinessId, TemplateId, WabaId},
    sealing::{Domain, Keys, Place, Sealed},
    uploads::Uploads,
    webhooks::{self, Webhooks},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How often an approved template may be edited in [`MONTH`], beside once a day.
const EDITS: i64 = 10;
const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long the name of what was deleted is not given again.
const NAME_RESTS: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A template.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Its id.
    pub id: TemplateId,
    /// Whose.
    pub waba: WabaId,
    /// How far it is.
    pub status: Status,
    /// Why it was refused; `NONE` if it was not.
    pub reason: String,
    /// When it was last changed.
    pub edited: Timestamp,
    /// What it is.
    pub definition: Definition,
}

/// What a change of a template did to its status: what a webhook says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Which.
    pub id: TemplateId,
    /// Whose.
    pub waba: WabaId,
    /// What the business calls it.
    pub name: String,
    /// Its language.
    pub language: String,
    /// What for.
    pub category: Category,
    /// How far it is now.
    pub status: Status,
    /// Why; `NONE` if for no reason.
    pub reason: &'static str,
}

/// Keeps templates.
#[derive(Debug)]
pub struct Templates {
    ground: Arc<Ground>,
    keys: Arc<Keys>,
    webhooks: Arc<Webhooks>,
    uploads: Arc<Uploads>,
}

impl Templates {
    /// On this ground.
    #[must_use]
    pub fn new(
        ground: Arc<Ground>,
        keys: Arc<Keys>,
        webhooks: Arc<Webhooks>,
        uploads: Arc<Uploads>,
    ) -> Arc<Self> {
        Arc::new(Self { ground, keys, webhooks, uploads })
    }

    /// Makes a template and reviews it. What is advertising is that, where the business lets its category be changed.
    ///
    /// # Errors
    /// `Refused`: 100 with 2388019, 2388023, 2388024, 80008's like, 2388047 for a sample that is no upload; those of the
    /// database.
    pub async fn create(
        &self,
        business: BusinessId,
        waba: WabaId,
        definition: Definition,
        allow_category_change: bool,
    ) -> Result<Changed, HostError> {
        let definition = if allow_category_change { definition.in_its_category() } else { definition };
        self.check_samples(business, &definition, None).await?;
        let now = self.ground.now();
        let id = TemplateId::random(&*self.ground.entropy);
        let (status, reason) = judged(&definition);
        let new = Arc::new(New {
            id,
            waba,
            business,
            name: definition.name.clone(),
            language: definition.language.clone(),
            category: word(definition.category),
            status,
            reason,
            definition: self.seal(business, id, &definition).await?,
            now,
        });
        let made = changed(id, waba, &definition, status, reason);
        let event = Arc::new(self.reviewed(business, &made).await?);
        let written = self.ground.write(waba.get(), move |transaction| {
            let (new, event) = (new.clone(), event.clone());
            Box::pin(async move {
                let refuse = |subcode, details| {
                    Err(HostError::Refused(Refusal::new(Code::Parameter, details).with_subcode(subcode)))
                };
                room(transaction, (new.business, new.waba), &[&new.name], now).await?;
                if store::named(transaction, new.waba, &new.name, &new.language).await?.is_some() {
                    return refuse(2_388_024, "there is a template of this name in this language already");
                }
                let deleted = store::deleted(transaction, new.waba, &new.name, &new.language).await?;
                let rests = deleted.is_some_and(|deleted| deleted.0 + millis(NAME_RESTS) > now.0);
                if rests && new.category != "AUTHENTICATION" {
                    return refuse(
                        2_388_023,
                        "the name of a deleted template can be used again after 30 days",
                    );
                }
                store::insert(transaction, &new).await?;
                webhooks::add(transaction, event.as_slice().to_vec()).await
            })
        });
        written.await?;
        self.webhooks.wake().await;
        Ok(made)
    }

    /// Changes a template and reviews it again.
    ///
    /// # Errors
    /// `NotFound`; `Refused` for one that may not be edited, or not so often; those of the database.
    pub async fn edit(
        &self,
        waba: WabaId,
        id: TemplateId,
        definition: Definition,
    ) -> Result<Changed, HostError> {
        let before = self.stored(waba, id).await?;
        let now = self.ground.now();
        let refuse = |details: &'static str| {
            Err(HostError::Refused(Refusal::new(Code::Parameter, details).with_subcode(2_388_039)))
        };
        match before.status {
            Status::Approved if before.edits > 0 && before.edited.0 + millis(DAY) > now.0 => {
                return refuse("an approved template can be edited once a day");
            }
            Status::Approved | Status::Rejected | Status::Paused => {}
            _ => return refuse("only approved, rejected and paused templates can be edited"),
        }
        let was = (before.status, before.edits);
        let month_ago = Timestamp(now.0 - millis(MONTH));
        if before.status == Status::Approved
            && store::edits(&mut self.ground.reader().await?, id, month_ago).await? >= EDITS
        {
            return refuse("an approved template can be edited 10 times in 30 days");
        }
        if before.name != definition.name || before.language != definition.language {
            return refuse("the name and the language of a template cannot be edited");
        }
        let known = self.open(&before).await?;
        self.check_samples(before.business, &definition, Some(&known)).await?;
        let (status, reason) = judged_again(before.status, &definition);
        let new = Arc::new(New {
            id,
            waba,
            business: before.business,
            name: before.name,
            language: before.language,
            category: word(definition.category),
            status,
            reason,
            definition: self.seal(before.business, id, &definition).await?,
            now,
        });
        let made = changed(id, waba, &definition, status, reason);
        let mut events = self.rewritten(before.business, &known, &definition, &made).await?;
        events.extend(self.reviewed(before.business, &made).await?);
        let written = self.ground.write(waba.get(), move |transaction| {
            let (new, events) = (new.clone(), events.clone());
            Box::pin(async move {
                if !store::edit(transaction, &new, was).await? {
                    return Err(CHANGED);
                }
                if was.0 == Status::Approved {
                    store::note_edit(transaction, &new, month_ago).await?;
                }
                webhooks::add(transaction, events).await
            })
        });
        written.await?;
        self.webhooks.wake().await;
        Ok(made)
    }

    /// Makes templates, or changes those that are there by their names and languages: all of them or none. For those of
    /// authentication, which have no words of their own to be reviewed, and which may be changed as often as one likes.
    ///
    /// # Errors
    /// `Refused` as for [`create`](Self::create); `Conflict` if somebody else makes one of them meanwhile; those of the
    /// database.
    pub async fn upsert(
        &self,
        business: BusinessId,
        waba: WabaId,
        definitions: &[Definition],
    ) -> Result<Vec<Changed>, HostError> {
        let now = self.ground.now();
        let (mut news, mut made, mut events) = (Vec::new(), Vec::new(), Vec::new());
        for definition in definitions {
            let mut reader = self.ground.reader().await?;
            let found = store::named(&mut reader, waba, &definition.name, &definition.language).await?;
            drop(reader);
            let known = found.as_ref().map(|found| (found.id, (found.status, found.edits)));
            let mut before = None;
            if let Some(found) = &found {
                if matches!(found.status, Status::Disabled | Status::Archived) {
                    let details = "a template that is disabled or archived cannot be edited";
                    return Err(Refusal::new(Code::Parameter, details).with_subcode(2_388_039).into());
                }
                let known = before.insert(self.open(found).await?);
                if known.category != Category::Authentication {
                    let details = "there is a template of this name of another category";
                    return Err(Refusal::new(Code::Parameter, details).with_subcode(2_388_024).into());
                }
                if known == definition && found.status == Status::Approved {
                    made.push(changed(found.id, waba, definition, found.status, "NONE"));
                    continue;
                }
            }
            let (id, (status, reason)) = match known {
                Some((id, (before, _))) => (id, judged_again(before, definition)),
                None => (TemplateId::random(&*self.ground.entropy), judged(definition)),
            };
            let change = changed(id, waba, definition, status, reason);
            if let Some(before) = &before {
                events.extend(self.rewritten(business, before, definition, &change).await?);
            }
            events.extend(self.reviewed(business, &change).await?);
            made.push(change);
            let new = New {
                id,
                waba,
                business,
                name: definition.name.clone(),
                language: definition.language.clone(),
                category: word(definition.category),
                status,
                reason,
                definition: self.seal(business, id, definition).await?,
                now,
            };
            news.push((new, known));
        }
        let news = Arc::new(news);
        let written = self.ground.write(waba.get(), move |transaction| {
            let (news, events) = (news.clone(), events.clone());
            Box::pin(async move {
                let fresh = news.iter().filter(|(_, known)| known.is_none());
                let fresh: Vec<&str> = fresh.map(|(new, _)| new.name.as_str()).collect();
                room(transaction, (business, waba), &fresh, now).await?;
                for (new, known) in news.iter() {
                    let there = store::named(transaction, waba, &new.name, &new.language).await?;
                    let written = match (there.map(|there| there.id), known) {
                        (Some(there), Some((known, before))) if there == *known => {
                            store::edit(transaction, new, *before).await?
                        }
                        (None, None) => store::insert(transaction, new).await.map(|()| true)?,
                        _ => false,
                    };
                    if !written {
                        return Err(CHANGED);
                    }
                }
                webhooks::add(transaction, events).await
            })
        });
        written.await?;
        self.webhooks.wake().await;
        Ok(made)
    }

    /// All templates of an account, in the order of their ids.
    ///
    /// # Errors
    /// `Sealed`, `Erased`; those of the database.
    pub async fn list(&self, waba: WabaId) -> Result<Vec<Template>, HostError> {
        let found = store::all(&mut self.ground.reader().await?, waba).await?;
        let mut templates = Vec::with_capacity(found.len());
        for stored in found {
            templates.push(self.template(stored).await?);
        }
        Ok(templates)
    }

    /// Those that wait for the operator, of all accounts, after this one.
    ///
    /// # Errors
    /// `Sealed`; those of the database.
    pub async fn waiting(&self, after: Option<TemplateId>, limit: u32) -> Result<Vec<Template>, HostError> {
        let found = store::waiting(&mut self.ground.reader().await?, after, limit).await?;
        let mut templates = Vec::with_capacity(found.len());
        for stored in found {
            templates.push(self.template(stored).await?);
        }
        Ok(templates)
    }

    /// One of an account.
    ///
    /// # Errors
    /// `NotFound`, `Sealed`; those of the database.
    pub async fn get(&self, waba: WabaId, id: TemplateId) -> Result<Template, HostError> {
        let stored = self.stored(waba, id).await?;
        self.template(stored).await
    }

    /// Fills in the template that a request names; `components` as the request has them.
    ///
    /// # Errors
    /// `Refused`: 132001, 132015, 132016, and what does not fit; those of the database.
    pub async fn fill(
        &self,
        waba: WabaId,
        name: &str,
        language: &str,
        components: Option<&Value>,
    ) -> Result<content::Template, HostError> {
        let missing = |details: String| HostError::Refused(Refusal::new(Code::TemplateMissing, details));
        let found = store::named(&mut self.ground.reader().await?, waba, name, language).await?;
        let short = |text: &str| text.chars().take(64).collect::<String>();
        let stored = found.ok_or_else(|| {
            missing(format!("template name ({}) does not exist in {}", short(name), short(language)))
        })?;
        match stored.status {
            Status::Approved => {}
            Status::Paused => {
                return Err(Refusal::new(Code::TemplatePaused, "the template is paused").into());
            }
            Status::Disabled => {
                return Err(Refusal::new(Code::TemplateDisabled, "the template is disabled").into());
            }
            status => return Err(missing(format!("template ({}) is {status}", short(name)))),
        }
        let definition = self.open(&stored).await?;
        Ok(fill::fill(stored.id, &definition, components)?)
    }

    /// One of any account: for the operator.
    ///
    /// # Errors
    /// `NotFound`, `Sealed`; those of the database.
    pub async fn of_any(&self, id: TemplateId) -> Result<Template, HostError> {
        let stored = store::get(&mut self.ground.reader().await?, id).await?.ok_or(NONE)?;
        self.template(stored).await
    }

    async fn stored(&self, waba: WabaId, id: TemplateId) -> Result<Stored, HostError> {
        let found = store::get(&mut self.ground.reader().await?, id).await?;
        found.filter(|stored| stored.waba == waba).ok_or(NONE)
    }

    async fn template(&self, stored: Stored) -> Result<Template, HostError> {
        let definition = self.open(&stored).await?;
        let Stored { id, waba, status, reason, edited, .. } = stored;
        Ok(Template { id, waba, status, reason, edited, definition })
    }

    /// A template is the business's own text, not a person's: it needs no purpose.
    async fn open(&self, stored: &Stored) -> Result<Definition, HostError> {
        let name = stored.id.get().to_be_bytes();
        let key = self.keys.for_opening(stored.business, [&*stored.definition].into_iter()).await?;
        let opened = key.open_own(&name, &stored.definition)?;
        serde_json::from_slice(&opened).map_err(|_| HostError::Sealed("a template"))
    }

    async fn seal(
        &self,
        business: BusinessId,
        id: TemplateId,
        definition: &Definition,
    ) -> Result<Sealed, HostError> {
        let text = serde_json::to_vec(definition).map_err(HostError::internal)?;
        let name = id.get().to_be_bytes();
        let place = Place { domain: Domain::Business, name: &name };
        self.keys.of(business).await?.seal(place, self.ground.random(), &text)
    }
}

const NONE: HostError = HostError::NotFound("template");
const CHANGED_STATUS: HostError = HostError::Conflict("the template is in another status");
const CHANGED: HostError = HostError::Conflict("the template was changed meanwhile");

/// What the automatic review says.
fn judged(definition: &Definition) -> (Status, &'static str) {
    match review(definition) {
        Verdict::Fine => (Status::Approved, "NONE"),
        Verdict::Refused(reason) => (Status::Rejected, reason),
        Verdict::Doubtful => (Status::Pending, "NONE"),
    }
}

/// What becomes of one that is written anew: what the operator paused, the operator looks at first.
fn judged_again(before: Status, definition: &Definition) -> (Status, &'static str) {
    match judged(definition) {
        (Status::Approved, _) if before == Status::Paused => (Status::Pending, "NONE"),
        verdict => verdict,
    }
}

/// The API's word for a category of templates.
const fn word(category: Category) -> &'static str {
    match category {
        Category::Service | Category::Utility => "UTILITY",
        Category::Marketing => "MARKETING",
        Category::Authentication => "AUTHENTICATION",
    }
}

fn changed(
    id: TemplateId,
    waba: WabaId,
    definition: &Definition,
    status: Status,
    reason: &'static str,
) -> Changed {
    Changed {
        id,
        waba,
        name: definition.name.clone(),
        language: definition.language.clone(),
        category: definition.category,
        status,
        reason,
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
