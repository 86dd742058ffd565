use serde_json::json;

use super::*;
use crate::cloud_api::room::{ALL, Room};

async fn values(uri: &str, kind: &str, body: impl Into<Body>) -> Result<Value, Failure> {
    let request = Request::builder().method("POST").uri(uri).header("content-type", kind);
    let incoming = read(request.body(body.into()).unwrap(), false, Room::new(ALL).known()).await?;
    Ok(Value::Object(incoming.values))
}

/// A body that says how much of it was taken, and has no end.
fn endless(taken: &Arc<AtomicUsize>) -> Body {
    let taken = taken.clone();
    Body::from_stream(stream::repeat_with(move || {
        taken.fetch_add(1000, Relaxed);
        Ok::<_, std::convert::Infallible>(Bytes::from(vec![b' '; 1000]))
    }))
}

#[test]
fn any_version_or_none_and_slashes_do_not_matter() {
    for (text, parts) in [
        ("/v24.0/123/messages", vec!["123", "messages"]),
        ("/v13.0/123/", vec!["123"]),
        ("/123/messages/", vec!["123", "messages"]),
        ("//v99.9//123//messages//", vec!["123", "messages"]),
        ("/v17/123", vec!["123"]),
        ("/upload%3AMTph", vec!["upload:MTph"]),
        ("/", vec![]),
    ] {
        assert_eq!(path(text).1, parts, "{text}");
    }
    assert!(!path("/v15.0/1").0.has_codes_in_messages());
    assert!(path("/1").0.has_codes_in_messages());
}

#[tokio::test]
async fn query_form_multipart_and_json_are_one_map() {
    let form = "--b\r\nContent-Disposition: form-data; name=\"c\"\r\n\r\n3\r\n--b--\r\n";
    let cases = [
        ("application/json", "{\"b\": 2, \"c\": null}", json!({"a": "1", "b": 2, "c": null})),
        ("application/json; charset=utf-8", "", json!({"a": "1"})),
        ("application/x-www-form-urlencoded", "b=2+2&c=%7B%7D", json!({"a": "1", "b": "2 2", "c": "{}"})),
        ("multipart/form-data; boundary=b", form, json!({"a": "1", "c": "3"})),
        ("", "{\"b\": 2}", json!({"a": "1", "b": 2})),
        ("application/json", "\"{\\\"b\\\": 2}\"", json!({"a": "1", "b": 2})),
        ("application/x-www-form-urlencoded", " {\"b\": 2}", json!({"a": "1", "b": 2})),
    ];
    for (kind, body, expected) in cases {
        assert_eq!(values("/v24.0/1?a=1", kind, body).await.unwrap(), expected, "{kind} {body}");
    }
}

#[tokio::test]
async fn what_is_no_body_is_refused() {
    let deep = "[".repeat(100_000);
    let deeper = format!("{{\"a\": {deep}");
    for (kind, body) in [
        ("application/json", "{"),
        ("application/json", "[]"),
        ("application/json", "7"),
        ("application/json", "{\"a\": \"\\u0000\"}"),
        ("application/json", deep.as_str()),
        ("application/json", deeper.as_str()),
        ("application/x-www-form-urlencoded", "a=%00"),
        ("multipart/form-data", "x"),
        ("multipart/form-data; boundary=b", "nothing"),
        ("text/plain", "hello"),
    ] {
        let failure = values("/1", kind, body.to_owned()).await.unwrap_err();
        assert_eq!(failure.status(), 400, "{kind}");
    }
    let failure = values("/1", "application/json", vec![b' '; LIMIT + 1]).await.unwrap_err();
    assert_eq!(failure.status(), 413);
}

#[tokio::test]
async fn a_form_takes_no_more_than_all_parameters_may() {
    let endless = stream::repeat_with(|| Ok::<_, std::convert::Infallible>(Bytes::from(vec![b'x'; 60_000])));
    let failure =
        values("/1", "multipart/form-data; boundary=b", Body::from_stream(endless)).await.unwrap_err();
    assert_eq!(failure.status(), 413, "no boundary ever");
    let field = |number: usize| {
        let head = format!("--b\r\nContent-Disposition: form-data; name=\"f{number}\"\r\n\r\n");
        Ok::<_, std::convert::Infallible>(Bytes::from(format!("{head}{}\r\n", "x".repeat(100_000))))
    };
    let many = Body::from_stream(stream::iter((0..100).map(field)));
    let failure = values("/1", "multipart/form-data; boundary=b", many).await.unwrap_err();
    assert_eq!(failure.status(), 413, "many fields");
}

#[tokio::test]
async fn of_a_stranger_little_is_read_and_nothing_is_kept() {
    let room = Room::new(ALL);
    for kind in ["application/json", "multipart/form-data; boundary=b"] {
        let taken = Arc::default();
        let request = Request::builder().method("POST").uri("/1").header("content-type", kind);
        let request = request.body(endless(&taken)).unwrap();
        let failure = read(request, false, room.stranger(Failure::no_token())).await.unwrap_err();
        assert_eq!((failure.status().as_u16(), failure.code()), (401, Code::Token), "{kind}");
        // What broke the bound was looked at.
        assert!(taken.load(Relaxed) <= STRANGER + 1000, "{kind}: {taken:?}");
        assert_eq!(room.free(), ALL, "{kind}");
    }
}

#[tokio::test]
async fn a_stranger_s_token_is_found_in_front_of_a_file_however_the_form_comes() {
    let file = vec![b'x'; 200_000];
    let head = "--b\r\nContent-Disposition: form-data; name=\"access_token\"\r\n\r\nt\r\n--b\r\n\
                Content-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
    let form = [head.as_bytes(), &file, b"\r\n--b--\r\n"].concat();
    for size in [7, 90, 1000, 60_000, 70_000, form.len()] {
        let room = Room::new(ALL);
        let pieces: Vec<_> =
            form.chunks(size).map(|piece| Ok::<_, Failure>(Bytes::copy_from_slice(piece))).collect();
        let request = Request::builder().uri("/1").header("content-type", "multipart/form-data; boundary=b");
        let request = request.body(Body::from_stream(stream::iter(pieces))).unwrap();
        let mut incoming = read(request, false, room.stranger(Failure::no_token())).await.unwrap();
        assert_eq!(incoming.values["access_token"], "t");
        let Rest::File(upload) = &mut incoming.rest else { panic!("a file") };
        let mut length = 0;
        while let Some(chunk) = upload.chunk().await.unwrap() {
            length += chunk.len();
        }
        assert_eq!(length, file.len(), "{size}");
        drop(incoming);
        assert_eq!(room.free(), ALL);
    }
}

#[test]
fn only_what_is_large_is_asked_for_its_token_before_it_is_read() {
    let token = |uri: &str, authorization: &str, body: Body| {
        let request = Request::builder().uri(uri).header("authorization", authorization);
        token_of_large(&request.body(body).unwrap())
    };
    let (small, large) = (|| Body::from(vec![0; STRANGER]), || Body::from(vec![0; STRANGER + 1]));
    assert_eq!(token("/1", "Bearer x", small()), None);
    assert_eq!(token("/1", "Bearer x", large()).unwrap(), "x");
    assert_eq!(token("/1?access_token=y", "Basic z", large()).unwrap(), "y");
    // Nobody knows how large it is.
    assert_eq!(token("/1", "OAuth x", endless(&Arc::default())).unwrap(), "x");
    assert_eq!(token("/1?access_token=", "", large()), None);
}

#[tokio::test(start_paused = true)]
async fn who_finds_no_room_waits_a_while_and_no_longer() {
    let room = Room::new(5000);
    let first = room.known();
    first.take(4500).await.unwrap();
    for kind in ["application/json", "multipart/form-data; boundary=b"] {
        let request = Request::builder().method("POST").uri("/1").header("content-type", kind);
        let request = request.body(Body::from(vec![b' '; 1000])).unwrap();
        let failure = read(request, false, room.known()).await.unwrap_err();
        assert_eq!((failure.status().as_u16(), failure.code().number()), (503, 2), "{kind}");
    }
    assert_eq!(room.free(), 500);
    // Who waits when there is room again has it.
    let second = room.known();
    let freed = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(first);
    };
    tokio::join!(async { second.take(1000).await.unwrap() }, freed);
    assert_eq!(room.free(), 4000);
    drop(second);
    assert_eq!(room.free(), 5000);
}

#[tokio::test]
async fn a_file_is_left_to_be_streamed_and_fields_may_stand_behind_it() {
    let form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x/a.png\"\r\n\r\nbytes\r\n--b\r\n\
                Content-Disposition: form-data; name=\"type\"\r\n\r\nimage/png\r\n--b--\r\n";
    let request = Request::builder().uri("/1").header("content-type", "multipart/form-data; boundary=b");
    let room = Room::new(ALL);
    let incoming = read(request.body(form.into()).unwrap(), false, room.known()).await.unwrap();
    let Rest::File(mut upload) = incoming.rest else { panic!("a file") };
    assert_eq!(upload.filename.as_deref(), Some("x/a.png"));
    assert_eq!(upload.chunk().await.unwrap().unwrap(), "bytes");
    assert_eq!(upload.chunk().await.unwrap(), None);
    let mut values = Map::new();
    upload.behind(&mut values).await.unwrap();
    assert_eq!(Value::Object(values), json!({"type": "image/png"}));
}
