//! Taking a message from the business's software: the rules in the API's order, then one commit for all that came together.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ::store::{StoreError, Timestamp, sql::Transaction, writer::Lane};

use super::{
    Accepted, Document, Messages, Once, Outgoing,
    once::{Names, other_request},
    place_name,
    store::{self, ChatRow, Key, NewMessage, Used},
};
use crate::{
    HostError,
    codes::{Code, Refusal},
    content::{Category, Content, Context, MessageName},
    ids::{MessageId, NumberId},
    people::{self, Standing},
    purposes::{Access, Purpose, Subject, SubjectKind},
    sealing::{Domain, Place},
};

/// A day, over which first messages are counted.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A message that only needs to know how its chat stands.
#[derive(Debug)]
pub(crate) struct Item {
    pub(super) new: NewMessage,
    /// Whether it may begin a chat.
    template: bool,
    /// Whether the person's wish for no marketing holds it back.
    marketing: bool,
    /// Whether nobody has the number that it goes to.
    nobody: bool,
    identity: Option<String>,
    pair_ms: i64,
    pair_burst: i64,
    tier: Option<i64>,
    once: Option<Once>,
}

/// Why a message is not taken, and after how many milliseconds it would be, where that is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Denied {
    code: Code,
    wait: Option<i64>,
}

impl From<Code> for Denied {
    fn from(code: Code) -> Self {
        Self { code, wait: None }
    }
}

impl From<Denied> for Refusal {
    fn from(Denied { code, wait }: Denied) -> Self {
        let refusal = Self::new(code, details(code));
        match wait {
            Some(wait) => refusal.after(Duration::from_millis(u64::try_from(wait).unwrap_or_default())),
            None => refusal,
        }
    }
}

/// The lane of what is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sends;

impl Lane for Sends {
    type Item = Item;
    /// Why it was not taken; or that it was before, by the same request under the same name.
    type Output = Result<Option<Used>, Denied>;

    async fn apply(
        &self,
        transaction: &mut Transaction,
        items: &[Item],
    ) -> Result<Vec<Self::Output>, StoreError> {
        let pairs: Vec<_> = items.iter().map(|item| (item.new.number, item.new.person)).collect();
        let mut chats = store::chats(transaction, &pairs).await?;
        let mut opened: HashMap<NumberId, i64> = HashMap::new();
        let mut outputs = Vec::with_capacity(items.len());
        let mut new = Vec::with_capacity(items.len());
        let mut touched = HashMap::new();
        let mut names = Names::take(transaction, items).await?;
        let awaited: Vec<_> = items.iter().filter(|item| item.nobody).map(|item| item.new.person).collect();
        let still = people::there(transaction, &awaited).await?;
        for item in items {
            if let Some(earlier) = names.earlier(item) {
                outputs.push(earlier.map(Some));
                continue;
            }
            let pair = (item.new.number, item.new.person);
            let chat = chats.entry(pair).or_default();
            let withheld = item.withheld(chat);
            let outcome = match item.refusal(chat) {
                // Whoever had this number in the tables is somebody else since: asked again, it goes to them.
                _ if item.nobody && !still.contains(&item.new.person) => Err(Code::ServiceUnavailable.into()),
                // Whoever tries numbers that nobody has uses up what they may send to people.
                None if withheld.is_none() || item.nobody => {
                    item.count(transaction, chat, &mut opened).await?
                }
                None => Ok(()),
                Some(code) => Err(code.into()),
            };
            if let Err(denied) = outcome {
                names.refuse(item, denied);
            } else {
                chat.latest = chat.latest.max(item.new.at.0);
                new.push(match withheld {
                    Some(state) => Cow::Owned(NewMessage { state, ..item.new.clone() }),
                    None => Cow::Borrowed(&item.new),
                });
                touched.insert(pair, (item.new.business, chat.clone()));
            }
            outputs.push(outcome.map(|()| None));
        }
        names.settle(transaction).await?;
        store::insert(transaction, &new.iter().map(AsRef::as_ref).collect::<Vec<_>>()).await?;
        store::put_chats(transaction, &touched).await?;
        for item in items.iter().zip(&outputs).filter_map(|(item, output)| output.is_ok().then_some(item)) {
            let pair = (item.new.number, item.new.person);
            let known = chats.get(&pair).and_then(|chat| chat.identity_acknowledged);
            if let (Some(identity), Some(false)) = (&item.identity, known) {
                store::acknowledge_identity(transaction, pair, identity).await?;
            }
        }
        Ok(outputs)
    }

    fn key(&self, item: &Item) -> u64 {
        item.new.number.get()
    }
}

impl Item {
    /// By what it is named, if it is.
    pub(super) fn named(&self) -> Option<(Key, &Once)> {
        let once = self.once.as_ref()?;
        Some(((self.new.number, once.app, once.key), once))
    }

    /// In which state it is taken all the same, if it will go nowhere: the API answers 200 then, and says so by a status
    /// (spec section 2, W).
    fn withheld(&self, chat: &ChatRow) -> Option<i64> {
        match () {
            () if self.nobody || chat.blocked => Some(store::UNDELIVERABLE),
            () if self.marketing && chat.marketing_stopped => Some(store::UNWANTED),
            () => None,
        }
    }

    fn refusal(&self, chat: &ChatRow) -> Option<Code> {
        // A hash that was never told is not the person's either.
        if self.identity.is_some() && self.identity != chat.identity {
            return Some(Code::IdentityChanged);
        }
        let closed = !self.template && !self.nobody && !self.in_window(chat);
        closed.then_some(Code::WindowClosed)
    }

    fn in_window(&self, chat: &ChatRow) -> bool {
        let standing =
            Standing { wrote: chat.wrote.map(Timestamp), blocked: false, marketing_stopped: false };
        standing.in_window(self.new.at)
    }

    /// Takes it from what the pair, and the number, may send.
    async fn count(
        &self,
        transaction: &mut Transaction,
        chat: &mut ChatRow,
        opened: &mut HashMap<NumberId, i64>,
    ) -> Result<Result<(), Denied>, StoreError> {
        let now = self.new.at.0;
        let allowance = chat.allowance.max(now) + self.pair_ms;
        let over = allowance - now - self.pair_ms * self.pair_burst;
        if self.pair_ms > 0 && over > 0 {
            return Ok(Err(Denied { code: Code::PairRate, wait: Some(over) }));
        }
        let since = now - i64::try_from(DAY.as_millis()).unwrap_or(i64::MAX);
        let counted = chat.opened.is_some_and(|at| at > since);
        if !self.in_window(chat) && !counted {
            if let Some(tier) = self.tier {
                let number = self.new.number;
                let count = match opened.entry(number) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(place) => place.insert(store::opened(transaction, number, since).await?),
                };
                if *count >= tier {
                    return Ok(Err(Code::SpamRate.into()));
                }
                *count += 1;
            }
            chat.opened = Some(now);
        }
        chat.allowance = allowance;
        Ok(Ok(()))
    }
}

/// What numbers sent just now, in this process.
#[derive(Debug, Default)]
pub(super) struct Rates(Mutex<HashMap<NumberId, i64>>);

impl Rates {
    /// One more, or after how long there may be one. `per_second` at most come together.
    fn take(&self, number: NumberId, now: Timestamp, per_second: u32) -> Result<(), Duration> {
        if per_second == 0 {
            return Ok(());
        }
        // Microseconds: a thousandth of a millisecond at 1000 a second.
        let (now, cost) = (now.0.saturating_mul(1000), 1_000_000 / i64::from(per_second));
        let mut rates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = rates.entry(number).or_insert(now);
        let next = (*due).max(now) + cost;
        let over = next - now - 1_000_000;
        if over > 0 {
            return Err(Duration::from_micros(over.unsigned_abs()));
        }
        *due = next;
        Ok(())
    }
}

impl Messages {
    /// Takes a message to be sent. When this returns, it is safe and will be sent.
    ///
    /// # Errors
    /// `Refused` with the API's codes, `NotAllowed` if the business does not let its host deliver; those of the database.
    pub async fn send(&self, outgoing: Outgoing) -> Result<Accepted, HostError> {
        let number = self.numbers.get(outgoing.number).await?;
        let refuse = |code: Code, why: &'static str| HostError::from(Refusal::new(code, why));
        if !number.registered {
            return Err(refuse(Code::NotRegistered, "The number is not registered: register it first."));
        }
        let now = self.ground.now();
        let limits = &self.ground.config.messaging;
        if let Err(wait) = self.rates.take(number.id, now, limits.per_second) {
            let why = "The number sends too many messages a second.";
            return Err(Refusal::new(Code::Throughput, why).after(wait).into());
        }
        let id = MessageId::random(number.id, now, &*self.ground.entropy);
        if !self.gate.instructions(number.business).await?.allow(Purpose::Deliver) {
            let subject = Subject { kind: SubjectKind::Message, names: vec![super::log_name(id.name())] };
            let access = Access::by("sending", number.business, Purpose::Deliver);
            self.gate.receive(&access, subject, ()).await?;
        }
        let (known, there) = self.people.resolve_or_await(&number, &outgoing.to).await?;
        let (template, category) = match &outgoing.content {
            Content::Template(template) => (Some(template.id), template.category),
            _ => (None, Category::Service),
        };
        if category == Category::Authentication && matches!(outgoing.to, super::Recipient::User(_)) {
            return Err(refuse(Code::UserIdNotPossible, "Templates with a code go to phone numbers only."));
        }
        let context = Context {
            message_id: outgoing.context.filter(|id| id.number() == number.id).map(MessageName),
            ..Context::default()
        };
        let kind = outgoing.content.kind();
        let mut outgoing = outgoing;
        // Of a link it is known when it was fetched.
        self.media.fit(&number, &mut outgoing.content).await?;
        let files = !super::convert::files_mut(&mut outgoing.content).is_empty();
        let document = Document { content: outgoing.content, context };
        let plain = serde_json::to_vec(&document).map_err(HostError::internal)?;
        let key = self.gate.names(number.business).await?;
        let place = place_name(number.id, id.name());
        let place = Place { domain: Domain::Message, name: &place };
        let sealed = key.seal(place, self.ground.random(), &plain)?.into_stored();
        let tracker = match &outgoing.tracker {
            Some(tracker) => {
                let place = super::statuses::tracker_place(number.id, id.name());
                let place = Place { domain: Domain::Message, name: &place };
                Some(key.seal(place, self.ground.random(), tracker.as_bytes())?.into_stored())
            }
            None => None,
        };
        let item = Item {
            new: NewMessage {
                number: number.id,
                name: *id.name(),
                business: number.business,
                person: known.person.id,
                outbound: true,
                kind,
                at: now,
                state: if files { store::PREPARING } else { store::ACCEPTED },
                stamp: None,
                category,
                template,
                sealed,
                tracker,
                deliver_by: document.deliver_by(now),
                words: self.words_of(&number, &document.content, &key).await?,
            },
            template: template.is_some(),
            marketing: category == Category::Marketing,
            nobody: !there,
            identity: outgoing.identity_key_hash,
            pair_ms: i64::try_from(limits.pair_ms).unwrap_or(i64::MAX / 4),
            pair_burst: i64::from(limits.pair_burst),
            tier: number.tier.map(i64::from),
            once: outgoing.once,
        };
        match self.sends.submit(item).await? {
            Ok(None) => {}
            Ok(Some(earlier)) => return self.accepted(&number, earlier, &outgoing.to).await,
            // Nothing else is found to be wrong there with what was asked for.
            Err(Denied { code: Code::ParameterInvalid, .. }) => return Err(other_request()),
            Err(denied) => return Err(Refusal::from(denied).into()),
        }
        self.wake(number.id).await;
        let mut to = known.profile();
        if let super::Recipient::Number(asked) = &outgoing.to {
            to.wa_id = Some(asked.as_str().trim_start_matches('+').to_owned());
        }
        Ok(Accepted { id, to })
    }

    /// What stands for the words of a content in the index, if the business lets its host search.
    pub(super) async fn words_of(
        &self,
        number: &crate::numbers::Number,
        content: &Content,
        key: &Arc<crate::sealing::BusinessKey>,
    ) -> Result<Vec<[u8; 16]>, HostError> {
        if !self.gate.instructions(number.business).await?.allow(Purpose::Search) {
            return Ok(Vec::new());
        }
        Ok(crate::chats::words::hidden(key, &crate::chats::words::text_of(content)))
    }
}

const fn details(code: Code) -> &'static str {
    match code {
        Code::IdentityChanged => "The person's identity key is another one.",
        Code::WindowClosed => {
            "More than 24 hours have passed since the person last wrote to this number: send a template."
        }
        Code::PairRate => "Too many messages to the same person in a short time.",
        Code::ServiceUnavailable => "The number has just got somebody: send again.",
        Code::SpamRate => "The number may not write first to more people today.",
        _ => "The message cannot be sent.",
    }
}
