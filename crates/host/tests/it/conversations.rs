//! A business and its customers, over a real relay.

use client::{Body, Draft, State};
use host::{
    HostError,
    content::{Content, File, Status},
    ids::MessageId,
    messages::{Outgoing, Recipient},
    purposes::{Access, Instructions, Purpose},
};

use crate::world::{code, on_both, text, until};

fn words(body: &Body) -> &str {
    match body {
        Body::Text { text } => text,
        other => panic!("{other:?}"),
    }
}

/// The ids of what people wrote, in the order in which it was told.
fn came(told: &[String]) -> Vec<MessageId> {
    told.iter().filter_map(|line| line.parse().ok()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_goes_both_ways_and_each_step_is_told_once() {
    on_both(async |world| {
        let ada = world.customer().await;
        let host = world.host().await;
        let number = world.settle(&host).await;
        let business = number.account.unwrap();

        // Nobody has written yet: only a template may begin.
        let early = host.messages.send(text(&number, &ada.number, "too early")).await;
        assert_eq!(code(early), 131_047);
        let nobody = "+4915100000000".parse().unwrap();
        let lost = host.messages.send(text(&number, &nobody, "who?")).await.unwrap();
        until("it failed", async || world.told_of(lost.id).await == ["failed"]).await;
        assert_eq!(host.messages.get(lost.id).await.unwrap().status, Some(Status::Failed));
        assert_eq!(code(host.messages.send(text(&number, &number.number, "me?")).await), 131_021);

        ada.device.send(business, Draft::text("Where is my parcel?")).await.unwrap();
        until("the message came", async || came(&world.told().await).len() == 1).await;
        let question = came(&world.told().await)[0];
        let access = Access::by("test", number.business, Purpose::Deliver);
        let (about, document) = host.messages.open(&access, &number, &[question]).await.unwrap().remove(0);
        assert!(!about.outbound && !about.read && about.status.is_none());
        assert!(matches!(&document.content, Content::Text(text) if text.body == "Where is my parcel?"));

        let answer = Outgoing {
            context: Some(question),
            tracker: Some("order 7".to_owned()),
            ..text(&number, &ada.number, "On its way.")
        };
        let accepted = host.messages.send(answer).await.unwrap();
        assert_eq!(accepted.to.wa_id.as_deref(), Some("4915112345678"));
        let heard = ada.hears(business, 1).await;
        assert_eq!(words(&heard[0].body), "On its way.");
        let quoted = heard[0].quote.as_ref().unwrap().message;
        assert_eq!(quoted.author, ada.device.own().account);
        until("it was delivered", async || world.told_of(accepted.id).await.len() == 2).await;
        ada.device.mark_read(business, u64::MAX >> 1).await.unwrap();
        until("it was read", async || world.told_of(accepted.id).await.len() == 3).await;
        assert_eq!(world.told_of(accepted.id).await, ["sent", "delivered", "read"]);

        host.messages.read(&number, question, true).await.unwrap();
        until("the question was read", async || {
            ada.device.message(quoted).await.unwrap().unwrap().state == State::Read
        })
        .await;
        assert!(host.messages.get(question).await.unwrap().read);

        // By the id that only this business has.
        let by_id =
            Outgoing { to: Recipient::User(accepted.to.user_id), ..text(&number, &ada.number, "Arrived.") };
        host.messages.send(by_id).await.unwrap();
        assert_eq!(words(&ada.hears(business, 2).await[1].body), "Arrived.");
        host.close().await;
        world.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_go_both_ways_and_are_nothing_to_whoever_finds_them() {
    on_both(async |world| {
        let ada = world.customer().await;
        let host = world.host().await;
        let number = world.settle(&host).await;
        let business = number.account.unwrap();
        let picture: Vec<u8> = [&b"\x89PNG\r\n\x1a\n"[..], &b"not much of a picture ".repeat(9000)].concat();
        let blob = ada.device.upload(&mut bytes::Bytes::from(picture.clone()), None).await.unwrap();
        let media = client::Media {
            kind: client::MediaKind::Image,
            blob,
            content_type: "image/png".to_owned(),
            file_name: "parcel.png".to_owned(),
            caption: "This one".to_owned(),
            width: 0,
            height: 0,
            duration: 0,
            thumbnail: wire::Base64(Vec::new()),
            animated: false,
        };
        ada.device.send(business, client::DraftContent::Media(media).into()).await.unwrap();
        until("the picture came", async || came(&world.told().await).len() == 1).await;
        let id = came(&world.told().await)[0];
        let access = Access::by("test", number.business, Purpose::Deliver);
        let (_, document) = host.messages.open(&access, &number, &[id]).await.unwrap().remove(0);
        let file = document.content.file().unwrap();
        let about = host.media.about(file.id.unwrap()).await.unwrap();
        assert_eq!((about.size, Some(&about.sha256)), (picture.len() as u64, file.sha256.as_ref()));
        let mut opened = Vec::new();
        let mut stream = host.media.open(about.id, &access).await.unwrap();
        while let Some(piece) = futures_util::StreamExt::next(&mut stream).await {
            opened.extend_from_slice(&piece.unwrap());
        }
        assert_eq!(opened, picture);

        let wrong =
            futures_util::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from_static(b"no picture"))]);
        assert_eq!(code(host.media.put(&number, "image/png", None, wrong).await), 100);
        let pieces: Vec<_> = picture
            .chunks(1000)
            .map(|piece| Ok::<_, std::io::Error>(bytes::Bytes::copy_from_slice(piece)))
            .collect();
        let own =
            host.media.put(&number, "image/png", None, futures_util::stream::iter(pieces)).await.unwrap();
        let content =
            Content::Image(File { id: Some(own), caption: Some("Here".to_owned()), ..File::default() });
        let sent = Outgoing { content, ..text(&number, &ada.number, "") };
        host.messages.send(sent).await.unwrap();
        let heard = ada.hears(business, 1).await;
        let Body::Media(media) = &heard[0].body else { panic!("{heard:?}") };
        let mut got = Vec::new();
        ada.device.download(&media.blob, &mut got, None).await.unwrap();
        assert_eq!((got, &*media.caption), (picture, "Here"));
        for entry in std::fs::read_dir(world.files()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let bytes = std::fs::read(path).unwrap();
                assert!(!bytes.windows(11).any(|window| window == b"not much of"));
            }
        }
        host.media.delete(own).await.unwrap();
        assert!(matches!(host.media.about(own).await, Err(HostError::NotFound(_))));
        host.close().await;
        world.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_business_that_does_not_want_delivery_gets_and_sends_nothing() {
    on_both(async |world| {
        let ada = world.customer().await;
        let host = world.host().await;
        let number = world.settle(&host).await;
        let business = number.account.unwrap();
        ada.device.send(business, Draft::text("before")).await.unwrap();
        until("it came", async || came(&world.told().await).len() == 1).await;
        let no = Instructions { deliver: false, ..Instructions::default() };
        host.gate.instruct(number.business, no, "test").await.unwrap();
        let refused = host.messages.send(text(&number, &ada.number, "no")).await;
        assert!(matches!(refused, Err(HostError::NotAllowed(Purpose::Deliver))), "{refused:?}");
        ada.device.send(business, Draft::text("after")).await.unwrap();
        until("the refusal stands in the log", async || {
            let entries = host.gate.entries(number.business, 0, 1000).await.unwrap();
            entries.iter().any(|entry| entry.refused && entry.reader == "receiving")
        })
        .await;
        assert_eq!(came(&world.told().await).len(), 1);
        host.close().await;
        world.close().await;
    })
    .await;
}
