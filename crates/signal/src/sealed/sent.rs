//! The form of version 2 that goes from the sender to a relay, which cuts it up.

use keys::{KeyPair, PublicKey, Secret};
use rand_core::CryptoRng;

use super::{
    SealError, SplitError,
    v2::{MessageSecret, RECEIVED, TAG_LEN, Ticket},
};
use crate::{
    DeviceId, MAX_MESSAGE_LEN, Malformed, ParseError, RegistrationId, ServiceId,
    protobuf::{put_varint, take_varint},
};

/// How many recipients one sealed message may have, excluded ones included.
pub const MAX_RECIPIENTS: usize = 5000;
const MAX_DEVICES: usize = 127;

/// First byte of the form in which recipients are service ids of fixed width.
const SENT: u8 = 0x23;
/// First byte of the older form in which they are bare UUIDs of accounts.
const SENT_TO_ACCOUNTS: u8 = 0x22;
/// Bit 15 of a registration id: another device follows.
const MORE: u16 = 0x8000;
/// Registration ids have 14 bits. Bit 14 has no meaning.
const REGISTRATION_ID: u16 = 0x3FFF;

/// A receiver of a message that is sealed for many.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Destination {
    /// Its account.
    pub service_id: ServiceId,
    /// The identity key of the account.
    pub identity: PublicKey,
    /// All its devices, each with its registration id, so that the relay can tell when a device was forgotten or
    /// registered anew.
    pub devices: Vec<(DeviceId, RegistrationId)>,
}

pub(super) fn seal(
    content: &[u8],
    sender: &KeyPair,
    destinations: &[Destination],
    excluded: &[ServiceId],
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<Vec<u8>, SealError> {
    let count = destinations.len() + excluded.len();
    if count > MAX_RECIPIENTS {
        return Err(SealError::TooManyRecipients(count));
    }
    let too_long = SealError::TooLong { actual: received_len(content.len() + TAG_LEN) };
    if received_len(content.len() + TAG_LEN) > MAX_MESSAGE_LEN {
        return Err(too_long);
    }
    let secret = MessageSecret(Secret::random(rng));
    let ephemeral = secret.ephemeral();
    let ciphertext = secret.encrypt(content).ok_or(too_long)?;

    let mut bytes = vec![SENT];
    put_varint(&mut bytes, count as u64);
    for destination in destinations {
        bytes.extend_from_slice(&destination.service_id.to_fixed_width());
        put_devices(&mut bytes, destination)?;
        let ticket = Ticket::seal(&secret, &ephemeral, sender, &destination.identity)?;
        bytes.extend_from_slice(&ticket.masked_secret);
        bytes.extend_from_slice(ticket.sender_tag.expose());
    }
    for service_id in excluded {
        bytes.extend_from_slice(&service_id.to_fixed_width());
        bytes.push(0);
    }
    bytes.extend_from_slice(ephemeral.public.u());
    bytes.extend_from_slice(&ciphertext);
    Ok(bytes)
}

fn put_devices(bytes: &mut Vec<u8>, destination: &Destination) -> Result<(), SealError> {
    let service_id = destination.service_id;
    let actual = destination.devices.len();
    if !(1..=MAX_DEVICES).contains(&actual) {
        return Err(SealError::Devices { service_id, actual });
    }
    for (left, (device, registration_id)) in (0..actual).rev().zip(&destination.devices) {
        let fits = u16::try_from(registration_id.0).ok().filter(|id| *id <= REGISTRATION_ID);
        let id = fits.ok_or(SealError::RegistrationId(*registration_id))?;
        let more = if left > 0 { MORE } else { 0 };
        bytes.push(device.get());
        bytes.extend_from_slice(&(id | more).to_be_bytes());
    }
    Ok(())
}

/// Bytes of what one receiver gets.
const fn received_len(ciphertext: usize) -> usize {
    1 + Ticket::LEN + 32 + ciphertext
}

/// A message sealed for many as it came from its sender, read in place. This is what a relay needs: it learns the
/// recipients, and cuts out what each of them gets.
#[derive(Clone, Debug)]
pub struct SentMessage<'a> {
    recipients: Vec<SentRecipient<'a>>,
}

/// A recipient of a [`SentMessage`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SentRecipient<'a> {
    /// Its account.
    pub service_id: ServiceId,
    /// The devices that the sender knows of. None if the recipient is only named as excluded.
    pub devices: Vec<(DeviceId, RegistrationId)>,
    ticket: Option<&'a [u8; Ticket::LEN]>,
    /// The ephemeral key and the ciphertext, the same for all.
    shared: &'a [u8],
}

impl SentRecipient<'_> {
    /// What each of the devices gets; `None` if the recipient is excluded. It is a copy of nearly the whole message:
    /// of many recipients make one after the other.
    pub fn received(&self) -> Option<Vec<u8>> {
        Some([[RECEIVED].as_slice(), self.ticket?, self.shared].concat())
    }
}

impl<'a> SentMessage<'a> {
    /// Reads the form that [`Content::seal_for_many`] writes. Whether a recipient or a device stands in it twice is
    /// for the relay to judge.
    ///
    /// # Errors
    /// [`SplitError`], each defect its own.
    ///
    /// [`Content::seal_for_many`]: super::Content::seal_for_many
    pub fn parse(bytes: &'a [u8]) -> Result<Self, SplitError> {
        let actual = bytes.len();
        let (version, mut rest) = bytes.split_first().ok_or(ParseError::TooShort { actual })?;
        let take_service_id = match *version {
            SENT => take_fixed_width,
            SENT_TO_ACCOUNTS => take_account,
            version => return Err(ParseError::UnknownVersion(version).into()),
        };
        let count = take_varint(&mut rest)?;
        if count > MAX_RECIPIENTS as u64 {
            return Err(SplitError::TooManyRecipients(count));
        }
        let mut recipients = Vec::new();
        for _ in 0..count {
            let service_id = take_service_id(&mut rest)?;
            let devices = take_devices(&mut rest, service_id)?;
            let ticket = if devices.is_empty() { None } else { Some(take::<{ Ticket::LEN }>(&mut rest)?) };
            recipients.push(SentRecipient { service_id, devices, ticket, shared: &[] });
        }
        if rest.len() < 32 + TAG_LEN {
            return Err(ParseError::TooShort { actual }.into());
        }
        let longest = received_len(rest.len().saturating_sub(32));
        if longest > MAX_MESSAGE_LEN {
            return Err(ParseError::TooLong { actual: longest }.into());
        }
        recipients.iter_mut().for_each(|recipient| recipient.shared = rest);
        Ok(Self { recipients })
    }

    /// All recipients, excluded ones included.
    pub fn recipients(&self) -> &[SentRecipient<'a>] {
        &self.recipients
    }
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], Malformed> {
    let (taken, after) = rest.split_first_chunk().ok_or(Malformed::Truncated)?;
    *rest = after;
    Ok(taken)
}

fn take_fixed_width(rest: &mut &[u8]) -> Result<ServiceId, SplitError> {
    ServiceId::from_fixed_width(take(rest)?).ok_or(SplitError::ServiceId)
}

fn take_account(rest: &mut &[u8]) -> Result<ServiceId, SplitError> {
    Ok(ServiceId::Aci(*take(rest)?))
}

/// The devices of one recipient: none, written as one zero byte, if it is excluded.
fn take_devices(
    rest: &mut &[u8],
    service_id: ServiceId,
) -> Result<Vec<(DeviceId, RegistrationId)>, SplitError> {
    let mut devices = Vec::new();
    loop {
        let [id] = *take(rest)?;
        if id == 0 && devices.is_empty() {
            return Ok(devices);
        }
        let device = DeviceId::new(id).ok_or(SplitError::Device(id))?;
        if devices.len() == MAX_DEVICES {
            return Err(SplitError::TooManyDevices(service_id));
        }
        let registration_id = u16::from_be_bytes(*take(rest)?);
        devices.push((device, RegistrationId(u32::from(registration_id & REGISTRATION_ID))));
        if registration_id & MORE == 0 {
            return Ok(devices);
        }
    }
}
