//! On SQLite, with a writer that commits as it does in a host.

use ::store::{
    Timestamp,
    blobs::Blobs,
    bus::LocalBus,
    jobs::Jobs,
    sql::migrations,
    testing::{HandClock, Scratch, SeededEntropy},
    writer::{Writer, WriterTasks},
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{Config, ids::BusinessId};

const TOKEN: Token = [7; 16];
/// A record at this position is not taken by the table.
const REFUSED: u64 = 666;

struct World {
    ground: Arc<Ground>,
    saves: LaneHandle<Saves>,
    key: Arc<BusinessKey>,
    _scratch: Scratch,
    _tasks: WriterTasks,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let scratch = Scratch::sqlite().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        migrations::apply(&scratch.database, &[crate::numbers::MIGRATIONS], Timestamp(0)).await.unwrap();
        let entropy = Arc::new(SeededEntropy::new(1));
        let config = Config { data: folder.path().to_owned(), ..Config::default() };
        let bus = Arc::new(LocalBus::new(16));
        let (writer, tasks) = Writer::start(&scratch.database, &config.writer);
        let saves = writer.lane(Saves);
        let ground = Arc::new(Ground {
            database: scratch.database.clone(),
            writer,
            jobs: Jobs::new(bus.clone()),
            bus,
            blobs: Blobs::open(&config.files(), entropy.clone()).await.unwrap(),
            clock: Arc::new(HandClock::at(Timestamp(0))),
            entropy,
            closing: CancellationToken::new(),
            config,
        });
        let business = BusinessId::from_name(1);
        let key = Arc::new(BusinessKey::new(business, vec![(1, Zeroizing::new([3; 32]))]).unwrap());
        let world = Self { ground, saves, key, _scratch: scratch, _tasks: tasks, _folder: folder };
        let lease = ::store::sql::query(
            "INSERT INTO number_leases (number, holder, token, until) VALUES ($1, x'00', x'07070707070707070707070707070707', 0)",
        );
        let mut transaction = world.ground.database.begin().await.unwrap();
        lease.bind(NumberId::from_name(1)).execute(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        world.run("CREATE TRIGGER refusing BEFORE INSERT ON vault_records WHEN NEW.position = 666 BEGIN SELECT RAISE(ABORT, 'refused'); END").await;
        world
    }

    async fn run(&self, statement: &'static str) {
        let written = self.ground.write(0, move |transaction| {
            Box::pin(async move { Ok(::store::sql::query(statement).execute(transaction).await.map(drop)?) })
        });
        written.await.unwrap();
    }

    fn vault(&self) -> SqlVault {
        SqlVault::new(
            self.ground.clone(),
            self.saves.clone(),
            self.key.clone(),
            NumberId::from_name(1),
            TOKEN,
        )
    }
}

fn put(space: Space, key: &str, position: u64, value: &str) -> Change {
    let value = Zeroizing::new(value.as_bytes().to_vec());
    Change::Put { space, key: key.into(), owner: b"anna".to_vec(), position, value }
}

async fn value(vault: &SqlVault, space: Space, key: &str) -> Option<String> {
    let record = vault.load(space, key.as_bytes()).await.unwrap();
    record.map(|record| String::from_utf8(record.value.to_vec()).unwrap())
}

async fn keys(vault: &SqlVault, space: Space) -> Vec<String> {
    let found = vault.scan(space, Some(b"anna"), Order::After(0), 10).await.unwrap();
    found.into_iter().map(|record| String::from_utf8(record.key).unwrap()).collect()
}

#[tokio::test]
async fn what_was_handed_in_is_read_before_it_is_stored() {
    let world = World::new().await;
    let vault = world.vault();
    vault.save(vec![put(Space::Outbox, "old", 1, "o")]).await.unwrap();
    assert_eq!(keys(&vault, Space::Outbox).await, ["old"]);
    let first = vec![put(Space::Session, "a", 1, "1"), put(Space::Outbox, "new", 2, "n")];
    let first = vault.hand_in(first).await.unwrap();
    let gone = Change::Delete { space: Space::Outbox, key: b"old".to_vec() };
    let second = vault.hand_in(vec![put(Space::Session, "a", 1, "2"), gone]).await.unwrap();
    assert_eq!(value(&vault, Space::Session, "a").await.as_deref(), Some("2"));
    assert_eq!(value(&vault, Space::Outbox, "old").await, None);
    assert_eq!(keys(&vault, Space::Outbox).await, ["new"]);
    first.durable().await.unwrap();
    second.durable().await.unwrap();
    for vault in [&vault, &world.vault()] {
        assert_eq!(value(vault, Space::Session, "a").await.as_deref(), Some("2"));
        assert_eq!(keys(vault, Space::Outbox).await, ["new"]);
    }
}

#[tokio::test]
async fn what_is_searched_for_in_tables_was_stored_before() {
    let world = World::new().await;
    let vault = world.vault();
    for space in [Space::Outbox, Space::Peer] {
        let saving = vault.hand_in(vec![put(space, "a", 1, "1")]).await.unwrap();
        assert_eq!(keys(&vault, space).await, ["a"]);
        saving.durable().await.unwrap();
    }
    // Without changes it says when those before it are stored.
    let saving = vault.hand_in(vec![put(Space::Peer, "b", 2, "2")]).await.unwrap();
    vault.hand_in(Vec::new()).await.unwrap().durable().await.unwrap();
    assert_eq!(value(&world.vault(), Space::Peer, "b").await.as_deref(), Some("2"));
    saving.durable().await.unwrap();
}

#[tokio::test]
async fn after_a_save_that_failed_none_follows() {
    let world = World::new().await;
    let vault = world.vault();
    let good = vault.hand_in(vec![put(Space::Outbox, "a", 1, "1")]).await.unwrap();
    let bad = [put(Space::Outbox, "b", REFUSED, "2"), put(Space::Session, "s", 1, "never")];
    let bad = vault.hand_in(bad.to_vec()).await.unwrap();
    let after = vault.hand_in(vec![put(Space::Outbox, "c", 3, "3")]).await.unwrap();
    let seen = vault.hand_in(Vec::new()).await.unwrap();
    // The writer has all of them at once, and could write the third.
    good.durable().await.unwrap();
    assert!(bad.durable().await.is_err());
    assert!(after.durable().await.is_err());
    assert!(seen.durable().await.is_err());
    assert!(vault.hand_in(vec![put(Space::Outbox, "d", 4, "4")]).await.is_err());
    assert!(vault.hand_in(Vec::new()).await.is_err());

    // Whoever opens it anew goes on from what was saved.
    let vault = world.vault();
    assert_eq!(keys(&vault, Space::Outbox).await, ["a"]);
    assert_eq!(value(&vault, Space::Session, "s").await, None);
    vault.save(vec![put(Space::Outbox, "e", 5, "5")]).await.unwrap();
    assert_eq!(keys(&vault, Space::Outbox).await, ["a", "e"]);
    assert_eq!(keys(&world.vault(), Space::Outbox).await, ["a", "e"]);
}

#[tokio::test]
async fn a_failure_that_nobody_waits_for_is_not_built_upon() {
    let world = World::new().await;
    let vault = world.vault();
    let good = vault.hand_in(vec![put(Space::Session, "s", 1, "1")]).await.unwrap();
    drop(vault.hand_in(vec![put(Space::Session, "t", REFUSED, "2")]).await.unwrap());
    drop(vault.hand_in(vec![put(Space::Session, "s", 1, "3")]).await.unwrap());
    good.durable().await.unwrap();
    // Its answer may still be under way; then this is what comes after it.
    let next = vault.save(vec![put(Space::Session, "s", 1, "4")]).await;
    assert!(next.is_err());
    assert_eq!(value(&world.vault(), Space::Session, "s").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn whoever_lost_the_number_saves_nothing() {
    let world = World::new().await;
    let vault = world.vault();
    vault.save(vec![put(Space::Session, "s", 1, "1")]).await.unwrap();
    world.run("UPDATE number_leases SET token = x'00000000000000000000000000000000'").await;
    let first = vault.hand_in(vec![put(Space::Session, "s", 1, "2")]).await.unwrap();
    let second = vault.hand_in(vec![put(Space::Session, "s", 1, "3")]).await.unwrap();
    assert!(matches!(first.durable().await, Err(VaultError::InUse)));
    assert!(matches!(second.durable().await, Err(VaultError::InUse)));
    assert_eq!(value(&world.vault(), Space::Session, "s").await.as_deref(), Some("1"));
}
