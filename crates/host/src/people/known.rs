//! Who is who: from the tables, or from the relay, which is asked in batches.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use client::Device;
use futures_util::{StreamExt as _, stream};
use wire::{AccountId, PhoneNumber};

use super::{
    Details, Person, PersonId, Standing,
    store::{self, New, Stored},
};
use crate::{
    HostError,
    codes::{Code, Refusal},
    content::Profile,
    ground::{Ground, Recent},
    ids::{BusinessId, NumberId, UserId},
    messages::Recipient,
    numbers::{Number, running::Running},
    purposes::{Access, Gate, Plain, Purpose, Subject, SubjectKind},
    sealing::{Domain, Place, Sealed},
};

/// People whose profiles are fetched at the same time.
const FETCHES: usize = 16;

/// Somebody, and what the business may know of them.
#[derive(Debug)]
pub struct Known {
    /// Who.
    pub person: Person,
    /// What is known.
    pub details: Plain<Details>,
}

impl Known {
    /// What the business may know, as webhooks and answers say it.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.details.profile(self.person.user_id.clone())
    }
}

/// The people that businesses talk to.
#[derive(Debug)]
pub struct People {
    pub(super) ground: Arc<Ground>,
    pub(super) gate: Arc<Gate>,
    running: Arc<Running>,
    by_id: Recent<PersonId, Arc<Known>>,
    by_account: Recent<(BusinessId, AccountId), Arc<Known>>,
    by_number: Recent<(BusinessId, [u8; 32]), Arc<Known>>,
}

impl People {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>, gate: Arc<Gate>, running: Arc<Running>) -> Arc<Self> {
        let by_id = Recent::new(100_000);
        Arc::new(Self {
            ground,
            gate,
            running,
            by_id,
            by_account: Recent::new(100_000),
            by_number: Recent::new(100_000),
        })
    }

    /// Whom a recipient names. A number that the business has not written to yet is looked up at the relay.
    ///
    /// # Errors
    /// `Refused` with 131026 if there is nobody; `Device`; those of the database.
    pub async fn resolve(&self, number: &Number, recipient: &Recipient) -> Result<Arc<Known>, HostError> {
        let nobody = || Refusal::new(Code::Undeliverable, "There is nobody here with this number or id.");
        if let Recipient::Number(to) = recipient
            && *to == number.number
        {
            return Err(Refusal::new(Code::ToSender, "This is the number that it would be sent from.").into());
        }
        if let Some(known) = self.find(number, recipient).await? {
            return Ok(known);
        }
        let Recipient::Number(to) = recipient else { return Err(nobody().into()) };
        let known = self.look_up(number, to).await?.ok_or_else(nobody)?;
        let name = self.number_name(number.business, to).await?;
        self.by_number.keep((number.business, name), known.clone(), self.ground.now());
        Ok(known)
    }

    /// The same; for a number that nobody has, whoever may come to have it, and `false`.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve).
    pub(crate) async fn resolve_or_await(
        &self,
        number: &Number,
        recipient: &Recipient,
    ) -> Result<(Arc<Known>, bool), HostError> {
        match (self.resolve(number, recipient).await, recipient) {
            (Err(HostError::Refused(refusal)), Recipient::Number(to))
                if refusal.code == Code::Undeliverable =>
            {
                let access = Access::by("messages", number.business, Purpose::Deliver);
                Ok((self.awaited(&access, number.business, to, "").await?, false))
            }
            (known, _) => Ok((known?, true)),
        }
    }

    /// Whom a recipient names, of those that the business knows.
    ///
    /// # Errors
    /// Those of the gate and of the database.
    pub async fn find(
        &self,
        number: &Number,
        recipient: &Recipient,
    ) -> Result<Option<Arc<Known>>, HostError> {
        let business = number.business;
        match recipient {
            Recipient::Number(to) => {
                let key = (business, self.number_name(business, to).await?);
                if let Some(known) = self.by_number.get(&key, self.ground.now()) {
                    return Ok(Some(known));
                }
                let found = store::by_number(&mut self.ground.reader().await?, business, key.1).await?;
                let found = found.filter(|found| !found.awaited);
                let known = self.open(business, found.into_iter().collect()).await?.pop();
                if let Some(known) = &known {
                    self.by_number.keep(key, known.clone(), self.ground.now());
                }
                Ok(known)
            }
            Recipient::User(user_id) => {
                let mut reader = self.ground.reader().await?;
                let found = store::by_user_id(&mut reader, business, user_id.as_str()).await?;
                drop(reader);
                let found = found.filter(|found| !found.awaited);
                Ok(self.open(business, found.into_iter().collect()).await?.pop())
            }
        }
    }

    /// These people.
    ///
    /// # Errors
    /// Those of the gate and of the database.
    pub async fn of_ids(
        &self,
        business: BusinessId,
        ids: &[PersonId],
    ) -> Result<HashMap<PersonId, Arc<Known>>, HostError> {
        let now = self.ground.now();
        let mut people = HashMap::new();
        let mut missing = Vec::new();
        for id in ids {
            match self.by_id.get(id, now) {
                Some(known) => drop(people.insert(*id, known)),
                None => missing.push(*id),
            }
        }
        if !missing.is_empty() {
            missing.sort_unstable();
            missing.dedup();
            let found = store::by_ids(&mut self.ground.reader().await?, business, &missing).await?;
            people
                .extend(self.open(business, found).await?.into_iter().map(|known| (known.person.id, known)));
        }
        Ok(people)
    }

    /// People as this one may see them: each reading stands in the log.
    ///
    /// # Errors
    /// Those of the gate and of the database.
    pub(crate) async fn shown(
        &self,
        access: &Access,
        ids: &[PersonId],
    ) -> Result<BTreeMap<PersonId, Arc<Known>>, HostError> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let found = store::by_ids(&mut self.ground.reader().await?, access.business, &ids).await?;
        let people = self.open_for(access, found).await?;
        Ok(people.into_iter().map(|known| (known.person.id, known)).collect())
    }

    /// By what the business names these people: nothing of them is opened for it.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn user_ids(
        &self,
        business: BusinessId,
        ids: &[PersonId],
    ) -> Result<HashMap<PersonId, UserId>, HostError> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let found = store::by_ids(&mut self.ground.reader().await?, business, &ids).await?;
        let named = |row: Stored| Ok((PersonId(row.id), row.user_id.parse().map_err(HostError::internal)?));
        found.into_iter().map(named).collect()
    }

    /// Whom a recipient names, of those with whom the business has chats: also somebody who is still to come. Nothing of them
    /// is opened for it.
    ///
    /// # Errors
    /// `Erased`; those of the database.
    pub(crate) async fn named(
        &self,
        business: BusinessId,
        recipient: &Recipient,
    ) -> Result<Option<PersonId>, HostError> {
        let found = match recipient {
            Recipient::Number(number) => {
                let name = self.number_name(business, number).await?;
                store::by_number(&mut self.ground.reader().await?, business, name).await?
            }
            Recipient::User(user_id) => {
                store::by_user_id(&mut self.ground.reader().await?, business, user_id.as_str()).await?
            }
        };
        Ok(found.map(|found| PersonId(found.id)))
    }

    /// Those who wrote to a number, also for the first time. Accounts that are gone are not among them.
    ///
    /// # Errors
    /// `Device`; those of the gate and of the database.
    pub async fn of_accounts(
        &self,
        number: &Number,
        device: &Device,
        accounts: &[AccountId],
    ) -> Result<HashMap<AccountId, Arc<Known>>, HostError> {
        let (now, business) = (self.ground.now(), number.business);
        let mut people = HashMap::new();
        let mut missing = Vec::new();
        for account in accounts {
            match self.by_account.get(&(business, *account), now) {
                Some(known) => drop(people.insert(*account, known)),
                None => missing.push(*account),
            }
        }
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            return Ok(people);
        }
        let found = store::by_accounts(&mut self.ground.reader().await?, business, &missing).await?;
        let found = self.open(business, found).await?;
        missing.retain(|account| !found.iter().any(|known| known.person.account == *account));
        people.extend(found.into_iter().map(|known| (known.person.account, known)));
        if !missing.is_empty() {
            let names: Vec<Result<(AccountId, String), HostError>> = stream::iter(missing.clone())
                .map(|account| async move {
                    let profile = match device.profile_of(account).await {
                        Ok(profile) => profile,
                        // Who could not be asked now is asked again: an empty name is kept. But of more people than the relay
                        // answers about no name is better than no message.
                        Err(error @ (client::Error::Link(_) | client::Error::Vault(_))) => {
                            return Err(error.into());
                        }
                        Err(_) => None,
                    };
                    Ok((account, profile.map(|profile| profile.name).unwrap_or_default()))
                })
                .buffer_unordered(FETCHES)
                .collect()
                .await;
            let names: HashMap<AccountId, String> = names.into_iter().collect::<Result<_, _>>()?;
            let new = device.user_ids(&missing).await?.into_iter().map(|(account, user_id)| {
                let name = names.get(&account).cloned().unwrap_or_default();
                (account, user_id, Details { number: None, name })
            });
            let new = self.write(business, new.collect()).await?;
            people.extend(new.into_iter().map(|known| (known.person.account, known)));
        }
        Ok(people)
    }

    /// Notes what is now known of somebody.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn learn(&self, known: &Known, details: Details) -> Result<Arc<Known>, HostError> {
        let person = &known.person;
        let new = vec![(person.account, person.user_id.to_string(), details)];
        let written = self.write(person.business, new).await?;
        written.into_iter().next().ok_or(HostError::NotFound("person"))
    }

    /// How a person stands with a number.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn standing(&self, number: NumberId, person: PersonId) -> Result<Standing, HostError> {
        let found = store::standing(&mut self.ground.reader().await?, number, person).await?;
        Ok(found.unwrap_or(Standing { wrote: None, blocked: false, marketing_stopped: false }))
    }

    /// Tells the desk of a number, wherever it is, that there is something to do.
    pub(super) async fn wake(&self, number: NumberId) {
        match self.running.live(number) {
            Some(live) => live.wake.notify_one(),
            None => crate::messages::tell_desk(&*self.ground.bus, number).await,
        }
    }

    /// Forgets all that is in memory of anybody: it is read again, for a purpose that is still allowed.
    pub(crate) fn forget_all(&self) {
        self.by_id.forget_all();
        self.by_account.forget_all();
        self.by_number.forget_all();
    }

    /// Forgets what is in memory of somebody.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn forget(&self, known: &Known) -> Result<(), HostError> {
        let business = known.person.business;
        self.by_id.forget(&known.person.id);
        self.by_account.forget(&(business, known.person.account));
        if let Some(number) = &known.details.number {
            self.by_number.forget(&(business, self.number_name(business, number).await?));
        }
        Ok(())
    }

    pub(super) async fn number_name(
        &self,
        business: BusinessId,
        number: &PhoneNumber,
    ) -> Result<[u8; 32], HostError> {
        Ok(self.gate.names(business).await?.name("number", number.as_str().as_bytes()))
    }

    pub(super) async fn look_up(
        &self,
        number: &Number,
        to: &PhoneNumber,
    ) -> Result<Option<Arc<Known>>, HostError> {
        let device = self.running.asking(number).await?;
        let Some(found) = device.find(std::slice::from_ref(to)).await?.pop() else { return Ok(None) };
        let mut reader = self.ground.reader().await?;
        let there = store::by_accounts(&mut reader, number.business, &[found.account]).await?;
        drop(reader);
        if let Some(known) = self.open(number.business, there).await?.pop() {
            let details = Details { number: Some(to.clone()), name: known.details.name.clone() };
            return self.learn(&known, details).await.map(Some);
        }
        let Some((account, user_id)) = device.user_ids(&[found.account]).await?.pop() else {
            return Ok(None);
        };
        let details = Details { number: Some(to.clone()), name: String::new() };
        Ok(self.write(number.business, vec![(account, user_id, details)]).await?.pop())
    }

    async fn write(
        &self,
        business: BusinessId,
        people: Vec<(AccountId, String, Details)>,
    ) -> Result<Vec<Arc<Known>>, HostError> {
        let mut new = Vec::with_capacity(people.len());
        for (account, user_id, details) in &people {
            let plain = serde_json::to_vec(details).map_err(HostError::internal)?;
            let place = Place { domain: Domain::Person, name: account.as_bytes() };
            let sealed = self.gate.seal(business, place, &plain).await?.into_stored();
            let number_name = match &details.number {
                Some(number) => Some(self.number_name(business, number).await?),
                None => None,
            };
            new.push(New { account: *account, user_id: user_id.clone(), number_name, sealed });
        }
        let (new, now) = (Arc::new(new), self.ground.now());
        let written = self.ground.write(business.get(), move |transaction| {
            let new = new.clone();
            Box::pin(async move { Ok(store::put(transaction, business, &new, now).await?) })
        });
        written.await?;
        let accounts: Vec<_> = people.iter().map(|(account, ..)| *account).collect();
        for account in &accounts {
            self.by_account.forget(&(business, *account));
        }
        let found = store::by_accounts(&mut self.ground.reader().await?, business, &accounts).await?;
        self.open(business, found).await
    }

    async fn open(&self, business: BusinessId, found: Vec<Stored>) -> Result<Vec<Arc<Known>>, HostError> {
        let people = self.open_for(&Access::by("messages", business, Purpose::Deliver), found).await?;
        let now = self.ground.now();
        for known in &people {
            self.by_id.keep(known.person.id, known.clone(), now);
            self.by_account.keep((business, known.person.account), known.clone(), now);
        }
        Ok(people)
    }

    pub(super) async fn open_for(
        &self,
        access: &Access,
        found: Vec<Stored>,
    ) -> Result<Vec<Arc<Known>>, HostError> {
        let business = access.business;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let names = found.iter().map(|row| row.user_id.clone()).collect();
        let subject = Subject { kind: SubjectKind::Person, names };
        let sealed: Vec<_> = found.iter().map(|row| Sealed::from_stored(row.sealed.clone())).collect();
        let places = found.iter().map(|row| Place { domain: Domain::Person, name: &row.account });
        let sealed: Vec<_> = places.zip(&sealed).collect();
        let opened = self.gate.open(access, subject, &sealed).await?;
        let mut people = Vec::with_capacity(found.len());
        for (row, plain) in found.iter().zip(opened) {
            let details =
                plain.try_map(|bytes| serde_json::from_slice(&bytes)).map_err(HostError::internal)?;
            let account = AccountId::try_from(&row.account[..]).map_err(HostError::internal)?;
            let user_id: UserId = row.user_id.parse().map_err(HostError::internal)?;
            let person = Person { id: PersonId(row.id), business, user_id, account };
            people.push(Arc::new(Known { person, details }));
        }
        Ok(people)
    }
}
