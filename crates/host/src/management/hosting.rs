//! Another host for a business: an operation of the business, with its own credential at the relay. Its customers see the
//! new label before anything goes to it.

use std::sync::Arc;

use serde::Deserialize;
use wire::{
    ErrorCode, Party, VendorId,
    api::{HostedBusiness, HostingMode},
};
use zeroize::Zeroizing;

use super::{Call, Granted, Management, Outcome, Refused, bring_in::Secret, businesses::shown, json};
use crate::businesses::Business;

/// Who is to host.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// The business's own at the relay (`tpb1_…`). It is used now and not kept.
    credential: Secret,
    mode: HostingMode,
    /// With `vendor`: which.
    #[serde(default)]
    vendor: Option<VendorId>,
    /// With `vendor` or `operator`, if it is this host that goes on: its credential. Without, the numbers stop here, and
    /// wait for the other host.
    #[serde(default)]
    host_credential: Option<Secret>,
}

pub(super) async fn put(management: Arc<Management>, granted: Granted, call: Call) -> Outcome {
    call.only(&[])?;
    let (business, asked) = (&granted.business, call.body()?);
    // Not while it is brought in: each would make the other's credential void.
    let switching = management.switch(business, &asked);
    let business = management.api.businesses.alone(business.relay_id, switching).await??;
    json(&shown(&management, &business).await?)
}

impl Management {
    async fn switch(&self, business: &Business, asked: &Switch) -> Result<Arc<Business>, Refused> {
        match asked.credential.party("credential")? {
            Party::Business(own) if own == business.relay_id => {}
            _ => {
                return Err(Refused::field(
                    "credential",
                    "the business's own credential at the relay, tpb1_…",
                ));
            }
        }
        self.fits(asked)?;
        let own = asked.credential.expose();
        let before = client::hosting::own_business(self.link(), own).await?;
        let hosting =
            before.hosting.filter(|hosting| (hosting.mode, hosting.vendor) == (asked.mode, asked.vendor));
        let numbers = self.api.numbers.of_waba(business.waba).await?;
        if hosting.is_some() && !numbers.is_empty() && numbers.iter().all(|number| number.registered) {
            return Ok(self.api.businesses.get(business.id).await?);
        }
        let said = client::hosting::set_hosting(self.link(), own, asked.mode, asked.vendor).await?;
        // The devices of the host before are gone at the relay; what is left of them here stops.
        for number in &numbers {
            self.running.disconnect(number.id).await?;
        }
        self.ground.changed(business.id).await;
        self.running.stopped(business.id).await?;
        let credential = said.credential.clone().map(Zeroizing::new);
        let given = asked.host_credential.as_ref().map(|given| Zeroizing::new(given.expose().to_owned()));
        let known = HostedBusiness {
            business: before.business,
            state: before.state,
            name: before.application.name,
            legal_name: before.application.legal_name,
            country: before.application.country,
            numbers: before.numbers,
            hosting: said,
        };
        self.note(business, &known).await?;
        if let Some(credential) = credential.or(given) {
            self.connect_all(business, &known.numbers, Some(&credential)).await?;
        }
        Ok(self.api.businesses.get(business.id).await?)
    }

    /// Whether what is asked fits together, before the relay is told.
    fn fits(&self, asked: &Switch) -> Result<(), Refused> {
        let other = |message: &'static str| Err(Refused::field("host_credential", message));
        match (asked.mode, asked.vendor) {
            (HostingMode::Sealed, _) => {
                return Err(Refused::field("mode", "sealed hosting is not supported yet"));
            }
            (HostingMode::Vendor, None) => return Err(Refused::field("vendor", "say which vendor")),
            (HostingMode::Own | HostingMode::Operator, Some(_)) => {
                return Err(Refused::field("vendor", "only with the mode vendor"));
            }
            _ => {}
        }
        let Some(given) = &asked.host_credential else { return Ok(()) };
        match (asked.mode, given.party("host_credential")?) {
            (HostingMode::Vendor, Party::Vendor(vendor)) if Some(vendor) == asked.vendor => Ok(()),
            (HostingMode::Operator, Party::OperatorHost) => Ok(()),
            (HostingMode::Own, _) => other("not with self: the relay makes one for the business"),
            (HostingMode::Vendor, _) => other("of that vendor: tpv1_…"),
            _ => Err(Refused::new(ErrorCode::InvalidRequest, "host_credential: of the operator: tpo1_…")),
        }
    }
}
