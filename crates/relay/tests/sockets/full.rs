//! A disk that is really full, for a relay as a process: the system refuses to write.

use std::time::Duration;

use wire::frames::Reason;

use crate::{
    node::{Node, be_a_relay},
    people::{message, number, register},
};

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_is_not_acknowledged_and_all_that_was_is_there_afterwards() {
    if be_a_relay().await {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let test = "full::what_cannot_be_written_is_not_acknowledged_and_all_that_was_is_there_afterwards";
    let mut node = Node::new(test, folder.path(), None, None);
    node.until_up().await;
    let urls = [format!("http://{}", node.address)];
    let (anna, bank) = (register(&urls, 0).await, register(&urls, 1).await);
    let mut from = anna.connect().await;
    from.send([message(bank.account, 0)]).await;
    from.until_sent(0..1).await;

    let largest = ["relay.db", "relay.db-wal"].map(|name| node.data.join(name).metadata().unwrap().len());
    let room = largest.into_iter().max().unwrap() + (1 << 20);
    node.limit_files(Some(room));
    // What comes together is written together, or not.
    for start in (1..8001).step_by(100) {
        from.send((start..start + 100).map(|number| message(bank.account, number))).await;
        from.until("some answers", |socket| {
            socket.sent.len() + socket.refused.len() > usize::try_from(start).unwrap()
        })
        .await;
    }
    from.until("an answer to each", |socket| socket.sent.len() + socket.refused.len() == 8001).await;
    assert!(from.sent.len() > 1, "nothing found room");
    assert!(!from.refused.is_empty(), "everything found room");
    assert!(from.refused.iter().all(|refusal| refusal.reason() == Reason::Unavailable));
    let refused = anna.send_by_request(0, &bank, 9000).await;
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "1"));
    let error: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(error["error"]["code"], "unavailable");
    // The same of a file, of which a part finds room.
    let size = usize::try_from(room).unwrap() + (1 << 20);
    let file: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let patch = async |path: &str, offset: usize| {
        let request = anna.request("PATCH", path).header("upload-offset", offset);
        request.body(file[offset..].to_vec()).send().await.map(|answer| answer.status().as_u16())
    };
    // A place for it is a row in the database.
    let begun = anna.request("POST", "/v1/blobs").json(&serde_json::json!({ "size": size })).send().await;
    assert_eq!(begun.unwrap().status(), 503);

    node.limit_files(None);
    // As an outbox does: again, until it is answered.
    let again = async {
        while !from.sent.contains(&10_000) {
            let answers = from.sent.len() + from.refused.len();
            from.send([message(bank.account, 10_000)]).await;
            from.until("an answer", |socket| socket.sent.len() + socket.refused.len() > answers).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), again).await.expect("it recovers");
    let begun = anna.request("POST", "/v1/blobs").json(&serde_json::json!({ "size": size })).send().await;
    let begun: wire::api::BlobBegun = begun.unwrap().json().await.unwrap();
    let path = format!("/v1/blobs/{}", begun.id);
    node.limit_files(Some(room));
    // Who is refused while still sending may lose the answer with the connection.
    let answer = patch(&path, 0).await;
    assert!(answer.as_ref().map_or(true, |status| *status == 503), "{answer:?}");
    node.limit_files(None);
    let progress = async || {
        let answer = anna.request("HEAD", &path).send().await.unwrap();
        answer.headers()["upload-offset"].to_str().unwrap().parse::<usize>().unwrap()
    };
    let kept = progress().await;
    assert!(kept <= usize::try_from(room).unwrap(), "{kept}");
    let finished = async {
        // The one that failed may not have ended yet.
        while patch(&path, progress().await).await.unwrap() != 204 {}
    };
    tokio::time::timeout(Duration::from_secs(20), finished).await.expect("the upload goes on");

    // Even a relay that is killed now has all of it.
    node.kill();
    node.start();
    node.until_up().await;
    let mut to = bank.connect().await;
    let mut there = Vec::new();
    while there.len() < from.sent.len() {
        let deliveries = to.deliveries(1).await;
        there.extend(deliveries.iter().map(number));
        to.acknowledge(deliveries[0].number).await;
    }
    let mut sent = from.sent.clone();
    sent.sort_unstable();
    assert_eq!(there, sent, "what was acknowledged, in order, and nothing else");
    let blob = anna.request("GET", &path).send().await.unwrap().bytes().await.unwrap();
    assert!(blob == file);
    node.kill();
}
