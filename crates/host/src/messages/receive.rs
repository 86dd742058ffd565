//! Taking what a device has: people, files and contents first, then one transaction for all of it, then it is forgotten
//! in the feed. Interrupted anywhere, the same again gives the same: names are made of what devices call things.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use ::store::Timestamp;
use client::{
    AccountId, Body, Change, DeviceId, Failure, FeedItem, Marketing, Media, MessageRef, News, State,
};
use futures_util::{StreamExt as _, stream};
use tokio::sync::Mutex;

use super::{
    Document, Happened, Messages, Names, Prepared, convert, identities, log_name,
    opened::Opened,
    place_name,
    statuses::{self, Step, step},
    store::{self, NewMessage},
};
use crate::{
    HostError,
    content::{
        Card, CardName, CardPhone, Category, Content, Context, Identity, Inbound, MessageName, Reaction,
        System,
    },
    ids::{MediaId, MessageId},
    numbers::{Number, running::Live},
    people::{Details, Known, PersonId},
    purposes::{Access, Purpose, Subject, SubjectKind},
    sealing::{BusinessKey, Domain, Place},
};

/// Items taken at once.
const BATCH: usize = 500;
/// Files fetched at the same time.
const FETCHES: usize = 8;

/// Something a person said.
struct Said {
    author: AccountId,
    device: DeviceId,
    stamp: u64,
    at: Timestamp,
    what: What,
    /// What it is about or answers.
    about: Option<MessageRef>,
    forwarded: u32,
}

/// When and where somebody opened a chat.
#[derive(Clone, Copy)]
pub(super) struct Opening {
    device: DeviceId,
    stamp: u64,
    at: Timestamp,
}

enum What {
    /// The chat was opened.
    Opened,
    Body(Box<Body>),
    Change(Change),
    Identity(String),
}

impl Opening {
    const fn said(self, author: AccountId) -> Said {
        let Self { device, stamp, at } = self;
        Said { author, device, stamp, at, what: What::Opened, about: None, forwarded: 0 }
    }
}

/// Everything of a batch that is committed together.
#[derive(Default)]
struct Taken {
    new: Vec<(NewMessage, Vec<Prepared>)>,
    marketing: Vec<(PersonId, bool)>,
    told: Vec<Prepared>,
    identities: Vec<(PersonId, Identity)>,
    steps: Vec<statuses::Steps>,
    wrote: HashMap<PersonId, Timestamp>,
}

impl Taken {
    /// A person wrote then, if not later too.
    fn note_wrote(&mut self, person: PersonId, at: Timestamp) {
        let newest = self.wrote.entry(person).or_insert(at);
        *newest = (*newest).max(at);
    }
}

impl Messages {
    /// Takes some of what the device has; whether there may be more.
    pub(super) async fn receive(&self, live: &Live, turn: &Mutex<()>) -> Result<bool, HostError> {
        let feed = live.device.feed(0, BATCH).await?;
        let Some(through) = feed.last().map(|item| item.position) else { return Ok(false) };
        let number = &live.number;
        let (mut said, mut steps, mut opened) = (Vec::new(), Vec::new(), Opened::default());
        for item in feed {
            self.sort(live, item, &mut said, &mut steps, &mut opened).await?;
        }
        let automation = self.automation(live, &opened).await?;
        if automation.as_ref().is_some_and(|automation| automation.enable_welcome_message) {
            said.extend(opened.by.iter().map(|(author, opening)| opening.said(*author)));
        }
        let mut taken = Taken { steps: self.prepare_steps(number, steps).await?, ..Taken::default() };
        let mut erase = Vec::new();
        self.take_said(live, said, &mut taken, &mut erase).await?;
        self.commit(number, taken).await?;
        if !erase.is_empty() {
            let _turn = turn.lock().await;
            for (known, request) in erase {
                self.erase_person(live, &known, request).await?;
            }
        }
        if let Some(automation) = &automation {
            self.offer(live, &opened, automation).await;
        }
        live.device.forget_through(through).await?;
        self.outlet.wake().await;
        Ok(true)
    }

    async fn sort(
        &self,
        live: &Live,
        item: FeedItem,
        said: &mut Vec<Said>,
        steps: &mut Vec<Step>,
        opened: &mut Opened,
    ) -> Result<(), HostError> {
        let own = live.device.own().account;
        let time = |millis: u64| Timestamp(i64::try_from(millis).unwrap_or(i64::MAX));
        match item.news {
            News::Message { message } if message.id.author != own && message.body == Body::ChatOpened => {
                let (stamp, at) = (message.id.timestamp, time(message.received));
                let opening = Opening { device: message.device, stamp, at };
                opened.by.entry(message.id.author).or_insert(opening);
            }
            News::Message { message } if message.id.author != own => {
                let about = match &message.body {
                    Body::Reply(reply) => Some(reply.message),
                    _ => message.quote.as_ref().map(|quote| quote.message),
                };
                said.push(Said {
                    author: message.id.author,
                    device: message.device,
                    stamp: message.id.timestamp,
                    at: time(message.received),
                    about,
                    forwarded: message.forwarded,
                    what: What::Body(Box::new(message.body)),
                });
            }
            News::Changed { message, by, device, received, change, .. } if by.author != own => {
                said.push(Said {
                    author: by.author,
                    device,
                    stamp: by.timestamp,
                    at: time(received),
                    about: Some(message),
                    forwarded: 0,
                    what: What::Change(change),
                })
            }
            News::State { message, state, reference: Some(reference), .. } => {
                let forbidden = matches!(state, State::Failed { reason: Failure::Forbidden });
                let locked = forbidden && self.is_locked(&live.number).await?;
                steps.extend(step(reference, message.timestamp, &state, locked));
            }
            News::IdentityChanged { account, .. } => {
                let digits = live.device.safety_number(account).await?.digits;
                said.push(Said {
                    author: account,
                    device: DeviceId::PRIMARY,
                    stamp: item.position,
                    at: self.ground.now(),
                    about: None,
                    forwarded: 0,
                    what: What::Identity(digits),
                });
            }
            // Of own messages of other devices, and of what cannot be read and was asked for again, there is nothing to
            // take.
            _ => {}
        }
        Ok(())
    }

    async fn take_said(
        &self,
        live: &Live,
        said: Vec<Said>,
        taken: &mut Taken,
        erase: &mut Vec<(Arc<Known>, MessageRef)>,
    ) -> Result<(), HostError> {
        if said.is_empty() {
            return Ok(());
        }
        let number = &live.number;
        let accounts: Vec<_> = said.iter().map(|said| said.author).collect();
        let people = self.people.of_accounts(number, &live.device, &accounts).await?;
        let pairs: Vec<_> = people.values().map(|known| (number.id, known.person.id)).collect();
        let chats = store::chats(&mut self.ground.reader().await?, &pairs).await?;
        let key = self.gate.names(number.business).await?;
        let mut batch = Vec::with_capacity(said.len());
        for said in said {
            let Some(known) = people.get(&said.author).cloned() else { continue };
            if chats.get(&(number.id, known.person.id)).is_some_and(|chat| chat.blocked) {
                continue;
            }
            let id = name_of(number, &key, &said);
            batch.push((id, known, said));
        }
        let names = self.about(number, live, &batch).await?;
        let access = Access::by("receiving", number.business, Purpose::Deliver);
        let subject = Subject {
            kind: SubjectKind::Message,
            names: batch.iter().map(|(id, ..)| log_name(id.name())).collect(),
        };
        let batch = match self.gate.receive(&access, subject, batch).await {
            Ok(batch) => batch.hand_over(),
            // Nothing is taken for a business that does not want it; the log says so.
            Err(HostError::NotAllowed(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let files = self.fetch_files(live, &batch).await?;
        let people = batch.iter().map(|(_, known, said)| (said.author, &**known));
        let mut identities = self.identities(live, &key, &chats, people).await?;
        taken.identities.extend(identities.first_seen());
        for (id, known, said) in batch {
            let message = MessageRef { author: said.author, timestamp: said.stamp };
            let own = live.device.own().account;
            let of = |about: MessageRef| {
                names.get(&(known.person.id, about.author == own, about.timestamp)).copied().map(MessageName)
            };
            let about = said.about.and_then(of);
            let (mut context, mut known) = (Context::default(), known);
            let content = match said.what {
                // Whoever wrote, or was written to, is no stranger.
                What::Opened if chats.contains_key(&(number.id, known.person.id)) => continue,
                What::Opened if taken.wrote.contains_key(&known.person.id) => continue,
                What::Opened => Content::RequestWelcome,
                What::Identity(digits) => {
                    let changed = identities::changed(&key, &digits, said.at);
                    taken.identities.push((known.person.id, changed.clone()));
                    let identity = changed.hash.clone();
                    identities.now(known.person.id, changed);
                    Content::System(System::CustomerIdentityChanged { identity })
                }
                What::Change(change) => match (change, about) {
                    (_, None) => continue,
                    (Change::Reaction { emoji }, Some(message_id)) => {
                        Content::Reaction(Reaction { message_id, emoji })
                    }
                    (Change::Edit { text }, Some(original)) => Content::Edit { original, body: text },
                    (Change::Delete, Some(original)) => Content::Revoke { original },
                },
                What::Body(body) => {
                    context = Context {
                        message_id: about,
                        forwarded: said.forwarded > 0,
                        frequently_forwarded: said.forwarded > 5,
                    };
                    match *body {
                        Body::Timer | Body::ErasureDone { .. } | Body::Deleted | Body::ChatOpened => continue,
                        Body::ErasureRequest => {
                            erase.push((known, message));
                            continue;
                        }
                        Body::Preference { marketing } => {
                            if marketing != Marketing::Unchanged {
                                let stopped = marketing == Marketing::Stop;
                                taken.marketing.push((known.person.id, stopped));
                                let happened = Happened::Marketing {
                                    waba: number.waba,
                                    number: number.id,
                                    display_number: number.digits().to_owned(),
                                    from: known.profile(),
                                    at: said.at,
                                    stopped,
                                };
                                let unique = format!("{id} preference");
                                let told = self.outlet.seal(number.business, unique, &happened).await?;
                                taken.told.push(told);
                                // Somebody who says only this has written too.
                                taken.note_wrote(known.person.id, said.at);
                            }
                            continue;
                        }
                        Body::NumberShare { proof } => match self.shared(live, &known, &proof.0).await? {
                            Some(now_known) => {
                                known = now_known;
                                shared_card(&known)
                            }
                            None => Content::Unsupported { what: None },
                        },
                        body => {
                            let content = convert::inbound(body);
                            match files.get(&id) {
                                Some(file) => {
                                    let File { id, mime_type, sha256 } = file.clone();
                                    convert::with_file(content, id, mime_type, sha256)
                                }
                                None => content,
                            }
                        }
                    }
                }
            };
            // That a key changed is nothing that the person wrote.
            if !matches!(content, Content::System(_)) {
                taken.note_wrote(known.person.id, said.at);
            }
            let identity = identities.of(known.person.id);
            let new = self
                .new_message(number, &key, &known, id, said.stamp, said.at, content, context, identity)
                .await?;
            taken.new.push(new);
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a message")]
    async fn new_message(
        &self,
        number: &Number,
        key: &Arc<BusinessKey>,
        known: &Known,
        id: MessageId,
        stamp: u64,
        at: Timestamp,
        content: Content,
        context: Context,
        identity: Option<Identity>,
    ) -> Result<(NewMessage, Vec<Prepared>), HostError> {
        let document = Document { content, context };
        let plain = serde_json::to_vec(&document).map_err(HostError::internal)?;
        let place = place_name(number.id, id.name());
        let place = Place { domain: Domain::Message, name: &place };
        let sealed = key.seal(place, self.ground.random(), &plain)?.into_stored();
        let words = self.words_of(number, &document.content, key).await?;
        let kind = document.content.kind();
        let mut content = document.content;
        if let Some(file) = super::convert::files_mut(&mut content).into_iter().next()
            && let (Some(id), Some(_)) = (file.id, &file.sha256)
        {
            file.link = self.media.told_address(number.business, id).await?;
        }
        let inbound = Inbound {
            waba: number.waba,
            number: number.id,
            display_number: number.digits().to_owned(),
            from: known.profile(),
            id,
            at,
            content,
            context: document.context,
            identity,
        };
        let happened = Happened::Message(Box::new(inbound));
        let event = self.outlet.seal(number.business, id.to_string(), &happened).await?;
        let new = NewMessage {
            number: number.id,
            name: *id.name(),
            business: number.business,
            person: known.person.id,
            outbound: false,
            kind,
            at,
            state: store::RECEIVED,
            stamp: Some(stamp),
            category: Category::Service,
            template: None,
            sealed,
            tracker: None,
            deliver_by: None,
            words,
        };
        Ok((new, vec![event]))
    }

    /// The names of what these are about: from the tables, or from the same batch.
    async fn about(
        &self,
        number: &Number,
        live: &Live,
        batch: &[(MessageId, Arc<Known>, Said)],
    ) -> Result<Names, HostError> {
        let own = live.device.own().account;
        let wanted: HashSet<_> = batch
            .iter()
            .filter_map(|(_, known, said)| {
                let about = said.about?;
                Some((known.person.id, about.author == own, about.timestamp))
            })
            .collect();
        if wanted.is_empty() {
            return Ok(Names::new());
        }
        let wanted: Vec<_> = wanted.into_iter().collect();
        let mut names = store::by_stamps(&mut self.ground.reader().await?, number.id, &wanted).await?;
        for (id, known, said) in batch {
            if matches!(said.what, What::Body(_)) {
                names.entry((known.person.id, false, said.stamp)).or_insert(*id);
            }
        }
        Ok(names)
    }

    /// Fetches the files of a batch; those that cannot be had are named all the same.
    async fn fetch_files(
        &self,
        live: &Live,
        batch: &[(MessageId, Arc<Known>, Said)],
    ) -> Result<HashMap<MessageId, File>, HostError> {
        let with = batch.iter().filter_map(|(id, _, said)| match &said.what {
            What::Body(body) => match &**body {
                Body::Media(media) => Some((*id, media.clone())),
                _ => None,
            },
            _ => None,
        });
        let with: Vec<(MessageId, Media)> = with.collect();
        let fetched = stream::iter(with).map(|(id, media)| async move {
            let fetched = self.media.take_in(live, id, &media).await?;
            let mime_type = media.content_type;
            Ok::<_, HostError>((id, File { id: fetched.id, mime_type, sha256: fetched.sha256 }))
        });
        fetched.buffer_unordered(FETCHES).collect::<Vec<_>>().await.into_iter().collect()
    }

    /// A person lets the business know their number, if the relay vouches for it.
    async fn shared(
        &self,
        live: &Live,
        known: &Known,
        proof: &[u8],
    ) -> Result<Option<Arc<Known>>, HostError> {
        let business = self.running.relay_id(&live.number).await?;
        let shared = live.device.shared_number(business, known.person.account, proof).await?;
        let Some(number) = shared else { return Ok(None) };
        let details = Details { number: Some(number), name: known.details.name.clone() };
        self.people.learn(known, details).await.map(Some)
    }

    async fn commit(&self, number: &Number, taken: Taken) -> Result<(), HostError> {
        let (id, business) = (number.id, number.business);
        let (taken, outlet) = (Arc::new(taken), self.outlet.clone());
        let written = self.ground.write(id.get(), move |transaction| {
            let (taken, outlet) = (taken.clone(), outlet.clone());
            Box::pin(async move {
                let rows: Vec<_> = taken.new.iter().map(|(new, _)| new).collect();
                let new: HashSet<_> = store::insert(transaction, &rows).await?.into_iter().collect();
                let new = taken.new.iter().filter(|(message, _)| new.contains(&message.name));
                let mut told: Vec<_> = new.flat_map(|(_, events)| events.iter().cloned()).collect();
                told.extend(taken.told.iter().cloned());
                store::wrote(transaction, business, id, &taken.wrote).await?;
                for (person, stopped) in &taken.marketing {
                    store::set_marketing(transaction, id, *person, *stopped).await?;
                }
                for (person, identity) in &taken.identities {
                    store::set_identity(transaction, (id, *person), identity).await?;
                }
                told.extend(statuses::take(transaction, id, &taken.steps).await?);
                outlet.add(transaction, told).await
            })
        });
        written.await
    }
}

/// A file of a message, as it is known here.
#[derive(Clone)]
struct File {
    id: MediaId,
    mime_type: String,
    sha256: Option<String>,
}

/// The same for the same: unguessable without the business's key.
fn name_of(number: &Number, key: &BusinessKey, said: &Said) -> MessageId {
    let kind = match &said.what {
        What::Body(_) => "message",
        What::Change(_) => "change",
        What::Identity(_) => "identity",
        What::Opened => "opened",
    };
    let device: u32 = said.device.into();
    let parts = [
        &number.id.get().to_be_bytes()[..],
        said.author.as_bytes(),
        &device.to_be_bytes(),
        &said.stamp.to_be_bytes(),
    ];
    let at = Timestamp(i64::try_from(said.stamp).unwrap_or_default());
    MessageId::from_digest(number.id, at, &key.name(kind, &parts.concat()))
}

/// A shared number as the API shows it: the person's own card.
fn shared_card(known: &Known) -> Content {
    let number = known.details.number.as_ref().map(|number| number.as_str().to_owned());
    let wa_id = number.as_ref().map(|number| number.trim_start_matches('+').to_owned());
    let card = Card {
        name: CardName { formatted_name: Some(known.details.name.clone()), ..CardName::default() },
        phones: vec![CardPhone { phone: number, wa_id, r#type: Some("CELL".to_owned()) }],
        requested: true,
        ..Card::default()
    };
    Content::Contacts { cards: vec![card] }
}
