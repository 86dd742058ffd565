//! A process that writes is killed at random moments: what it had acknowledged must be there.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
    time::Duration,
};

use store::{
    Entropy as _, StoreError, Timestamp,
    sql::{
        Database, DatabaseConfig, Transaction,
        migrations::{Migration, Module, apply},
        query,
    },
    testing::{Postgres, Scratch, SeededEntropy},
    writer::{Lane, Writer, WriterConfig},
};

const ROUNDS: i64 = 20;
/// Acknowledged in a round before the kill.
const ENOUGH: usize = 25;
/// The test whose program is also the one that is killed, when it finds this in its environment.
const CHILD: &str = "crash::nothing_acknowledged_is_lost_on_sqlite";
const WHERE: &str = "STORE_CRASH_DATABASE";
const FROM: &str = "STORE_CRASH_FROM";

const MARKS: &[Module] = &[Module {
    name: "marks",
    migrations: &[Migration::new("marks", "CREATE TABLE marks (mark {integer} PRIMARY KEY) {options}")],
}];

struct Marks;

impl Lane for Marks {
    type Item = i64;
    type Output = i64;

    async fn apply(&self, transaction: &mut Transaction, items: &[i64]) -> Result<Vec<i64>, StoreError> {
        let insert = query("INSERT INTO marks (mark) VALUES {rows}");
        insert.rows(items.iter().map(|mark| [(*mark).into()])).execute(transaction).await?;
        Ok(items.to_vec())
    }

    #[expect(clippy::cast_sign_loss, reason = "marks are counted up from zero")]
    fn key(&self, mark: &i64) -> u64 {
        *mark as u64
    }
}

/// What the process that is killed does. It says what was acknowledged, one number a line.
async fn write_until_killed(url: &str) {
    let from: i64 = std::env::var(FROM).unwrap().parse().unwrap();
    // The parent looks in meanwhile.
    let config = DatabaseConfig { shared: true, ..DatabaseConfig::at(url) };
    let database = Database::open(&config).await.unwrap();
    let (writer, _tasks) = Writer::start(&database, &WriterConfig::default());
    let lane = writer.lane(Marks);
    let callers = (0..16).map(|caller| {
        let lane = lane.clone();
        tokio::spawn(async move {
            for mark in (from + caller..).step_by(16) {
                lane.submit(mark).await.unwrap();
                // One write of a whole line each: not torn by the others'.
                std::io::stdout().lock().write_all(format!("mark {mark}\n").as_bytes()).unwrap();
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
}

async fn crash(scratch: Scratch) {
    apply(&scratch.database, MARKS, Timestamp(0)).await.unwrap();
    let entropy = SeededEntropy::new(42);
    let (mut acknowledged, mut lost) = (0, 0);
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", CHILD, "--nocapture"])
            .env(WHERE, scratch.config.url.expose())
            .env(FROM, (round * 1_000_000).to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (moving, moves) = tokio::sync::oneshot::channel();
        let reading = tokio::task::spawn_blocking(move || {
            // A line that was torn by the kill is not one.
            let marks = output.split(b'\n').map_while(Result::ok);
            let marks = marks.filter_map(|line| String::from_utf8(line).ok());
            let marks = marks.filter_map(|line| line.strip_prefix("mark ")?.parse().ok());
            let (mut moving, mut seen) = (Some(moving), Vec::<i64>::new());
            for mark in marks {
                seen.push(mark);
                if seen.len() > ENOUGH {
                    moving.take().map_or(Ok(()), |moving| moving.send(())).expect("the test waits for it");
                }
            }
            seen
        });
        // However slow the machine is, it is not killed before it did something.
        let begins = tokio::time::timeout(Duration::from_secs(60), moves).await;
        begins.expect("it writes").expect("it writes until it is killed");
        let mut random = [0];
        entropy.fill(&mut random);
        tokio::time::sleep(Duration::from_millis(60 + u64::from(random[0]))).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let marks = reading.await.unwrap();

        let mut reader = scratch.database.reader().await.unwrap();
        store::row! { struct Mark from "marks" { mark: i64 } }
        let present: Vec<Mark> = query("SELECT mark FROM marks WHERE mark >= $1")
            .bind(round * 1_000_000)
            .all(&mut reader)
            .await
            .unwrap();
        let present: std::collections::HashSet<i64> = present.into_iter().map(|mark| mark.mark).collect();
        // The last line may have lost its end, and then looks like a smaller number.
        let whole = marks.len().saturating_sub(1);
        acknowledged += whole;
        lost += marks[..whole].iter().filter(|mark| !present.contains(mark)).count();
    }
    println!("{ROUNDS} kills: {acknowledged} acknowledged, {lost} of them lost");
    assert!(
        acknowledged >= ENOUGH * usize::try_from(ROUNDS).unwrap(),
        "only {acknowledged} were acknowledged: nothing was tested"
    );
    assert_eq!(lost, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_on_sqlite() {
    if let Ok(url) = std::env::var(WHERE) {
        return write_until_killed(&url).await;
    }
    crash(Scratch::sqlite().await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_on_postgresql() {
    let server = Postgres::start();
    crash(Scratch::postgres(&server).await.unwrap()).await;
}
