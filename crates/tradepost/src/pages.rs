//! The web front end, embedded: the messenger and the operator's area with the relay, the console with the host.

use serve::pages::{Asset, Page, Site};

include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// What the relay serves beside its interface.
pub(crate) static RELAY: Site = Site(&[
    Page { at: "/app", assets: APP, policy: serve::pages::MESSENGER },
    Page { at: "/operator", assets: OPERATOR, policy: serve::pages::CONSOLE },
]);

/// What the host serves beside its interfaces.
pub(crate) static HOST: Site =
    Site(&[Page { at: "/console", assets: CONSOLE, policy: serve::pages::CONSOLE }]);
