//! The account, and its devices.

use wire::{
    DeviceId,
    api::{self, ChangeAccount, SetRegistrationLock},
};

use super::{Device, names};
use crate::{
    Error, OwnDevice,
    link::relay::NOTHING,
    vault::{Order, Space},
};

impl Device {
    /// The account as the relay knows it.
    ///
    /// # Errors
    /// [`Error::Link`].
    pub async fn account_at_relay(&self) -> Result<api::Account, Error> {
        self.relay().ask("GET", "/v1/account", NOTHING).await
    }

    /// All devices of the account.
    ///
    /// # Errors
    /// [`Error::Link`].
    pub async fn devices(&self) -> Result<Vec<OwnDevice>, Error> {
        let listed: api::Devices = self.relay().ask("GET", "/v1/devices", NOTHING).await?;
        let devices = listed.devices.into_iter().map(|device| OwnDevice {
            id: device.id,
            name: names::open(&self.0.local.identity, &device.name.0),
            created: device.created,
            last_seen: device.last_seen,
            this: device.id == self.device(),
        });
        Ok(devices.collect())
    }

    /// Asks for the own devices and remembers them: they get copies of what is sent.
    pub(super) async fn refresh_devices(&self) -> Result<Vec<OwnDevice>, Error> {
        let devices = self.devices().await?;
        let mut work = self.work().await?;
        let before = work.peer(self.account()).await?;
        let mut own = before.clone();
        let listed = |known: u32| devices.iter().any(|device| u32::from(device.id) == known);
        for known in before.devices.iter().filter(|known| !listed(known.device)) {
            if let Ok(device) = DeviceId::try_from(known.device) {
                own.forget_device(device);
                work.delete_session(self.account(), device);
            }
        }
        for device in devices.iter().filter(|device| !device.this) {
            if own.knows(device.id).is_none() {
                own.note_device(device.id, 0);
            }
        }
        if own != before {
            work.put_peer(&mut own);
            self.save(work).await?;
        }
        Ok(devices)
    }

    /// Removes a device from the account. A linked device may remove only itself.
    ///
    /// # Errors
    /// [`Error::PrimaryOnly`], [`Error::Refused`].
    pub async fn remove_device(&self, device: DeviceId) -> Result<(), Error> {
        if device != self.device() {
            self.primary_only()?;
        }
        self.relay().tell("DELETE", format!("/v1/devices/{device}"), NOTHING).await?;
        let mut work = self.work().await?;
        let mut own = work.peer(self.account()).await?;
        own.forget_device(device);
        work.put_peer(&mut own);
        work.delete_session(self.account(), device);
        self.save(work).await
    }

    /// Sets the PIN that registering the number again asks for, or takes it away.
    ///
    /// # Errors
    /// [`Error::PrimaryOnly`], [`Error::Refused`].
    pub async fn set_pin(&self, pin: Option<&str>) -> Result<(), Error> {
        self.primary_only()?;
        let path = "/v1/account/registration-lock";
        match pin {
            Some(pin) => {
                let body = SetRegistrationLock { pin: pin.to_owned() };
                self.relay().tell("PUT", path, Some(&body)).await
            }
            None => self.relay().tell("DELETE", path, NOTHING).await,
        }
    }

    /// Sets whether others find the account by its number.
    ///
    /// # Errors
    /// [`Error::PrimaryOnly`], [`Error::Link`].
    pub async fn set_discoverable(&self, discoverable: bool) -> Result<(), Error> {
        self.primary_only()?;
        self.relay().tell("PATCH", "/v1/account", Some(&ChangeAccount { discoverable })).await
    }

    /// Erases the account at the relay, and everything in this vault. The device is of no use after that.
    ///
    /// # Errors
    /// [`Error::PrimaryOnly`], [`Error::Link`].
    pub async fn delete_account(&self) -> Result<(), Error> {
        self.primary_only()?;
        self.relay().tell("DELETE", "/v1/account", NOTHING).await?;
        self.stop();
        self.erase().await
    }

    /// Erases the account at the relay, and nothing in this vault: for a program that erases the vault by other means.
    ///
    /// # Errors
    /// [`Error::PrimaryOnly`], [`Error::Link`].
    pub async fn close_account(&self) -> Result<(), Error> {
        self.primary_only()?;
        self.relay().tell("DELETE", "/v1/account", NOTHING).await
    }

    /// Erases everything in this vault, and nothing at the relay. The device is of no use after that.
    ///
    /// # Errors
    /// [`Error::Vault`].
    pub async fn erase(&self) -> Result<(), Error> {
        for space in Space::ALL {
            for order in [Order::After(0), Order::Before(1)] {
                loop {
                    let mut work = self.work().await?;
                    let page = work.scan(*space, None, order, 1000).await?;
                    if page.is_empty() {
                        break;
                    }
                    page.into_iter().for_each(|record| work.delete(*space, record.key));
                    self.save(work).await?;
                }
            }
        }
        Ok(())
    }
}
