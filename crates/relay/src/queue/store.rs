//! The tables of the queue. Stubs: the real ones are built beside this.

use store::{StoreError, Timestamp, sql::Transaction};

use crate::devices::DeviceKey;

/// Opens mailboxes for new devices, in the transaction that makes them.
///
/// # Errors
/// Those of the database.
#[expect(clippy::unused_async, reason = "a stub")]
pub async fn open_mailboxes(
    _transaction: &mut Transaction,
    _devices: &[DeviceKey],
    _now: Timestamp,
) -> Result<(), StoreError> {
    Ok(())
}

/// Removes mailboxes with all that waits in them, in the transaction that removes the devices.
///
/// # Errors
/// Those of the database.
#[expect(clippy::unused_async, reason = "a stub")]
pub async fn erase_mailboxes(
    _transaction: &mut Transaction,
    _devices: &[DeviceKey],
) -> Result<(), StoreError> {
    Ok(())
}
