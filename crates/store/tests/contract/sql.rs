//! Statements, transactions, migrations.

use store::{
    StoreError, Timestamp,
    sql::{
        Database, Sql,
        migrations::{Migration, Module, apply, pending},
        query,
    },
    testing::Scratch,
};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

const THINGS: &[Module] = &[Module {
    name: "things",
    migrations: &[Migration::new(
        "things",
        "CREATE TABLE things (id {sequence}, number {integer}, bytes {bytes}, words TEXT UNIQUE, flag {boolean}) {options};
         CREATE INDEX things_by_number ON things (number);",
    )],
}];

store::row! {
    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Thing from "things" {
        number: Option<i64>,
        bytes: Option<Vec<u8>>,
        words: Option<String>,
        flag: Option<bool>,
    }
}

store::row! {
    #[derive(Debug)]
    struct Sixteen from "things" { bytes: [u8; 16] }
}

async fn things(scratch: &Scratch) -> &Database {
    apply(&scratch.database, THINGS, NOW).await.unwrap();
    &scratch.database
}

async fn count(database: &Database) -> i64 {
    let mut reader = database.reader().await.unwrap();
    query("SELECT COUNT(*) FROM things").value(&mut reader).await.unwrap().unwrap()
}

async fn round_trip(scratch: &Scratch, thing: Thing) {
    let database = things(scratch).await;
    let mut transaction = database.begin().await.unwrap();
    query("INSERT INTO things (number, bytes, words, flag) VALUES ($1, $2, $3, $4)")
        .bind(thing.number)
        .bind(thing.bytes.clone())
        .bind(thing.words.clone())
        .bind(thing.flag)
        .execute(&mut transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    let mut reader = database.reader().await.unwrap();
    let found = query("SELECT * FROM things").optional::<Thing>(&mut reader).await.unwrap();
    assert_eq!(found, Some(thing));
}

pub(crate) async fn every_type_comes_back_as_it_went_in(scratch: Scratch) {
    let thing = Thing {
        number: Some(i64::MIN),
        bytes: Some(vec![0, 255, 7]),
        words: Some("für '$1' \u{1f600}".to_owned()),
        flag: Some(true),
    };
    round_trip(&scratch, thing).await;
}

pub(crate) async fn nothing_keeps_its_type(scratch: Scratch) {
    round_trip(&scratch, Thing { number: None, bytes: None, words: None, flag: None }).await;
}

pub(crate) async fn many_rows_go_in_and_out(scratch: Scratch) {
    let database = things(&scratch).await;
    let mut transaction = database.begin().await.unwrap();
    let inserted = query("INSERT INTO things (flag, number, bytes) VALUES {rows}")
        .rows((0..1501).map(|number: i64| [true.into(), number.into(), [7; 16].into()]))
        .execute(&mut transaction)
        .await
        .unwrap();
    assert_eq!(inserted, 1501);
    let found: Vec<Sixteen> =
        query("DELETE FROM things WHERE flag = $1 AND (number, bytes) IN (VALUES {rows}) RETURNING bytes")
            .bind(true)
            .rows((0..1001).map(|number: i64| [(number * 2).into(), [7; 16].into()]))
            .all(&mut transaction)
            .await
            .unwrap();
    assert_eq!(found.len(), 751);
    assert_eq!(found[0].bytes, [7; 16]);
    let none = query("INSERT INTO things (number) VALUES {rows}").rows::<1>([]);
    assert_eq!(none.execute(&mut transaction).await.unwrap(), 0);
    transaction.commit().await.unwrap();
    assert_eq!(count(database).await, 750);
}

pub(crate) async fn a_broken_constraint_is_a_conflict(scratch: Scratch) {
    let database = things(&scratch).await;
    let mut transaction = database.begin().await.unwrap();
    let twice = query("INSERT INTO things (words) VALUES {rows}").rows([["a".into()], ["a".into()]]);
    let error = twice.execute(&mut transaction).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
    drop(transaction);
    let mut reader = database.reader().await.unwrap();
    let error = query("SELECT nonsense FROM things").execute(&mut reader).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error:?}");
}

pub(crate) async fn unreadable_data_names_its_table_and_column(scratch: Scratch) {
    let database = things(&scratch).await;
    let mut transaction = database.begin().await.unwrap();
    query("INSERT INTO things (bytes) VALUES ($1)").bind([1; 15]).execute(&mut transaction).await.unwrap();
    let error = query("SELECT bytes FROM things").all::<Sixteen>(&mut transaction).await.unwrap_err();
    assert_eq!(error.to_string(), "unreadable data in things, column bytes");
}

pub(crate) async fn a_dropped_transaction_leaves_no_trace(scratch: Scratch) {
    let database = things(&scratch).await;
    let mut transaction = database.begin().await.unwrap();
    query("INSERT INTO things (number) VALUES (1)").execute(&mut transaction).await.unwrap();
    drop(transaction);
    // Also not in the way of the next one.
    let mut transaction = database.begin().await.unwrap();
    query("INSERT INTO things (number) VALUES (2)").execute(&mut transaction).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(count(database).await, 1);
}

pub(crate) async fn a_failed_attempt_undoes_only_itself(scratch: Scratch) {
    let database = things(&scratch).await;
    let mut transaction = database.begin().await.unwrap();
    query("INSERT INTO things (words) VALUES ('a')").execute(&mut transaction).await.unwrap();
    let failed = transaction
        .attempt(async |transaction| {
            query("INSERT INTO things (words) VALUES ('b')").execute(transaction).await?;
            query("INSERT INTO things (words) VALUES ('a')").execute(transaction).await
        })
        .await;
    assert!(matches!(failed, Err(StoreError::Conflict(_))));
    query("INSERT INTO things (words) VALUES ('c')").execute(&mut transaction).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(count(database).await, 2);
}

pub(crate) async fn migrations_are_applied_once_by_many(scratch: Scratch) {
    let starting = (0..4).map(|_| {
        let config = scratch.config.clone();
        tokio::spawn(async move {
            // A connection of its own, as another process would have.
            let database = Database::open(&config).await.unwrap();
            apply(&database, THINGS, NOW).await.unwrap().len()
        })
    });
    let mut applied = 0;
    for start in starting.collect::<Vec<_>>() {
        applied += start.await.unwrap();
    }
    assert_eq!(applied, 1);
}

pub(crate) async fn migrations_are_listed_before_they_are_applied(scratch: Scratch) {
    let listed = pending(&scratch.database, THINGS).await.unwrap();
    assert_eq!((listed[0].module, listed[0].number, listed[0].name), ("things", 1, "things"));
    assert_eq!(apply(&scratch.database, THINGS, NOW).await.unwrap(), listed);
    assert_eq!(pending(&scratch.database, THINGS).await.unwrap(), []);
    // Another program's features in the same database are none of ours.
    let others = &[Module { name: "others", migrations: &[] }];
    assert_eq!(apply(&scratch.database, others, NOW).await.unwrap(), []);
}

pub(crate) async fn an_edited_migration_is_refused(scratch: Scratch) {
    const EDITED: &[Migration] = &[Migration::new("things", "SELECT 1")];
    things(&scratch).await;
    let edited = &[Module { name: "things", migrations: EDITED }];
    let error = apply(&scratch.database, edited, NOW).await.unwrap_err();
    assert_eq!(error.to_string(), "migration 1 of things (things) was edited after it was applied here");
}

pub(crate) async fn a_newer_database_is_refused(scratch: Scratch) {
    things(&scratch).await;
    let older = &[Module { name: "things", migrations: &[] }];
    let error = pending(&scratch.database, older).await.unwrap_err();
    assert!(error.to_string().starts_with("the database is newer than this program"), "{error}");
}

pub(crate) async fn a_failing_migration_changes_nothing(scratch: Scratch) {
    const STEPS: &[Migration] = &[
        Migration::new("good", "CREATE TABLE things (id {sequence})"),
        Migration { name: "bad", sql: Sql::each("CREATE NONSENSE", "CREATE NONSENSE") },
    ];
    const WORD: &[Migration] = &[Migration::new("word", "CREATE TABLE a (b {blob})")];
    let bad = &[Module { name: "things", migrations: STEPS }];
    let error = apply(&scratch.database, bad, NOW).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error:?}");
    assert_eq!(apply(&scratch.database, THINGS, NOW).await.unwrap().len(), 1);
    let word = &[Module { name: "words", migrations: WORD }];
    let error = apply(&scratch.database, word, NOW).await.unwrap_err();
    assert_eq!(error.to_string(), "no such word in a migration: {blob}");
}
