//! Group commit.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use futures_util::future::join_all;
use store::{
    StoreError, Timestamp,
    sql::{
        Database, Transaction,
        migrations::{Migration, Module, apply},
        query,
    },
    testing::Scratch,
    writer::{Lane, LaneHandle, Writer, WriterConfig, WriterTasks},
};

const NOTES: &[Module] = &[Module {
    name: "notes",
    migrations: &[Migration::new(
        "notes",
        "CREATE TABLE notes (seq {sequence}, owner {integer} NOT NULL, body {integer} NOT NULL, UNIQUE (owner, body)) {options}",
    )],
}];

/// An owner and what is noted; -1 makes the lane panic.
struct Notes;

impl Lane for Notes {
    type Item = (i64, i64);
    type Output = i64;

    async fn apply(
        &self,
        transaction: &mut Transaction,
        items: &[(i64, i64)],
    ) -> Result<Vec<i64>, StoreError> {
        assert!(items.iter().all(|(_, body)| *body >= 0), "this lane panics on purpose");
        query("INSERT INTO notes (owner, body) VALUES {rows}")
            .rows(items.iter().map(|(owner, body)| [(*owner).into(), (*body).into()]))
            .execute(transaction)
            .await?;
        Ok(items.iter().map(|(_, body)| body * 10).collect())
    }

    fn key(&self, (owner, _): &(i64, i64)) -> u64 {
        owner.unsigned_abs()
    }
}

async fn start(scratch: &Scratch, config: &WriterConfig) -> (Writer, LaneHandle<Notes>, WriterTasks) {
    apply(&scratch.database, NOTES, Timestamp(0)).await.unwrap();
    let (writer, tasks) = Writer::start(&scratch.database, config);
    let lane = writer.lane(Notes);
    (writer, lane, tasks)
}

async fn count(database: &Database) -> i64 {
    let mut reader = database.reader().await.unwrap();
    query("SELECT COUNT(*) FROM notes").value(&mut reader).await.unwrap().unwrap()
}

pub(crate) async fn an_answer_comes_after_the_commit(scratch: Scratch) {
    let (_writer, lane, tasks) = start(&scratch, &WriterConfig::default()).await;
    for body in 0..20 {
        assert_eq!(lane.submit((1, body)).await.unwrap(), body * 10);
        // Another connection sees it.
        assert_eq!(count(&scratch.database).await, body + 1);
    }
    let many = join_all((0..2000).map(|body| lane.submit((body % 7 + 2, body)))).await;
    assert!(many.iter().all(Result::is_ok));
    assert_eq!(count(&scratch.database).await, 2020);
    tasks.close().await;
}

pub(crate) async fn a_failing_item_spares_its_neighbours(scratch: Scratch) {
    let (_writer, lane, tasks) = start(&scratch, &WriterConfig::default()).await;
    lane.submit((1, 13)).await.unwrap();
    lane.submit((1, 77)).await.unwrap();
    let outcomes = join_all((0..100).map(|body| lane.submit((1, body)))).await;
    for (body, outcome) in (0..).zip(outcomes) {
        match outcome {
            Ok(output) => assert_eq!(output, body * 10),
            Err(StoreError::Conflict(_)) => assert!(body == 13 || body == 77, "{body}"),
            Err(other) => panic!("{body}: {other:?}"),
        }
    }
    assert_eq!(count(&scratch.database).await, 100);
    tasks.close().await;
}

/// Notes that build upon each other: after one that is refused none is written.
#[derive(Default)]
struct Linked(AtomicBool);

impl Lane for Linked {
    type Item = i64;
    /// Whether it was written.
    type Output = bool;

    async fn apply(&self, transaction: &mut Transaction, items: &[i64]) -> Result<Vec<bool>, StoreError> {
        if self.0.load(SeqCst) {
            return Ok(vec![false; items.len()]);
        }
        query("INSERT INTO notes (owner, body) VALUES {rows}")
            .rows(items.iter().map(|body| [1i64.into(), (*body).into()]))
            .execute(transaction)
            .await?;
        Ok(vec![true; items.len()])
    }

    fn refused(&self, _: &i64) {
        self.0.store(true, SeqCst);
    }
}

pub(crate) async fn a_lane_hears_of_a_failing_item_before_the_next_is_written(scratch: Scratch) {
    let (writer, notes, tasks) = start(&scratch, &WriterConfig::default()).await;
    notes.submit((1, 5)).await.unwrap();
    let lane = writer.lane(Linked::default());
    let outcomes = join_all((0..16).map(|body| lane.submit(body))).await;
    for (body, outcome) in (0..).zip(outcomes) {
        match outcome {
            Ok(written) => assert_eq!(written, body < 5, "{body}"),
            Err(StoreError::Conflict(_)) => assert_eq!(body, 5),
            Err(other) => panic!("{body}: {other:?}"),
        }
    }
    assert_eq!(count(&scratch.database).await, 6);
    tasks.close().await;
}

#[derive(Debug)]
enum Refusal {
    NotToday,
    Store,
}

impl From<StoreError> for Refusal {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

pub(crate) async fn a_failing_operation_spares_its_neighbours(scratch: Scratch) {
    let (writer, lane, tasks) = start(&scratch, &WriterConfig::default()).await;
    let operation = |body: i64, fail: bool| {
        let writer = writer.clone();
        async move {
            let write = writer.write(1, move |transaction| {
                Box::pin(async move {
                    let insert = query("INSERT INTO notes (owner, body) VALUES (9, $1)").bind(body);
                    insert.execute(transaction).await?;
                    if fail { Err(Refusal::NotToday) } else { Ok(body) }
                })
            });
            write.await
        }
    };
    let (good, refused, conflicting, item) =
        tokio::join!(operation(1, false), operation(2, true), operation(1, false), lane.submit((1, 5)));
    assert_eq!(item.unwrap(), 50);
    assert!(matches!(refused, Err(Refusal::NotToday)));
    let outcomes = [good, conflicting];
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Ok(1))).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Err(Refusal::Store))).count(), 1);
    assert_eq!(count(&scratch.database).await, 2);
    tasks.close().await;
}

pub(crate) async fn items_of_a_key_keep_their_order(scratch: Scratch) {
    let (_writer, lane, tasks) = start(&scratch, &WriterConfig { batch: 7, ..WriterConfig::default() }).await;
    // Polled in this order, so submitted in this order; owners take turns.
    let all = join_all((0..300).map(|body| lane.submit((body % 5, body)))).await;
    assert!(all.iter().all(Result::is_ok));
    store::row! { struct Note from "notes" { owner: i64, body: i64 } }
    let mut reader = scratch.database.reader().await.unwrap();
    let notes: Vec<Note> =
        query("SELECT owner, body FROM notes ORDER BY seq").all(&mut reader).await.unwrap();
    for owner in 0..5 {
        let bodies: Vec<i64> =
            notes.iter().filter(|note| note.owner == owner).map(|note| note.body).collect();
        assert_eq!(bodies.len(), 60);
        assert!(bodies.is_sorted(), "{bodies:?}");
    }
    tasks.close().await;
}

pub(crate) async fn a_full_queue_says_busy(scratch: Scratch) {
    let (_writer, lane, tasks) =
        start(&scratch, &WriterConfig { capacity: 10, ..WriterConfig::default() }).await;
    let outcomes = join_all((0..50).map(|body| lane.submit((1, body)))).await;
    let busy = outcomes.iter().filter(|outcome| matches!(outcome, Err(StoreError::Busy))).count();
    let written = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert!(busy > 0 && written >= 10 && busy + written == 50, "{busy} busy, {written} written");
    assert_eq!(count(&scratch.database).await, i64::try_from(written).unwrap());
    // And there is room again.
    lane.submit((2, 1)).await.unwrap();
    tasks.close().await;
}

pub(crate) async fn closing_finishes_what_was_accepted(scratch: Scratch) {
    let (writer, lane, tasks) = start(&scratch, &WriterConfig::default()).await;
    let (accepted, _) =
        tokio::join!(join_all((0..500).map(|body| lane.submit((body % 3, body)))), tasks.close());
    assert!(accepted.iter().all(Result::is_ok));
    assert_eq!(count(&scratch.database).await, 500);
    let late = lane.submit((1, 1000)).await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
    let late = writer.lane(Notes).submit((1, 1000)).await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
}

pub(crate) async fn a_panicking_lane_leaves_nobody_waiting(scratch: Scratch) {
    let (_writer, lane, tasks) =
        start(&scratch, &WriterConfig { writers: 1, ..WriterConfig::default() }).await;
    let (one, other) = tokio::join!(lane.submit((1, -1)), lane.submit((1, 2)));
    assert!(matches!(one, Err(StoreError::Unavailable(_))), "{one:?}");
    assert!(matches!(other, Err(StoreError::Unavailable(_))), "{other:?}");
    let late = lane.submit((1, 3)).await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
    assert_eq!(count(&scratch.database).await, 0);
    tasks.close().await;
}
