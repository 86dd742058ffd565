//! What SQLite promises because it is a file: that has one owner, and is tuned for many small writes.

use std::{
    error::Error as _,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use store::{
    StoreError,
    sql::{Database, DatabaseConfig, query},
};

const CHILD: &str = "file::another_process_is_refused_until_the_owner_is_killed";
const WHERE: &str = "STORE_OWNED_DATABASE";

fn config(path: &Path) -> DatabaseConfig {
    DatabaseConfig { wait_ms: 100, ..DatabaseConfig::at(&*format!("sqlite:{}", path.display())) }
}

fn refused(outcome: Result<Database, StoreError>) {
    let error = outcome.expect_err("it has an owner");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    let reason = error.source().unwrap().to_string();
    assert!(reason.starts_with("another process has this database open"), "{reason}");
}

/// What the process that is killed does: it owns the database and says so.
async fn own_until_killed(url: &str) {
    let _database = Database::open(&DatabaseConfig::at(url)).await.unwrap();
    println!("\nopen");
    std::future::pending().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_is_refused_until_the_owner_is_killed() {
    if let Ok(url) = std::env::var(WHERE) {
        return own_until_killed(&url).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder.path().join("owned.db"));
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--nocapture"])
        .env(WHERE, config.url.expose())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap() == "open"), "the child opens it");
    refused(Database::open(&config).await);
    refused(Database::open(&DatabaseConfig { shared: true, ..config.clone() }).await);

    // Who waits a little for an owner that is going gets it.
    let patient = tokio::spawn({
        let config = DatabaseConfig { wait_ms: 10_000, ..config };
        async move { Database::open(&config).await.map(drop) }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!patient.is_finished());
    child.kill().unwrap();
    child.wait().unwrap();
    patient.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_has_one_owner_by_whatever_name() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("owned.db"), folder.path().join("link.db"));
    let first = Database::open(&config(&path)).await.unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    refused(Database::open(&config(&link)).await);
    // A clone is the same owner.
    let clone = first.clone();
    drop(first);
    refused(Database::open(&config(&path)).await);
    clone.close().await;
    let second = Database::open(&config(&path)).await.unwrap();
    drop(second);

    let shared = DatabaseConfig { shared: true, ..config(&path) };
    let _several = [Database::open(&shared).await.unwrap(), Database::open(&shared).await.unwrap()];
    refused(Database::open(&config(&path)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_tuned_for_many_small_writes() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&config(&folder.path().join("tuned.db"))).await.unwrap();
    let mut reader = database.reader().await.unwrap();
    let mut writer = database.begin().await.unwrap();
    let mut settings = Vec::new();
    for setting in ["PRAGMA wal_autocheckpoint", "PRAGMA cache_size", "PRAGMA temp_store"] {
        let (read, written) =
            (query(setting).value(&mut reader).await, query(setting).value(&mut writer).await);
        settings.push((written.unwrap(), read.unwrap()));
    }
    assert_eq!(settings[0].0, Some(16_000_i64));
    assert_eq!(settings[1], (Some(-65_536), Some(-512)), "kibibytes of the writer, of a reader");
    assert_eq!(settings[2], (Some(2), Some(2)));
}

#[tokio::test]
async fn who_shares_a_file_is_not_alone_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder.path().join("alone.db"));
    let database = Database::open(&config).await.unwrap();
    assert!(database.is_alone());
    database.close().await;
    let shared = Database::open(&DatabaseConfig { shared: true, ..config }).await.unwrap();
    assert!(!shared.is_alone());
}
