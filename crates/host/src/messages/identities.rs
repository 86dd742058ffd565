//! Which identity keys people have, for numbers that check them (`enable_identity_key_check`): their software is shown a hash of
//! each, may send with it, and is refused once the key is another one (137000).

use std::collections::HashMap;

use ::store::Timestamp;
use client::AccountId;

use super::{
    Messages,
    store::{ChatRow, Pair},
};
use crate::{
    HostError,
    content::Identity,
    numbers::running::Live,
    people::{Known, PersonId},
    sealing::BusinessKey,
    settings::IdentityChange,
};

/// Those of the people of a batch.
#[derive(Debug, Default)]
pub(super) struct Identities {
    /// Whether they are shown.
    checked: bool,
    known: HashMap<PersonId, Identity>,
    new: Vec<PersonId>,
}

impl Identities {
    /// A person's, if the number checks them.
    pub(super) fn of(&self, person: PersonId) -> Option<Identity> {
        self.known.get(&person).filter(|_| self.checked).cloned()
    }

    /// Those that were not known before.
    pub(super) fn first_seen(&self) -> Vec<(PersonId, Identity)> {
        let new = self.new.iter();
        new.filter_map(|person| Some((*person, self.known.get(person)?.clone()))).collect()
    }

    /// A person has this one now.
    pub(super) fn now(&mut self, person: PersonId, identity: Identity) {
        self.known.insert(person, identity);
    }
}

/// A key that is another one than before.
pub(super) fn changed(key: &BusinessKey, digits: &str, since: Timestamp) -> Identity {
    Identity { hash: hash(key, digits), since, acknowledged: false }
}

fn hash(key: &BusinessKey, digits: &str) -> String {
    let hash = key.name("identity", digits.as_bytes());
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

impl Messages {
    /// The identities of these people, if the number checks them. Those that the tables do not know, the device does.
    pub(super) async fn identities<'a>(
        &self,
        live: &Live,
        key: &BusinessKey,
        chats: &HashMap<Pair, ChatRow>,
        people: impl Iterator<Item = (AccountId, &'a Known)>,
    ) -> Result<Identities, HostError> {
        let setting: IdentityChange = self.settings.get(&live.number).await?;
        let mut identities =
            Identities { checked: setting.enable_identity_key_check, ..Identities::default() };
        if !identities.checked {
            return Ok(identities);
        }
        for (account, known) in people {
            let person = known.person.id;
            if identities.known.contains_key(&person) {
                continue;
            }
            let chat = chats.get(&(live.number.id, person));
            let identity = match chat.and_then(|chat| Some((chat, chat.identity.clone()?))) {
                Some((chat, hash)) => Identity {
                    hash,
                    since: chat.identity_since.unwrap_or(Timestamp(chat.latest)),
                    acknowledged: chat.identity_acknowledged.unwrap_or(true),
                },
                None => {
                    identities.new.push(person);
                    let digits = live.device.safety_number(account).await?.digits;
                    Identity { hash: hash(key, &digits), since: self.ground.now(), acknowledged: true }
                }
            };
            identities.known.insert(person, identity);
        }
        Ok(identities)
    }
}
