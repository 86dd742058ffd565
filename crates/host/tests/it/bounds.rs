//! How much a business may bring, on both engines.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bytes::Bytes;
use client::{Draft, DraftContent};
use futures_util::{StreamExt as _, stream};
use host::{
    HostError,
    codes::Code,
    content::{Content, File, Status},
    ground::Ground,
    ids::{BusinessId, MediaId, NumberId, WabaId},
    media::Media,
    messages::Outgoing,
    numbers::Number,
    purposes::{Access, Gate, Purpose},
    sealing::{Keys, MasterKey},
    uploads::Uploads,
};

use crate::{
    stage::on_both,
    world::{Person, Told, World, text, until},
};

async fn keys(ground: &Arc<Ground>) -> (Arc<Keys>, BusinessId) {
    let keys = Keys::new(ground.clone(), vec![MasterKey::new(&[1; 32])]).unwrap();
    let own = BusinessId::random(&*ground.entropy);
    keys.create(own).await.unwrap();
    (keys, own)
}

fn number(ground: &Ground, business: BusinessId) -> Number {
    Number {
        id: NumberId::random(&*ground.entropy),
        waba: WabaId::random(&*ground.entropy),
        business,
        account: None,
        number: "+4930901820".parse().unwrap(),
        verified_name: "Bank".to_owned(),
        requested_name: None,
        registered: true,
        tier: None,
        tier_held: false,
        created: ground.now(),
    }
}

fn words(size: usize) -> Bytes {
    Bytes::from(vec![b'x'; size])
}

async fn put(media: &Media, number: &Number, size: usize) -> Result<MediaId, HostError> {
    let pieces = [Ok::<_, Infallible>(words(size))];
    media.put(number, "text/plain", None, stream::iter(pieces)).await
}

fn code(outcome: &Result<impl std::fmt::Debug, HostError>) -> Option<Code> {
    match outcome {
        Err(HostError::Refused(refusal)) => Some(refusal.code),
        _ => None,
    }
}

#[tokio::test]
async fn the_media_of_a_business_have_a_bound_and_what_is_over_it_leaves_nothing() {
    on_both(async |stage| {
        let ground = stage.told(|config| config.files.media_per_business = 1000);
        let (keys, own) = keys(&ground).await;
        let other = BusinessId::random(&*ground.entropy);
        keys.create(other).await.unwrap();
        let media = Media::new(ground.clone(), Gate::new(ground.clone(), keys.clone()));
        let number = number(&ground, own);
        let first = put(&media, &number, 600).await.unwrap();
        let refused = put(&media, &number, 401).await;
        assert_eq!(code(&refused), Some(Code::MediaUpload), "{refused:?}");
        assert_eq!(stage.files(), 1);
        put(&media, &number, 400).await.unwrap();
        assert_eq!(code(&put(&media, &number, 1).await), Some(Code::MediaUpload));
        // Another business has room of its own.
        put(&media, &second_number(&ground, other), 1000).await.unwrap();
        media.delete(first).await.unwrap();
        put(&media, &number, 600).await.unwrap();
        assert_eq!(code(&put(&media, &number, 1).await), Some(Code::MediaUpload));
        // What is over makes room when it is gone.
        stage.clock.advance(Duration::from_secs(31 * 24 * 60 * 60));
        media.sweep().await.unwrap();
        assert_eq!(stage.files(), 0);
        put(&media, &number, 1000).await.unwrap();

        // Another process counts the same files.
        let gate = Gate::new(ground.clone(), keys);
        let beside = Media::new(ground.clone(), gate);
        assert_eq!(code(&put(&beside, &number, 1).await), Some(Code::MediaUpload));
        let unbound = stage.told(|config| config.files.media_per_business = 0);
        let gate =
            Gate::new(unbound.clone(), Keys::new(unbound.clone(), vec![MasterKey::new(&[1; 32])]).unwrap());
        put(&Media::new(unbound, gate), &number, 5000).await.unwrap();
        stage.writer.close().await;
    })
    .await;
}

fn second_number(ground: &Ground, business: BusinessId) -> Number {
    Number { number: "+4930901821".parse().unwrap(), ..number(ground, business) }
}

#[tokio::test]
async fn files_on_their_way_take_room_and_so_do_those_of_another_process() {
    on_both(async |stage| {
        let ground = stage.told(|config| config.files.media_per_business = 1000);
        let (keys, own) = keys(&ground).await;
        let media = Media::new(ground.clone(), Gate::new(ground.clone(), keys.clone()));
        let number = number(&ground, own);
        let (first_end, mut from) = tokio::sync::mpsc::channel::<Result<Bytes, Infallible>>(1);
        let pieces = stream::poll_fn(move |context| from.poll_recv(context));
        let first = tokio::spawn({
            let (media, number) = (media.clone(), number.clone());
            async move { media.put(&number, "text/plain", None, pieces).await }
        });
        // There is place for one piece: the third has it when the second was taken, and that is when the first was counted.
        for size in [600, 1, 1] {
            first_end.send(Ok(words(size))).await.unwrap();
        }
        let refused = put(&media, &number, 401).await;
        assert_eq!(code(&refused), Some(Code::MediaUpload), "{refused:?}");
        drop(first_end);
        first.await.unwrap().unwrap();

        // Two processes that do not know of each other: who is written down second is refused.
        let beside = Media::new(ground.clone(), Gate::new(ground.clone(), keys));
        let (one, two) = tokio::join!(put(&media, &number, 300), put(&beside, &number, 300));
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        assert_eq!(stage.files(), 2);
        stage.writer.close().await;
    })
    .await;
}

#[tokio::test]
async fn the_uploads_of_a_business_have_a_bound_finished_or_not() {
    on_both(async |stage| {
        let ground = stage.told(|config| config.files.uploads_per_business = 1000);
        let (keys, own) = keys(&ground).await;
        let other = BusinessId::random(&*ground.entropy);
        let uploads = Uploads::new(ground.clone(), keys);
        let first = uploads.begin(own, "image/png", 600).await.unwrap();
        let refused = uploads.begin(own, "image/png", 401).await;
        assert_eq!(code(&refused), Some(Code::Parameter), "{refused:?}");
        // Finished, it counts as before.
        let png = [&b"\x89PNG\r\n\x1a\n"[..], &[0; 592]].concat();
        let pieces = stream::iter([Ok::<_, HostError>(Bytes::from(png))]).boxed();
        assert!(uploads.append(first.id, 0, pieces).await.unwrap().handle().is_some());
        assert_eq!(code(&uploads.begin(own, "image/png", 401).await), Some(Code::Parameter));
        uploads.begin(other, "image/png", 1000).await.unwrap();
        let (one, two) =
            tokio::join!(uploads.begin(own, "image/png", 400), uploads.begin(own, "image/png", 400));
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        stage.clock.advance(Duration::from_secs(31 * 24 * 60 * 60));
        uploads.sweep().await.unwrap();
        uploads.begin(own, "image/png", 1000).await.unwrap();
        stage.writer.close().await;
    })
    .await;
}

/// Sends a file to the business.
async fn send_file(ada: &Person, to: wire::AccountId, content_type: &str, size: usize) {
    let blob = ada.device.upload(&mut words(size), None).await.unwrap();
    let media = client::Media {
        kind: client::MediaKind::File,
        blob,
        content_type: content_type.to_owned(),
        file_name: "a.txt".to_owned(),
        caption: String::new(),
        width: 0,
        height: 0,
        duration: 0,
        thumbnail: wire::Base64(Vec::new()),
        animated: false,
    };
    ada.device.send(to, DraftContent::Media(media).into()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_send_has_the_same_bound_and_their_messages_come_all_the_same() {
    let world = World::sqlite().await;
    let ada = world.customer().await;
    let host = world.host_told(Arc::new(Told), |config| config.files.media_per_business = 100).await;
    let number = world.settle(&host).await;
    let business = number.account.unwrap();
    let file = async |count: usize| {
        until("it came", async || world.told().await.len() == count).await;
        let id = world.told().await[count - 1].parse().unwrap();
        let access = Access::by("test", number.business, Purpose::Deliver);
        let (_, document) = host.messages.open(&access, &number, &[id]).await.unwrap().remove(0);
        document.content.file().unwrap().clone()
    };
    send_file(&ada, business, "text/plain", 101).await;
    assert_eq!(file(1).await.sha256, None);
    assert_eq!(world.count("media").await, 0);
    // What is no type does not become one of a header of ours.
    send_file(&ada, business, "text/../plain", 100).await;
    let kept = file(2).await;
    assert!(kept.sha256.is_some());
    let about = host.media.about(kept.id.unwrap()).await.unwrap();
    assert_eq!((about.size, &*about.mime_type), (100, "application/octet-stream"));
    host.close().await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_leads_only_where_a_callback_may_be() {
    let world = World::sqlite().await;
    let ada = world.customer().await;
    let host = world.host_told(Arc::new(Told), |config| config.webhooks.loopback = true).await;
    let number = world.settle(&host).await;
    let business = number.account.unwrap();
    ada.device.send(business, Draft::text("hello")).await.unwrap();
    until("it came", async || world.told().await.len() == 1).await;
    let fetched = Arc::new(AtomicUsize::new(0));
    let counted = fetched.clone();
    let files = axum::Router::new().fallback(async move |uri: http::Uri| {
        counted.fetch_add(1, SeqCst);
        let status = if uri.path() == "/gone.txt" { 404 } else { 200 };
        (http::StatusCode::from_u16(status).unwrap(), [("content-type", "text/plain")], "words")
    });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move { axum::serve(listener, files).await });
    let send = async |link: String| {
        let content = Content::Document(File { link: Some(link), ..File::default() });
        let sent = Outgoing { content, ..text(&number, &ada.number, "") };
        host.messages.send(sent).await.unwrap().id
    };
    let refused = send(format!("http://ada:secret@{address}/a.txt")).await;
    until("it failed", async || host.messages.get(refused).await.unwrap().status == Some(Status::Failed))
        .await;
    send(format!("http://{address}/a.txt")).await;
    assert!(matches!(ada.hears(business, 1).await[0].body, client::Body::Media(_)));
    // The same again is not fetched again, however many are sent at the same time; another address is.
    let again = || send(format!("http://{address}/a.txt"));
    tokio::join!(again(), again(), send(format!("http://{address}/b.txt")));
    ada.hears(business, 4).await;
    assert_eq!(fetched.load(SeqCst), 2);
    // Unless the business deleted it.
    let access = Access::by("test", number.business, Purpose::Deliver);
    let sent = host.messages.sent_by(number.id, None, false, 10).await.unwrap();
    let ids: Vec<_> = sent.iter().map(|about| about.id).collect();
    for (_, document) in host.messages.open(&access, &number, &ids).await.unwrap() {
        if let Some(id) = document.content.file().and_then(|file| file.id) {
            let _ = host.media.delete(id).await;
        }
    }
    again().await;
    ada.hears(business, 5).await;
    assert_eq!(fetched.load(SeqCst), 3);
    // One that leads nowhere is asked once for all who wait.
    let gone = || send(format!("http://{address}/gone.txt"));
    let both: [_; 2] = tokio::join!(gone(), gone()).into();
    until("both failed", async || {
        let status = async |id| host.messages.get(id).await.unwrap().status;
        status(both[0]).await == Some(Status::Failed) && status(both[1]).await == Some(Status::Failed)
    })
    .await;
    assert_eq!(fetched.load(SeqCst), 4);
    serving.abort();
    host.close().await;
    world.close().await;
}
