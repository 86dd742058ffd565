//! Files.

use std::sync::{Mutex, atomic::Ordering};

use bytes::Bytes;
use client::{Body, Draft, DraftContent, Error, Media, MediaKind, State};
use wire::Base64;

use super::world::{World, until};

fn file(len: usize) -> Bytes {
    (0..len).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_picture_arrives_with_its_thumbnail() {
    let world = World::new(50);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    let picture = file(300_000);
    let heard = Mutex::new(Vec::new());
    let hear = |done: u64, total: u64| heard.lock().unwrap().push((done, total));
    let blob = anna.device.upload(&mut picture.clone(), Some(&hear)).await.unwrap();
    assert_eq!(heard.lock().unwrap().last(), Some(&(300_080, 300_080)));
    assert!(!world.relay.state().blobs[&blob.id].bytes.windows(64).any(|window| *window == picture[..64]));
    let media = Media {
        kind: MediaKind::Image,
        blob,
        content_type: "image/png".into(),
        file_name: "../contract.png".into(),
        caption: "Here it is".into(),
        width: 640,
        height: 480,
        duration: 0,
        thumbnail: Base64(vec![7; 64 << 10]),
        animated: false,
    };
    assert!(matches!(
        anna.device
            .send(
                bank.account(),
                DraftContent::Media(Media { thumbnail: Base64(vec![7; 65 << 10]), ..media.clone() }).into()
            )
            .await,
        Err(Error::Invalid(_))
    ));
    let id = anna.device.send(bank.account(), DraftContent::Media(media).into()).await.unwrap();
    until(async || anna.message(id).await.state == State::Delivered).await;
    let Body::Media(got) = bank.message(id).await.body else { panic!() };
    assert_eq!(
        (got.file_name.as_str(), got.caption.as_str(), got.thumbnail.0.len()),
        ("contract.png", "Here it is", 65536)
    );
    let mut whole = Vec::new();
    bank.device.download(&got.blob, &mut whole, None).await.unwrap();
    assert_eq!(whole, picture);
    // The words under it can be edited.
    let edit = DraftContent::Edit { message: id, text: "Here it was".into() };
    anna.device.send(bank.account(), edit.into()).await.unwrap();
    until(async || bank.message(id).await.edited.is_some()).await;
    let draft = Draft::from(DraftContent::Media(got));
    assert_eq!(serde_json::from_str::<Draft>(&serde_json::to_string(&draft).unwrap()).unwrap(), draft);
}

#[tokio::test(start_paused = true)]
async fn transfers_go_on_where_they_were_lost() {
    let world = World::new(51);
    let anna = world.person(1).await;
    for len in [0, 1, 65_536, 65_537, 9_000_000] {
        let whole = file(len);
        anna.link.faults.set(300);
        let blob = loop {
            if let Ok(blob) = anna.device.upload(&mut whole.clone(), None).await {
                break blob;
            }
        };
        anna.link.faults.set(0);
        anna.link.break_bodies_after.store(3_000_001, Ordering::Relaxed);
        let before = anna.link.requests.load(Ordering::Relaxed);
        let mut got = Vec::new();
        anna.device.download(&blob, &mut got, None).await.unwrap();
        assert_eq!(got, whole, "{len}");
        if len > 3_000_000 {
            assert_eq!(anna.link.requests.load(Ordering::Relaxed) - before, 4);
        }
        anna.link.break_bodies_after.store(0, Ordering::Relaxed);
        anna.device.delete_blob(&blob.id).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_waits_for_what_it_sent_before() {
    let world = World::new(53);
    let anna = world.person(1).await;
    world.relay.state().busy = 3;
    let blob = anna.device.upload(&mut file(100_000), None).await.unwrap();
    assert_eq!(world.relay.state().busy, 0);
    let mut got = Vec::new();
    anna.device.download(&blob, &mut got, None).await.unwrap();
    assert_eq!(got, file(100_000));
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_changed_file_is_given_out() {
    let world = World::new(52);
    let anna = world.person(1).await;
    let blob = anna.device.upload(&mut file(200_000), None).await.unwrap();
    let original = world.relay.state().blobs[&blob.id].bytes.clone();
    let mut tampered: Vec<(&str, Vec<u8>)> = Vec::new();
    let mut bytes = original.clone();
    bytes[150_000] ^= 1;
    tampered.push(("changed", bytes));
    let mut bytes = original.clone();
    let (first, second) = bytes.split_at_mut(65_552);
    first.swap_with_slice(&mut second[..65_552]);
    tampered.push(("reordered", bytes));
    tampered.push(("lengthened", [original.clone(), vec![0]].concat()));
    for (what, bytes) in tampered {
        world.relay.state().blobs.get_mut(&blob.id).unwrap().bytes = bytes;
        let mut got = Vec::new();
        let outcome = anna.device.download(&blob, &mut got, None).await;
        assert!(matches!(outcome, Err(Error::Tampered)), "{what}: {outcome:?}");
        assert!(got.is_empty(), "{what}");
    }
    // Cut: it is waited for in vain.
    world.relay.state().blobs.get_mut(&blob.id).unwrap().bytes = original[..131_104].to_vec();
    let mut got = Vec::new();
    assert!(matches!(anna.device.download(&blob, &mut got, None).await, Err(Error::Link(_))));
    assert!(got.is_empty());
    // Right, but not what the sender described.
    world.relay.state().blobs.get_mut(&blob.id).unwrap().bytes = original;
    let mut other = blob.clone();
    other.digest.0[0] ^= 1;
    assert!(matches!(anna.device.download(&other, &mut got, None).await, Err(Error::Tampered)));
    assert!(got.is_empty());
    anna.device.download(&blob, &mut got, None).await.unwrap();
    assert_eq!(got, file(200_000));
}

#[tokio::test(start_paused = true)]
async fn sound_video_voice_and_stickers_arrive_as_they_were_sent() {
    let world = World::new(53);
    let (anna, bank) = (world.person(1).await, world.person(2).await);
    for (kind, content_type, duration, animated) in [
        (MediaKind::Audio, "audio/mpeg", 180_000, false),
        (MediaKind::Video, "video/mp4", 9_500, false),
        (MediaKind::Voice, "audio/ogg; codecs=opus", 4_200, false),
        (MediaKind::Sticker, "image/webp", 0, true),
        (MediaKind::Document, "application/pdf", 0, false),
    ] {
        let whole = file(70_000);
        let moving = kind == MediaKind::Video;
        let media = Media {
            kind,
            blob: anna.device.upload(&mut whole.clone(), None).await.unwrap(),
            content_type: content_type.into(),
            file_name: "name".into(),
            caption: if moving { "Look".into() } else { String::new() },
            width: if moving { 1280 } else { 0 },
            height: if moving { 720 } else { 0 },
            duration,
            thumbnail: Base64(if moving { vec![9; 5000] } else { Vec::new() }),
            animated,
        };
        let draft = DraftContent::Media(media.clone());
        let id = anna.device.send(bank.account(), draft.into()).await.unwrap();
        until(async || anna.message(id).await.state == State::Delivered).await;
        // On the sender's side it is kept as it arrives on the other.
        for person in [&anna, &bank] {
            assert_eq!(person.message(id).await.body, Body::Media(media.clone()), "{kind:?}");
        }
        let mut got = Vec::new();
        bank.device.download(&media.blob, &mut got, None).await.unwrap();
        assert_eq!(got, whole);
        // Only of a voice note it is told that it was heard.
        let played = bank.device.mark_played(id).await;
        assert_eq!(played.is_ok(), kind == MediaKind::Voice, "{kind:?}: {played:?}");
        if kind == MediaKind::Voice {
            until(async || anna.message(id).await.state == State::Played).await;
        }
    }
}
