//! What is deleted is gone from every table.

use serde_json::json;
use store::{
    row,
    sql::{Connection, Engine, Sql, query},
};

use crate::stage::{Device, ENVELOPES, MINUTE, Site, Stage};

row! {
    struct Name from "the tables" { name: String }
}

row! {
    struct Text from "the rows" { text: String }
}

/// Every row of every table, as text in which bytes are hexadecimal.
pub(crate) async fn dump(stage: &Stage) -> Vec<(String, String)> {
    let mut reader = stage.relay.services.ground.database.reader().await.unwrap();
    let tables: Vec<Name> = query(Sql::each(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        "SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = current_schema()",
    ))
    .all(&mut reader)
    .await
    .unwrap();
    assert!(tables.len() > 10, "accounts, devices, keys, …");
    let mut rows = Vec::new();
    for Name { name } in tables {
        for text in rows_of(&mut reader, &name).await {
            rows.push((name.clone(), text.to_lowercase()));
        }
    }
    rows
}

async fn rows_of(reader: &mut Connection, table: &str) -> Vec<String> {
    let columns: Vec<Name> = query(Sql::each(
        "SELECT name FROM pragma_table_info($1)",
        "SELECT column_name::text AS name FROM information_schema.columns
         WHERE table_schema = current_schema() AND table_name = $1",
    ))
    .bind(table)
    .all(reader)
    .await
    .unwrap();
    // Statements are constants; a test may leak some.
    let each = |form: &str| {
        let columns: Vec<String> = columns.iter().map(|column| form.replace("{}", &column.name)).collect();
        let text = format!("SELECT {} AS text FROM {table}", columns.join(" || '|' || "));
        &*Box::leak(text.into_boxed_str())
    };
    // `quote` writes bytes in hexadecimal; so does PostgreSQL when it makes text of them.
    let statement = Sql::each(each("quote({})"), each("COALESCE({}::text, '')"));
    let rows: Vec<Text> = query(statement).all(reader).await.unwrap();
    rows.into_iter().map(|row| row.text).collect()
}

/// In which rows one of these is found.
async fn traces(stage: &Stage, wanted: &[String]) -> Vec<(String, String)> {
    let rows = dump(stage).await;
    rows.into_iter().filter(|(_, row)| wanted.iter().any(|wanted| row.contains(wanted.as_str()))).collect()
}

fn hexadecimal(account: &str) -> String {
    account.replace('-', "")
}

async fn message(from: &Device, to: &Device, id: u8) {
    let parts: Vec<_> = [(1, 1), (2, 2)].map(|(device, registration_id)| {
        json!({ "device": device, "registration_id": registration_id, "kind": 2, "body": "AAAA" })
    }).into();
    let id = wire::Base64(vec![id; 16]);
    let body = json!({ "id": id, "timestamp": 1, "parts": parts });
    from.send("PUT", &format!("/v1/accounts/{}/messages", to.account), body).await.is(200);
}

pub(crate) async fn deleting_an_account_leaves_nothing_of_it(site: Site) {
    let stage = site.stage().await;
    let (one, two) = (stage.person().await, stage.person().await);
    let linked = stage.link(&one).await;
    let (account, other) = (one.account_id(), two.account_id());
    one.send("POST", "/v1/devices/codes", json!({})).await.is(200);
    one.send("PUT", "/v1/profile", json!({ "profile": "AAAA" })).await.is(204);
    one.send("PUT", "/v1/account/registration-lock", json!({ "pin": "4711" })).await.is(204);
    one.send("PUT", &format!("/v1/blocks/{other}"), json!({})).await.is(204);
    two.send("PUT", &format!("/v1/blocks/{account}"), json!({})).await.is(204);
    let three = stage.person().await;
    message(&three, &one, 1).await;
    let begun = linked.send("POST", "/v1/blobs", json!({ "size": 3 })).await.is(201).json();
    let blob = begun["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/blobs/{blob}");
    one.request("PATCH", &path).header("upload-offset", 0).body("abc").send().await.unwrap();
    two.get(&path).await.is(200);
    one.send("POST", "/v1/blobs", json!({ "size": 3 })).await.is(201);

    let names = [hexadecimal(&one.account), one.account.clone(), one.phone.clone()];
    assert!(traces(&stage, &names).await.len() >= 7, "{:?}", traces(&stage, &names).await);
    let keys = stage.relay.services.accounts.recipient(account).await.unwrap().unwrap();
    let keys: Vec<i64> = keys.endpoints.iter().map(|endpoint| endpoint.key.0).collect();
    assert_eq!(keys.len(), 2);

    linked.delete("/v1/account").await.refused(403, "forbidden");
    one.delete("/v1/account").await.is(204);
    for device in [&one, &linked] {
        device.get("/v1/account").await.refused(401, "unauthorized");
    }
    let left = traces(&stage, &names).await;
    assert!(left.is_empty(), "{left:?}");
    let mut tables = vec![
        ("devices", "key"),
        ("current_keys", "device_key"),
        ("one_time_keys", "device_key"),
        ("mailboxes", "device"),
        ("envelopes", "device"),
    ];
    if stage.relay.services.ground.database.engine() == Engine::Sqlite {
        tables.push(("arrivals", "device"));
    }
    for (table, column) in tables {
        for key in &keys {
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE {column} = {key}");
            assert_eq!(stage.count(&*Box::leak(sql.into_boxed_str())).await, 0, "{table}");
        }
    }
    two.get(&path).await.refused(404, "not_found");
    stage
        .until("the bytes are gone", async |stage| {
            let blobs = stage.config.data.join("blobs");
            let files = |path: std::path::PathBuf| std::fs::read_dir(path).unwrap().count();
            let finished = blobs.join("blobs").join(&blob[..2]);
            files(blobs.join("uploads")) == 0 && (!finished.exists() || files(finished) == 0)
        })
        .await;
    // The number is free, and whoever has it next is somebody else, without a lock.
    stage.clock.advance(MINUTE);
    let next = stage.register(&one.phone, None).await;
    assert_ne!(next.account, one.account);
    stage.close().await;
}

pub(crate) async fn registering_again_leaves_no_old_device_behind(site: Site) {
    let stage = site.stage().await;
    let (one, two) = (stage.person().await, stage.person().await);
    stage.link(&one).await;
    message(&two, &one, 1).await;
    stage.until("it waits", async |stage| stage.count(ENVELOPES).await == 2).await;
    stage.clock.advance(MINUTE);
    stage.register(&one.phone, None).await;
    // One device of each of both, and nothing that waited.
    for (table, expected) in [
        ("SELECT COUNT(*) FROM devices", 2),
        ("SELECT COUNT(*) FROM current_keys", 2),
        ("SELECT COUNT(*) FROM mailboxes", 2),
        ("SELECT COUNT(*) FROM one_time_keys", 12),
    ] {
        assert_eq!(stage.count(table).await, expected, "{table}");
    }
    assert_eq!(stage.count(ENVELOPES).await, 0);
    stage.close().await;
}
