//! The tables of callbacks, events, deliveries and attempts.

mod callbacks;
mod delivering;
mod events;
mod log;

use ::store::sql::{
    Column, ColumnError, Row,
    migrations::{Migration, Module},
};

pub(super) use self::{callbacks::*, delivering::*, events::*, log::*};
use super::{Field, Target};

pub(crate) const MIGRATIONS: Module = Module {
    name: "webhooks",
    migrations: &[Migration::new(
        "callbacks, events, deliveries and attempts",
        "CREATE TABLE webhook_apps (
            app {integer} PRIMARY KEY,
            fields TEXT NOT NULL
        ) {options};
        CREATE TABLE webhook_subscriptions (
            waba {integer} NOT NULL,
            app {integer} NOT NULL,
            since {integer} NOT NULL,
            PRIMARY KEY (waba, app)
        ) {options};
        CREATE TABLE webhook_callbacks (
            id {sequence},
            app {integer} NOT NULL,
            target {integer} NOT NULL,
            business {integer} NOT NULL,
            url {bytes} NOT NULL,
            failures {integer} NOT NULL DEFAULT 0,
            resume {integer} NOT NULL DEFAULT 0,
            lease {bytes},
            leased_until {integer} NOT NULL DEFAULT 0,
            UNIQUE (app, target)
        ) {options};
        CREATE TABLE webhook_events (
            id {sequence},
            business {integer} NOT NULL,
            waba {integer} NOT NULL,
            field TEXT NOT NULL,
            unique_key TEXT NOT NULL,
            about TEXT,
            value {bytes},
            created {integer} NOT NULL,
            UNIQUE (waba, unique_key)
        ) {options};
        CREATE INDEX webhook_events_created ON webhook_events (created);
        CREATE INDEX webhook_events_about ON webhook_events (business, about) WHERE value IS NOT NULL;
        CREATE TABLE webhook_deliveries (
            callback {integer} NOT NULL,
            event {integer} NOT NULL,
            created {integer} NOT NULL,
            due {integer} NOT NULL,
            attempts {integer} NOT NULL DEFAULT 0,
            died {integer},
            failure TEXT,
            PRIMARY KEY (callback, event)
        ) {options};
        CREATE INDEX webhook_deliveries_due ON webhook_deliveries (callback, due) WHERE died IS NULL;
        CREATE INDEX webhook_deliveries_event ON webhook_deliveries (event);
        CREATE TABLE webhook_attempts (
            id {sequence},
            app {integer} NOT NULL,
            callback {integer} NOT NULL,
            event {integer} NOT NULL,
            field TEXT NOT NULL,
            number {integer} NOT NULL,
            at {integer} NOT NULL,
            millis {integer} NOT NULL,
            status {integer},
            outcome TEXT NOT NULL
        ) {options};
        CREATE INDEX webhook_attempts_app ON webhook_attempts (app, id);
        CREATE INDEX webhook_attempts_at ON webhook_attempts (at);",
    )],
};

impl Column for Field {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        row.get::<String>(column)?.parse().map_err(|error| ColumnError::new(column, error))
    }
}

impl Column for Target {
    fn read(row: &Row, column: &str) -> Result<Self, ColumnError> {
        let id: i64 = row.get(column)?;
        Self::from_id(id.cast_unsigned()).ok_or_else(|| ColumnError::new(column, "no app, account or number"))
    }
}
