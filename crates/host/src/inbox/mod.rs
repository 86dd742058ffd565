//! What agents of a business share: who answers which chat, labels, notes, canned replies; sending so that no two of them
//! answer unawares; and what happens, told as it happens.
//!
//! Chats and messages themselves are `chats` and `messages`: here stands how agents handle them.

mod answers;
mod live;
mod notes;
mod outlet;
pub(crate) mod routes;
mod sending;
mod store;
mod words;

use std::{collections::HashMap, sync::Arc, time::Duration};

use ::store::Timestamp;
use serde::Serialize;

use self::store::Pair;
pub(crate) use self::store::{MIGRATIONS, delete_before, erase, erase_chat};
pub use self::{
    answers::Answered,
    live::{Event, Live, Stream},
    notes::Note,
    outlet::Noticing,
    sending::{NotSent, Send, To},
    words::{Kind, Label, Reply, Words},
};
use crate::{
    HostError,
    chats::{Chat, ChatCursor, ChatFilter, Chats, Look},
    cloud_api::Api,
    ids::{AgentId, BusinessId, MessageId, NumberId, UserId},
    messages::Recipient,
    numbers::Number,
    people::{PersonId, Standing},
    purposes::decisions::{self, Decided},
};

/// How long somebody counts as answering after they said so.
const ANSWERING: Duration = Duration::from_secs(15);

/// What agents share.
#[derive(Debug)]
pub struct Inbox {
    api: Arc<Api>,
    chats: Arc<Chats>,
    live: Arc<Live>,
}

/// Who does something here, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct By {
    /// Who.
    pub agent: AgentId,
    /// For which business.
    pub business: BusinessId,
}

/// A chat that a path names.
#[derive(Debug, Clone)]
pub struct ChatRef {
    /// Of which number.
    pub number: Arc<Number>,
    /// With whom.
    pub person: PersonId,
    /// What the business calls them.
    pub user_id: UserId,
}

impl ChatRef {
    fn pair(&self) -> Pair {
        (self.number.id, self.person)
    }
}

/// A chat as agents see it.
#[derive(Debug, Serialize)]
pub struct ChatShown {
    phone_number_id: NumberId,
    user_id: UserId,
    wa_id: Option<String>,
    name: String,
    latest: i64,
    wrote: Option<i64>,
    window_until: Option<i64>,
    unread: u32,
    blocked: bool,
    marketing_stopped: bool,
    status: &'static str,
    assigned_to: Option<AgentId>,
    labels: Vec<String>,
    answering: Vec<AnsweringShown>,
}

/// Somebody who is answering.
#[derive(Debug, Clone, Serialize)]
pub struct AnsweringShown {
    /// Who.
    pub agent_id: AgentId,
    /// For how long, if they do not say so again.
    pub until: i64,
}

/// What is to become of a chat. What is not said stays.
#[derive(Debug, Clone, Copy, Default)]
pub struct Update {
    /// Whether nothing is to be done any more, until the person writes again.
    pub closed: Option<bool>,
    /// Who answers it from now on.
    pub assigned_to: Option<Option<AgentId>>,
    /// Only if this one answers it now.
    pub expected: Option<Option<AgentId>>,
}

impl Inbox {
    /// On these parts.
    #[must_use]
    pub fn new(api: Arc<Api>, chats: Arc<Chats>, live: Arc<Live>) -> Arc<Self> {
        Arc::new(Self { api, chats, live })
    }

    /// What happens.
    #[must_use]
    pub const fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// The chat that a path names: of a number of the business, with somebody whom it knows.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn chat(
        &self,
        business: BusinessId,
        number: NumberId,
        user_id: UserId,
    ) -> Result<ChatRef, HostError> {
        let number = self.number(business, number).await?;
        let person = self.api.people.named(business, &Recipient::User(user_id.clone())).await?;
        let person = person.ok_or(HostError::NotFound("chat"))?;
        Ok(ChatRef { number, person, user_id })
    }

    /// A number of the business.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn number(&self, business: BusinessId, number: NumberId) -> Result<Arc<Number>, HostError> {
        let number = self.api.numbers.get(number).await?;
        if number.business == business { Ok(number) } else { Err(HostError::NotFound("phone number")) }
    }

    /// Chats of numbers, the latest first, with how they are handled.
    ///
    /// # Errors
    /// As [`Chats::list`].
    pub async fn list(
        &self,
        look: &Look<'_>,
        filter: &ChatFilter,
        after: Option<ChatCursor>,
        limit: u32,
    ) -> Result<(Vec<ChatShown>, Option<ChatCursor>), HostError> {
        let (chats, next) = self.chats.list(look, filter, after, limit).await?;
        Ok((self.with_work(chats).await?, next))
    }

    /// One chat.
    ///
    /// # Errors
    /// `NotFound` if nothing was said in it; as [`Chats::list`].
    pub async fn get(&self, by: By, chat: &ChatRef) -> Result<ChatShown, HostError> {
        let reader = by.agent.log_name();
        let numbers = [chat.number.id];
        let look = Look { business: by.business, numbers: &numbers, by: &reader };
        let filter = ChatFilter { person: Some(chat.person), ..ChatFilter::default() };
        let (mut chats, _) = self.list(&look, &filter, None, 1).await?;
        chats.pop().ok_or(HostError::NotFound("chat"))
    }

    async fn with_work(&self, chats: Vec<Chat>) -> Result<Vec<ChatShown>, HostError> {
        let ground = &self.api.ground;
        let pairs: Vec<Pair> = chats.iter().map(|chat| (chat.number, chat.person)).collect();
        let mut reader = ground.reader().await?;
        let handled = store::handled(&mut reader, &pairs).await?;
        let mut labels = store::labels_of(&mut reader, &pairs).await?;
        let mut answering: HashMap<Pair, Vec<AnsweringShown>> = HashMap::new();
        for row in store::answering(&mut reader, &pairs, ground.now()).await? {
            let shown = AnsweringShown { agent_id: row.agent, until: row.until.0 };
            answering.entry((row.number, row.person)).or_default().push(shown);
        }
        let shown = chats.into_iter().map(|chat| {
            let pair = (chat.number, chat.person);
            let work = handled.get(&pair);
            let closed = work.is_some_and(|work| work.closed > chat.standing.wrote.unwrap_or(Timestamp(0)));
            ChatShown {
                phone_number_id: chat.number,
                user_id: chat.profile.user_id,
                wa_id: chat.profile.wa_id,
                name: chat.profile.name,
                latest: chat.latest.0,
                wrote: chat.standing.wrote.map(|wrote| wrote.0),
                window_until: chat.standing.wrote.map(|wrote| wrote.after(Standing::WINDOW).0),
                unread: chat.unread,
                blocked: chat.standing.blocked,
                marketing_stopped: chat.standing.marketing_stopped,
                status: if closed { "closed" } else { "open" },
                assigned_to: work.and_then(|work| agent(work.assignee)),
                labels: labels.remove(&pair).unwrap_or_default().iter().map(i64::to_string).collect(),
                answering: answering.remove(&pair).unwrap_or_default(),
            }
        });
        Ok(shown.collect())
    }

    /// Says who answers a chat, or that it is done. Of two who want it at once, one is first, and the other is told if they
    /// said what they expected.
    ///
    /// # Errors
    /// `Conflict` if somebody else answers it than was expected; those of the database.
    pub async fn update(&self, by: By, chat: &ChatRef, update: Update) -> Result<(), HostError> {
        let (business, pair, now) = (by.business, chat.pair(), self.api.ground.now());
        let user_id = chat.user_id.to_string();
        let written = self.api.ground.write(chat.number.id.get(), move |transaction| {
            let user_id = user_id.clone();
            Box::pin(async move {
                let mut handled = store::locked(transaction, business, pair).await?;
                if update.expected.is_some_and(|expected| expected != agent(handled.assignee)) {
                    return Err(HostError::Conflict("somebody else answers this chat by now"));
                }
                let mut names = vec![user_id];
                if let Some(assigned) = update.assigned_to {
                    handled.assignee = assigned.map(|agent| agent.get().cast_signed());
                    names.push(assigned.map_or_else(|| "nobody".to_owned(), AgentId::log_name));
                }
                if let Some(closed) = update.closed {
                    handled.closed = if closed { now } else { Timestamp(0) };
                    names.push(if closed { "closed" } else { "open" }.to_owned());
                }
                store::put(transaction, &handled).await?;
                let by = by.agent.log_name();
                decisions::write_down(transaction, business, (Decided::ChatAssigned, &by), now, &names)
                    .await?;
                Ok(())
            })
        });
        written.await?;
        self.live.tell(by.business, Event::chat(chat.number.id, &chat.user_id)).await;
        Ok(())
    }

    /// Puts a label on a chat, or takes it off.
    ///
    /// # Errors
    /// `NotFound` for a label that is not there; those of the database.
    pub async fn label(&self, by: By, chat: &ChatRef, label: i64, on: bool) -> Result<(), HostError> {
        let (business, pair) = (by.business, chat.pair());
        let written = self.api.ground.write(chat.number.id.get(), move |transaction| {
            Box::pin(async move {
                if !on {
                    return Ok(store::remove_label(transaction, pair, label).await?);
                }
                if !store::word_is_there(transaction, (business, Kind::Label.as_str()), label).await? {
                    return Err(HostError::NotFound("label"));
                }
                Ok(store::put_label(transaction, business, pair, label).await?)
            })
        });
        written.await?;
        self.live.tell(by.business, Event::chat(chat.number.id, &chat.user_id)).await;
        Ok(())
    }

    /// Somebody is answering, for a while. Who else is, beside them.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn answering(&self, by: By, chat: &ChatRef) -> Result<Vec<AnsweringShown>, HostError> {
        let (business, pair, now) = (by.business, chat.pair(), self.api.ground.now());
        let until = now.after(ANSWERING);
        let written = self.api.ground.write(chat.number.id.get(), move |transaction| {
            Box::pin(async move {
                store::answer(transaction, business, pair, (by.agent, until, now)).await?;
                Ok(store::answering(transaction, &[pair], now).await?)
            })
        });
        let rows = written.await?;
        self.live.tell(by.business, Event::answering(chat, by.agent, until.0)).await;
        Ok(rows.into_iter().map(|row| AnsweringShown { agent_id: row.agent, until: row.until.0 }).collect())
    }

    /// Somebody is answering no longer.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn answers_no_longer(&self, by: By, chat: &ChatRef) -> Result<(), HostError> {
        let pair = chat.pair();
        let written = self.api.ground.write(chat.number.id.get(), move |transaction| {
            Box::pin(async move { Ok(store::answers_no_longer(transaction, pair, by.agent).await?) })
        });
        if written.await? {
            self.live.tell(by.business, Event::answering(chat, by.agent, 0)).await;
        }
        Ok(())
    }

    /// The business has read a chat up to this message.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn read(
        &self,
        by: By,
        chat: &ChatRef,
        message: MessageId,
        typing: bool,
    ) -> Result<(), HostError> {
        let about = self.api.messages.get(message).await?;
        if about.person != chat.person || message.number() != chat.number.id {
            return Err(HostError::NotFound("message"));
        }
        self.api.post.read(&chat.number, message, typing).await?;
        self.live.tell(by.business, Event::chat(chat.number.id, &chat.user_id)).await;
        Ok(())
    }

    /// Blocks a person for a number, or no longer.
    ///
    /// # Errors
    /// As [`People::set_blocked`](crate::people::People::set_blocked).
    pub async fn block(&self, by: By, chat: &ChatRef, blocked: bool) -> Result<(), HostError> {
        self.api.people.set_blocked(&chat.number, &[chat.person], blocked).await?;
        let (business, now, user_id) = (by.business, self.api.ground.now(), chat.user_id.to_string());
        let written = self.api.ground.write(business.get(), move |transaction| {
            let names = [user_id.clone(), if blocked { "blocked" } else { "not blocked" }.to_owned()];
            Box::pin(async move {
                let by = by.agent.log_name();
                decisions::write_down(transaction, business, (Decided::PersonBlocked, &by), now, &names)
                    .await?;
                Ok(())
            })
        });
        written.await?;
        self.live.tell(by.business, Event::chat(chat.number.id, &chat.user_id)).await;
        Ok(())
    }

    /// Which agents sent these messages, of those that agents sent.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn senders(&self, messages: &[MessageId]) -> Result<HashMap<MessageId, AgentId>, HostError> {
        let mut by_number: HashMap<NumberId, Vec<[u8; 22]>> = HashMap::new();
        for message in messages {
            by_number.entry(message.number()).or_default().push(*message.name());
        }
        let mut senders = HashMap::new();
        for (number, names) in by_number {
            let found = store::sent_by(&mut self.api.ground.reader().await?, number, &names).await?;
            senders
                .extend(found.into_iter().map(|(name, agent)| (MessageId::from_parts(number, name), agent)));
        }
        Ok(senders)
    }

    /// An agent left: nobody answers what they answered.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn forget_agent(&self, business: BusinessId, agent: AgentId) -> Result<(), HostError> {
        let written = self.api.ground.write(business.get(), move |transaction| {
            Box::pin(async move { Ok(store::forget_agent(transaction, business, agent).await?) })
        });
        written.await?;
        self.live.tell(business, Event::changed("agents")).await;
        Ok(())
    }
}

fn agent(stored: Option<i64>) -> Option<AgentId> {
    stored.and_then(|id| AgentId::try_from(id.cast_unsigned()).ok())
}
