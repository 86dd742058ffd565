//! The table of templates.

use ::store::{
    StoreError, Timestamp,
    sql::{
        Column, ColumnError, Connection, Row, Transaction,
        migrations::{Migration, Module},
        query,
    },
};

use super::{Status, clicks::Click};
use crate::{
    businesses::BusinessState,
    ids::{BusinessId, MessageId, TemplateId, WabaId},
    sealing::Sealed,
};

pub(crate) const MIGRATIONS: Module = Module {
    name: "templates",
    migrations: &[
        Migration::new(
            "templates; what is deleted keeps its name for a while",
            "CREATE TABLE templates (
            id {integer} PRIMARY KEY,
            waba {integer} NOT NULL,
            business {integer} NOT NULL,
            name TEXT NOT NULL,
            language TEXT NOT NULL,
            category TEXT NOT NULL,
            status TEXT NOT NULL,
            reason TEXT NOT NULL,
            definition {bytes} NOT NULL,
            created {integer} NOT NULL,
            edited {integer} NOT NULL,
            edits {integer} NOT NULL,
            deleted {integer}
        ) {options};
        CREATE UNIQUE INDEX templates_by_name ON templates (waba, name, language) WHERE deleted IS NULL;
        CREATE INDEX templates_of ON templates (waba, id);
        CREATE INDEX templates_in ON templates (status, id);",
        ),
        Migration::new(
            "how often their buttons were pressed, by the half hour",
            "CREATE TABLE template_clicks (
            business {integer} NOT NULL,
            template {integer} NOT NULL,
            slot {integer} NOT NULL,
            button {bytes} NOT NULL,
            amount {integer} NOT NULL,
            PRIMARY KEY (business, template, slot, button)
        ) {options};",
        ),
        Migration::new(
            "when approved templates were edited",
            "CREATE TABLE template_edits (
            template {integer} NOT NULL,
            business {integer} NOT NULL,
            edit {integer} NOT NULL,
            at {integer} NOT NULL,
            PRIMARY KEY (template, edit)
        ) {options};
        CREATE INDEX template_edits_of ON template_edits (business);",
        ),
    ],
};

impl Column for Status {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        let word: String = row.get(column)?;
        word.parse().map_err(|error: super::UnknownStatus| ColumnError::new(column, error))
    }
}

::store::row! {
    /// A template as it is stored.
    pub(super) struct Stored from "templates" {
        pub(super) id: TemplateId,
        pub(super) waba: WabaId,
        pub(super) business: BusinessId,
        pub(super) name: String,
        pub(super) language: String,
        pub(super) status: Status,
        pub(super) reason: String,
        pub(super) definition: Vec<u8>,
        pub(super) edited: Timestamp,
        pub(super) edits: i64,
    }
}

/// A template that is to be stored.
#[derive(Debug, Clone)]
pub(super) struct New {
    pub(super) id: TemplateId,
    pub(super) waba: WabaId,
    pub(super) business: BusinessId,
    pub(super) name: String,
    pub(super) language: String,
    pub(super) category: &'static str,
    pub(super) status: Status,
    pub(super) reason: &'static str,
    pub(super) definition: Sealed,
    pub(super) now: Timestamp,
}

pub(super) async fn insert(transaction: &mut Transaction, new: &New) -> Result<(), StoreError> {
    query(
        "INSERT INTO templates
             (id, waba, business, name, language, category, status, reason, definition, created, edited, edits)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, 0)",
    )
    .bind(new.id)
    .bind(new.waba)
    .bind(new.business)
    .bind(new.name.as_str())
    .bind(new.language.as_str())
    .bind(new.category)
    .bind(new.status.as_str())
    .bind(new.reason)
    .bind(new.definition.stored())
    .bind(new.now)
    .execute(transaction)
    .await
    .map(drop)
}

/// Replaces what a template says.
/// Writes a template anew; whether it was still as it was `before`, in status and number of edits.
pub(super) async fn edit(
    transaction: &mut Transaction,
    new: &New,
    before: (Status, i64),
) -> Result<bool, StoreError> {
    let edited = query(
        "UPDATE templates SET category = $2, status = $3, reason = $4, definition = $5, edited = $6, edits = edits + 1
         WHERE id = $1 AND status = $7 AND edits = $8 AND deleted IS NULL",
    )
    .bind(new.id)
    .bind(new.category)
    .bind(new.status.as_str())
    .bind(new.reason)
    .bind(new.definition.stored())
    .bind(new.now)
    .bind(before.0.as_str())
    .bind(before.1)
    .execute(transaction)
    .await?;
    Ok(edited == 1)
}

/// Moves a template from one status to another; whether it was in that one.
pub(super) async fn move_to(
    transaction: &mut Transaction,
    id: TemplateId,
    from: Status,
    to: Status,
    reason: &'static str,
) -> Result<bool, StoreError> {
    let moved = query(
        "UPDATE templates SET status = $3, reason = $4 WHERE id = $1 AND status = $2 AND deleted IS NULL",
    )
    .bind(id)
    .bind(from.as_str())
    .bind(to.as_str())
    .bind(reason)
    .execute(transaction)
    .await?;
    Ok(moved == 1)
}

/// How many templates an account has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    /// By their names, and by names and languages.
    pub(super) names: i64,
    pub(super) all: i64,
    /// Made since then.
    pub(super) fresh: i64,
    /// Whether there is one of this name.
    pub(super) has_name: bool,
}

/// How many there are, how many were made since, and whether one has this name.
pub(super) async fn counts(
    reader: &mut Connection,
    waba: WabaId,
    name: &str,
    since: Timestamp,
) -> Result<Counts, StoreError> {
    let names = query("SELECT COUNT(DISTINCT name) FROM templates WHERE waba = $1 AND deleted IS NULL");
    let names = names.bind(waba).value(reader).await?.unwrap_or_default();
    let all = query("SELECT COUNT(*) FROM templates WHERE waba = $1 AND deleted IS NULL").bind(waba);
    let all = all.value(reader).await?.unwrap_or_default();
    let fresh = query("SELECT COUNT(*) FROM templates WHERE waba = $1 AND created > $2");
    let fresh = fresh.bind(waba).bind(since).value(reader).await?.unwrap_or_default();
    let named = query("SELECT COUNT(*) FROM templates WHERE waba = $1 AND name = $2 AND deleted IS NULL");
    let named: i64 = named.bind(waba).bind(name).value(reader).await?.unwrap_or_default();
    Ok(Counts { names, all, fresh, has_name: named > 0 })
}

/// How far the approval of a business is; of one that is not there, not far.
pub(super) async fn state_of(
    reader: &mut Connection,
    business: BusinessId,
) -> Result<BusinessState, StoreError> {
    let word = query("SELECT state FROM businesses WHERE id = $1").bind(business);
    let word: Option<String> = word.value(reader).await?;
    Ok(word.and_then(|word| word.parse().ok()).unwrap_or(BusinessState::Draft))
}

/// How often a template was edited since while it was approved.
pub(super) async fn edits(
    reader: &mut Connection,
    template: TemplateId,
    since: Timestamp,
) -> Result<i64, StoreError> {
    let edits = query("SELECT COUNT(*) FROM template_edits WHERE template = $1 AND at > $2");
    Ok(edits.bind(template).bind(since).value(reader).await?.unwrap_or_default())
}

/// Notes that an approved template was edited, and forgets when it was before that time.
pub(super) async fn note_edit(
    transaction: &mut Transaction,
    new: &New,
    before: Timestamp,
) -> Result<(), StoreError> {
    query("DELETE FROM template_edits WHERE template = $1 AND at <= $2")
        .bind(new.id)
        .bind(before)
        .execute(transaction)
        .await?;
    query(
        "INSERT INTO template_edits (template, business, edit, at)
         SELECT id, business, edits, CAST($2 AS BIGINT) FROM templates WHERE id = $1",
    )
    .bind(new.id)
    .bind(new.now)
    .execute(transaction)
    .await
    .map(drop)
}

/// When a template of this name was last deleted.
pub(super) async fn deleted(
    reader: &mut Connection,
    waba: WabaId,
    name: &str,
    language: &str,
) -> Result<Option<Timestamp>, StoreError> {
    query("SELECT MAX(deleted) FROM templates WHERE waba = $1 AND name = $2 AND language = $3 AND deleted IS NOT NULL")
        .bind(waba)
        .bind(name)
        .bind(language)
        .value::<Option<Timestamp>>(reader)
        .await
        .map(Option::flatten)
}

/// The template of this name and language.
pub(super) async fn named(
    reader: &mut Connection,
    waba: WabaId,
    name: &str,
    language: &str,
) -> Result<Option<Stored>, StoreError> {
    query(
        "SELECT id, waba, business, name, language, status, reason, definition, edited, edits FROM templates
         WHERE waba = $1 AND name = $2 AND language = $3 AND deleted IS NULL",
    )
    .bind(waba)
    .bind(name)
    .bind(language)
    .optional(reader)
    .await
}

pub(super) async fn get(reader: &mut Connection, id: TemplateId) -> Result<Option<Stored>, StoreError> {
    query(
        "SELECT id, waba, business, name, language, status, reason, definition, edited, edits FROM templates
         WHERE id = $1 AND deleted IS NULL",
    )
    .bind(id)
    .optional(reader)
    .await
}

/// All of an account, in the order of their ids. There are never more than some thousands.
pub(super) async fn all(reader: &mut Connection, waba: WabaId) -> Result<Vec<Stored>, StoreError> {
    query(
        "SELECT id, waba, business, name, language, status, reason, definition, edited, edits FROM templates
         WHERE waba = $1 AND deleted IS NULL ORDER BY id",
    )
    .bind(waba)
    .all(reader)
    .await
}

/// Those that wait for a person's decision, after this one.
pub(super) async fn waiting(
    reader: &mut Connection,
    after: Option<TemplateId>,
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    query(
        "SELECT id, waba, business, name, language, status, reason, definition, edited, edits FROM templates
         WHERE status = 'PENDING' AND id > $1 AND deleted IS NULL ORDER BY id LIMIT $2",
    )
    .bind(after.map_or(0, |id| id.get().cast_signed()))
    .bind(limit)
    .all(reader)
    .await
}

/// Deletes; the names of those that were there, with their ids.
pub(super) async fn delete(
    transaction: &mut Transaction,
    ids: &[TemplateId],
    now: Timestamp,
) -> Result<u64, StoreError> {
    let mut deleted = 0;
    for id in ids {
        deleted +=
            query("UPDATE templates SET deleted = $2, status = 'DELETED' WHERE id = $1 AND deleted IS NULL")
                .bind(*id)
                .bind(now)
                .execute(transaction)
                .await?;
    }
    Ok(deleted)
}

/// Deletes all templates of a business, and the names of those that it deleted.
pub(crate) async fn erase(transaction: &mut Transaction, business: BusinessId) -> Result<(), StoreError> {
    for text in [
        "DELETE FROM template_clicks WHERE business = $1",
        "DELETE FROM template_edits WHERE business = $1",
        "DELETE FROM templates WHERE business = $1",
    ] {
        query(text).bind(business).execute(transaction).await?;
    }
    Ok(())
}

/// Of which template a message of the business is.
pub(super) async fn of_message(
    reader: &mut Connection,
    business: BusinessId,
    message: MessageId,
) -> Result<Option<TemplateId>, StoreError> {
    let found: Option<Sent> = query(
        "SELECT template FROM messages
         WHERE number = $1 AND name = $2 AND business = $3 AND outbound AND template IS NOT NULL",
    )
    .bind(message.number())
    .bind(*message.name())
    .bind(business)
    .optional(reader)
    .await?;
    Ok(found.map(|sent| sent.template))
}

::store::row! {
    struct Sent from "messages" { template: TemplateId }
}

/// Counts a press.
pub(super) async fn click(transaction: &mut Transaction, click: &Click) -> Result<(), StoreError> {
    query(
        "INSERT INTO template_clicks (business, template, slot, button, amount) VALUES ($1, $2, $3, $4, 1)
         ON CONFLICT (business, template, slot, button) DO UPDATE SET amount = template_clicks.amount + 1",
    )
    .bind(click.business)
    .bind(click.template)
    .bind(click.slot)
    .bind(click.button)
    .execute(transaction)
    .await
    .map(drop)
}

::store::row! {
    /// How often a button was pressed on a day.
    #[derive(Debug, Clone)]
    pub(super) struct Count from "template_clicks" {
        pub(super) template: TemplateId,
        pub(super) day: i64,
        pub(super) button: [u8; 32],
        pub(super) amount: i64,
    }
}

/// Days have 48 slots.
pub(super) async fn clicks(
    reader: &mut Connection,
    business: BusinessId,
    templates: &[TemplateId],
    (from, to): (i64, i64),
) -> Result<Vec<Count>, StoreError> {
    query(
        "SELECT template, slot / 48 AS day, button, CAST(SUM(amount) AS BIGINT) AS amount FROM template_clicks
         WHERE business = $1 AND slot >= $2 AND slot < $3 AND template IN (VALUES {rows})
         GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT 100000",
    )
    .bind(business)
    .bind(from)
    .bind(to)
    .rows(templates.iter().map(|id| [(*id).into()]))
    .all(reader)
    .await
}
