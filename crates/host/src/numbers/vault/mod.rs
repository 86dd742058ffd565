//! The state of a number's device in the host's tables: a [`client::Vault`] on SQL.
//!
//! A save is refused when the number is no longer this process's ([`super::leases`]): two processes never write the state
//! of one device. What it holds in memory is what it wrote or read itself: nobody else writes it.

mod lane;
mod under_way;

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

use ::store::{StoreError, writer::LaneHandle};
use async_trait::async_trait;
use client::{
    Vault, VaultError,
    vault::{Change, Order, Record, Saving, Space},
};
use zeroize::Zeroizing;

pub(super) use self::lane::Written;
pub(crate) use self::lane::{Saves, Token};
use self::{
    lane::{Row, Save},
    under_way::{HandedIn, Memory, Name},
};
use super::{
    lists::{Effect, List},
    store,
};
use crate::{
    ground::Ground,
    ids::NumberId,
    sealing::{BusinessKey, Domain, Place},
};

/// The vault of one number.
pub(crate) struct SqlVault {
    ground: Arc<Ground>,
    saves: LaneHandle<Saves>,
    key: Arc<BusinessKey>,
    number: NumberId,
    token: Token,
    memory: Memory,
}

impl fmt::Debug for SqlVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlVault").field("number", &self.number).finish_non_exhaustive()
    }
}

impl SqlVault {
    /// The vault of a number, for whoever holds its lease. Others may read it.
    pub(crate) fn new(
        ground: Arc<Ground>,
        saves: LaneHandle<Saves>,
        key: Arc<BusinessKey>,
        number: NumberId,
        token: Token,
    ) -> Self {
        Self { ground, saves, key, number, token, memory: Memory::default() }
    }

    fn hidden(&self, what: &str, space: Space, name: &[u8]) -> [u8; 32] {
        let name = [&self.number.get().to_be_bytes()[..], &[space as u8], name].concat();
        self.key.name(what, &name)
    }

    /// The name of a record: hidden, behind its time if that stands in its key, so that what comes together stands
    /// together. The time is no secret: [`Row::position`] says it too.
    fn name(&self, space: Space, key: &[u8]) -> [u8; 32] {
        let mut name = self.hidden("vault name", space, key);
        let from = match space {
            Space::Outbox | Space::Outgoing | Space::Feed | Space::Reference => 0,
            // Behind its author.
            Space::Sent => 16,
            _ => return name,
        };
        let time = key.iter().skip(from).take(8);
        name.iter_mut().zip(time).for_each(|(to, from)| *to = *from);
        name
    }

    /// Whose a record is, if it is in a list of somebody's.
    fn owner(&self, space: Space, owner: &[u8]) -> Option<[u8; 32]> {
        (!owner.is_empty()).then(|| self.hidden("vault owner", space, owner))
    }

    fn place(&self, space: Space, name: &[u8], owner: &[u8], position: u64) -> Vec<u8> {
        let number = self.number.get().to_be_bytes();
        [&number[..], &[space as u8], name, owner, &position.to_be_bytes()].concat()
    }

    fn seal(
        &self,
        space: Space,
        key: &[u8],
        owner: &[u8],
        position: u64,
        value: &[u8],
    ) -> Result<Written, VaultError> {
        let len = u32::try_from(key.len()).map_err(|_| VaultError::Damaged)?;
        let (name, owner) = (self.name(space, key), self.owner(space, owner));
        let plain = Zeroizing::new([&len.to_be_bytes()[..], key, value].concat());
        let place = self.place(space, &name, owner.as_ref().map_or(&[], |owner| owner), position);
        let place = Place { domain: Domain::Vault, name: &place };
        let sealed = self.key.seal(place, self.ground.random(), &plain).map_err(|_| VaultError::Damaged)?;
        Ok(((space as u8, name), Some(Row { owner, position, sealed: sealed.into_stored() })))
    }

    fn open(&self, space: Space, row: &store::VaultRow) -> Result<Record, VaultError> {
        let position = u64::try_from(row.position).map_err(|_| VaultError::Damaged)?;
        let place = self.place(space, &row.name, &row.owner, position);
        let plain = self.key.open_state(&place, &row.value).map_err(|_| VaultError::Damaged)?;
        let (len, rest) = plain.split_first_chunk::<4>().ok_or(VaultError::Damaged)?;
        let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|_| VaultError::Damaged)?;
        let (key, value) = rest.split_at_checked(len).ok_or(VaultError::Damaged)?;
        Ok(Record { key: key.to_vec(), position, value: Zeroizing::new(value.to_vec()) })
    }
}

/// What may be held at once of records that are asked for together.
const TOGETHER: usize = 1000;
/// Records of a list that are read at once.
const PAGE: usize = 1000;

impl SqlVault {
    /// Reads records that are not in memory, all with one question, and keeps them there.
    async fn read(&self, names: Vec<Name>) -> Result<HashMap<Name, Option<Record>>, VaultError> {
        let mut read = HashMap::with_capacity(names.len());
        let mut names = names.into_iter();
        loop {
            let some: Vec<Name> = names.by_ref().take(TOGETHER).collect();
            if some.is_empty() {
                return Ok(read);
            }
            let mut hidden: HashMap<(u8, [u8; 32]), Name> =
                some.into_iter().map(|name| ((name.0 as u8, self.name(name.0, &name.1)), name)).collect();
            let mut reader = self.ground.reader().await.map_err(|error| unavailable(&error))?;
            let rows = store::vault_rows_named(&mut reader, self.number, hidden.keys().copied()).await;
            for row in rows.map_err(|error| unavailable(&error))? {
                let of = u8::try_from(row.space).map_err(|_| VaultError::Damaged)?;
                let id = <[u8; 32]>::try_from(&row.name[..]).map_err(|_| VaultError::Damaged)?;
                let name = hidden.remove(&(of, id)).ok_or(VaultError::Damaged)?;
                let record = self.open(name.0, &row.into())?;
                if record.key != name.1 {
                    return Err(VaultError::Damaged);
                }
                self.memory.keep(name.clone(), Some(&record));
                read.insert(name, Some(record));
            }
            for name in hidden.into_values() {
                self.memory.keep(name.clone(), None);
                read.insert(name, None);
            }
        }
    }

    /// The keys of a list, in order; the list is read once, and followed from then on.
    async fn listed(
        &self,
        space: Space,
        owner: Option<[u8; 32]>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, VaultError> {
        if let Some(found) = self.memory.listed(space, owner, order, limit) {
            return Ok(found);
        }
        self.memory.idle().await?;
        let (mut list, mut last) = (List::default(), 0);
        let page = i64::try_from(PAGE).unwrap_or(i64::MAX);
        loop {
            let mut reader = self.ground.reader().await.map_err(|error| unavailable(&error))?;
            let after = Order::After(last);
            let rows = store::vault_rows(&mut reader, self.number, space as u8, None, after, page).await;
            let rows = rows.map_err(|error| unavailable(&error))?;
            for row in &rows {
                let owner = match &row.owner[..] {
                    [] => None,
                    owner => Some(<[u8; 32]>::try_from(owner).map_err(|_| VaultError::Damaged)?),
                };
                let record = self.open(space, row)?;
                last = record.position;
                list.put(record.key, owner, record.position);
            }
            if rows.len() < PAGE {
                break;
            }
        }
        let found = list.scan(owner, order, limit);
        self.memory.keep_list(space, list);
        Ok(found)
    }
}

fn unavailable(error: &StoreError) -> VaultError {
    VaultError::Unavailable(error.to_string())
}

#[async_trait]
impl Vault for SqlVault {
    async fn load(&self, space: Space, key: &[u8]) -> Result<Option<Record>, VaultError> {
        let name = (space, key.to_vec());
        if let Some(known) = self.memory.record(&name) {
            return Ok(known);
        }
        let hidden = self.name(space, key);
        let mut reader = self.ground.reader().await.map_err(|error| unavailable(&error))?;
        let row = store::vault_row(&mut reader, self.number, space as u8, &hidden).await;
        let row = row.map_err(|error| unavailable(&error))?;
        let record = row.map(|row| self.open(space, &row)).transpose()?;
        if record.as_ref().is_some_and(|record| record.key != key) {
            return Err(VaultError::Damaged);
        }
        self.memory.keep(name, record.as_ref());
        Ok(record)
    }

    async fn scan(
        &self,
        space: Space,
        owner: Option<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Record>, VaultError> {
        let owner = owner.and_then(|owner| self.owner(space, owner));
        if List::is(space) {
            let keys = self.listed(space, owner, order, limit).await?;
            let mut found: Vec<(Name, Option<Option<Record>>)> = Vec::with_capacity(keys.len());
            for key in keys {
                let name = (space, key);
                let known = self.memory.record(&name);
                found.push((name, known));
            }
            let missing = found.iter().filter(|(_, known)| known.is_none());
            let mut read = self.read(missing.map(|(name, _)| name.clone()).collect()).await?;
            let records = found.into_iter().map(|(name, known)| match known {
                Some(known) => known,
                None => read.remove(&name).flatten(),
            });
            return Ok(records.flatten().collect());
        }
        self.memory.idle().await?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut reader = self.ground.reader().await.map_err(|error| unavailable(&error))?;
        let rows = store::vault_rows(&mut reader, self.number, space as u8, owner, order, limit).await;
        rows.map_err(|error| unavailable(&error))?.iter().map(|row| self.open(space, row)).collect()
    }

    async fn prefetch(&self, names: &[Name]) -> Result<(), VaultError> {
        // What does not fit would push out what was fetched before it.
        let missing = names.iter().filter(|name| !self.memory.has(name)).take(2 * TOGETHER);
        let missing: HashSet<Name> = missing.cloned().collect();
        self.read(missing.into_iter().collect()).await.map(drop)
    }

    async fn save(&self, changes: Vec<Change>) -> Result<(), VaultError> {
        self.hand_in(changes).await?.durable().await
    }

    async fn hand_in(&self, changes: Vec<Change>) -> Result<Saving, VaultError> {
        if changes.is_empty() {
            return self.memory.last();
        }
        let mut sealed = Vec::with_capacity(changes.len());
        let mut handed = HandedIn::default();
        for change in changes {
            let (space, key, written, known) = match change {
                Change::Put { space, key, owner, position, value } => {
                    let written = self.seal(space, &key, &owner, position, &value)?;
                    (space, key, written, Some((position, Arc::new(value))))
                }
                Change::Delete { space, key } => {
                    let written = ((space as u8, self.name(space, &key)), None);
                    (space, key, written, None)
                }
            };
            handed.lists.extend(Effect::of(space, &key, &written));
            handed.records.push(((space, key), known));
            sealed.push(written);
        }
        self.memory.hand_in(handed, |chain, answer| {
            let save = Save { number: self.number, token: self.token, changes: sealed, chain };
            self.saves.hand_in(save, answer).map_err(|error| unavailable(&error))
        })
    }
}

#[cfg(test)]
mod tests;
