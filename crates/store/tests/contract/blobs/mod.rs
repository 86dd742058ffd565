//! Large bytes, in a folder and in a stand-in for S3.

mod bucket;

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use store::{
    Entropy,
    blobs::{BlobConfig, BlobError, BlobId, Blobs, Place},
    testing::SeededEntropy,
};
use tokio::{sync::oneshot, task::JoinHandle};

const LIMIT: u64 = 20 << 20;

async fn open(place: Place) -> Blobs {
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(3));
    Blobs::open(&BlobConfig { place, limit: LIMIT }, entropy).await.unwrap()
}

/// Bytes that differ from place to place, in pieces as a network brings them.
fn body(range: Range<usize>) -> Vec<Result<Bytes, std::io::Error>> {
    let bytes: Bytes = range.map(|at| u8::try_from(at % 251).unwrap()).collect();
    (0..bytes.len()).step_by(50_000).map(|at| Ok(bytes.slice(at..bytes.len().min(at + 50_000)))).collect()
}

fn digest(range: Range<usize>) -> [u8; 32] {
    let mut hash = Sha256::new();
    body(range).into_iter().for_each(|piece| hash.update(piece.unwrap()));
    hash.finalize().into()
}

async fn read(blobs: &Blobs, id: BlobId, range: Range<u64>) -> Result<Vec<u8>, BlobError> {
    blobs.get(id, range).await?.map_ok(|piece| piece.to_vec()).try_concat().await
}

async fn what_was_put_comes_back(blobs: &Blobs) {
    for size in [0, 1, 18_000_000] {
        let stored = blobs.put(stream::iter(body(0..size))).await.unwrap();
        assert_eq!((stored.size, stored.sha256), (size as u64, digest(0..size)));
        let back = read(blobs, stored.id, 0..stored.size).await.unwrap();
        assert_eq!(<[u8; 32]>::from(Sha256::digest(&back)), stored.sha256);
        blobs.delete(stored.id).await.unwrap();
        blobs.delete(stored.id).await.unwrap();
        assert!(matches!(blobs.size(stored.id).await, Err(BlobError::NotFound)));
    }
}

async fn a_part_can_be_read(blobs: &Blobs) {
    let id = blobs.put(stream::iter(body(0..300_000))).await.unwrap().id;
    let part = read(blobs, id, 123_456..123_460).await.unwrap();
    assert_eq!(part, [123_456, 123_457, 123_458, 123_459].map(|at| u8::try_from(at % 251).unwrap()));
    assert!(read(blobs, id, 5..5).await.unwrap().is_empty());
    assert_eq!(read(blobs, id, 70_000..300_000).await.unwrap().len(), 230_000);
    let outside = read(blobs, id, 5..300_001).await;
    assert!(matches!(outside, Err(BlobError::OutOfRange { size: 300_000 })));
}

async fn an_upload_goes_on_where_it_stopped(blobs: &Blobs, elsewhere: &Blobs) {
    let id = blobs.begin().await.unwrap();
    let broken = body(0..9_000_000).into_iter().chain([Err(std::io::Error::other("gone"))]);
    let broken: Vec<_> = broken.collect();
    let error = blobs.append(id, 0, stream::iter(broken), false).await.unwrap_err();
    assert!(matches!(error, BlobError::Interrupted(_)), "{error:?}");

    // Another process asks where to go on.
    let offset = elsewhere.offset(id).await.unwrap();
    assert!(offset > 8_000_000, "{offset}");
    let wrong = elsewhere.append(id, offset + 1, stream::iter(body(0..1)), true).await;
    assert!(matches!(wrong, Err(BlobError::WrongOffset { offset: at }) if at == offset));
    let from = usize::try_from(offset).unwrap();
    let rest = elsewhere.append(id, offset, stream::iter(body(from..12_000_000)), true).await.unwrap();
    assert_eq!(rest, 12_000_000);
    assert!(matches!(blobs.size(id).await, Err(BlobError::NotFound)), "it is not finished");
    let stored = elsewhere.finish(id, Some(digest(0..12_000_000))).await.unwrap();
    assert_eq!((stored.id, stored.size), (id, 12_000_000));
    assert!(matches!(elsewhere.offset(id).await, Err(BlobError::NotFound)));
    assert_eq!(blobs.size(id).await.unwrap(), 12_000_000);
}

async fn too_much_is_refused_while_it_comes(blobs: &Blobs) {
    // Without an end: it is refused although the end never comes.
    let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[0; 65_536]))).boxed();
    let error = blobs.put(endless).await.unwrap_err();
    assert!(matches!(error, BlobError::TooLarge { limit: LIMIT }), "{error:?}");
}

async fn other_bytes_than_announced_are_refused(blobs: &Blobs) {
    let id = blobs.begin().await.unwrap();
    blobs.append(id, 0, stream::iter(body(0..100)), true).await.unwrap();
    let error = blobs.finish(id, Some([0; 32])).await.unwrap_err();
    assert!(matches!(error, BlobError::WrongDigest), "{error:?}");
    assert!(matches!(blobs.offset(id).await, Err(BlobError::NotFound)));
    blobs.abandon(id).await.unwrap();
}

/// An upload by somebody who sends so many bytes and then no more, without an end. When they were asked for more,
/// this returns.
async fn slow_upload(blobs: &Blobs, id: BlobId, bytes: usize) -> JoinHandle<Result<u64, BlobError>> {
    let (stuck, is_stuck) = oneshot::channel();
    let endless = stream::once(async move {
        stuck.send(()).unwrap();
        std::future::pending().await
    });
    let bytes = stream::iter(body(0..bytes)).chain(endless);
    let blobs = blobs.clone();
    let uploading = tokio::spawn(async move { blobs.append(id, 0, bytes, true).await });
    is_stuck.await.unwrap();
    uploading
}

async fn two_do_not_write_to_an_upload(blobs: &Blobs) {
    let id = blobs.begin().await.unwrap();
    let first = slow_upload(blobs, id, 100_000).await;
    let clone = blobs.clone();
    let second = clone.append(id, 0, stream::iter(body(0..5)), true).await;
    assert!(matches!(second, Err(BlobError::Busy)), "{second:?}");
    assert!(matches!(blobs.finish(id, None).await, Err(BlobError::Busy)));
    assert!(matches!(blobs.abandon(id).await, Err(BlobError::Busy)), "it is not abandoned");
    // Other uploads are not in its way.
    blobs.put(stream::iter(body(0..5))).await.unwrap();

    // Who gave up stands in nobody's way.
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let size = loop {
        let from = usize::try_from(blobs.offset(id).await.unwrap()).unwrap();
        match blobs.append(id, from as u64, stream::iter(body(from..200_000)), true).await {
            // What came last was written meanwhile.
            Err(BlobError::WrongOffset { offset }) => assert!(offset > from as u64),
            appended => break appended.unwrap(),
        }
    };
    assert_eq!(size, 200_000);
    let stored = blobs.finish(id, Some(digest(0..200_000))).await.unwrap();
    assert_eq!(stored.size, 200_000);
}

async fn abandoning_is_safe_at_any_time(blobs: &Blobs) {
    let id = blobs.begin().await.unwrap();
    blobs.append(id, 0, stream::iter(body(0..100)), true).await.unwrap();
    for _ in 0..2 {
        blobs.abandon(id).await.unwrap();
        assert!(matches!(blobs.offset(id).await, Err(BlobError::NotFound)));
    }
    let late = blobs.append(id, 0, stream::iter(body(0..5)), true).await;
    assert!(matches!(late, Err(BlobError::NotFound)), "{late:?}");

    let finished = blobs.put(stream::iter(body(0..100))).await.unwrap();
    blobs.abandon(finished.id).await.unwrap();
    assert_eq!(read(blobs, finished.id, 0..100).await.unwrap().len(), 100, "what is finished stays");
    let never: BlobId = "00112233445566778899aabbccddeeff".parse().unwrap();
    blobs.abandon(never).await.unwrap();
}

async fn every_promise(blobs: Blobs, elsewhere: Blobs) {
    what_was_put_comes_back(&blobs).await;
    a_part_can_be_read(&blobs).await;
    an_upload_goes_on_where_it_stopped(&blobs, &elsewhere).await;
    too_much_is_refused_while_it_comes(&blobs).await;
    other_bytes_than_announced_are_refused(&blobs).await;
    two_do_not_write_to_an_upload(&blobs).await;
    abandoning_is_safe_at_any_time(&blobs).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_keeps_every_promise() {
    let folder = tempfile::tempdir().unwrap();
    let place = || open(Place::Folder(folder.path().join("new")));
    every_promise(place().await, place().await).await;
    let left = std::fs::read_dir(folder.path().join("new/uploads")).unwrap().count();
    assert_eq!(left, 0, "what was refused leaves nothing");
}

/// Its sender is gone, and nobody waits for what becomes of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_of_a_dropped_upload_is_kept_to_the_byte() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = open(Place::Folder(folder.path().join("new"))).await;
    let id = blobs.begin().await.unwrap();
    // Less than is written at once.
    let upload = slow_upload(&blobs, id, 12_345).await;
    assert_eq!(blobs.offset(id).await.unwrap(), 0);
    upload.abort();
    assert!(upload.await.unwrap_err().is_cancelled());
    // Whoever goes on with it waits until that is written.
    let appended = blobs.append(id, 12_345, stream::iter(body(12_345..20_000)), true).await;
    assert_eq!(appended.unwrap(), 20_000);
    assert_eq!(blobs.finish(id, Some(digest(0..20_000))).await.unwrap().size, 20_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_keeps_every_promise() {
    let (config, bucket) = bucket::start().await;
    every_promise(open(Place::S3(config.clone())).await, open(Place::S3(config)).await).await;
    assert_eq!(bucket.kept().1, 0, "what was refused leaves nothing");
}
