//! Prekeys: made, stored, then given to the relay.

use signal::{
    KemPreKey, KemPreKeyId, OneTimePreKey, OneTimePreKeyId, SignedPreKey, SignedPreKeyId, Timestamp,
};
use wire::{
    Base64,
    api::{Key, KeyCounts, SignedKey, UploadKeys},
    limits,
};

use super::Device;
use crate::{
    Error,
    link::relay::NOTHING,
    records::{PreKeyKind, Work},
    vault::Space,
};

/// Milliseconds after which the signed and the last-resort prekey are replaced: a week.
const ROTATION: u64 = 7 * 86_400_000;
/// One-time prekeys of each kind that the relay is to have.
const STOCK: u32 = 100;

/// Milliseconds in which prekeys are made at most [`REFILLS`] times. The relay says how many are left, and may say what
/// is not so: each time costs keys that are kept for months. Without one-time keys there is the last-resort one.
const HOUR: u64 = 3_600_000;
const REFILLS: u32 = 10;

/// Draws a prekey id to begin with, and steps through them.
fn next(counter: &mut u32) -> u32 {
    *counter = if *counter >= limits::PREKEY_ID { 1 } else { *counter + 1 };
    *counter
}

/// Makes a signed and a last-resort prekey and writes them.
pub(super) fn make_lasting(work: &mut Work<'_>, identity: &keys::KeyPair) -> (SignedKey, SignedKey) {
    let now = Timestamp(work.now);
    let signed_id = SignedPreKeyId(next(&mut work.upkeep().next_signed));
    let kem_id = KemPreKeyId(next(&mut work.upkeep().next_kem));
    let signed = SignedPreKey::generate(signed_id, identity, now, work.rng());
    let kem = KemPreKey::generate(kem_id, identity, now, work.rng());
    let time = work.now;
    work.upkeep().rotated = time;
    work.put(Space::PreKey, PreKeyKind::Signed.name(signed_id.0), &[], time, signed.to_bytes());
    work.put(Space::PreKey, PreKeyKind::LastResortKem.name(kem_id.0), &[], time, kem.to_bytes());
    let signed = SignedKey {
        id: signed.id.0,
        public_key: Base64(signed.pair.public.to_bytes().to_vec()),
        signature: Base64(signed.signature.as_bytes().to_vec()),
    };
    (signed, upload(&kem))
}

fn upload(kem: &KemPreKey) -> SignedKey {
    SignedKey {
        id: kem.id.0,
        public_key: Base64(kem.pair.public().to_bytes()),
        signature: Base64(kem.signature.as_bytes().to_vec()),
    }
}

/// Makes one-time prekeys and writes them.
pub(super) fn make_one_time(
    work: &mut Work<'_>,
    identity: &keys::KeyPair,
    curve: u32,
    kem: u32,
) -> (Vec<Key>, Vec<SignedKey>) {
    let time = work.now;
    let curve = (0..curve).map(|_| {
        let id = OneTimePreKeyId(next(&mut work.upkeep().next_one_time));
        let key = OneTimePreKey::generate(id, work.rng());
        work.put(Space::PreKey, PreKeyKind::OneTime.name(id.0), &[], time, key.to_bytes());
        Key { id: id.0, public_key: Base64(key.pair.public.to_bytes().to_vec()) }
    });
    let curve = curve.collect();
    let kem = (0..kem).map(|_| {
        let id = KemPreKeyId(next(&mut work.upkeep().next_kem));
        let key = KemPreKey::generate(id, identity, Timestamp(time), work.rng());
        work.put(Space::PreKey, PreKeyKind::OneTimeKem.name(id.0), &[], time, key.to_bytes());
        upload(&key)
    });
    (curve, kem.collect())
}

/// The first prekeys of a new device; ids begin at random, so that they tell nothing.
pub(super) fn make_first(work: &mut Work<'_>, identity: &keys::KeyPair) -> UploadKeys {
    let [a, b, c] = work.random::<3>();
    let upkeep = work.upkeep();
    (upkeep.next_one_time, upkeep.next_signed, upkeep.next_kem) =
        (u32::from(a) << 12, u32::from(b) << 12, u32::from(c) << 12);
    let (signed, last_resort) = make_lasting(work, identity);
    let (one_time_prekeys, one_time_kem_prekeys) = make_one_time(work, identity, STOCK, STOCK);
    UploadKeys {
        signed_prekey: Some(signed),
        last_resort_kem_prekey: Some(last_resort),
        one_time_prekeys,
        one_time_kem_prekeys,
    }
}

/// Counts one more time, if it may be.
fn may_refill(work: &mut Work<'_>) -> bool {
    let now = work.now;
    let upkeep = work.upkeep();
    // Also if the clock was set back: the count begins anew.
    if now.abs_diff(upkeep.refills_since) >= HOUR {
        (upkeep.refills_since, upkeep.refills) = (now, 0);
    }
    upkeep.refills += 1;
    upkeep.refills <= REFILLS
}

impl Device {
    /// Replaces the lasting prekeys when they are old, and fills up the one-time ones when few are left.
    pub(super) async fn renew_prekeys(&self) -> Result<(), Error> {
        let counts: KeyCounts = self.relay().ask("GET", "/v1/keys", NOTHING).await?;
        let mut work = self.work().await?;
        let old = work.now >= work.upkeep().rotated.saturating_add(ROTATION);
        let lacking = |left: u32| if left < limits::KEYS_LOW { STOCK.saturating_sub(left) } else { 0 };
        let (curve, kem) = (lacking(counts.one_time_prekeys), lacking(counts.one_time_kem_prekeys));
        if !old && curve == 0 && kem == 0 {
            return Ok(());
        }
        if !may_refill(&mut work) {
            tracing::warn!("the relay asks for prekeys too often");
            return Ok(());
        }
        let before = work.upkeep().rotated;
        let identity = self.0.local.identity.clone();
        let lasting = old.then(|| make_lasting(&mut work, &identity));
        let (one_time_prekeys, one_time_kem_prekeys) = make_one_time(&mut work, &identity, curve, kem);
        let (signed_prekey, last_resort_kem_prekey) = lasting.unzip();
        let keys =
            UploadKeys { signed_prekey, last_resort_kem_prekey, one_time_prekeys, one_time_kem_prekeys };
        // Private halves are stored before anybody can use the public ones.
        self.save(work).await?;
        let told = self.relay().tell("PUT", "/v1/keys", Some(&keys)).await;
        if told.is_err() && old {
            // The relay still gives out the old ones: try again at the next look.
            let mut work = self.work().await?;
            work.upkeep().rotated = before;
            self.save(work).await?;
        }
        told
    }
}
