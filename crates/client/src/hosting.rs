//! What who hosts businesses asks a relay, beside registering devices.

use wire::{
    BusinessId, VendorId,
    api::{Business, HostedBusiness, Hosting, HostingMode, SetHosting},
};

use crate::{
    Error, Link,
    link::relay::{NOTHING, Relay},
};

/// A business, with the credential of who hosts it.
///
/// # Errors
/// [`Error::Refused`] if it is not hosted with this credential; [`Error::Wait`], [`Error::Link`].
pub async fn hosted_business(
    link: &dyn Link,
    credential: &str,
    business: BusinessId,
) -> Result<HostedBusiness, Error> {
    let path = format!("/v1/hosting/businesses/{business}");
    Relay { link, token: Some(credential) }.ask("GET", path, NOTHING).await
}

/// A business, with its own credential.
///
/// # Errors
/// [`Error::Wait`], [`Error::Link`].
pub async fn own_business(link: &dyn Link, credential: &str) -> Result<Business, Error> {
    Relay { link, token: Some(credential) }.ask("GET", "/v1/business", NOTHING).await
}

/// Says who hosts a business, with its own credential. Another host: the devices of the one before are gone.
///
/// # Errors
/// [`Error::Refused`]; [`Error::Wait`], [`Error::Link`].
pub async fn set_hosting(
    link: &dyn Link,
    credential: &str,
    mode: HostingMode,
    vendor: Option<VendorId>,
) -> Result<Hosting, Error> {
    let request = SetHosting { mode, vendor };
    Relay { link, token: Some(credential) }.ask("PUT", "/v1/business/hosting", Some(&request)).await
}

/// Whether the relay answers and says that it is well.
///
/// # Errors
/// [`Error::Wait`] if it is not; [`Error::Link`].
pub async fn relay_is_well(link: &dyn Link) -> Result<(), Error> {
    Relay { link, token: None }.tell("GET", "/health", NOTHING).await
}
