//! How much of everything. The relay refuses what is over, and clients need not try.

/// Bytes of one WebSocket message or one request for messages: 1 MiB.
pub const FRAME: usize = 1 << 20;
/// Sends in one frame.
pub const SENDS: usize = 1024;
/// Bytes of one ciphertext: 256 KiB. Larger things travel as blobs.
pub const BODY: usize = 256 << 10;
/// Devices of an account.
pub const DEVICES: usize = 10;
/// Keys in one list of an upload.
pub const KEYS_UPLOADED: usize = 100;
/// One-time prekeys of one kind that the relay keeps for a device.
pub const KEYS_KEPT: usize = 200;
/// A device hears that its one-time prekeys run out when fewer than this are left.
pub const KEYS_LOW: u32 = 20;
/// Bytes of a device's encrypted name.
pub const DEVICE_NAME: usize = 256;
/// Bytes of a sealed profile: 8 KiB.
pub const PROFILE: usize = 8 << 10;
/// Bytes of a provisioning message: 4 KiB.
pub const PROVISION: usize = 4 << 10;
/// Numbers in one lookup.
pub const LOOKUP: usize = 100;
/// Accounts that one account may block.
pub const BLOCKS: usize = 10_000;
/// Phone numbers of a business, approved or not, unless who runs the relay says otherwise.
pub const NUMBERS: u32 = 100;
/// The largest registration id.
pub const REGISTRATION_ID: u32 = 16_380;
/// The largest id of a prekey.
pub const PREKEY_ID: u32 = (1 << 24) - 1;
/// Bytes of a thumbnail inside a message: 64 KiB.
pub const THUMBNAIL: usize = 64 << 10;
