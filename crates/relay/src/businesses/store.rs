//! The tables of businesses, their numbers, testers and documents.

use store::{
    StoreError, Timestamp,
    blobs::BlobId,
    jobs::{self, NewJob},
    sql::{
        Column, ColumnError, Connection, Row, Sql, Transaction,
        migrations::{Migration, Module},
        query,
    },
};
use wire::{AccountId, BusinessId, PhoneNumber, VendorId, api, api::HostingMode};

use super::{Application, Contact, State, documents::REMOVAL};
use crate::{accounts, devices::DeviceKey};

pub(crate) const MIGRATIONS: Module = Module {
    name: "businesses",
    migrations: &[Migration::new(
        "businesses, their numbers, testers and documents",
        "CREATE TABLE businesses (
            business {bytes} PRIMARY KEY,
            credential_hash {bytes} NOT NULL,
            state TEXT NOT NULL,
            reason TEXT,
            legal_name TEXT,
            name TEXT,
            country TEXT,
            registration_number TEXT,
            website TEXT,
            category TEXT,
            contact_name TEXT,
            contact_email TEXT,
            contact_phone TEXT,
            mode TEXT,
            vendor {bytes},
            host_hash {bytes},
            hosted_since {integer},
            created {integer} NOT NULL,
            changed {integer} NOT NULL
        ) {options};
        CREATE INDEX businesses_changed ON businesses (changed, business);
        CREATE INDEX businesses_by_state ON businesses (state, changed, business);
        CREATE TABLE business_numbers (
            number TEXT PRIMARY KEY,
            business {bytes} NOT NULL REFERENCES businesses (business),
            bound {integer} NOT NULL
        ) {options};
        CREATE INDEX business_numbers_of ON business_numbers (business);
        CREATE TABLE business_testers (
            business {bytes} NOT NULL REFERENCES businesses (business),
            number TEXT NOT NULL,
            PRIMARY KEY (business, number)
        ) {options};
        CREATE INDEX business_testers_by_number ON business_testers (number);
        CREATE TABLE business_documents (
            id TEXT PRIMARY KEY,
            business {bytes} NOT NULL REFERENCES businesses (business),
            name TEXT NOT NULL,
            content_type TEXT NOT NULL,
            size {integer} NOT NULL,
            finished {boolean} NOT NULL,
            created {integer} NOT NULL
        ) {options};
        CREATE INDEX business_documents_of ON business_documents (business);",
    )],
};

/// One of a few words.
pub(crate) struct Word(State);

impl Column for Word {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        let text: String = row.get(column)?;
        text.parse().map(Self).map_err(|error: wire::InvalidId| ColumnError::new(column, error))
    }
}

/// One of a few words, or nothing.
struct Mode(Option<HostingMode>);

impl Column for Mode {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        let text: Option<String> = row.get(column)?;
        let mode = text.map(|text| text.parse()).transpose();
        mode.map(Self).map_err(|error: wire::InvalidId| ColumnError::new(column, error))
    }
}

/// Sixteen bytes, or nothing.
struct Id(Option<[u8; 16]>);

impl Column for Id {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        let bytes: Option<Vec<u8>> = row.get(column)?;
        let bytes = bytes.map(|bytes| bytes.try_into()).transpose();
        bytes.map(Self).map_err(|_| ColumnError::new(column, "not 16 bytes"))
    }
}

/// Thirty-two bytes, or nothing.
struct Hash(Option<[u8; 32]>);

impl Column for Hash {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        let bytes: Option<Vec<u8>> = row.get(column)?;
        let bytes = bytes.map(|bytes| bytes.try_into()).transpose();
        bytes.map(Self).map_err(|_| ColumnError::new(column, "not 32 bytes"))
    }
}

store::row! {
    /// A business.
    pub(crate) struct Business from "businesses" {
        state: Word,
        pub(crate) reason: Option<String>,
        pub(crate) legal_name: Option<String>,
        pub(crate) name: Option<String>,
        pub(crate) country: Option<String>,
        registration_number: Option<String>,
        website: Option<String>,
        pub(crate) category: Option<String>,
        contact_name: Option<String>,
        contact_email: Option<String>,
        contact_phone: Option<String>,
        mode: Mode,
        vendor: Id,
        host_hash: Hash,
        hosted_since: Option<i64>,
        pub(crate) created: Timestamp,
        pub(crate) changed: Timestamp,
    }
}

impl Business {
    /// How far it is.
    pub(crate) const fn state(&self) -> State {
        self.state.0
    }

    /// What it says of itself.
    pub(crate) fn application(&self) -> Result<Application, StoreError> {
        let contact = match (&self.contact_name, &self.contact_email, &self.contact_phone) {
            (Some(name), Some(email), Some(phone)) => {
                Some(Contact { name: name.clone(), email: email.clone(), phone: accounts::number(phone)? })
            }
            _ => None,
        };
        Ok(Application {
            legal_name: self.legal_name.clone(),
            name: self.name.clone(),
            country: self.country.clone(),
            registration_number: self.registration_number.clone(),
            website: self.website.clone(),
            category: self.category.clone(),
            contact,
        })
    }

    /// Who hosts it, and since when, once it has said that.
    pub(crate) fn hosting(&self) -> Option<(HostingMode, Option<VendorId>, Timestamp)> {
        let since = Timestamp(self.hosted_since?);
        Some((self.mode.0?, self.vendor.0.map(VendorId::from_bytes), since))
    }

    /// The hash of the credential with which it hosts itself.
    pub(crate) const fn host_hash(&self) -> Option<[u8; 32]> {
        self.host_hash.0
    }
}

store::row! {
    struct Credential from "businesses" { credential_hash: [u8; 32] }
}

store::row! {
    struct HostCredential from "businesses" { host_hash: Hash }
}

store::row! {
    pub(super) struct Summary from "businesses" {
        business: [u8; 16],
        state: Word,
        pub(super) name: Option<String>,
        pub(super) legal_name: Option<String>,
        pub(super) country: Option<String>,
        pub(super) changed: Timestamp,
    }
}

impl Summary {
    pub(super) const fn state(&self) -> State {
        self.state.0
    }

    pub(super) const fn id(&self) -> BusinessId {
        BusinessId::from_bytes(self.business)
    }
}

store::row! {
    struct Bound from "business_numbers" { number: String, account: Id }
}

store::row! {
    struct Owner from "business_numbers" { business: [u8; 16] }
}

store::row! {
    struct Number from "business_testers" { number: String }
}

store::row! {
    struct Account from "accounts" { account: [u8; 16] }
}

store::row! {
    struct Key from "devices" { key: DeviceKey }
}

store::row! {
    struct Standing from "hosted_accounts" { business: [u8; 16], state: Word, vendor_suspended: Option<bool> }
}

/// What a hosted account's business may.
pub(super) struct Stands {
    pub(super) business: BusinessId,
    pub(super) state: State,
    pub(super) vendor_suspended: bool,
}

store::row! {
    pub(super) struct Document from "business_documents" {
        pub(super) id: String,
        pub(super) name: String,
        pub(super) content_type: String,
        pub(super) size: i64,
        pub(super) created: Timestamp,
    }
}

/// A new business.
pub(super) async fn insert(
    transaction: &mut Transaction,
    business: BusinessId,
    credential_hash: [u8; 32],
    application: &Application,
    now: Timestamp,
) -> Result<(), StoreError> {
    query("INSERT INTO businesses (business, credential_hash, state, created, changed) VALUES ($1, $2, $3, $4, $4)")
        .bind(business.to_bytes())
        .bind(credential_hash)
        .bind(State::Draft.as_str())
        .bind(now)
        .execute(transaction)
        .await?;
    set_application(transaction, business, application).await
}

/// Replaces what a business says of itself.
pub(super) async fn set_application(
    transaction: &mut Transaction,
    business: BusinessId,
    application: &Application,
) -> Result<(), StoreError> {
    let contact = application.contact.as_ref();
    query(
        "UPDATE businesses SET legal_name = $1, name = $2, country = $3, registration_number = $4, website = $5,
            category = $6, contact_name = $7, contact_email = $8, contact_phone = $9 WHERE business = $10",
    )
    .bind(application.legal_name.clone())
    .bind(application.name.clone())
    .bind(application.country.clone())
    .bind(application.registration_number.clone())
    .bind(application.website.clone())
    .bind(application.category.clone())
    .bind(contact.map(|contact| contact.name.clone()))
    .bind(contact.map(|contact| contact.email.clone()))
    .bind(contact.map(|contact| contact.phone.as_str().to_owned()))
    .bind(business.to_bytes())
    .execute(transaction)
    .await
    .map(drop)
}

pub(super) async fn set_credential(
    transaction: &mut Transaction,
    business: BusinessId,
    credential_hash: [u8; 32],
) -> Result<(), StoreError> {
    query("UPDATE businesses SET credential_hash = $1 WHERE business = $2")
        .bind(credential_hash)
        .bind(business.to_bytes())
        .execute(transaction)
        .await
        .map(drop)
}

/// Takes a business to another state.
pub(super) async fn set_state(
    transaction: &mut Transaction,
    business: BusinessId,
    state: State,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    query("UPDATE businesses SET state = $1, reason = $2, changed = $3 WHERE business = $4")
        .bind(state.as_str())
        .bind(reason.map(str::to_owned))
        .bind(now)
        .bind(business.to_bytes())
        .execute(transaction)
        .await
        .map(drop)
}

/// Says who hosts a business.
pub(crate) async fn set_hosting(
    transaction: &mut Transaction,
    business: BusinessId,
    mode: HostingMode,
    vendor: Option<VendorId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(
        "UPDATE businesses SET mode = $1, vendor = $2, hosted_since = $3, host_hash = NULL WHERE business = $4",
    )
    .bind(mode.as_str())
    .bind(vendor.map(|vendor| vendor.to_bytes().to_vec()))
    .bind(now)
    .bind(business.to_bytes())
    .execute(transaction)
    .await
    .map(drop)
}

/// Sets the credential with which a business hosts itself.
pub(crate) async fn set_host_hash(
    transaction: &mut Transaction,
    business: BusinessId,
    host_hash: [u8; 32],
) -> Result<(), StoreError> {
    query("UPDATE businesses SET host_hash = $1 WHERE business = $2")
        .bind(host_hash)
        .bind(business.to_bytes())
        .execute(transaction)
        .await
        .map(drop)
}

/// The hash of a business's credential.
pub(crate) async fn credential_hash(
    reader: &mut Connection,
    business: BusinessId,
) -> Result<Option<[u8; 32]>, StoreError> {
    let row: Option<Credential> = query("SELECT credential_hash FROM businesses WHERE business = $1")
        .bind(business.to_bytes())
        .optional(reader)
        .await?;
    Ok(row.map(|row| row.credential_hash))
}

/// The hash of the credential with which a business hosts itself, if it does.
pub(crate) async fn host_hash(
    reader: &mut Connection,
    business: BusinessId,
) -> Result<Option<[u8; 32]>, StoreError> {
    let row: Option<HostCredential> = query("SELECT host_hash FROM businesses WHERE business = $1")
        .bind(business.to_bytes())
        .optional(reader)
        .await?;
    Ok(row.and_then(|row| row.host_hash.0))
}

const BUSINESS: &str = "SELECT * FROM businesses WHERE business = $1";

/// A business.
pub(crate) async fn business(
    reader: &mut Connection,
    business: BusinessId,
) -> Result<Option<Business>, StoreError> {
    query(BUSINESS).bind(business.to_bytes()).optional(reader).await
}

/// A business. Until the transaction ends, nobody else changes it or what belongs to it.
pub(crate) async fn hold(
    transaction: &mut Transaction,
    business: BusinessId,
) -> Result<Option<Business>, StoreError> {
    query(Sql::each(BUSINESS, "SELECT * FROM businesses WHERE business = $1 FOR UPDATE"))
        .bind(business.to_bytes())
        .optional(transaction)
        .await
}

pub(super) async fn list(
    reader: &mut Connection,
    state: Option<State>,
    (changed, business): (Timestamp, BusinessId),
    limit: i64,
) -> Result<Vec<Summary>, StoreError> {
    let query = match state {
        None => query(
            "SELECT business, state, name, legal_name, country, changed FROM businesses
             WHERE changed < $1 OR (changed = $1 AND business < $2)
             ORDER BY changed DESC, business DESC LIMIT $3",
        ),
        Some(_) => query(
            "SELECT business, state, name, legal_name, country, changed FROM businesses
             WHERE state = $4 AND (changed < $1 OR (changed = $1 AND business < $2))
             ORDER BY changed DESC, business DESC LIMIT $3",
        ),
    };
    let query = query.bind(changed).bind(business.to_bytes()).bind(limit);
    match state {
        None => query.all(reader).await,
        Some(state) => query.bind(state.as_str()).all(reader).await,
    }
}

pub(super) async fn numbers(
    reader: &mut Connection,
    business: BusinessId,
) -> Result<Vec<api::BusinessNumber>, StoreError> {
    let rows: Vec<Bound> = query(
        "SELECT n.number, h.account FROM business_numbers n
         LEFT JOIN accounts a ON a.number = n.number
         LEFT JOIN hosted_accounts h ON h.account = a.account
         WHERE n.business = $1 ORDER BY n.bound, n.number",
    )
    .bind(business.to_bytes())
    .all(reader)
    .await?;
    let number = |row: Bound| {
        let account = row.account.0.map(AccountId::from_bytes);
        Ok(api::BusinessNumber { number: accounts::number(&row.number)?, account })
    };
    rows.into_iter().map(number).collect()
}

pub(super) async fn count_numbers(reader: &mut Connection, business: BusinessId) -> Result<i64, StoreError> {
    let count = query("SELECT COUNT(*) FROM business_numbers WHERE business = $1");
    Ok(count.bind(business.to_bytes()).value(reader).await?.unwrap_or_default())
}

const OWNER: &str = "SELECT business FROM business_numbers WHERE number = $1";

/// Whose number this is. Until the transaction ends, it stays that one's.
pub(crate) async fn hold_number(
    transaction: &mut Transaction,
    number: &PhoneNumber,
) -> Result<Option<BusinessId>, StoreError> {
    let text = Sql::each(OWNER, "SELECT business FROM business_numbers WHERE number = $1 FOR UPDATE");
    let row: Option<Owner> = query(text).bind(number.as_str()).optional(transaction).await?;
    Ok(row.map(|row| BusinessId::from_bytes(row.business)))
}

pub(super) async fn bind_number(
    transaction: &mut Transaction,
    business: BusinessId,
    number: &PhoneNumber,
    now: Timestamp,
) -> Result<(), StoreError> {
    query("INSERT INTO business_numbers (number, business, bound) VALUES ($1, $2, $3)")
        .bind(number.as_str())
        .bind(business.to_bytes())
        .bind(now)
        .execute(transaction)
        .await
        .map(drop)
}

pub(super) async fn unbind_number(
    transaction: &mut Transaction,
    number: &PhoneNumber,
) -> Result<(), StoreError> {
    query("DELETE FROM business_numbers WHERE number = $1")
        .bind(number.as_str())
        .execute(transaction)
        .await
        .map(drop)
}

pub(super) async fn testers(
    reader: &mut Connection,
    business: BusinessId,
) -> Result<Vec<PhoneNumber>, StoreError> {
    let rows: Vec<Number> = query("SELECT number FROM business_testers WHERE business = $1 ORDER BY number")
        .bind(business.to_bytes())
        .all(reader)
        .await?;
    rows.into_iter().map(|row| accounts::number(&row.number)).collect()
}

/// A tester; `false` if they are one already.
pub(super) async fn add_tester(
    transaction: &mut Transaction,
    business: BusinessId,
    number: &PhoneNumber,
) -> Result<bool, StoreError> {
    let added =
        query("INSERT INTO business_testers (business, number) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(business.to_bytes())
            .bind(number.as_str())
            .execute(transaction)
            .await?;
    Ok(added == 1)
}

pub(super) async fn count_testers(reader: &mut Connection, business: BusinessId) -> Result<i64, StoreError> {
    let count = query("SELECT COUNT(*) FROM business_testers WHERE business = $1");
    Ok(count.bind(business.to_bytes()).value(reader).await?.unwrap_or_default())
}

pub(super) async fn remove_tester(
    transaction: &mut Transaction,
    business: BusinessId,
    number: &PhoneNumber,
) -> Result<(), StoreError> {
    query("DELETE FROM business_testers WHERE business = $1 AND number = $2")
        .bind(business.to_bytes())
        .bind(number.as_str())
        .execute(transaction)
        .await
        .map(drop)
}

/// The accounts that testers have.
pub(super) async fn tester_accounts(
    reader: &mut Connection,
    business: BusinessId,
) -> Result<Vec<AccountId>, StoreError> {
    let rows: Vec<Account> = query(
        "SELECT a.account FROM business_testers t JOIN accounts a ON a.number = t.number WHERE t.business = $1",
    )
    .bind(business.to_bytes())
    .all(reader)
    .await?;
    Ok(rows.into_iter().map(|row| AccountId::from_bytes(row.account)).collect())
}

/// The devices of businesses that have this number as a tester.
pub(super) async fn devices_with_tester(
    reader: &mut Connection,
    number: &PhoneNumber,
) -> Result<Vec<DeviceKey>, StoreError> {
    let rows: Vec<Key> = query(
        "SELECT d.key FROM business_testers t
         JOIN hosted_accounts h ON h.business = t.business
         JOIN devices d ON d.account = h.account WHERE t.number = $1",
    )
    .bind(number.as_str())
    .all(reader)
    .await?;
    Ok(rows.into_iter().map(|row| row.key).collect())
}

/// What a hosted account's business and vendor may. One statement over three features' tables, as it is asked for every
/// socket and every send of a business.
pub(super) async fn standing(
    reader: &mut Connection,
    account: AccountId,
) -> Result<Option<Stands>, StoreError> {
    let row: Option<Standing> = query(
        "SELECT h.business, b.state, v.suspended AS vendor_suspended FROM hosted_accounts h
         JOIN businesses b ON b.business = h.business
         LEFT JOIN vendors v ON v.vendor = h.vendor WHERE h.account = $1",
    )
    .bind(account.to_bytes())
    .optional(reader)
    .await?;
    Ok(row.map(|row| Stands {
        business: BusinessId::from_bytes(row.business),
        state: row.state.0,
        vendor_suspended: row.vendor_suspended.unwrap_or_default(),
    }))
}

/// Looks at a document later: what has not arrived by then goes, and the bytes of what is forgotten.
fn removal(document: BlobId, due: Timestamp) -> NewJob {
    NewJob { kind: REMOVAL, payload: document.to_string().into_bytes(), due, unique_key: None }
}

/// A document that begins to arrive, with the job that removes it if it does not in time.
pub(super) async fn begin_document(
    transaction: &mut Transaction,
    business: BusinessId,
    document: BlobId,
    name: &str,
    (now, expires): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    jobs::add(transaction, [removal(document, expires)]).await?;
    query(
        "INSERT INTO business_documents (id, business, name, content_type, size, finished, created)
         VALUES ($1, $2, $3, '', 0, $4, $5)",
    )
    .bind(document.to_string())
    .bind(business.to_bytes())
    .bind(name)
    .bind(false)
    .bind(now)
    .execute(transaction)
    .await
    .map(drop)
}

/// A document has arrived; `false` if it was given up meanwhile.
pub(super) async fn finish_document(
    transaction: &mut Transaction,
    document: BlobId,
    content_type: &str,
    size: i64,
) -> Result<bool, StoreError> {
    let changed =
        query("UPDATE business_documents SET content_type = $1, size = $2, finished = $3 WHERE id = $4")
            .bind(content_type)
            .bind(size)
            .bind(true)
            .bind(document.to_string())
            .execute(transaction)
            .await?;
    Ok(changed == 1)
}

/// Documents of a business, those that still arrive too.
pub(super) async fn count_documents(
    reader: &mut Connection,
    business: BusinessId,
) -> Result<i64, StoreError> {
    let count = query("SELECT COUNT(*) FROM business_documents WHERE business = $1");
    Ok(count.bind(business.to_bytes()).value(reader).await?.unwrap_or_default())
}

/// Documents of a business that have arrived.
pub(super) async fn documents(
    reader: &mut Connection,
    business: BusinessId,
) -> Result<Vec<Document>, StoreError> {
    query(
        "SELECT id, name, content_type, size, created FROM business_documents
         WHERE business = $1 AND finished = $2 ORDER BY created, id",
    )
    .bind(business.to_bytes())
    .bind(true)
    .all(reader)
    .await
}

pub(super) async fn document(
    reader: &mut Connection,
    business: BusinessId,
    document: BlobId,
) -> Result<Option<Document>, StoreError> {
    query(
        "SELECT id, name, content_type, size, created FROM business_documents
         WHERE business = $1 AND id = $2 AND finished = $3",
    )
    .bind(business.to_bytes())
    .bind(document.to_string())
    .bind(true)
    .optional(reader)
    .await
}

/// Forgets a document, whose bytes go soon after the commit; `false` if there is none.
pub(super) async fn remove_document(
    transaction: &mut Transaction,
    business: BusinessId,
    document: BlobId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    jobs::add(transaction, [removal(document, now)]).await?;
    let removed = query("DELETE FROM business_documents WHERE business = $1 AND id = $2")
        .bind(business.to_bytes())
        .bind(document.to_string())
        .execute(transaction)
        .await?;
    Ok(removed == 1)
}

/// Forgets a document that never arrived in full; whether its bytes may go.
pub(super) async fn give_up(transaction: &mut Transaction, document: BlobId) -> Result<bool, StoreError> {
    let id = document.to_string();
    query("DELETE FROM business_documents WHERE id = $1 AND finished = $2")
        .bind(id.as_str())
        .bind(false)
        .execute(transaction)
        .await?;
    let there: Option<i64> = query("SELECT COUNT(*) FROM business_documents WHERE id = $1")
        .bind(id.as_str())
        .value(transaction)
        .await?;
    Ok(there == Some(0))
}
