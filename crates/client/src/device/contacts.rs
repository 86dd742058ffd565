//! Who this account knows.

use wire::{
    AccountId, PhoneNumber,
    api::{Blocks, Found, FoundAccount, Lookup},
    content::{Blocked, ContactChange, SyncEvent},
    limits,
};

use super::Device;
use crate::{
    BusinessName, Contact, Error, Event,
    link::relay::NOTHING,
    records::{LabelRecord, PeerRecord, Purpose, Work, decode},
    vault::{Order, Space},
};

/// Contacts that a new device is told of.
const INTRODUCED: usize = 2000;

pub(super) async fn contact(work: &Work<'_>, peer: &PeerRecord) -> Result<Contact, Error> {
    Ok(Contact {
        account: peer.account()?,
        name: Some(peer.name.clone()).filter(|name| !name.is_empty()),
        number: peer.number.parse().ok(),
        profile: peer.profile.as_ref().map(super::profile::from_wire),
        business: business_name(work, &peer.account).await?,
        blocked: peer.blocked,
        trust: peer.trust(),
    })
}

/// What a label says that an account is called, if it is a business.
async fn business_name(work: &Work<'_>, account: &[u8]) -> Result<Option<BusinessName>, Error> {
    let record = work.load::<LabelRecord>(Space::Label, account).await?;
    let Some(record) = record.filter(|record| record.business) else { return Ok(None) };
    let holds = record.standing().is_good();
    let declaration = record.declaration.unwrap_or_default();
    Ok(Some(BusinessName { name: declaration.name, vouched: holds && declaration.verified }))
}

impl Device {
    /// Everybody this device knows something of.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn contacts(&self) -> Result<Vec<Contact>, Error> {
        let mut contacts = Vec::new();
        let peers = self.peers(usize::MAX).await?;
        let work = self.work().await?;
        for peer in peers {
            contacts.push(contact(&work, &peer).await?);
        }
        Ok(contacts)
    }

    async fn peers(&self, limit: usize) -> Result<Vec<PeerRecord>, Error> {
        let work = self.work().await?;
        let (mut peers, mut last) = (Vec::new(), 0);
        while peers.len() < limit {
            let page = work.scan(Space::Peer, None, Order::After(last), 1000).await?;
            let Some(end) = page.last() else { break };
            last = end.position;
            for record in &page {
                let peer: PeerRecord = decode(record)?;
                if peer.account()? != self.account() {
                    peers.push(peer);
                }
            }
        }
        Ok(peers)
    }

    /// What is known of somebody.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn contact(&self, account: AccountId) -> Result<Contact, Error> {
        let work = self.work().await?;
        contact(&work, &work.peer(account).await?).await
    }

    /// Calls somebody by a name on all own devices; an empty one takes the name back.
    ///
    /// # Errors
    /// [`Error::Vault`], [`Error::OutboxFull`].
    pub async fn set_contact(
        &self,
        account: AccountId,
        name: &str,
        number: Option<&PhoneNumber>,
    ) -> Result<(), Error> {
        if name.len() > 1024 {
            return Err(Error::Invalid("the name is too long"));
        }
        let mut work = self.work().await?;
        Self::room_in_outbox(&mut work)?;
        let mut peer = work.peer(account).await?;
        name.clone_into(&mut peer.name);
        if let Some(number) = number {
            peer.number = number.to_string();
        }
        work.put_peer(&mut peer);
        if self.has_siblings(&work).await? {
            self.queue_sync(&mut work, contact_change(&peer), Purpose::Other, 0).await?;
        }
        work.events.push(Event::Contact { account });
        self.save(work).await
    }

    /// Tells a device that has just joined whom this account knows.
    pub(super) async fn introduce(&self) -> Result<(), Error> {
        for peer in self.peers(INTRODUCED).await?.iter().take(INTRODUCED) {
            if peer.name.is_empty() && peer.number.is_empty() && !peer.blocked {
                continue;
            }
            let mut work = self.work().await?;
            if Self::room_in_outbox(&mut work).is_err() {
                break;
            }
            self.queue_sync(&mut work, contact_change(peer), Purpose::Other, 0).await?;
            if peer.blocked {
                let event = SyncEvent::Blocked(Blocked { account: peer.account.clone(), unblocked: false });
                self.queue_sync(&mut work, event, Purpose::Other, 0).await?;
            }
            self.save(work).await?;
        }
        Ok(())
    }

    /// Finds accounts by their numbers: those that let themselves be found.
    ///
    /// # Errors
    /// [`Error::Wait`], [`Error::Link`].
    pub async fn lookup(&self, numbers: &[PhoneNumber]) -> Result<Vec<FoundAccount>, Error> {
        let found = self.find(numbers).await?;
        let mut work = self.work().await?;
        for FoundAccount { number, account } in &found {
            let mut peer = work.peer(*account).await?;
            if peer.number != number.as_str() && *account != self.account() {
                peer.number = number.to_string();
                work.put_peer(&mut peer);
            }
        }
        self.save(work).await?;
        Ok(found)
    }

    /// The same, and nothing is noted: also for a process that may only read this device's state.
    ///
    /// # Errors
    /// [`Error::Wait`], [`Error::Link`].
    pub async fn find(&self, numbers: &[PhoneNumber]) -> Result<Vec<FoundAccount>, Error> {
        let mut found = Vec::new();
        for numbers in numbers.chunks(limits::LOOKUP) {
            let request = Lookup { numbers: numbers.to_vec() };
            let answer: Found = self.relay().ask("POST", "/v1/accounts/lookup", Some(&request)).await?;
            let asked = answer.accounts.into_iter().filter(|found| numbers.contains(&found.number));
            found.extend(asked.take(numbers.len()));
        }
        Ok(found)
    }

    /// Takes nothing from an account any more; it is not told.
    ///
    /// # Errors
    /// [`Error::Link`], [`Error::Refused`].
    pub async fn block(&self, account: AccountId) -> Result<(), Error> {
        self.set_blocked(account, true).await
    }

    /// Takes what an account sends from now on again.
    ///
    /// # Errors
    /// [`Error::Link`].
    pub async fn unblock(&self, account: AccountId) -> Result<(), Error> {
        self.set_blocked(account, false).await
    }

    async fn set_blocked(&self, account: AccountId, blocked: bool) -> Result<(), Error> {
        if account == self.account() {
            return Err(Error::Invalid("the own account cannot be blocked"));
        }
        let method = if blocked { "PUT" } else { "DELETE" };
        self.relay().tell(method, format!("/v1/blocks/{account}"), NOTHING).await?;
        let mut work = self.work().await?;
        let mut peer = work.peer(account).await?;
        peer.blocked = blocked;
        work.put_peer(&mut peer);
        if self.has_siblings(&work).await? {
            let event = Blocked { account: account.as_bytes().to_vec(), unblocked: !blocked };
            self.queue_sync(&mut work, SyncEvent::Blocked(event), Purpose::Other, 0).await?;
        }
        work.events.push(Event::Contact { account });
        self.save(work).await
    }

    /// Who is blocked, as the relay knows it.
    ///
    /// # Errors
    /// [`Error::Link`].
    pub async fn blocks(&self) -> Result<Vec<AccountId>, Error> {
        let blocks: Blocks = self.relay().ask("GET", "/v1/blocks", NOTHING).await?;
        Ok(blocks.accounts)
    }
}

fn contact_change(peer: &PeerRecord) -> SyncEvent {
    SyncEvent::Contact(ContactChange {
        account: peer.account.clone(),
        name: peer.name.clone(),
        phone_number: peer.number.clone(),
    })
}
