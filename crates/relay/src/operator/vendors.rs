//! Vendors: who may host businesses that choose it.

use std::sync::Arc;

use wire::{Credential, Party, VendorId, api};

use super::{Event, Office, Who, append, remember, store};
use crate::{
    RelayError,
    businesses::words,
    devices::{self, since_1970},
    ground::shard_of,
    hosting,
};

impl Office {
    /// All vendors, by name.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn vendors(&self) -> Result<api::Vendors, RelayError> {
        let rows = store::vendors(&mut self.ground.reader().await?).await?;
        let vendors = rows.into_iter().map(|row| api::Vendor {
            vendor: VendorId::from_bytes(row.vendor),
            name: row.name,
            suspended: row.suspended,
            created: since_1970(row.created),
        });
        Ok(api::Vendors { vendors: vendors.collect() })
    }

    /// A new vendor. Customers see its name.
    ///
    /// # Errors
    /// `Invalid`, `Conflict` if one has this name; those of the database.
    pub async fn add_vendor(&self, name: &str) -> Result<api::VendorMade, RelayError> {
        let name = Arc::new(words("name", name, 75)?);
        let vendor = VendorId::from_random(self.ground.random());
        let (secret, hash) = devices::mint(&self.ground);
        let now = self.ground.now();
        let written = self.ground.write(shard_of(vendor.as_bytes()), move |transaction| {
            let name = name.clone();
            Box::pin(async move {
                if !store::add_vendor(transaction, vendor, &name, hash, now).await? {
                    return Err(RelayError::Conflict("a vendor of this name is there already"));
                }
                let after = Some(serde_json::json!({ "name": &*name }));
                let event = Event {
                    who: Who::Operator,
                    what: "vendor_added",
                    subject: vendor.to_string(),
                    before: None,
                    after,
                };
                append(transaction, event, now).await
            })
        });
        written.await?;
        let credential = Credential { party: Party::Vendor(vendor), secret }.expose();
        Ok(api::VendorMade { vendor, credential })
    }

    /// Suspends a vendor, or ends that: while it is, nothing goes out from what it hosts, and it registers nothing.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` if it is so already; those of the database.
    pub async fn suspend_vendor(&self, vendor: VendorId, suspended: bool) -> Result<(), RelayError> {
        let now = self.ground.now();
        let written = self.ground.write(shard_of(vendor.as_bytes()), move |transaction| {
            Box::pin(async move {
                let found = store::hold_vendor(transaction, vendor).await?.ok_or(RelayError::NotFound)?;
                match (found.suspended, suspended) {
                    (true, true) => return Err(RelayError::Conflict("the vendor is suspended already")),
                    (false, false) => return Err(RelayError::Conflict("the vendor is not suspended")),
                    _ => {}
                }
                store::set_suspended(transaction, vendor, suspended).await?;
                let event = Event {
                    who: Who::Operator,
                    what: if suspended { "vendor_suspended" } else { "vendor_reinstated" },
                    subject: vendor.to_string(),
                    before: Some(serde_json::json!({ "suspended": found.suspended })),
                    after: Some(serde_json::json!({ "suspended": suspended })),
                };
                append(transaction, event, now).await?;
                Ok(hosting::devices_of_vendor(transaction, vendor).await?)
            })
        });
        self.queue.renew(&written.await?);
        Ok(())
    }

    /// Another credential for a vendor; the one before it is void. Devices that were registered with it stay.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn rotate_vendor(&self, vendor: VendorId) -> Result<api::CredentialMade, RelayError> {
        let (secret, hash) = devices::mint(&self.ground);
        let now = self.ground.now();
        let written = self.ground.write(shard_of(vendor.as_bytes()), move |transaction| {
            Box::pin(async move {
                store::hold_vendor(transaction, vendor).await?.ok_or(RelayError::NotFound)?;
                store::set_credential(transaction, vendor, hash).await?;
                let subject = vendor.to_string();
                remember(transaction, Who::Operator, "vendor_credential_made", subject, now).await
            })
        });
        written.await?;
        Ok(api::CredentialMade { credential: Credential { party: Party::Vendor(vendor), secret }.expose() })
    }
}
