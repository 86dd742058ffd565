//! The state of a number's device in the host's tables: a [`client::Vault`] on SQL.
//!
//! A save is one item of a lane: those of many numbers become one statement and one commit. It is refused when the number
//! is no longer this process's ([`super::leases`]): two processes never write the state of one device.
//!
//! What it holds in memory is what it wrote or read itself: nobody else writes it.

use std::{
    collections::{BTreeMap, HashMap, HashSet, btree_map::Entry},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ::store::{
    StoreError,
    sql::{Transaction, Value, query},
    writer::{Lane, LaneHandle},
};
use async_trait::async_trait;
use client::{
    Vault, VaultError,
    vault::{Change, Order, Record, Space},
};
use quick_cache::{Weighter, sync::Cache};
use tokio::sync::{RwLock, oneshot};
use zeroize::Zeroizing;

use super::{
    lists::{Effect, List, Lists},
    store,
};
use crate::{
    ground::Ground,
    ids::NumberId,
    sealing::{BusinessKey, Domain, Place},
};

/// Bytes of records that are kept in memory for each number.
const KEPT: u64 = 16 << 20;

/// Who may write the state of a number's device: the one whose lease has this.
pub(crate) type Token = [u8; 16];

/// The lane of all vaults.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Saves;

/// A record by space and hidden name; none takes it away.
pub(super) type Written = ((u8, [u8; 32]), Option<Row>);

/// A save.
#[derive(Debug)]
pub(crate) struct Save {
    number: NumberId,
    token: Token,
    changes: Vec<Written>,
}

#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) owner: Option<[u8; 32]>,
    pub(super) position: u64,
    sealed: Vec<u8>,
}

/// Whether it was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Saved {
    Yes,
    /// The number is another process's now.
    Lost,
}

impl Lane for Saves {
    type Item = Save;
    type Output = Saved;

    async fn apply(&self, transaction: &mut Transaction, items: &[Save]) -> Result<Vec<Saved>, StoreError> {
        let mut tokens = BTreeMap::new();
        let mut rows: BTreeMap<(NumberId, u8, [u8; 32]), Option<&Row>> = BTreeMap::new();
        let mut outputs = Vec::with_capacity(items.len());
        for item in items {
            let token = match tokens.entry(item.number) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(place) => *place.insert(store::token(transaction, item.number).await?),
            };
            if token != Some(item.token) {
                outputs.push(Saved::Lost);
                continue;
            }
            for ((space, name), row) in &item.changes {
                rows.insert((item.number, *space, *name), row.as_ref());
            }
            outputs.push(Saved::Yes);
        }
        let mut puts: Vec<[Value; 6]> = Vec::with_capacity(rows.len());
        let mut deletes: BTreeMap<(NumberId, u8), Vec<[Value; 1]>> = BTreeMap::new();
        for ((number, space, name), row) in rows {
            match row {
                Some(row) => puts.push([
                    number.into(),
                    i64::from(space).into(),
                    name.into(),
                    row.owner.as_ref().map_or(&[][..], |owner| owner).into(),
                    row.position.cast_signed().into(),
                    (&*row.sealed).into(),
                ]),
                None => deletes.entry((number, space)).or_default().push([name.into()]),
            }
        }
        query(
            "INSERT INTO vault_records (number, space, name, owner, position, value) VALUES {rows}
             ON CONFLICT (number, space, name) DO UPDATE
             SET owner = excluded.owner, position = excluded.position, value = excluded.value",
        )
        .rows(puts)
        .execute(transaction)
        .await?;
        // One statement for each space: SQLite would look for rows of several columns in the whole table.
        for ((number, space), names) in deletes {
            query("DELETE FROM vault_records WHERE number = $1 AND space = $2 AND name IN (VALUES {rows})")
                .bind(number)
                .bind(i64::from(space))
                .rows(names)
                .execute(transaction)
                .await?;
        }
        Ok(outputs)
    }

    fn key(&self, item: &Save) -> u64 {
        item.number.get()
    }
}

type Name = (Space, Vec<u8>);
type Known = Option<(u64, Arc<Zeroizing<Vec<u8>>>)>;

#[derive(Clone)]
struct Size;

impl Weighter<Name, Known> for Size {
    fn weight(&self, key: &Name, known: &Known) -> u64 {
        let value = known.as_ref().map_or(0, |(_, value)| value.len());
        (key.1.len() + value + 64) as u64
    }
}

/// The vault of one number.
pub(crate) struct SqlVault {
    ground: Arc<Ground>,
    saves: LaneHandle<Saves>,
    key: Arc<BusinessKey>,
    number: NumberId,
    token: Token,
    known: Cache<Name, Known, Size>,
    lists: Arc<Mutex<Lists>>,
    /// Held while a save is under way, also by one whose caller is gone: what is read afterwards is what was saved.
    turn: Arc<RwLock<()>>,
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
        let known = Cache::with_weighter(10_000, KEPT, Size);
        Self { ground, saves, key, number, token, known, lists: Arc::default(), turn: Arc::default() }
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
        let place = Place { domain: Domain::Vault, name: &place };
        let plain = self.key.open(place, &row.value).map_err(|_| VaultError::Damaged)?;
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
    fn known_record(&self, name: &Name) -> Option<Option<Record>> {
        let record = |(position, value): (u64, Arc<Zeroizing<Vec<u8>>>)| Record {
            key: name.1.clone(),
            position,
            value: Zeroizing::clone(&value),
        };
        self.known.get(name).map(|known| known.map(record))
    }

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
                self.known.insert(name.clone(), Some((record.position, Arc::new(record.value.clone()))));
                read.insert(name, Some(record));
            }
            for name in hidden.into_values() {
                self.known.insert(name.clone(), None);
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
        if let Some(list) = lock(&self.lists).get(space) {
            return Ok(list.scan(owner, order, limit));
        }
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
        lock(&self.lists).keep(space, list);
        Ok(found)
    }
}

fn lock(lists: &Mutex<Lists>) -> MutexGuard<'_, Lists> {
    lists.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unavailable(error: &StoreError) -> VaultError {
    VaultError::Unavailable(error.to_string())
}

#[async_trait]
impl Vault for SqlVault {
    async fn load(&self, space: Space, key: &[u8]) -> Result<Option<Record>, VaultError> {
        let _turn = self.turn.read().await;
        let name = (space, key.to_vec());
        if let Some(known) = self.known_record(&name) {
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
        let known = record.as_ref().map(|record| (record.position, Arc::new(record.value.clone())));
        self.known.insert(name, known);
        Ok(record)
    }

    async fn scan(
        &self,
        space: Space,
        owner: Option<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<Record>, VaultError> {
        let _turn = self.turn.read().await;
        let owner = owner.and_then(|owner| self.owner(space, owner));
        if List::is(space) {
            let keys = self.listed(space, owner, order, limit).await?;
            let mut found: Vec<(Name, Option<Option<Record>>)> = Vec::with_capacity(keys.len());
            for key in keys {
                let name = (space, key);
                let known = self.known_record(&name);
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
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut reader = self.ground.reader().await.map_err(|error| unavailable(&error))?;
        let rows = store::vault_rows(&mut reader, self.number, space as u8, owner, order, limit).await;
        rows.map_err(|error| unavailable(&error))?.iter().map(|row| self.open(space, row)).collect()
    }

    async fn prefetch(&self, names: &[Name]) -> Result<(), VaultError> {
        let _turn = self.turn.read().await;
        // What does not fit would push out what was fetched before it.
        let missing = names.iter().filter(|name| self.known.peek(*name).is_none()).take(2 * TOGETHER);
        let missing: HashSet<Name> = missing.cloned().collect();
        self.read(missing.into_iter().collect()).await.map(drop)
    }

    async fn save(&self, changes: Vec<Change>) -> Result<(), VaultError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut sealed = Vec::with_capacity(changes.len());
        let mut known = Vec::with_capacity(changes.len());
        let mut listed = Vec::new();
        for change in changes {
            match change {
                Change::Put { space, key, owner, position, value } => {
                    let written = self.seal(space, &key, &owner, position, &value)?;
                    listed.extend(Effect::of(space, &key, &written));
                    sealed.push(written);
                    known.push(((space, key), Some((position, Arc::new(value)))));
                }
                Change::Delete { space, key } => {
                    let written = ((space as u8, self.name(space, &key)), None);
                    listed.extend(Effect::of(space, &key, &written));
                    sealed.push(written);
                    known.push(((space, key), None));
                }
            }
        }
        let turn = self.turn.clone().write_owned().await;
        // Until it is known whether it happened, what was known is not.
        known.iter().for_each(|(name, _)| drop(self.known.remove(name)));
        let save = Save { number: self.number, token: self.token, changes: sealed };
        let (reply, answer) = oneshot::channel();
        let (all, before) = (self.lists.clone(), std::mem::take(&mut *lock(&self.lists)));
        let answered = move |outcome| {
            // Else they are read again.
            if matches!(outcome, Ok(Saved::Yes)) {
                let mut now = before;
                now.saved(listed);
                *lock(&all) = now;
            }
            drop(turn);
            let _ = reply.send(outcome);
        };
        self.saves.hand_in(save, answered).map_err(|error| unavailable(&error))?;
        let saved = answer.await.map_err(|_| VaultError::Unavailable("the writer has stopped".to_owned()))?;
        match saved.map_err(|error| unavailable(&error))? {
            Saved::Lost => Err(VaultError::InUse),
            Saved::Yes => {
                known.into_iter().for_each(|(name, value)| self.known.insert(name, value));
                Ok(())
            }
        }
    }
}
