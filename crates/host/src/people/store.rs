//! The tables of people, and of how each stands with a number.

use ::store::sql::migrations::{Migration, Module};

pub(crate) const MIGRATIONS: Module = Module {
    name: "people",
    migrations: &[Migration::new(
        "people, and chats with them",
        "CREATE TABLE people (
            id {sequence},
            business {integer} NOT NULL,
            account {bytes} NOT NULL,
            user_id TEXT NOT NULL,
            number_name {bytes},
            sealed {bytes} NOT NULL,
            created {integer} NOT NULL,
            UNIQUE (business, account),
            UNIQUE (business, user_id)
        ) {options};
        CREATE INDEX people_by_number ON people (business, number_name);
        CREATE TABLE chats (
            number {integer} NOT NULL,
            person {integer} NOT NULL,
            business {integer} NOT NULL,
            latest {integer} NOT NULL,
            wrote {integer},
            opened {integer},
            allowance {integer} NOT NULL DEFAULT 0,
            blocked {boolean} NOT NULL,
            marketing_stopped {boolean} NOT NULL,
            identity TEXT,
            PRIMARY KEY (number, person)
        ) {options};
        CREATE INDEX chats_latest ON chats (number, latest);
        CREATE INDEX chats_opened ON chats (number, opened);
        CREATE INDEX chats_of_business ON chats (business);",
    )],
};
