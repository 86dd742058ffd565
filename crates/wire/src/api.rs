//! The JSON bodies of `docs/relay-api.md`. They say what the types can say; the relay checks the rest at its edge.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Base64, DeviceId, ErrorCode, PhoneNumber};

macro_rules! body {
    ($(#[$attribute:meta])* $name:ident { $($(#[$field:meta])* $key:ident: $type:ty,)* }) => {
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        $(#[$attribute])*
        pub struct $name { $($(#[$field])* pub $key: $type,)* }
    };
}

// Unknown fields are refused: a misspelt option must not be ignored.
macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field:meta])* $key:ident: $type:ty,)* })*) => {
        $(body! { $(#[$doc])* #[serde(deny_unknown_fields)] $name { $($(#[$field])* $key: $type,)* } })*
    };
}

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field:meta])* $key:ident: $type:ty,)* })*) => {
        $(body! { $(#[$doc])* $name { $($(#[$field])* $key: $type,)* } })*
    };
}

mod business;

pub use business::*;

requests! {
    /// `POST /v1/registration/codes`.
    RequestCode {
        /// Whose it is to be.
        number: PhoneNumber,
    }
    /// `POST /v1/registration`.
    Register {
        /// The number that the code was sent to.
        number: PhoneNumber,
        /// Six digits.
        code: String,
        /// The PIN, if the account has a registration lock.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pin: Option<String>,
        /// The primary device.
        device: NewDevice,
    }
    /// A device and its first keys.
    NewDevice {
        /// Its name, encrypted by the client.
        #[serde(default)]
        name: Base64,
        /// Random; tells a device from its predecessor with the same number.
        registration_id: u32,
        /// 33 bytes.
        identity_key: Base64,
        /// The current one.
        signed_prekey: SignedKey,
        /// For when no one-time one is left.
        last_resort_kem_prekey: SignedKey,
        /// Given out once each.
        #[serde(default)]
        one_time_prekeys: Vec<Key>,
        /// Given out once each.
        #[serde(default)]
        one_time_kem_prekeys: Vec<SignedKey>,
    }
    /// A one-time curve prekey.
    Key {
        /// The device's number for it.
        id: u32,
        /// 33 bytes.
        public_key: Base64,
    }
    /// A prekey that the identity key signed.
    SignedKey {
        /// The device's number for it.
        id: u32,
        /// 33 bytes for a curve key, 1569 for a KEM key.
        public_key: Base64,
        /// 64 bytes.
        signature: Base64,
    }
    /// `PUT /v1/keys`.
    UploadKeys {
        /// Replaces the current one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signed_prekey: Option<SignedKey>,
        /// Replaces the current one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_resort_kem_prekey: Option<SignedKey>,
        /// Added.
        #[serde(default)]
        one_time_prekeys: Vec<Key>,
        /// Added.
        #[serde(default)]
        one_time_kem_prekeys: Vec<SignedKey>,
    }
    /// `PATCH /v1/account`.
    ChangeAccount {
        /// Whether others find the account by its number.
        discoverable: bool,
    }
    /// `PUT /v1/account/registration-lock`.
    SetRegistrationLock {
        /// 4 to 64 characters.
        pin: String,
    }
    /// `PUT /v1/profile`.
    SetProfile {
        /// At most 8 KiB, sealed with the profile key.
        profile: Base64,
    }
    /// `POST /v1/accounts/lookup`.
    Lookup {
        /// At most 100.
        numbers: Vec<PhoneNumber>,
    }
    /// `PUT /v1/provisioning/{id}`.
    Provision {
        /// At most 4 KiB.
        message: Base64,
    }
    /// `POST /v1/devices`.
    LinkDevice {
        /// From the primary.
        code: String,
        /// The new device.
        device: NewDevice,
    }
    /// `PUT /v1/accounts/{account}/messages`.
    SendMessage {
        /// 16 random bytes.
        id: Base64,
        /// Milliseconds since 1970, by the sender's clock.
        timestamp: u64,
        /// Only for devices that are connected now.
        #[serde(default)]
        transient: bool,
        /// One for each device.
        parts: Vec<Part>,
    }
    /// The ciphertext for one device.
    Part {
        /// Its number.
        device: DeviceId,
        /// What the sender believes its registration id to be.
        registration_id: u32,
        /// As in `socket.proto`.
        kind: u32,
        /// The ciphertext.
        body: Base64,
    }
    /// `POST /v1/blobs`.
    BeginBlob {
        /// Bytes.
        size: u64,
    }
}

answers! {
    /// A code is on its way.
    CodeRequested {
        /// How long it is good.
        expires_in_ms: u64,
        /// When another may be asked for.
        retry_after_ms: u64,
    }
    /// The development mailbox.
    DevCode {
        /// Six digits.
        code: String,
    }
    /// A device was registered or linked.
    Registered {
        /// Its account.
        account: AccountId,
        /// Its number.
        device: DeviceId,
        /// Its credential.
        token: String,
        /// The account's number.
        number: PhoneNumber,
    }
    /// Who one is.
    Account {
        /// The account.
        account: AccountId,
        /// The device that asks.
        device: DeviceId,
        /// The account's number.
        number: PhoneNumber,
        /// Whether others find the account by its number.
        discoverable: bool,
        /// Whether registering again asks for a PIN.
        registration_lock: bool,
        /// Of a business's account: how far the business's approval is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        business_state: Option<BusinessState>,
    }
    /// All devices of an account.
    Devices {
        /// By number.
        devices: Vec<Device>,
    }
    /// One of them.
    Device {
        /// Its number.
        id: DeviceId,
        /// Encrypted.
        name: Base64,
        /// Milliseconds since 1970.
        created: u64,
        /// The day (its first millisecond) on which it was last online.
        last_seen: u64,
    }
    /// A sealed profile.
    Profile {
        /// Sealed with the profile key.
        profile: Base64,
    }
    /// Those who were found.
    Found {
        /// In no order.
        accounts: Vec<FoundAccount>,
    }
    /// One of them.
    FoundAccount {
        /// The number that was asked for.
        number: PhoneNumber,
        /// Whose it is.
        account: AccountId,
    }
    /// Who is blocked.
    Blocks {
        /// In no order.
        accounts: Vec<AccountId>,
    }
    /// A channel to a primary device.
    Provisioning {
        /// Its name.
        id: String,
        /// How long it is open.
        expires_in_ms: u64,
    }
    /// What the primary device left in it.
    ProvisioningMessage {
        /// Sealed to the new device.
        message: Base64,
    }
    /// For linking a device.
    LinkingCode {
        /// Good once.
        code: String,
        /// How long it is good.
        expires_in_ms: u64,
    }
    /// How many one-time prekeys are left.
    KeyCounts {
        /// Curve keys.
        one_time_prekeys: u32,
        /// KEM keys.
        one_time_kem_prekeys: u32,
    }
    /// With which sessions to an account begin.
    Bundles {
        /// 33 bytes.
        identity_key: Base64,
        /// One for each device.
        devices: Vec<Bundle>,
        /// Of a business: who hosts it, a `Signed` of `hosting.proto`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        declaration: Option<Base64>,
    }
    /// With which a session to a device begins.
    Bundle {
        /// Its number.
        device: DeviceId,
        /// Its registration id.
        registration_id: u32,
        /// The current one.
        signed_prekey: SignedKey,
        /// This bundle's alone, while there are any.
        one_time_prekey: Option<Key>,
        /// This bundle's alone, or the last resort.
        kem_prekey: SignedKey,
    }
    /// A message is safe.
    MessageSent {
        /// Always true.
        sent: bool,
    }
    /// An upload may begin.
    BlobBegun {
        /// Its name.
        id: String,
        /// Milliseconds since 1970.
        expires: u64,
    }
    /// How every error looks.
    ErrorBody {
        /// The error.
        error: ErrorDetail,
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorDetail {
    /// Stable.
    pub code: ErrorCode,
    /// For people.
    pub message: String,
    /// Which field of the request is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// How often one may try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<u32>,
    /// When a registration lock lapses by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_ms: Option<u64>,
    /// Devices that need a part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<u32>,
    /// Devices that do not exist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra: Vec<u32>,
    /// Devices that are stale or full.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<u32>,
    /// How much is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Where an upload goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// To quote to the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

impl ErrorDetail {
    /// An error that says nothing more.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            field: None,
            tries_left: None,
            expires_in_ms: None,
            missing: Vec::new(),
            extra: Vec::new(),
            devices: Vec::new(),
            limit: None,
            offset: None,
            reference: None,
        }
    }
}
