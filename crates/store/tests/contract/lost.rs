//! A database that goes away, and a disk that is full: errors, never acknowledgements; and all is well afterwards.

use std::time::Duration;

use store::{
    StoreError, Timestamp,
    sql::{
        Transaction,
        migrations::{Migration, Module, apply},
        query,
    },
    testing::{Postgres, Scratch},
    writer::{Lane, Writer, WriterConfig},
};

const BODIES: &[Module] = &[Module {
    name: "bodies",
    migrations: &[Migration::new("bodies", "CREATE TABLE bodies (body {bytes} NOT NULL) {options}")],
}];

struct Bodies;

impl Lane for Bodies {
    type Item = Vec<u8>;
    type Output = ();

    async fn apply(&self, transaction: &mut Transaction, items: &[Vec<u8>]) -> Result<Vec<()>, StoreError> {
        let insert = query("INSERT INTO bodies (body) VALUES {rows}");
        insert.rows(items.iter().map(|body| [body.as_slice().into()])).execute(transaction).await?;
        Ok(vec![(); items.len()])
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_database_is_unavailable_and_comes_back() {
    let mut server = Postgres::start();
    let scratch = Scratch::postgres(&server).await.unwrap();
    apply(&scratch.database, BODIES, Timestamp(0)).await.unwrap();
    let (writer, tasks) = Writer::start(&scratch.database, &WriterConfig::default());
    let lane = writer.lane(Bodies);
    lane.submit(vec![1]).await.unwrap();

    server.kill();
    let lost = lane.submit(vec![2]).await;
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");

    server.resume();
    let back = async {
        while lane.submit(vec![3]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), back).await.expect("the writer connects again");
    let mut reader = scratch.database.reader().await.unwrap();
    let count = query("SELECT COUNT(*) FROM bodies").value::<i64>(&mut reader).await.unwrap();
    assert_eq!(count, Some(2), "what was refused is not there");
    drop(reader);
    tasks.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_unavailable_and_loses_nothing() {
    let scratch = Scratch::sqlite().await.unwrap();
    apply(&scratch.database, BODIES, Timestamp(0)).await.unwrap();
    // As far as SQLite can tell, a file that may not grow is a full disk.
    let mut transaction = scratch.database.begin().await.unwrap();
    query("PRAGMA max_page_count = 40").execute(&mut transaction).await.unwrap();
    transaction.commit().await.unwrap();
    let (writer, tasks) = Writer::start(&scratch.database, &WriterConfig::default());
    let lane = writer.lane(Bodies);
    let mut accepted = 0;
    let full = loop {
        match lane.submit(vec![7; 10_000]).await {
            Ok(()) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, StoreError::Unavailable(_)), "{full:?}");
    let mut reader = scratch.database.reader().await.unwrap();
    let count = query("SELECT COUNT(*) FROM bodies").value::<i64>(&mut reader).await.unwrap();
    assert_eq!(count, Some(accepted));
    tasks.close().await;
}
