//! How often somebody may do something: token buckets, in bounded memory, on the clock they are given.

mod bucket;
mod nonsense;
mod places;

use std::time::Duration;

use serde::Deserialize;
pub use serve::network;

pub use self::{
    bucket::Buckets,
    nonsense::{Asker, Nonsense, Speaker},
    places::{Place, Places},
};

/// A bucket of tokens: so many at once, then one every so often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How many at once.
    pub burst: u32,
    /// Milliseconds until one comes back.
    pub every_ms: u64,
}

impl Rate {
    /// So many at once, then one every so many milliseconds.
    #[must_use]
    pub const fn new(burst: u32, every_ms: u64) -> Self {
        Self { burst, every_ms }
    }
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $burst:literal, $every:literal;)*) => {
        /// How often what may be asked for. Each is a bucket per account or per address.
        #[derive(Debug, Clone, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Limits {
            /// Accounts or addresses that each limit remembers; the least busy are forgotten first. Default 100000.
            pub remembered: usize,
            /// Milliseconds that a refusal waits for who says too much nonsense, shows too many wrong credentials or
            /// opens too many sockets; at most 10000. Default 1000.
            pub held_ms: u64,
            $($(#[$doc])* pub $name: Rate,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { remembered: 100_000, held_ms: 1000, $($name: Rate::new($burst, $every),)* }
            }
        }

        impl Limits {
            pub(crate) fn validate(&self) -> Result<(), &'static str> {
                if self.remembered == 0 { return Err("limits.remembered"); }
                if self.held_ms > 10_000 { return Err("limits.held_ms"); }
                $(if self.$name.burst == 0 || self.$name.every_ms == 0 {
                    return Err(concat!("limits.", stringify!($name)));
                })*
                Ok(())
            }
        }
    };
}

limits! {
    /// Codes asked for, per address. Default 10, then one a minute.
    codes = 10, 60_000;
    /// Registrations tried, per address. Default 20, then one every 30 s.
    registrations = 20, 30_000;
    /// Devices that begin to be linked, per address. Default 10, then one every 10 s.
    provisioning = 10, 10_000;
    /// Questions for a provisioning message, per address. Default 60, then one a second.
    provisioning_polls = 60, 1_000;
    /// Wrong credentials, per address. Default 100, then one a second.
    wrong_credentials = 100, 1_000;
    /// Requests and frames that make no sense, per device, business, host or, without a credential, address. Default 20,
    /// then one every 2 s.
    nonsense = 20, 2_000;
    /// Sockets opened, per device; each command of a messenger that is told what to do by programs opens one. Default 300,
    /// then 4 a second.
    sockets = 300, 250;
    /// Requests of any kind, per account. Default 1000, then 100 a second.
    requests = 1_000, 10;
    /// Key bundles fetched, per account. Default 300, then one every 2 s.
    bundles = 300, 2_000;
    /// Key bundles of the same account fetched, per pair of accounts. Default 20, then one every 30 s.
    bundles_of_one = 20, 30_000;
    /// Uploads of keys, per device. Default 20, then one every 30 s.
    uploads_of_keys = 20, 30_000;
    /// Numbers looked up, per account. Default 2000, then one every 2 s.
    lookups = 2_000, 2_000;
    /// Profiles read, per account. Default 1000, then 2 a second.
    profiles = 1_000, 500;
    /// Changes of blocks, profile, lock and devices, per account. Default 200, then one every 2 s.
    changes = 200, 2_000;
    /// Blobs begun, per account. Default 200, then one every 5 s.
    blobs = 200, 5_000;
    /// Businesses begun, per address. Default 10, then one every 5 minutes.
    applications = 10, 300_000;
    /// Devices registered by who hosts it, per business. Default 100, then one every 10 s.
    hosted_registrations = 100, 10_000;
    /// Numbers that devices of a business bring it, per business. Default 20, then one a minute.
    numbers_brought = 20, 60_000;
    /// Declarations asked for, per account. Default 300, then one every 2 s.
    declarations = 300, 2_000;
    /// Proofs of one's number, per account. Default 20, then one a minute.
    number_proofs = 20, 60_000;
    /// People whose business-scoped ids are asked for, per business. Default 10000, then 10 a second.
    people = 10_000, 100;
    /// MiB of blobs begun, per account. Default 10240, and so many a day.
    blob_mebibytes = 10_240, 8_437;
}

/// Too often: how long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooOften(pub Duration);
