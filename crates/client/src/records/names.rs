//! How records are named.

use wire::{AccountId, DeviceId};

use crate::MessageRef;

/// A device of an account.
pub(crate) fn name(account: AccountId, device: DeviceId) -> Vec<u8> {
    let mut name = account.as_bytes().to_vec();
    name.push(device.get());
    name
}

/// A message: author, then timestamp. Two devices of one author that write in the same millisecond are told apart by
/// the device in the name of the second.
pub(crate) fn message_name(message: MessageRef, device: Option<DeviceId>) -> Vec<u8> {
    let mut name = message.author.as_bytes().to_vec();
    name.extend_from_slice(&message.timestamp.to_be_bytes());
    name.extend(device.map(DeviceId::get));
    name
}

/// Which message a name is of.
pub(crate) fn message_of(name: &[u8]) -> Option<MessageRef> {
    let (author, rest) = name.split_first_chunk::<16>()?;
    let (timestamp, _) = rest.split_first_chunk::<8>()?;
    Some(MessageRef { author: AccountId::from_bytes(*author), timestamp: u64::from_be_bytes(*timestamp) })
}

/// A receipt for a message that is not there yet: who gave it, for what. No message's name is like it.
pub(crate) fn early_receipt(from: AccountId, timestamp: u64) -> Vec<u8> {
    [&[0], &from.as_bytes()[..], &timestamp.to_be_bytes()].concat()
}

/// An envelope that was processed.
pub(crate) fn seen_envelope(account: AccountId, device: DeviceId, id: &[u8]) -> Vec<u8> {
    [&[0], name(account, device).as_slice(), id].concat()
}

/// A message that was taken into a chat, even if it has gone from there since.
pub(crate) fn seen_message(account: AccountId, device: DeviceId, timestamp: u64) -> Vec<u8> {
    [&[1], name(account, device).as_slice(), &timestamp.to_be_bytes()].concat()
}
