//! How long chats are kept: as the business says, and without its word only as long as delivering takes.

use std::time::Duration;

use client::{Draft, DraftContent, Media, MediaKind};
use serde_json::{Value, json};

use super::{Office, of};
use crate::world::{on_both, until};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_older_than_the_business_keeps_is_gone_with_its_words_and_files() {
    on_both(async |world| {
        let office = Office::open(world).await;
        let (world, clock) = (&office.world, &office.clock);
        let ada = world.customer().await;
        let body = json!({ "credential": world.owner, "instructions": { "search": false } });
        let brought = office.done("POST", "/host/v1/businesses", body).await;
        let account = office.account(&brought).await;
        let say = async |words: &str| {
            let blob = ada.device.upload(&mut bytes::Bytes::from_static(b"a file"), None).await.unwrap();
            let media = Media {
                kind: MediaKind::File,
                blob,
                content_type: "application/pdf".to_owned(),
                file_name: "file.pdf".to_owned(),
                caption: words.to_owned(),
                width: 0,
                height: 0,
                duration: 0,
                thumbnail: wire::Base64(Vec::new()),
                animated: false,
            };
            let before = world.count("media").await;
            ada.device.send(account, Draft::text(words)).await.unwrap();
            ada.device.send(account, DraftContent::Media(media).into()).await.unwrap();
            until("it came", async || world.count("media").await == before + 1).await;
        };
        let kept = async || {
            office.host.api.messages.sweep().await.unwrap();
            (world.count("messages").await, world.count("message_words").await > 0)
        };
        // Without its word nothing is kept for longer than it takes to deliver.
        say("voucher").await;
        clock.advance(DAY * 29);
        assert_eq!(kept().await.0, 2);
        let instruct = format!("/host/v1/businesses/{}/instructions", of(&brought, "business_id"));
        let longer = json!({ "deliver": true, "store_days": 60, "search": true });
        let (status, said) = office.ask(of(&brought, "token"), "PUT", &instruct, longer).await;
        assert_eq!(status, 200, "{said}");
        // What is written now is dated by its sender, who is not ahead: it is as old as the other.
        say("invoice").await;
        clock.advance(DAY * 30);
        assert_eq!(kept().await, (4, true));
        let search = format!("/host/v1/businesses/{}/messages/list", of(&brought, "business_id"));
        let found = async |words: &str| {
            let (status, answer) =
                office.ask(of(&brought, "token"), "POST", &search, json!({ "words": words })).await;
            assert_eq!(status, 200, "{answer}");
            answer["messages"].as_array().unwrap().len()
        };
        assert_eq!(found("invoice").await, 2);
        clock.advance(DAY * 2);
        assert_eq!(kept().await, (0, false));
        // A file was kept from when it came, by the clock here, for as long as was said then.
        clock.advance(DAY * 30);
        kept().await;
        assert_eq!((world.count("media").await, found("invoice").await), (0, 0));
        let nothing = json!({ "deliver": true, "store_days": null, "search": false });
        let (status, said) = office.ask(of(&brought, "token"), "PUT", &instruct, nothing).await;
        assert_eq!(status, 200, "{said}");
        let chats = format!("/host/v1/businesses/{}/chats/list", of(&brought, "business_id"));
        assert_eq!(office.ask(of(&brought, "token"), "POST", &chats, Value::Null).await.0, 403);
        office.close().await;
    })
    .await;
}
