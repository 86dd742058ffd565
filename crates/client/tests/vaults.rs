//! What every vault must do.
#![cfg(feature = "native")]

use std::{path::Path, sync::Arc};

use client::{
    MemoryVault, Randomness, SqliteVault, Vault, VaultError, VaultKey,
    vault::{Change, MAX_POSITION, Order, Space},
};
use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

fn rng() -> Randomness {
    Box::new(ChaCha20Rng::seed_from_u64(1))
}

async fn sqlite(folder: &Path) -> SqliteVault {
    SqliteVault::open(&folder.join("vault.db"), VaultKey::from_bytes([7; 32]), rng()).await.unwrap()
}

fn put(space: Space, key: &[u8], owner: &[u8], position: u64, value: &[u8]) -> Change {
    Change::Put { space, key: key.to_vec(), owner: owner.to_vec(), position, value: value.to_vec().into() }
}

async fn keys(vault: &dyn Vault, owner: Option<&[u8]>, order: Order, limit: usize) -> Vec<Vec<u8>> {
    let found = vault.scan(Space::Message, owner, order, limit).await.unwrap();
    found.into_iter().map(|record| record.key).collect()
}

async fn contract(vault: &dyn Vault) {
    assert_eq!(vault.load(Space::Message, b"a").await.unwrap(), None);
    vault.save(Vec::new()).await.unwrap();
    vault
        .save(vec![
            put(Space::Message, b"a", b"x", 3, b"one"),
            put(Space::Message, b"b", b"x", 1, b"two"),
            put(Space::Message, b"c", b"y", 2, b"three"),
            put(Space::Chat, b"a", b"x", 9, b"four"),
            put(Space::Message, b"", b"", MAX_POSITION, b""),
        ])
        .await
        .unwrap();
    let record = vault.load(Space::Message, b"a").await.unwrap().unwrap();
    assert_eq!(
        (record.key.as_slice(), record.position, record.value.as_slice()),
        (&b"a"[..], 3, &b"one"[..])
    );
    assert_eq!(*vault.load(Space::Message, b"").await.unwrap().unwrap().value, b"");
    assert_eq!(keys(vault, None, Order::After(0), 9).await, [&b"b"[..], b"c", b"a", b""]);
    assert_eq!(keys(vault, None, Order::After(1), 2).await, [b"c", b"a"]);
    assert_eq!(keys(vault, Some(b"x"), Order::After(0), 9).await, [b"b", b"a"]);
    assert_eq!(keys(vault, Some(b"x"), Order::Before(MAX_POSITION), 9).await, [b"a", b"b"]);
    assert_eq!(keys(vault, None, Order::Before(3), 9).await, [b"c", b"b"]);
    assert!(keys(vault, Some(b"z"), Order::After(0), 9).await.is_empty());
    assert!(keys(vault, None, Order::After(0), 0).await.is_empty());
    // Written again it is elsewhere; in one save the last word counts.
    vault
        .save(vec![
            put(Space::Message, b"a", b"y", 5, b"new"),
            put(Space::Message, b"d", b"y", 6, b"gone"),
            Change::Delete { space: Space::Message, key: b"d".to_vec() },
            Change::Delete { space: Space::Message, key: b"never".to_vec() },
            Change::Delete { space: Space::Message, key: b"b".to_vec() },
        ])
        .await
        .unwrap();
    assert_eq!(keys(vault, Some(b"y"), Order::After(0), 9).await, [b"c", b"a"]);
    assert!(keys(vault, Some(b"x"), Order::After(0), 9).await.is_empty());
    assert_eq!(*vault.load(Space::Message, b"a").await.unwrap().unwrap().value, b"new");
    assert_eq!(*vault.load(Space::Chat, b"a").await.unwrap().unwrap().value, b"four");
}

#[tokio::test]
async fn the_one_in_memory() {
    contract(&MemoryVault::new()).await;
}

#[tokio::test]
async fn the_one_in_a_file_also_after_opening_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let vault = sqlite(folder.path()).await;
    contract(&vault).await;
    vault.close().await.unwrap();
    let vault = sqlite(folder.path()).await;
    assert_eq!(keys(&vault, Some(b"y"), Order::After(0), 9).await, [b"c", b"a"]);
}

#[tokio::test]
async fn a_vault_is_opened_by_one_process_and_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    let open = async |key| SqliteVault::open(&path, key, rng()).await;
    let vault = open(VaultKey::from_bytes([7; 32])).await.unwrap();
    assert!(matches!(open(VaultKey::from_bytes([7; 32])).await, Err(VaultError::InUse)));
    vault.close().await.unwrap();
    assert!(matches!(open(VaultKey::from_bytes([8; 32])).await, Err(VaultError::WrongKey)));
    assert!(matches!(open(VaultKey::from_passphrase("guess".into())).await, Err(VaultError::WrongKey)));

    let path = folder.path().join("other.db");
    let open = async |passphrase: &str| {
        SqliteVault::open(&path, VaultKey::from_passphrase(passphrase.into()), rng()).await
    };
    open("correct horse").await.unwrap().close().await.unwrap();
    assert!(matches!(open("correct house").await, Err(VaultError::WrongKey)));
    open("correct horse").await.unwrap().close().await.unwrap();
}

#[tokio::test]
async fn a_key_file_is_made_once_and_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.key");
    VaultKey::from_file(&path, &mut rng()).await.unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes.len(), 32);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    VaultKey::from_file(&path, &mut client::system_rng()).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    std::fs::write(&path, b"short").unwrap();
    assert!(matches!(VaultKey::from_file(&path, &mut rng()).await, Err(VaultError::WrongKey)));
}

#[tokio::test]
async fn nothing_can_be_read_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let vault = sqlite(folder.path()).await;
    let words: [&[u8]; 4] = [b"+4915112345678", b"the account itself", b"a secret word", b"an owner's name"];
    let [number, account, word, owner] = words;
    for n in 0..50_u64 {
        let key = [account, &n.to_be_bytes()].concat();
        vault.save(vec![put(Space::Message, &key, owner, n + 1, &[number, word].concat())]).await.unwrap();
    }
    let search = || {
        let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut searched = 0;
        for path in files {
            let bytes = std::fs::read(&path).unwrap();
            searched += bytes.len();
            for word in words {
                assert!(!bytes.windows(word.len()).any(|window| window == word), "{word:?} is in {path:?}");
            }
        }
        searched
    };
    assert!(folder.path().join("vault.db-wal").exists());
    assert!(search() > 10_000);
    vault.close().await.unwrap();
    assert!(search() > 5_000);
}

#[tokio::test]
async fn a_row_that_somebody_moved_or_changed_does_not_open() {
    use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};
    for change in [
        "UPDATE records SET position = position + 1",
        "UPDATE records SET owner = x'00'",
        "UPDATE records SET value = (SELECT value FROM records AS other WHERE other.position <> records.position)",
        "UPDATE records SET value = substr(value, 1, length(value) - 1)",
        "UPDATE records SET space = 8",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let vault = sqlite(folder.path()).await;
        let rows =
            vec![put(Space::Message, b"a", b"x", 1, b"one"), put(Space::Message, b"b", b"x", 5, b"two")];
        vault.save(rows).await.unwrap();
        vault.close().await.unwrap();
        let options = SqliteConnectOptions::new().filename(folder.path().join("vault.db"));
        let mut connection = options.connect().await.unwrap();
        sqlx::query(change).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let vault = sqlite(folder.path()).await;
        for space in [Space::Message, Space::Chat] {
            match vault.scan(space, None, Order::After(0), 9).await {
                Ok(found) => assert!(found.is_empty(), "{change}"),
                Err(error) => assert!(matches!(error, VaultError::Damaged), "{change}"),
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Put(u8, u8, u8, Vec<u8>),
    Delete(u8),
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn both_do_the_same(
        batches in proptest::collection::vec(
            proptest::collection::vec(
                prop_oneof![
                    (0u8..8, 0u8..3, 1u8..9, any::<Vec<u8>>()).prop_map(|(key, owner, at, value)| Step::Put(key, owner, at, value)),
                    (0u8..8).prop_map(Step::Delete),
                ],
                0..6,
            ),
            0..6,
        )
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let vaults: [Arc<dyn Vault>; 2] = [Arc::new(MemoryVault::new()), Arc::new(sqlite(folder.path()).await)];
            for batch in batches {
                for vault in &vaults {
                    let changes = batch.iter().map(|step| match step {
                        Step::Put(key, owner, at, value) => {
                            // Places within a list are one's own.
                            put(Space::Message, &[*key], &[*owner], u64::from(*at) * 8 + u64::from(*key), value)
                        }
                        Step::Delete(key) => Change::Delete { space: Space::Message, key: vec![*key] },
                    });
                    vault.save(changes.collect()).await.unwrap();
                }
                for order in [Order::After(0), Order::After(20), Order::Before(40), Order::Before(MAX_POSITION)] {
                    for owner in [None, Some(&[0][..]), Some(&[1][..])] {
                        let mut found = Vec::new();
                        for vault in &vaults {
                            found.push(vault.scan(Space::Message, owner, order, 5).await.unwrap());
                        }
                        assert_eq!(found[0], found[1]);
                    }
                }
            }
        });
    }
}
