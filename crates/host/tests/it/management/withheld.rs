//! What is not allowed is served by nobody, what is stored shows nothing, and what was erased does not come back.

use std::path::Path;

use client::{Draft, DraftContent};
use host::cloud_api::openapi;
use serde_json::{Value, json};
use store::{blobs::Place, sql::DatabaseConfig};

use super::{Office, of};
use crate::world::{on_both, on_sqlite, until};

/// What nobody may see who was not told.
const SECRETS: [&str; 4] = ["Zanzibar", "zanzibar", "4915112345678", "voucher.pdf"];

/// A conversation with all of them in it; the business's name, token and ids.
async fn talk(office: &Office) -> (Value, String) {
    let ada = office.world.customer().await;
    let body = json!({ "credential": office.world.owner,
        "instructions": { "store_days": 365, "search": true, "analyse": true } });
    let brought = office.done("POST", "/host/v1/businesses", body).await;
    let account = office.account(&brought).await;
    ada.device.send(account, Draft::text("My Zanzibar voucher is lost")).await.unwrap();
    let blob = ada.device.upload(&mut bytes::Bytes::from_static(b"%PDF of Zanzibar"), None).await.unwrap();
    let media = client::Media {
        kind: client::MediaKind::File,
        blob,
        content_type: "application/pdf".to_owned(),
        file_name: "voucher.pdf".to_owned(),
        caption: "to zanzibar".to_owned(),
        width: 0,
        height: 0,
        duration: 0,
        thumbnail: wire::Base64(Vec::new()),
        animated: false,
    };
    ada.device.send(account, DraftContent::Media(media).into()).await.unwrap();
    ada.device.settled().await.unwrap();
    let number = of(&brought["numbers"][0], "phone_number_id");
    let media = async || {
        let mut reader = office.world.scratch.database.reader().await.unwrap();
        let text = "SELECT id FROM media";
        store::sql::query(text).value::<i64>(&mut reader).await.unwrap()
    };
    until("the file came", async || media().await.is_some()).await;
    let media = media().await.unwrap().to_string();
    let body = json!({ "messaging_product": "whatsapp", "to": ada.number,
        "text": { "body": "Another one to Zanzibar" } });
    let path = format!("/{number}/messages");
    let (status, answer) = office.ask(of(&brought, "token"), "POST", &path, body).await;
    assert_eq!(status, 200, "{answer}");
    ada.hears(account, 1).await;
    (brought, media)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_every_purpose_off_no_route_says_anything_of_a_conversation() {
    on_both(async |world| {
        let office = Office::open(world).await;
        let (brought, media) = talk(&office).await;
        let token = of(&brought, "token").to_owned();
        let business = of(&brought, "business_id");
        let number = of(&brought["numbers"][0], "phone_number_id");
        // While it may be read, some routes say it: the sweep below sees what it looks for.
        let (_, about) = office.ask(&token, "GET", &format!("/{media}"), Value::Null).await;
        let address = of(&about, "url").to_owned();
        let path = address.split_once("//").and_then(|(_, rest)| rest.split_once('/')).unwrap().1;
        let (status, bytes) = office.ask(&token, "GET", &format!("/{path}"), Value::Null).await;
        assert!(status == 200 && bytes.to_string().contains("Zanzibar"), "{status} {bytes}");

        let path_of_chats = format!("/host/v1/businesses/{business}/chats/list");
        let (_, chats) = office.ask(&token, "POST", &path_of_chats, json!({})).await;
        assert!(chats.to_string().contains("4915112345678"), "{chats}");

        let nothing = json!({ "deliver": false, "store_days": null, "search": false, "reply": false,
            "analyse": false, "market": false, "advertise": false });
        let instruct = format!("/host/v1/businesses/{business}/instructions");
        let (status, said) = office.ask(&token, "PUT", &instruct, nothing).await;
        assert_eq!(status, 200, "{said}");
        let ids = [
            ("{phone_number_id}", number),
            ("{waba_id}", of(&brought, "waba_id")),
            ("{business_id}", business),
            ("{app_id}", of(&brought, "app_id")),
            ("{media_id}", &media),
        ];
        let mut paths: Vec<String> = vec![format!("/{path}")];
        let document = openapi::document();
        paths.extend(document["paths"].as_object().unwrap().iter().filter_map(|(path, item)| {
            item.get("get")?;
            Some(ids.iter().fold(path.clone(), |path, (name, id)| path.replace(name, id)))
        }));
        for route in host::management::ROUTES.iter().filter(|route| route.method == "GET") {
            paths.push(format!("/host/v1/{}", route.path.replace("{}", business)));
            paths.push(format!("/host/v1/{}?q=zanzibar&words=zanzibar", route.path.replace("{}", business)));
        }
        let mut good = 0;
        for path in &paths {
            for token in [&token, &office.operator] {
                let (status, answer) = office.ask(token, "GET", path, Value::Null).await;
                assert!(status < 500, "{path}: {status} {answer}");
                good += usize::from(status == 200);
                for secret in SECRETS {
                    assert!(!answer.to_string().contains(secret), "{path}: {secret} in {answer}");
                }
            }
        }
        assert!(good > 20, "{good} of {} answered", paths.len());
        for (what, body) in [
            ("chats", json!({})),
            ("chats", json!({ "person": "+4915112345678" })),
            ("messages", json!({})),
            ("messages", json!({ "words": "zanzibar" })),
        ] {
            let path = format!("/host/v1/businesses/{business}/{what}/list");
            let (status, answer) = office.ask(&token, "POST", &path, body.clone()).await;
            assert_eq!(status, 403, "{path} {body}: {answer}");
        }
        // What writes: nothing goes out either.
        let body =
            json!({ "messaging_product": "whatsapp", "to": "+4915112345678", "text": { "body": "x" } });
        let (status, refused) = office.ask(&token, "POST", &format!("/{number}/messages"), body).await;
        assert_eq!((status, &refused["error"]["code"]), (403, &json!(131_005)), "{refused}");
        office.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_database_nor_files_nor_backups_show_anything() {
    on_both(async |world| {
        let office = Office::open(world).await;
        talk(&office).await;
        for secret in SECRETS {
            office.world.scan(secret.as_bytes());
        }
        office.close().await;
    })
    .await;
}

/// All files of a folder, in another one.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_from_before_an_erasure_does_not_open_after_it() {
    on_sqlite(async |world| {
        let office = Office::open(world).await;
        let (brought, media) = talk(&office).await;
        let Office { world, host, clock, .. } = office;
        host.shutdown().await;
        let database = world.scratch.config.url.expose().strip_prefix("sqlite:").unwrap().to_owned();
        let backup = tempfile::tempdir().unwrap();
        for beside in ["", "-wal"] {
            let (from, to) = (format!("{database}{beside}"), backup.path().join(format!("host.db{beside}")));
            std::fs::copy(from, to).unwrap();
        }
        copy(&world.files(), &backup.path().join("files"));

        let keys = database.replace(".db", "-keys.db");
        let wrapped = wrapped_key(&keys).await;
        assert!(holds(&keys, &wrapped), "there it would stand");

        let (host, operator) = world.serve(clock.clone()).await;
        let office = Office { world, host, clock, http: reqwest::Client::new(), operator };
        let path = format!("/host/v1/businesses/{}", of(&brought, "business_id"));
        let (status, gone) = office.ask(of(&brought, "token"), "DELETE", &path, Value::Null).await;
        assert!(status < 300, "{status} {gone}");
        assert!(!holds(&keys, &wrapped), "an erased key stands neither in the file nor in its log");
        let Office { world, host, clock, .. } = office;
        host.shutdown().await;

        // Somebody opens the copy, with the same master key and the keys that there are.
        let (host, operator) = world
            .serve_with(clock.clone(), |config| {
                let at = |path: &Path| DatabaseConfig::at(format!("sqlite:{}", path.display()).as_str());
                config.database = Some(at(&backup.path().join("host.db")));
                config.keys = Some(DatabaseConfig { shared: true, ..at(Path::new(&keys)) });
                config.files.place = Some(Place::Folder(backup.path().join("files")));
            })
            .await;
        let office = Office { world, host, clock, http: reqwest::Client::new(), operator };
        let number = of(&brought["numbers"][0], "phone_number_id");
        let id = number.parse().unwrap();
        let known = office.host.api.numbers.get(id).await.unwrap();
        let erased = office.host.api.gate.names(known.business).await;
        assert!(matches!(erased, Err(host::HostError::KeyMissing)), "{erased:?}");
        for path in [format!("/{media}"), format!("/{number}/whatsapp_business_profile")] {
            let (status, answer) = office.ask(of(&brought, "token"), "GET", &path, Value::Null).await;
            assert!(status >= 400 && !answer.to_string().contains("anzibar"), "{path}: {status} {answer}");
        }
        office.close().await;
    })
    .await;
}

/// The only business's key, as it is kept.
async fn wrapped_key(keys: &str) -> Vec<u8> {
    let config = DatabaseConfig { shared: true, ..DatabaseConfig::at(&*format!("sqlite:{keys}")) };
    let database = store::sql::Database::open(&config).await.unwrap();
    let text = "SELECT wrapped FROM business_keys";
    let found =
        store::sql::query(text).value::<Vec<u8>>(&mut database.reader().await.unwrap()).await.unwrap();
    database.close().await;
    found.unwrap()
}

/// Whether a file of SQLite or its log has these bytes in it.
fn holds(file: &str, bytes: &[u8]) -> bool {
    let beside = ["", "-wal"].map(|beside| std::fs::read(format!("{file}{beside}")).unwrap_or_default());
    beside.iter().any(|file| file.windows(bytes.len()).any(|window| window == bytes))
}
