//! What a host stores is encrypted under a key per business, and that under the master key.
//!
//! ```text
//! master key (file, environment, command)
//!   └─ wraps the business's keys, by version, in a database of their own: deleting their rows deletes the business, and no
//!      copy of the other tables brings it back
//!        └─ HKDF ─ content, vault, media: AES-256-GCM-SIV · names, words: HMAC-SHA256, for look-ups without plaintext
//! ```
//!
//! Sealed bytes begin with the version of their key, so that a new version serves new bytes and the old one reads the old.
//! They are bound to the business, a domain and a name ([`Place`]): moved elsewhere in the tables they do not open.

mod business_key;
mod master;
mod opening;
mod store;

use std::{fmt, sync::Arc, time::Duration};

use ::store::{
    sql::{Connection, Database, Transaction},
    writer::Writer,
};
use futures_util::future::BoxFuture;

pub(crate) use self::opening::{KeyTasks, Owning};
pub(crate) use self::store::MIGRATIONS;
pub use self::{
    business_key::{BusinessKey, Domain, Place},
    master::{MasterKey, MasterKeyConfig},
};
use crate::{
    HostError,
    ground::{Ground, Recent},
    ids::BusinessId,
};

/// How often it is tried to empty the log of keys, and how long who reads them is waited for.
const TRIES: u32 = 10;
const READING: Duration = Duration::from_millis(100);
/// How many businesses' keys are kept in memory.
const CACHED: usize = 10_000;

/// Bytes that do not open without the gate ([`crate::purposes`]).
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// From a column.
    #[must_use]
    pub const fn from_stored(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// For a column.
    #[must_use]
    pub fn stored(&self) -> &[u8] {
        &self.0
    }

    /// For a column, without a copy.
    #[must_use]
    pub fn into_stored(self) -> Vec<u8> {
        self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// Where the wrapped keys are.
#[derive(Debug, Clone)]
pub struct KeyPlace {
    /// For reading.
    pub database: Database,
    /// For writing.
    pub writer: Writer,
}

impl KeyPlace {
    async fn reader(&self) -> Result<Connection, HostError> {
        Ok(self.database.reader().await?)
    }

    async fn write<T, F>(&self, business: BusinessId, operation: F) -> Result<T, HostError>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut Transaction) -> BoxFuture<'t, Result<T, HostError>> + Send + Sync + 'static,
    {
        self.writer.write(business.get(), operation).await
    }
}

/// The keys of all businesses.
#[derive(Debug)]
pub struct Keys {
    ground: Arc<Ground>,
    place: KeyPlace,
    masters: Vec<MasterKey>,
    cached: Recent<BusinessId, Arc<BusinessKey>>,
}

impl Keys {
    /// With these master keys: the first wraps what is new, the others open what is old. The wrapped keys are among the
    /// other tables.
    ///
    /// # Errors
    /// `MasterKey` if there is none.
    pub fn new(ground: Arc<Ground>, masters: Vec<MasterKey>) -> Result<Arc<Self>, HostError> {
        let place = KeyPlace { database: ground.database.clone(), writer: ground.writer.clone() };
        Self::at(ground, masters, place)
    }

    /// The same, with the wrapped keys in this place.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn at(ground: Arc<Ground>, masters: Vec<MasterKey>, place: KeyPlace) -> Result<Arc<Self>, HostError> {
        if masters.is_empty() {
            return Err(HostError::MasterKey("none is configured".to_owned()));
        }
        Ok(Arc::new(Self { ground, place, masters, cached: Recent::new(CACHED) }))
    }

    /// Takes keys that are still among the other tables to their own place: those of a host that is older than it.
    ///
    /// # Errors
    /// Those of the databases.
    pub async fn move_in(&self) -> Result<(), HostError> {
        if store::all(&mut self.ground.reader().await?, 1).await?.is_empty() {
            return Ok(());
        }
        // Whoever has the file with the tables must not find them there.
        self.ground.database.set_overwrite(true).await?;
        let moved = self.move_all().await;
        self.ground.database.set_overwrite(false).await?;
        self.ground.database.empty_log().await?;
        moved
    }

    async fn move_all(&self) -> Result<(), HostError> {
        loop {
            let found = store::all(&mut self.ground.reader().await?, 256).await?;
            if found.is_empty() {
                return Ok(());
            }
            let (rows, now) = (Arc::new(found), self.ground.now());
            for row in rows.iter() {
                let (business, kept) = (row.business, row.clone());
                let written = self.place.write(business, move |transaction| {
                    let row = kept.clone();
                    Box::pin(async move {
                        let (version, master) = (row.version, row.master);
                        store::insert(transaction, row.business, version, master, &row.wrapped, now).await?;
                        Ok(())
                    })
                });
                written.await?;
                // It is there: here it can go, unless that is another one.
                let there = store::versions(&mut self.place.reader().await?, business).await?;
                let there = there.iter().find(|there| there.version == row.version);
                let there = there.ok_or(HostError::Sealed("a key that was moved is not there"))?;
                if self.unwrapped(there)? != self.unwrapped(row)? {
                    return Err(HostError::Conflict("a business has two keys of the same version"));
                }
                let moved = row.clone();
                let written = self.ground.write(business.get(), move |transaction| {
                    let row = moved.clone();
                    Box::pin(async move { Ok(store::remove(transaction, &row).await?) })
                });
                written.await?;
            }
        }
    }

    /// Looks whether there is a master key for every key.
    ///
    /// # Errors
    /// `MasterKey` if there is not: what is under it would not open. Those of the database.
    pub async fn check_masters(&self) -> Result<(), HostError> {
        let used = store::masters(&mut self.place.reader().await?).await?;
        if used.iter().all(|name| self.masters.iter().any(|master| master.name() == *name)) {
            return Ok(());
        }
        Err(HostError::MasterKey("keys of businesses are under one that is not configured".to_owned()))
    }

    /// Makes a business's first key. Safe to repeat: a second one is not made.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn create(&self, business: BusinessId) -> Result<(), HostError> {
        self.add_version(business, 1).await
    }

    /// The key of a business.
    ///
    /// # Errors
    /// `Erased` if there is none any more, `KeyMissing` if there should be one, `Sealed` if no master key opens it; those of the database.
    pub async fn of(&self, business: BusinessId) -> Result<Arc<BusinessKey>, HostError> {
        if let Some(key) = self.cached.get(&business, self.ground.now()) {
            return Ok(key);
        }
        let versions = store::versions(&mut self.place.reader().await?, business).await?;
        if versions.is_empty() {
            // Keys are in a place of their own: that there is none may also mean that it is another one than was meant.
            let known = store::knows(&mut self.ground.reader().await?, business).await?;
            return Err(if known { HostError::KeyMissing } else { HostError::Erased });
        }
        let mut opened = Vec::with_capacity(versions.len());
        for version in versions {
            opened.push((version.version, self.unwrapped(&version)?));
        }
        let key = Arc::new(BusinessKey::new(business, opened)?);
        self.cached.keep(business, key.clone(), self.ground.now());
        Ok(key)
    }

    /// The key of a business, which has to open these: if one of them is under a newer one than this process knows, another
    /// process gave it to the business just now.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub(crate) async fn for_opening<'a>(
        &self,
        business: BusinessId,
        mut sealed: impl Iterator<Item = &'a [u8]> + Send,
    ) -> Result<Arc<BusinessKey>, HostError> {
        let key = self.of(business).await?;
        if !sealed.any(|sealed| key.is_older_than(sealed)) {
            return Ok(key);
        }
        self.forget(business);
        self.of(business).await
    }

    /// Gives a business a new version of its key: for what is sealed from now on.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub async fn rotate(&self, business: BusinessId) -> Result<u8, HostError> {
        let latest = self.of(business).await?.latest();
        let next = latest.checked_add(1).ok_or(HostError::Conflict("a key has at most 255 versions"))?;
        self.add_version(business, next).await?;
        self.forget(business);
        self.ground.changed(business).await;
        Ok(next)
    }

    /// Wraps the keys of all businesses under the first master key; afterwards the others may be taken away. How many
    /// were wrapped anew.
    ///
    /// # Errors
    /// `Sealed` for a key that none of the master keys opens; those of the database.
    pub async fn rewrap(&self) -> Result<u64, HostError> {
        let first = self.masters.first().ok_or(HostError::Sealed("no master key"))?;
        let mut wrapped = 0;
        loop {
            let old = store::not_under(&mut self.place.reader().await?, first.name(), 256).await?;
            if old.is_empty() {
                self.empty_log().await;
                return Ok(wrapped);
            }
            for row in old {
                let key = self.unwrapped(&row)?;
                let new = first.wrap_key(row.business, row.version, &key, self.ground.random())?;
                let name = first.name();
                let written = self.place.write(row.business, move |transaction| {
                    let new = new.clone();
                    Box::pin(async move {
                        Ok(store::replace(transaction, row.business, row.version, name, &new).await?)
                    })
                });
                written.await?;
                wrapped += 1;
            }
        }
    }

    /// Deletes a business's keys: nothing of it opens any more, here or in a copy of its tables, unless the copy has the keys.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn erase(&self, business: BusinessId) -> Result<(), HostError> {
        let written = self.place.write(business, move |transaction| {
            Box::pin(async move { Ok(store::erase(transaction, business).await?) })
        });
        written.await?;
        self.forget(business);
        self.ground.changed(business).await;
        self.empty_log().await;
        Ok(())
    }

    /// Takes what was deleted out of the log of the keys' database, where that is in this host's hands.
    async fn empty_log(&self) {
        // Among the other tables it is not: there the log is large, and read all the time.
        if self.ground.config.keys().is_none() {
            return;
        }
        for _ in 0..TRIES {
            match self.place.database.empty_log().await {
                Ok(true) => return,
                Ok(false) => tokio::time::sleep(READING).await,
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the log of keys was not emptied"
                    );
                    return;
                }
            }
        }
        tracing::warn!("the log of keys is being read all the time: it is emptied when the host stops");
    }

    /// Forgets what is in memory of a business's keys: they were changed or erased here or in another process.
    pub fn forget(&self, business: BusinessId) {
        self.cached.forget(&business);
    }

    /// Forgets all keys that are in memory.
    pub fn forget_all(&self) {
        self.cached.forget_all();
    }

    fn unwrapped(&self, row: &store::Wrapped) -> Result<zeroize::Zeroizing<[u8; 32]>, HostError> {
        let master = self.masters.iter().find(|master| master.name() == row.master);
        let master = master.ok_or(HostError::Sealed("the key of a business is under another master key"))?;
        master.unwrap_key(row.business, row.version, &row.wrapped)
    }

    async fn add_version(&self, business: BusinessId, version: u8) -> Result<(), HostError> {
        let first = self.masters.first().ok_or(HostError::Sealed("no master key"))?;
        let key = zeroize::Zeroizing::new(self.ground.random());
        let wrapped = first.wrap_key(business, version, &key, self.ground.random())?;
        let (name, now) = (first.name(), self.ground.now());
        let written = self.place.write(business, move |transaction| {
            let wrapped = wrapped.clone();
            Box::pin(
                async move { Ok(store::insert(transaction, business, version, name, &wrapped, now).await?) },
            )
        });
        written.await
    }
}
