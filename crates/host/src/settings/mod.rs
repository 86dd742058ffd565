//! What a business sets for a number: its profile, its PIN, what stands in front of a chat. Sealed like everything else.

mod automation;
mod compliance;
mod pin;
mod profile;
mod store;

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};

pub(crate) use self::store::{MIGRATIONS, erase};
pub use self::{
    automation::{Automation, Command},
    compliance::{Answerable, Compliance, ENTITIES},
    pin::{Checked, Registration},
    profile::{Profile, VERTICALS},
};
use crate::{
    HostError,
    ground::Ground,
    ids::NumberId,
    numbers::Number,
    sealing::{BusinessKey, Domain, Keys, Place},
    webhooks::{self, NewEvent},
};

/// A kind of setting. Its JSON is stored: a new field has a default.
pub trait Setting: Serialize + DeserializeOwned + Default + Send + Sync + 'static {
    /// What stands for it in the table.
    const KIND: &'static str;
}

/// Whether people can have a cart, and see the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Commerce {
    /// A cart.
    pub is_cart_enabled: bool,
    /// The catalogue.
    pub is_catalog_visible: bool,
}

impl Default for Commerce {
    fn default() -> Self {
        Self { is_cart_enabled: true, is_catalog_visible: false }
    }
}

impl Setting for Commerce {
    const KIND: &'static str = "commerce";
}

/// Whether a send is refused once a person's identity key changed, until the business knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(default)]
pub struct IdentityChange {
    /// Whether it is.
    pub enable_identity_key_check: bool,
}

impl Setting for IdentityChange {
    const KIND: &'static str = "identity_change";
}

/// One of a number, opened with the key of its business; what it is by default if nobody set it.
pub(crate) async fn of<T: Setting>(
    ground: &Ground,
    key: &BusinessKey,
    number: NumberId,
) -> Result<T, HostError> {
    let found = store::get(&mut ground.reader().await?, number, T::KIND).await?;
    read::<T>(key, number, found.as_deref())
}

/// All settings.
#[derive(Debug)]
pub struct Settings {
    ground: Arc<Ground>,
    keys: Arc<Keys>,
}

impl Settings {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>, keys: Arc<Keys>) -> Arc<Self> {
        Arc::new(Self { ground, keys })
    }

    /// One of a number; what it is by default if nobody set it.
    ///
    /// # Errors
    /// `Erased`, `Sealed`; those of the database.
    pub async fn get<T: Setting>(&self, number: &Number) -> Result<T, HostError> {
        let found = store::get(&mut self.ground.reader().await?, number.id, T::KIND).await?;
        let key = self.keys.for_opening(number.business, found.as_deref().into_iter()).await?;
        read::<T>(&key, number.id, found.as_deref())
    }

    /// Changes one, and says what `change` says. Two changes never lose one another.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn change<T: Setting, R: Send + 'static>(
        &self,
        number: &Number,
        change: impl Fn(&mut T) -> R + Send + Sync + 'static,
    ) -> Result<R, HostError> {
        self.change_telling(number, None, move |setting| (change(setting), false)).await
    }

    /// The same; where `change` says so too, `event` is told, in the same transaction. Who calls wakes the webhooks.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn change_telling<T: Setting, R: Send + 'static>(
        &self,
        number: &Number,
        event: Option<NewEvent>,
        change: impl Fn(&mut T) -> (R, bool) + Send + Sync + 'static,
    ) -> Result<R, HostError> {
        let key = self.keys.of(number.business).await?;
        let (id, business) = (number.id, number.business);
        let (change, nonce) = (Arc::new(change), self.ground.random::<12>());
        let written = self.ground.write(id.get(), move |transaction| {
            let (key, change, event) = (key.clone(), change.clone(), event.clone());
            Box::pin(async move {
                let found = store::locked(transaction, id, T::KIND).await?;
                let mut setting = read::<T>(&key, id, found.as_deref())?;
                let (said, tell) = change(&mut setting);
                let text = serde_json::to_vec(&setting).map_err(HostError::internal)?;
                let name = name(id, T::KIND);
                let place = Place { domain: Domain::Business, name: &name };
                let sealed = key.seal(place, nonce, &text)?;
                store::set(transaction, (business, id), T::KIND, sealed.stored()).await?;
                webhooks::add(transaction, event.filter(|_| tell).into_iter().collect()).await?;
                Ok(said)
            })
        });
        written.await
    }

    /// The time, for settings that know it.
    #[must_use]
    pub fn now(&self) -> ::store::Timestamp {
        self.ground.now()
    }
}

fn name(number: NumberId, kind: &str) -> Vec<u8> {
    format!("setting {number} {kind}").into_bytes()
}

fn read<T: Setting>(key: &BusinessKey, number: NumberId, sealed: Option<&[u8]>) -> Result<T, HostError> {
    let Some(sealed) = sealed else { return Ok(T::default()) };
    let name = name(number, T::KIND);
    let text = key.open_own(&name, sealed)?;
    serde_json::from_slice(&text).map_err(|_| HostError::Sealed("a setting"))
}
