//! Sending, on the one way that all messages go: what the Cloud API would take, it takes, and refuses what that would.

use serde_json::{Map, Value, json};

use super::{By, ChatRef, Event, Inbox, answers::SLOT, store};
use crate::{
    HostError,
    cloud_api::{Failure, Fields, Voice, parse},
    content::Content,
    ids::{AppId, MessageId},
    messages::{Accepted, Once, Recipient},
    numbers::Number,
    people::PersonId,
    purposes::{Access, Purpose, Subject, SubjectKind},
};

/// What an agent wants to be sent.
#[derive(Debug)]
pub struct Send<'a> {
    /// The message, as the Cloud API has it, without to whom.
    pub message: Map<String, Value>,
    /// The last message that was seen in the chat.
    pub seen: Option<MessageId>,
    /// Whatever others do.
    pub force: bool,
    /// What names it, so that it can be repeated.
    pub once: Option<&'a str>,
}

/// To whom.
#[derive(Debug, Clone, Copy)]
pub enum To<'a> {
    /// Into a chat.
    Chat(&'a ChatRef),
    /// To somebody, as a number or an id.
    New(&'a Number, &'a str),
}

/// Why it is not sent.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    /// What the Cloud API would say.
    #[error(transparent)]
    Refused(#[from] Failure),
    /// Somebody else answers, or has answered.
    #[error("somebody else answers")]
    Answered,
    /// The host.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl From<::store::StoreError> for NotSent {
    fn from(error: ::store::StoreError) -> Self {
        Self::Host(error.into())
    }
}

/// Who had the last word before, to be put back if nothing is sent.
#[derive(Debug, Clone, Copy)]
struct Before {
    by: Option<i64>,
    seen: i64,
}

impl Inbox {
    /// Sends a message.
    ///
    /// # Errors
    /// [`NotSent`].
    pub async fn send(&self, by: By, to: To<'_>, send: Send<'_>) -> Result<Accepted, NotSent> {
        let (number, written) = match to {
            To::Chat(chat) => (&*chat.number, chat.user_id.to_string()),
            To::New(number, written) => (number, written.to_owned()),
        };
        let business = self.api.businesses.get(by.business).await?;
        let mut values = send.message;
        let request = Value::Object(values.clone()).to_string();
        values.insert("messaging_product".to_owned(), "whatsapp".into());
        values.insert("to".to_owned(), written.clone().into());
        // It is said who it is to, and that it is sent, by the path alone.
        for name in ["recipient", "status", "recipient_type"] {
            values.remove(name);
        }
        let sender = parse::Sender { id: number.id, country: Some(&business.country) };
        let draft = match parse::request(sender, &Fields::of(&values, Voice::Message))? {
            parse::Request::Send(draft) => *draft,
            parse::Request::Read { .. } => {
                return Err(HostError::invalid("message", "nothing to send").into());
            }
        };
        let mut outgoing = draft.outgoing;
        let access =
            Access { business: by.business, purpose: Purpose::Deliver, reader: by.agent.log_name().into() };
        let whom = match &outgoing.to {
            Recipient::User(user_id) => user_id.to_string(),
            Recipient::Number(_) => "a number".to_owned(),
        };
        self.api.gate.receive(&access, Subject { kind: SubjectKind::Chat, names: vec![whom] }, ()).await?;
        if let Some(name) = send.once {
            let once = self.once(by, number, name, &json!([written, request]).to_string()).await?;
            if let Some(accepted) = self.api.post.sent_once(number, &once, &outgoing.to).await? {
                return Ok(accepted);
            }
            outgoing.once = Some(once);
        }
        if let Some(asked) = draft.template {
            let components = asked.components.as_ref();
            let filled =
                self.api.templates.fill(number.waba, &asked.name, &asked.language, components).await?;
            outgoing.content = Content::Template(Box::new(filled));
        }
        let before = match to {
            To::Chat(chat) => Some((chat, self.claim(by, chat, send.seen, send.force).await?)),
            To::New(..) => None,
        };
        let accepted = match self.api.post.send(outgoing).await {
            Ok(accepted) => accepted,
            Err(error) => {
                if let Some((chat, before)) = before {
                    self.unclaim(by, chat, before).await?;
                }
                return Err(error.into());
            }
        };
        self.sent(by, number, &accepted).await?;
        Ok(accepted)
    }

    /// The name is an agent's own for one number.
    async fn once(&self, by: By, number: &Number, name: &str, request: &str) -> Result<Once, HostError> {
        let fits = (1..=255).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
        if !fits {
            return Err(HostError::invalid("Idempotency-Key", "from 1 to 255 visible ASCII characters"));
        }
        let key = self.api.gate.names(number.business).await?;
        // No app of anybody's has names like these.
        let app = AppId::from_name(by.agent.get());
        Ok(Once::new(&key, app, format!("{} {name}", by.agent.log_name()).as_bytes(), request.as_bytes()))
    }

    /// Takes the word in a chat, unless somebody else is about to answer, or answered what this one has seen.
    async fn claim(
        &self,
        by: By,
        chat: &ChatRef,
        seen: Option<MessageId>,
        force: bool,
    ) -> Result<Before, NotSent> {
        let seen = match seen {
            Some(id) => {
                let about = self.api.messages.get(id).await?;
                if about.person != chat.person || id.number() != chat.number.id {
                    return Err(HostError::invalid("seen", "no message of this chat").into());
                }
                Some(about.seq)
            }
            None => None,
        };
        let (business, pair, now) = (by.business, chat.pair(), self.api.ground.now());
        let written = self.api.ground.write(chat.number.id.get(), move |transaction| {
            Box::pin(async move {
                let mut handled = store::locked(transaction, business, pair).await?;
                let me = by.agent.get().cast_signed();
                if let (Some(seen), false) = (seen, force) {
                    let answering = store::answering(transaction, &[pair], now).await?;
                    let others = answering.iter().any(|row| row.agent != by.agent);
                    let answered =
                        handled.claimed_by.is_some_and(|other| other != me) && seen <= handled.claimed_seen;
                    if others || answered {
                        return Ok(None);
                    }
                }
                let before = Before { by: handled.claimed_by, seen: handled.claimed_seen };
                handled.claimed_by = Some(me);
                handled.claimed_seen = handled.claimed_seen.max(seen.unwrap_or_default());
                store::put(transaction, &handled).await?;
                Ok(Some(before))
            })
        });
        written.await?.ok_or(NotSent::Answered)
    }

    /// Nothing was sent: whoever had the last word has it still.
    async fn unclaim(&self, by: By, chat: &ChatRef, before: Before) -> Result<(), HostError> {
        let (business, pair) = (by.business, chat.pair());
        let written = self.api.ground.write(chat.number.id.get(), move |transaction| {
            Box::pin(async move {
                let mut handled = store::locked(transaction, business, pair).await?;
                if handled.claimed_by == Some(by.agent.get().cast_signed()) {
                    (handled.claimed_by, handled.claimed_seen) = (before.by, before.seen);
                    store::put(transaction, &handled).await?;
                }
                Ok(())
            })
        });
        written.await
    }

    /// It is on its way: by whom, and how fast. The one who sent it is not answering any more.
    async fn sent(&self, by: By, number: &Number, accepted: &Accepted) -> Result<(), HostError> {
        let to = Recipient::User(accepted.to.user_id.clone());
        let person: Option<PersonId> = self.api.people.named(by.business, &to).await?;
        let event = Event::message(accepted.id, &accepted.to.user_id);
        let Some(person) = person else {
            self.live.tell(by.business, event).await;
            return Ok(());
        };
        let wrote = self.api.people.standing(number.id, person).await?.wrote;
        let counted = self.api.gate.instructions(by.business).await?.allow(Purpose::Analyse);
        let (business, pair, now) = (by.business, (number.id, person), self.api.ground.now());
        let name = *accepted.id.name();
        let written = self.api.ground.write(number.id.get(), move |transaction| {
            Box::pin(async move {
                if !store::put_sent(transaction, business, (pair, &name), (by.agent, now)).await? {
                    return Ok(false);
                }
                let mut handled = store::locked(transaction, business, pair).await?;
                if let Some(wrote) =
                    wrote.filter(|wrote| counted && *wrote > handled.answered && *wrote <= now)
                {
                    let of = (business, pair.0);
                    store::count_answer(transaction, of, now.0.div_euclid(SLOT), now.0 - wrote.0).await?;
                }
                handled.answered = now;
                store::put(transaction, &handled).await?;
                Ok(store::answers_no_longer(transaction, pair, by.agent).await?)
            })
        });
        let was_answering = written.await?;
        self.live.tell(by.business, event).await;
        if was_answering {
            let (phone_number_id, user_id) = (number.id.to_string(), accepted.to.user_id.to_string());
            let agent_id = by.agent.to_string();
            self.live
                .tell(by.business, Event::Answering { phone_number_id, user_id, agent_id, until: 0 })
                .await;
        }
        Ok(())
    }
}
