//! Work after a commit.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use store::{
    Clock, Entropy, StoreError, Timestamp,
    bus::{Bus, LocalBus},
    jobs::{
        Failure, Handler, Job, Jobs, MIGRATIONS, NewJob, Schedule, Worker, WorkerConfig, add, dead, revive,
    },
    sql::{migrations::apply, query},
    testing::{HandClock, Scratch, SeededEntropy},
    writer::{Writer, WriterConfig, WriterTasks},
};

const START: Timestamp = Timestamp(1_700_000_000_000);

store::row! {
    struct Row from "jobs" { due: Timestamp, lease: Option<Vec<u8>>, failure: Option<String> }
}

/// Everything a worker stands on, and what its handler saw.
struct Room {
    scratch: Scratch,
    writer: Writer,
    _tasks: WriterTasks,
    bus: Arc<dyn Bus>,
    hand: Arc<HandClock>,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// Notes what it is given; fails or hangs on demand, the latter for so many leases.
struct Noting(Arc<Mutex<Vec<Vec<u8>>>>, u32);

#[async_trait]
impl Handler for Noting {
    fn kind(&self) -> &'static str {
        "note"
    }

    fn schedule(&self) -> Schedule {
        Schedule { delays_s: vec![10, 100], jitter_percent: 0 }
    }

    fn longest(&self, lease: Duration) -> Duration {
        lease * self.1
    }

    async fn run(&self, job: &Job) -> Result<(), Failure> {
        self.0.lock().unwrap().push(job.payload.clone());
        match &*job.payload {
            b"fail" => Err(Failure::Later("not now".to_owned())),
            b"hang" => std::future::pending().await,
            b"long" => {
                let _stopped = Stopped(self.0.clone());
                // Until told, in what it notes, that it is done.
                while !self.0.lock().unwrap().contains(&b"enough".to_vec()) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Notes that a handler ended, by itself or not.
struct Stopped(Arc<Mutex<Vec<Vec<u8>>>>);

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(b"stopped".to_vec());
    }
}

impl Room {
    async fn open(scratch: Scratch) -> Self {
        apply(&scratch.database, &[MIGRATIONS], START).await.unwrap();
        let (writer, tasks) = Writer::start(&scratch.database, &WriterConfig::default());
        let hand = Arc::new(HandClock::at(START));
        let bus = Arc::new(LocalBus::new(8));
        Self { scratch, writer, _tasks: tasks, bus, hand, seen: Arc::default() }
    }

    fn worker(&self, config: &WorkerConfig) -> Worker {
        self.patient_worker(config, 3)
    }

    /// A worker that lets a job run for so many leases.
    fn patient_worker(&self, config: &WorkerConfig, longest: u32) -> Worker {
        let clock: Arc<dyn Clock> = self.hand.clone();
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
        let mut worker = Worker::new();
        let handler = Arc::new(Noting(self.seen.clone(), longest));
        worker.start(handler, config, (&self.scratch.database, &self.writer, &self.bus), (&clock, &entropy));
        worker
    }

    async fn add(&self, payload: &'static [u8], due: Timestamp, key: Option<&'static str>) -> u64 {
        let write = self.writer.write(0, move |transaction| {
            let unique_key = key.map(str::to_owned);
            let job = NewJob { kind: "note", payload: payload.to_vec(), due, unique_key };
            Box::pin(async move { add(transaction, [job]).await })
        });
        write.await.unwrap()
    }

    async fn waiting(&self) -> i64 {
        let mut reader = self.scratch.database.reader().await.unwrap();
        let count = query("SELECT COUNT(*) FROM jobs WHERE died_at IS NULL");
        count.value(&mut reader).await.unwrap().unwrap()
    }

    /// Waits until it is so.
    async fn until(&self, what: &str, mut is_so: impl AsyncFnMut(&Self) -> bool) {
        for _ in 0..1000 {
            if is_so(self).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("in ten seconds not: {what}");
    }

    fn times(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// The only job, as it is stored: when it is due, who has it, and why it failed.
    async fn row(&self) -> Row {
        let mut reader = self.scratch.database.reader().await.unwrap();
        query("SELECT due, lease, failure FROM jobs").optional(&mut reader).await.unwrap().unwrap()
    }
}

fn quick() -> WorkerConfig {
    WorkerConfig { poll_ms: 20, ..WorkerConfig::default() }
}

pub(crate) async fn a_job_is_there_if_its_change_is(scratch: Scratch) {
    let room = Room::open(scratch).await;
    let job = NewJob { kind: "note", payload: vec![1], due: START, unique_key: None };
    let undone: Result<u64, StoreError> = room
        .writer
        .write(0, move |transaction| {
            let job = job.clone();
            Box::pin(async move {
                add(transaction, [job]).await?;
                Err(StoreError::Busy)
            })
        })
        .await;
    assert!(undone.is_err());
    assert_eq!(room.waiting().await, 0);
}

pub(crate) async fn a_job_is_done_once_and_gone(scratch: Scratch) {
    let room = Room::open(scratch).await;
    // Two workers, as on two nodes.
    let workers = [room.worker(&quick()), room.worker(&quick())];
    for _ in 0..50 {
        room.add(b"once", START, None).await;
    }
    room.until("all are done", async |room| room.waiting().await == 0).await;
    assert_eq!(room.times(), 50);
    for worker in workers {
        worker.close().await;
    }
}

pub(crate) async fn a_failing_job_comes_back_and_dies(scratch: Scratch) {
    let room = Room::open(scratch).await;
    let worker = room.worker(&quick());
    room.add(b"fail", START, None).await;
    for (tries, delay) in [(1, 10), (2, 100)] {
        room.until("it is tried", async |room| room.times() == tries).await;
        room.until("its failure is written", async |room| {
            let mut reader = room.scratch.database.reader().await.unwrap();
            let count = query("SELECT COUNT(*) FROM jobs WHERE lease IS NULL");
            count.value::<i64>(&mut reader).await.unwrap() == Some(1)
        })
        .await;
        room.hand.advance(Duration::from_secs(delay));
    }
    room.until("it is dead", async |room| room.waiting().await == 0).await;
    assert_eq!(room.times(), 3);
    let mut reader = room.scratch.database.reader().await.unwrap();
    let letters = dead(&mut reader, 0, 10).await.unwrap();
    assert_eq!((letters.len(), letters[0].attempts, letters[0].failure.as_deref()), (1, 3, Some("not now")));
    let id = letters[0].id;
    let (now, revived) = (room.hand.now(), room.writer.clone());
    let revived: Result<bool, StoreError> =
        revived.write(0, move |transaction| Box::pin(revive(transaction, id, now))).await;
    assert!(revived.unwrap());
    room.until("it is tried again", async |room| room.times() == 4).await;
    worker.close().await;
}

pub(crate) async fn a_lost_lease_is_taken_over(scratch: Scratch) {
    let room = Room::open(scratch).await;
    let dying = room.worker(&quick());
    room.add(b"hang", START, None).await;
    room.until("it is taken", async |room| room.times() == 1).await;
    drop(dying);
    let heir = room.worker(&quick());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(room.times(), 1, "it is leased");
    room.hand.advance(Duration::from_secs(61));
    room.until("it is taken over", async |room| room.times() == 2).await;
    drop(heir);
}

pub(crate) async fn a_running_job_keeps_its_lease(scratch: Scratch) {
    let room = Room::open(scratch).await;
    let lease = Duration::from_secs(3);
    let config = WorkerConfig { lease_ms: 3000, ..quick() };
    let workers = [room.patient_worker(&config, 100), room.patient_worker(&config, 100)];
    room.add(b"long", START, None).await;
    room.until("it is taken", async |room| room.times() == 1).await;
    for _ in 0..3 {
        // Nearly a lease on, and two leases in all.
        room.hand.advance(lease * 4 / 5);
        let renewed = room.hand.now().after(lease);
        room.until("its lease is renewed", async |room| room.row().await.due == renewed).await;
    }
    assert_eq!(room.times(), 1, "nobody else took it");
    room.seen.lock().unwrap().push(b"enough".to_vec());
    room.until("it is done", async |room| room.waiting().await == 0).await;
    assert_eq!(*room.seen.lock().unwrap(), [&b"long"[..], b"enough", b"stopped"]);
    for worker in workers {
        worker.close().await;
    }
}

pub(crate) async fn a_job_that_was_taken_away_is_stopped(scratch: Scratch) {
    let room = Room::open(scratch).await;
    let worker = room.worker(&WorkerConfig { lease_ms: 300, ..quick() });
    room.add(b"long", START, None).await;
    room.until("it is taken", async |room| room.times() == 1).await;
    let take_away = room.writer.write(0, |transaction| {
        let other = query("UPDATE jobs SET lease = $1, due = $2").bind(vec![0]);
        Box::pin(other.bind(START.after(Duration::from_secs(60))).execute(transaction))
    });
    take_away.await.unwrap();
    room.until("it is stopped", async |room| room.times() == 2).await;
    worker.close().await;
    assert_eq!(room.row().await.lease, Some(vec![0]), "the other's lease is not touched");
}

pub(crate) async fn a_job_may_not_run_for_ever(scratch: Scratch) {
    let room = Room::open(scratch).await;
    let worker = room.worker(&WorkerConfig { lease_ms: 400, ..quick() });
    room.add(b"hang", START, None).await;
    room.until("it is given up", async |room| room.row().await.lease.is_none() && room.times() == 1).await;
    let failure = room.row().await.failure;
    assert_eq!(failure.as_deref(), Some("it ran longer than it may"));
    worker.close().await;
}

pub(crate) async fn a_future_job_waits(scratch: Scratch) {
    let room = Room::open(scratch).await;
    let worker = room.worker(&quick());
    room.add(b"later", START.after(Duration::from_secs(5)), None).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(room.times(), 0);
    room.hand.advance(Duration::from_secs(5));
    room.until("it is done", async |room| room.waiting().await == 0).await;
    worker.close().await;
}

pub(crate) async fn a_key_admits_one_job(scratch: Scratch) {
    let room = Room::open(scratch).await;
    assert_eq!(room.add(b"a", START, Some("k")).await, 1);
    assert_eq!(room.add(b"b", START, Some("k")).await, 0);
    assert_eq!(room.add(b"c", START, None).await, 1);
    assert_eq!(room.waiting().await, 2);
}

pub(crate) async fn a_lost_signal_costs_only_time(scratch: Scratch) {
    let room = Room::open(scratch).await;
    // Polls so rarely that only a signal can make it quick.
    let slow = room.worker(&WorkerConfig { poll_ms: 3_600_000, ..WorkerConfig::default() });
    let jobs = Jobs::new(room.bus.clone());
    tokio::time::sleep(Duration::from_millis(100)).await;
    room.add(b"heard", START, None).await;
    jobs.wake("note").await;
    room.until("the signal is heard", async |room| room.times() == 1).await;
    slow.close().await;
    // This one gets no signal at all.
    let polling = room.worker(&quick());
    tokio::time::sleep(Duration::from_millis(100)).await;
    room.add(b"found", START, None).await;
    room.until("it is found", async |room| room.times() == 2).await;
    polling.close().await;
}
