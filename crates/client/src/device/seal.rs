//! Encrypting for every device of an account (Sesame): which devices there are, with which a session is missing.

use std::sync::Arc;

use keys::PublicKey;
use signal::{
    EncryptError, KemPreKeyId, MessageKind, OneTimePreKeyId, PreKeyBundle, RegistrationId, Session,
    SignedPreKeyId, Timestamp, Trust,
};
use wire::{
    AccountId, DeviceId, ErrorCode,
    api::{self, Bundle, Bundles},
    limits,
};

use super::Device;
use crate::{
    Error,
    error::damaged,
    link::relay::NOTHING,
    records::{PeerRecord, Purpose, QueuedSend, SealedPart, Work, name},
    vault::Space,
};

/// What came of sealing.
pub(super) enum Sealing {
    /// A ciphertext for each device.
    Sealed(Vec<SealedPart>),
    /// These devices' keys are to be fetched first; those of all if it does not say.
    Keys(Option<Vec<DeviceId>>),
    /// The identity key changed.
    Held,
}

impl Device {
    pub(super) async fn session(
        &self,
        work: &Work<'_>,
        account: AccountId,
        device: DeviceId,
    ) -> Result<Session, Error> {
        let address = crate::records::address(account, device)?;
        let local = Arc::clone(&self.0.local);
        let Some(bytes) = work.bytes(Space::Session, &name(account, device)).await? else {
            return Ok(Session::new(local, address));
        };
        // A session that cannot be read is lost like any other: the two devices begin a new one.
        Ok(Session::from_bytes(Arc::clone(&local), address.clone(), &bytes)
            .unwrap_or_else(|_| Session::new(local, address)))
    }

    pub(super) fn put_session(work: &mut Work<'_>, account: AccountId, device: DeviceId, session: &Session) {
        work.put(Space::Session, name(account, device), account.as_bytes(), 0, session.to_bytes());
    }

    /// Encrypts for each device of the recipient, or says what is missing and changes nothing.
    pub(super) async fn seal(&self, work: &mut Work<'_>, item: &QueuedSend) -> Result<Sealing, Error> {
        let to = item.to()?;
        let peer = work.peer(to).await?;
        let to_self = to == self.account();
        if peer.held() {
            return Ok(Sealing::Held);
        }
        // Having no other devices is what the own account may well have.
        if peer.devices.is_empty() && !to_self {
            return Ok(Sealing::Keys(None));
        }
        let identity = match to_self {
            true => Some(self.0.local.identity.public),
            false => peer.identity(),
        };
        let mut missing = Vec::new();
        let mut sessions = Vec::new();
        for known in &peer.devices {
            let device = DeviceId::try_from(known.device).map_err(|_| damaged("a device"))?;
            let ask_again = item.purpose() == Purpose::AskAgain;
            let session = self.session(work, to, device).await?;
            let usable = session.can_encrypt(Timestamp(work.now))
                && session.remote_identity() == identity.as_ref()
                && session.remote_registration_id() == Some(RegistrationId(known.registration_id));
            if known.registration_id == 0 || (!usable && !ask_again) {
                missing.push(device);
            }
            sessions.push((device, known.registration_id, session));
        }
        if !missing.is_empty() {
            return Ok(Sealing::Keys(Some(missing)));
        }
        let trust = identity.as_ref().map_or(Trust::FirstUse, Trust::Only);
        let mut padded = item.content.clone();
        wire::padding::pad(&mut padded);
        let mut parts = Vec::with_capacity(sessions.len());
        for (device, registration_id, mut session) in sessions {
            let (kind, body) = if item.purpose() == Purpose::AskAgain {
                (MessageKind::Plaintext, item.content.clone())
            } else {
                let now = Timestamp(work.now);
                match session.encrypt(&padded, trust, now, work.rng()) {
                    Ok(message) => {
                        Self::put_session(work, to, device, &session);
                        (message.kind, message.bytes)
                    }
                    // Looked at above; a chain that is used up is the only one left, and a new session mends it.
                    Err(EncryptError::TooLong { .. }) => {
                        return Err(Error::Invalid("the message is too long"));
                    }
                    Err(_) => return Ok(Sealing::Keys(Some(vec![device]))),
                }
            };
            parts.push(SealedPart {
                device: device.into(),
                registration_id,
                kind: i32::from(kind as u8),
                body: body.into(),
            });
        }
        Ok(Sealing::Sealed(parts))
    }

    /// Fetches keys of devices of an account, or of all, and begins sessions with them.
    pub(super) async fn fetch_keys(
        &self,
        account: AccountId,
        devices: Option<&[DeviceId]>,
    ) -> Result<(), Error> {
        let Some(devices) = devices else {
            let path = format!("/v1/accounts/{account}/keys");
            let bundles = match self.relay().ask::<Bundles>("GET", path, NOTHING).await {
                Err(error) if error.code() == Some(ErrorCode::NotFound) => return Err(Error::NoSuchAccount),
                other => other?,
            };
            return self.take_bundles(account, &bundles, None).await;
        };
        for device in devices {
            let path = format!("/v1/accounts/{account}/keys/{device}");
            match self.relay().ask::<Bundles>("GET", path, NOTHING).await {
                Ok(bundles) => self.take_bundles(account, &bundles, Some(*device)).await?,
                Err(error) if error.code() == Some(ErrorCode::NotFound) => {
                    let mut work = self.work().await?;
                    let mut peer = work.peer(account).await?;
                    peer.forget_device(*device);
                    work.put_peer(&mut peer);
                    work.delete_session(account, *device);
                    self.save(work).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Begins sessions with all devices of an account, or with the one that was asked for. An answer that would have to be
    /// asked for again changes nothing and is an error: whoever asks then waits.
    async fn take_bundles(
        &self,
        account: AccountId,
        bundles: &Bundles,
        asked: Option<DeviceId>,
    ) -> Result<(), Error> {
        const BAD: Error = Error::Answer("a bundle is not one");
        let identity = PublicKey::from_bytes(&bundles.identity_key.0).map_err(|_| BAD)?;
        if !bundles.devices.iter().all(within_limits) {
            return Err(Error::Answer("a bundle with a number that is out of range"));
        }
        let complete = match asked {
            Some(device) => bundles.devices.iter().any(|bundle| bundle.device == device),
            None => !bundles.devices.is_empty(),
        };
        if !complete {
            return Err(Error::Answer("not the keys that were asked for"));
        }
        let mut work = self.work().await?;
        let mut peer = work.peer(account).await?;
        if account == self.account() {
            // Nobody but the devices of this account has its identity key.
            if identity != self.0.local.identity.public {
                return Err(Error::Answer("another identity key for the own account"));
            }
        } else {
            self.note_identity(&mut work, &mut peer, &identity)?;
        }
        if asked.is_none() {
            let listed = |known: u32| bundles.devices.iter().any(|bundle| u32::from(bundle.device) == known);
            for known in peer.devices.iter().filter(|known| !listed(known.device)) {
                let device = DeviceId::try_from(known.device).map_err(|_| damaged("a device"))?;
                work.delete_session(account, device);
            }
            peer.devices.retain(|known| listed(known.device));
        }
        let now = Timestamp(work.now);
        for bundle in bundles.devices.iter().take(127) {
            if account == self.account() && bundle.device == self.device() {
                continue;
            }
            peer.note_device(bundle.device, bundle.registration_id);
            if peer.held() {
                continue;
            }
            let mut session = self.session(&work, account, bundle.device).await?;
            let bundle = parse(bundle, identity).ok_or(BAD)?;
            session.start(&bundle, Trust::Only(&identity), now, work.rng()).map_err(|_| BAD)?;
            let device = DeviceId::try_from(u32::from(bundle.device.get())).map_err(|_| BAD)?;
            Self::put_session(&mut work, account, device, &session);
        }
        work.put_peer(&mut peer);
        self.save(work).await
    }

    /// Notes the identity key that an account was seen with, and tells if it is another one.
    pub(super) fn note_identity(
        &self,
        work: &mut Work<'_>,
        peer: &mut PeerRecord,
        identity: &PublicKey,
    ) -> Result<(), Error> {
        if peer.note_identity(identity) {
            if work.upkeep().accept_changed && !peer.verified {
                peer.accept();
            }
            Self::tell_identity(work, peer.account()?, peer.held());
        }
        Ok(())
    }
}

fn within_limits(bundle: &Bundle) -> bool {
    let one_time = bundle.one_time_prekey.as_ref().map_or(0, |key| key.id);
    let ids = [one_time, bundle.signed_prekey.id, bundle.kem_prekey.id];
    (1..=limits::REGISTRATION_ID).contains(&bundle.registration_id)
        && ids.iter().all(|id| *id <= limits::PREKEY_ID)
}

fn parse(bundle: &Bundle, identity: PublicKey) -> Option<PreKeyBundle> {
    let signature = |key: &api::SignedKey| keys::Signature::from_bytes(&key.signature.0).ok();
    let curve = |key: &[u8]| PublicKey::from_bytes(key).ok();
    let one_time = match &bundle.one_time_prekey {
        Some(key) => Some((OneTimePreKeyId(key.id), curve(&key.public_key.0)?)),
        None => None,
    };
    let (signed, kem) = (&bundle.signed_prekey, &bundle.kem_prekey);
    Some(PreKeyBundle {
        identity,
        registration_id: RegistrationId(bundle.registration_id),
        device: signal::DeviceId::new(bundle.device.get())?,
        one_time,
        signed: (SignedPreKeyId(signed.id), curve(&signed.public_key.0)?, signature(signed)?),
        kem: (
            KemPreKeyId(kem.id),
            keys::kem::PublicKey::from_bytes(&kem.public_key.0).ok()?,
            signature(kem)?,
        ),
    })
}
