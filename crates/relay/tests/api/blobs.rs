//! Encrypted media.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::stage::{Answer, DAY, Device, Site, Stage};

pub(crate) async fn begin(device: &Device, size: usize) -> String {
    let begun = device.send("POST", "/v1/blobs", json!({ "size": size })).await;
    format!("/v1/blobs/{}", begun.is(201).json()["id"].as_str().unwrap())
}

async fn patch(device: &Device, path: &str, offset: usize, bytes: &[u8]) -> Answer {
    let request = device.request("PATCH", path).header("upload-offset", offset).body(bytes.to_vec());
    Answer::of(request.send().await.unwrap()).await
}

async fn head(device: &Device, path: &str) -> Answer {
    Answer::of(device.request("HEAD", path).send().await.unwrap()).await
}

async fn range(device: &Device, path: &str, range: &str) -> Answer {
    Answer::of(device.request("GET", path).header("range", range).send().await.unwrap()).await
}

fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|index| u8::try_from(index * 7 % 251).unwrap()).collect()
}

async fn upload(device: &Device, size: usize) -> String {
    let path = begin(device, size).await;
    patch(device, &path, 0, &bytes(size)).await.is(204);
    path
}

pub(crate) async fn a_blob_goes_in_in_parts_and_out_in_ranges(site: Site) {
    let stage = site.stage().await;
    let (one, two) = (stage.person().await, stage.person().await);
    let all = bytes(300_000);
    let begun = one.send("POST", "/v1/blobs", json!({ "size": all.len() })).await.is(201).json();
    assert_eq!(begun["expires"], 1_800_000_000_000_u64 + 45 * 86_400_000);
    let path = format!("/v1/blobs/{}", begun["id"].as_str().unwrap());
    let answer = patch(&one, &path, 0, &all[..100_000]).await;
    assert_eq!(answer.is(204).header("upload-offset"), "100000");
    two.get(&path).await.refused(404, "not_found");
    let at = head(&one, &path).await;
    assert_eq!((at.is(200).header("upload-offset"), at.header("upload-length")), ("100000", "300000"));
    // Few bytes: who is refused while still sending many may lose the answer with the connection.
    let wrong = patch(&one, &path, 50_000, &all[50_000..50_010]).await;
    assert_eq!(wrong.refused(409, "wrong_offset").json()["error"]["offset"], 100_000);
    assert_eq!(patch(&one, &path, 100_000, &all[100_000..]).await.is(204).header("upload-offset"), "300000");
    assert_eq!(head(&one, &path).await.is(200).header("upload-offset"), "300000");
    patch(&one, &path, 300_000, b"more").await.refused(409, "wrong_offset");

    let whole = two.get(&path).await;
    assert_eq!(whole.is(200).bytes, all);
    assert_eq!(whole.header("content-type"), "application/octet-stream");
    let part = range(&two, &path, "bytes=1000-1999").await;
    assert_eq!(part.is(206).bytes, all[1000..2000]);
    assert_eq!(part.header("content-range"), "bytes 1000-1999/300000");
    assert_eq!(range(&two, &path, "bytes=-10").await.is(206).bytes, all[299_990..]);
    range(&two, &path, "bytes=300000-").await.refused(416, "out_of_range");
    stage.close().await;
}

pub(crate) async fn a_broken_upload_goes_on_where_it_stopped(site: Site) {
    let stage = site.stage().await;
    let one = stage.person().await;
    let all = bytes(200_000);
    let path = begin(&one, all.len()).await;
    // A client that says how much will come, and dies on the way.
    let mut wire = stage.begin_patch(&one, &path, all.len()).await;
    wire.write_all(&all[..70_000]).await.unwrap();
    wire.flush().await.unwrap();
    drop(wire);
    // All of it counts, though the relay may not have noticed yet that the first one is gone.
    let gone = async |_: &Stage| patch(&one, &path, 70_000, &all[70_000..=70_000]).await.status == 204;
    stage.until("the first one is gone", gone).await;
    patch(&one, &path, 70_001, &all[70_001..]).await.is(204);
    assert_eq!(one.get(&path).await.is(200).bytes, all);
    stage.close().await;
}

pub(crate) async fn a_blob_has_a_limit(site: Site) {
    let stage = site
        .stage_with(|config| {
            config.blobs.limit = 1000;
            config.blobs.unfinished = 2;
        })
        .await;
    let one = stage.person().await;
    let large = one.send("POST", "/v1/blobs", json!({ "size": 1001 })).await;
    assert_eq!(large.refused(413, "too_large").json()["error"]["limit"], 1000);
    one.send("POST", "/v1/blobs", json!({ "size": u64::MAX })).await.refused(413, "too_large");
    one.send("POST", "/v1/blobs", json!({ "size": 0 })).await.refused(400, "invalid_request");
    one.send("POST", "/v1/blobs", json!({ "size": -1 })).await.refused(400, "invalid_request");
    let path = begin(&one, 1000).await;
    assert_eq!(
        patch(&one, &path, 0, &bytes(1001)).await.refused(413, "too_large").json()["error"]["limit"],
        1000
    );
    assert_eq!(head(&one, &path).await.header("upload-offset"), "0");
    begin(&one, 10).await;
    one.send("POST", "/v1/blobs", json!({ "size": 10 })).await.refused(409, "conflict");
    patch(&one, &path, 0, &bytes(1000)).await.is(204);
    begin(&one, 10).await;
    let request = one.request("PATCH", &path).body(bytes(10));
    Answer::of(request.send().await.unwrap()).await.refused(400, "invalid_request");
    stage.close().await;
}

pub(crate) async fn others_read_but_do_not_touch(site: Site) {
    let stage = site.stage().await;
    let (one, two) = (stage.person().await, stage.person().await);
    let mine = stage.link(&one).await;
    let path = begin(&one, 10).await;
    patch(&two, &path, 0, &bytes(10)).await.refused(403, "forbidden");
    assert_eq!(head(&two, &path).await.status, 403);
    two.delete(&path).await.refused(403, "forbidden");
    // All devices of the account are the uploader.
    patch(&mine, &path, 0, &bytes(10)).await.is(204);
    two.get(&path).await.is(200);
    for nothing in ["0", &"0".repeat(32), "../../relay.db", &"A".repeat(32)] {
        one.get(&format!("/v1/blobs/{nothing}")).await.is(404);
    }
    stage.close().await;
}

pub(crate) async fn a_blob_expires(site: Site) {
    let stage = site.stage().await;
    let one = stage.person().await;
    let path = upload(&one, 1000).await;
    stage.clock.advance(44 * DAY);
    one.get(&path).await.is(200);
    assert_eq!(stage.blobs(), 1);
    stage.clock.advance(DAY);
    one.get(&path).await.refused(404, "not_found");
    stage.until("its bytes are gone", async |stage| stage.blobs() == 0).await;
    stage
        .until("no job is left", async |stage| {
            // Two jobs for one blob may meet, and then one of them comes back later.
            stage.clock.advance(Duration::from_secs(5));
            stage.count("SELECT COUNT(*) FROM jobs").await == 0
        })
        .await;
    assert_eq!(stage.count("SELECT COUNT(*) FROM blobs").await, 0);
    stage.close().await;
}

pub(crate) async fn an_unfinished_upload_expires_sooner(site: Site) {
    let stage = site.stage().await;
    let one = stage.person().await;
    let path = begin(&one, 1000).await;
    patch(&one, &path, 0, &bytes(10)).await.is(204);
    stage.clock.advance(DAY);
    assert_eq!(head(&one, &path).await.status, 404);
    stage.until("its bytes are gone", async |stage| stage.blobs() == 0).await;
    stage.close().await;
}

pub(crate) async fn a_deleted_blob_is_gone(site: Site) {
    let stage = site.stage().await;
    let one = stage.person().await;
    let (finished, unfinished) = (upload(&one, 1000).await, begin(&one, 1000).await);
    for path in [finished, unfinished] {
        one.delete(&path).await.is(204);
        one.get(&path).await.refused(404, "not_found");
        one.delete(&path).await.refused(404, "not_found");
        patch(&one, &path, 0, &bytes(10)).await.refused(404, "not_found");
    }
    stage.until("its bytes are gone", async |stage| stage.blobs() == 0).await;
    stage.close().await;
}

pub(crate) async fn two_uploads_of_one_blob_do_not_mix(site: Site) {
    let stage = site.stage().await;
    let one = stage.person().await;
    let path = begin(&one, 100_000).await;
    let mut wire = stage.begin_patch(&one, &path, 100_000).await;
    // Less than 16 KiB wait for more before they are written.
    wire.write_all(&bytes(100_000)[..40_000]).await.unwrap();
    let offset = async || head(&one, &path).await.is(200).header("upload-offset").parse::<usize>().unwrap();
    stage
        .until("some of what was sent has arrived", async |_: &Stage| offset().await > 40_000 - (16 << 10))
        .await;
    let end = offset().await;
    patch(&one, &path, end, &bytes(100_000)[end..end + 10]).await.refused(409, "conflict");
    wire.write_all(&bytes(100_000)[40_000..]).await.unwrap();
    let mut answer = [0; 12];
    wire.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 204");
    assert_eq!(one.get(&path).await.is(200).bytes, bytes(100_000));
    stage.close().await;
}

/// In S3 only whole parts of 8 MiB are safe before the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_to_s3_goes_on_with_a_whole_part() {
    const PART: usize = 8 << 20;
    let stage = Site::s3().stage().await;
    let (one, two) = (stage.person().await, stage.person().await);
    let all = bytes(2 * PART + 100_000);
    let path = begin(&one, all.len()).await;
    let first = patch(&one, &path, 0, &all[..PART + 500_000]).await;
    assert_eq!(first.is(204).header("upload-offset"), PART.to_string());
    assert_eq!(head(&one, &path).await.is(200).header("upload-offset"), PART.to_string());

    // What is no whole part is not kept between two requests.
    let some = patch(&one, &path, PART, &all[PART..PART + 1000]).await;
    assert_eq!(some.is(204).header("upload-offset"), PART.to_string());
    two.get(&path).await.refused(404, "not_found");
    let wrong = patch(&one, &path, PART + 1000, &all[PART + 1000..PART + 1010]).await;
    assert_eq!(wrong.refused(409, "wrong_offset").json()["error"]["offset"], PART);
    let last = patch(&one, &path, PART, &all[PART..]).await;
    assert_eq!(last.is(204).header("upload-offset"), all.len().to_string());

    assert!(two.get(&path).await.is(200).bytes == all);
    for (asked, expected) in [
        ("bytes=0-9", 0..10),
        ("bytes=8388600-8388699", 8_388_600..8_388_700),
        ("bytes=-10", all.len() - 10..all.len()),
    ] {
        let part = range(&two, &path, asked).await;
        assert_eq!(part.is(206).bytes, all[expected.clone()], "{asked}");
        let place = format!("bytes {}-{}/{}", expected.start, expected.end - 1, all.len());
        assert_eq!(part.header("content-range"), place);
    }
    range(&two, &path, &format!("bytes={}-", all.len())).await.refused(416, "out_of_range");
    assert_eq!(stage.blobs(), 1);
    stage.clock.advance(45 * DAY);
    two.get(&path).await.refused(404, "not_found");
    stage.until("its bytes are gone", async |stage| stage.blobs() == 0).await;
    stage.close().await;
}
