//! What a row costs: `cargo bench -p tradepost-store`.
//!
//! 64 tasks write rows of 200 bytes and wait for each; every commit is on disk before it is acknowledged. CPU is that
//! of this process, and for PostgreSQL that of the server too. The figures of a busy machine say less than their ratios.

use std::{fs, time::Duration};

use store::{
    StoreError, Timestamp,
    sql::{
        Database, Transaction,
        migrations::{Migration, Module, apply},
        query,
    },
    testing::{Postgres, Scratch},
    writer::{Lane, Writer, WriterConfig},
};

const TASKS: usize = 64;
const BODY: [u8; 200] = [7; 200];

const ROWS: &[Module] = &[Module {
    name: "rows",
    migrations: &[Migration::new(
        "rows",
        "CREATE TABLE bodies (seq {sequence}, owner {integer} NOT NULL, body {bytes} NOT NULL) {options}",
    )],
}];

struct Bodies;

impl Lane for Bodies {
    type Item = u32;
    type Output = ();

    async fn apply(&self, transaction: &mut Transaction, items: &[u32]) -> Result<Vec<()>, StoreError> {
        let insert = query("INSERT INTO bodies (owner, body) VALUES {rows}");
        insert.rows(items.iter().map(|owner| [(*owner).into(), BODY.into()])).execute(transaction).await?;
        Ok(vec![(); items.len()])
    }

    fn key(&self, owner: &u32) -> u64 {
        u64::from(*owner)
    }
}

#[derive(Clone, Copy)]
enum Way {
    Lane,
    Operations,
    OneByOne,
}

async fn one_by_one(database: &Database, owner: u32) -> Result<(), StoreError> {
    let mut transaction = database.begin().await?;
    query("INSERT INTO bodies (owner, body) VALUES ($1, $2)")
        .bind(owner)
        .bind(BODY)
        .execute(&mut transaction)
        .await?;
    transaction.commit().await
}

async fn measure(name: &str, scratch: &Scratch, server: Option<&Postgres>, way: Way, rows: usize) {
    let database = &scratch.database;
    let (writer, tasks) = Writer::start(database, &WriterConfig::default());
    let lane = writer.lane(Bodies);
    let cpu = || cpu(server);
    let run = async |each: usize| {
        let callers = (0..TASKS).map(|task| {
            let (writer, lane, database) = (writer.clone(), lane.clone(), database.clone());
            let owner = u32::try_from(task).expect("a few");
            tokio::spawn(async move {
                for _ in 0..each {
                    match way {
                        Way::Lane => lane.submit(owner).await.expect("written"),
                        Way::OneByOne => one_by_one(&database, owner).await.expect("written"),
                        Way::Operations => {
                            let write = writer.write(u64::from(owner), move |transaction| {
                                let insert = query("INSERT INTO bodies (owner, body) VALUES ($1, $2)");
                                Box::pin(
                                    async move { insert.bind(owner).bind(BODY).execute(transaction).await },
                                )
                            });
                            write.await.map(drop).expect("written");
                        }
                    }
                }
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.expect("no caller fails");
        }
    };
    run(rows / TASKS / 10).await;
    let each = rows / TASKS;
    let before = cpu();
    #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
    let start = std::time::Instant::now();
    run(each).await;
    let wall = start.elapsed();
    let after = cpu();
    let written = f64::from(u32::try_from(each * TASKS).expect("a few"));
    let per_row = |spent: Duration| spent.as_secs_f64() * 1e6 / written;
    let rate = written / wall.as_secs_f64();
    let ours = per_row(after.0 - before.0);
    let theirs = per_row(after.1 - before.1);
    println!("{name:34} {rate:>9.0} rows/s {ours:>8.1} µs CPU per row, server {theirs:>6.1}");
    tasks.close().await;
}

/// CPU time of this process and of the server's, so far.
fn cpu(server: Option<&Postgres>) -> (Duration, Duration) {
    let of = |id: &str| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse().ok()).unwrap_or(0);
        // In hundredths of a second, on every Linux that Rust runs on.
        Duration::from_millis(10 * (ticks(11) + ticks(12)))
    };
    let servers = server.map(Postgres::process_ids).unwrap_or_default();
    (of("self"), servers.iter().map(|id| of(&id.to_string())).sum())
}

#[tokio::main]
async fn main() {
    println!("{TASKS} tasks, {} bytes a row, fsync on", BODY.len());
    let scratch = Scratch::sqlite().await.expect("SQLite opens");
    apply(&scratch.database, ROWS, Timestamp(0)).await.expect("the table is made");
    measure("SQLite, lane", &scratch, None, Way::Lane, 200_000).await;
    measure("SQLite, operations", &scratch, None, Way::Operations, 20_000).await;
    measure("SQLite, one transaction per row", &scratch, None, Way::OneByOne, 2_000).await;

    let server = Postgres::start();
    let scratch = Scratch::postgres(&server).await.expect("PostgreSQL opens");
    apply(&scratch.database, ROWS, Timestamp(0)).await.expect("the table is made");
    measure("PostgreSQL, lane", &scratch, Some(&server), Way::Lane, 200_000).await;
    measure("PostgreSQL, operations", &scratch, Some(&server), Way::Operations, 20_000).await;
    measure("PostgreSQL, one transaction per row", &scratch, Some(&server), Way::OneByOne, 4_000).await;
}
