//! A stand-in for S3: the calls that the store makes, as S3 documents them, in memory. The relay's tests have it too.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use store::{Location, blobs::S3Config};

#[derive(Clone, Default)]
pub(super) struct Bucket(Arc<Mutex<Contents>>);

#[derive(Default)]
struct Contents {
    objects: HashMap<String, Bytes>,
    uploads: HashMap<String, BTreeMap<usize, Bytes>>,
    begun: usize,
}

/// Starts it on a free port; it ends with the test's runtime.
pub(super) async fn start() -> (S3Config, Bucket) {
    let bucket = Bucket::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/blobs/{*key}", axum::routing::any(answer));
    let router = router.layer(axum::extract::DefaultBodyLimit::disable()).with_state(bucket.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let config = S3Config {
        bucket: "blobs".to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: Some(Location::from(&*endpoint)),
        access_key_id: "us".to_owned(),
        secret_access_key: "secret".to_owned(),
    };
    assert!(!format!("{config:?}").contains("secret"));
    (config, bucket)
}

impl Bucket {
    /// How many objects it holds, and how many uploads that are not finished.
    pub(super) fn kept(&self) -> (usize, usize) {
        let contents = self.lock();
        (contents.objects.len(), contents.uploads.len())
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap()
    }
}

async fn answer(
    State(bucket): State<Bucket>,
    method: Method,
    Path(key): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    assert!(headers.contains_key(header::AUTHORIZATION), "every call is signed");
    let mut contents = bucket.lock();
    let upload = query.get("uploadId").cloned();
    match (method, upload) {
        (Method::POST, None) if query.contains_key("uploads") => {
            contents.begun += 1;
            let id = format!("upload{}", contents.begun);
            contents.uploads.insert(id.clone(), BTreeMap::new());
            format!("<InitiateMultipartUploadResult><Bucket>blobs</Bucket><Key>{key}</Key><UploadId>{id}</UploadId></InitiateMultipartUploadResult>")
                .into_response()
        }
        (Method::PUT, Some(id)) => {
            let number: usize = query["partNumber"].parse().unwrap();
            let Some(upload) = contents.uploads.get_mut(&id) else {
                return StatusCode::NOT_FOUND.into_response();
            };
            upload.insert(number, body);
            [(header::ETAG, format!("\"part{number}\""))].into_response()
        }
        (Method::POST, Some(id)) => {
            let Some(parts) = contents.uploads.remove(&id) else {
                return StatusCode::NOT_FOUND.into_response();
            };
            let text = String::from_utf8_lossy(&body).into_owned();
            let (last, _) = parts.last_key_value().unwrap();
            for (number, part) in &parts {
                assert!(number == last || part.len() >= 5 << 20, "only the last part may be small");
                assert!(text.contains(&format!("part{number}")), "every part is named");
            }
            contents.objects.insert(key.clone(), parts.into_values().flatten().collect());
            format!("<CompleteMultipartUploadResult><Bucket>blobs</Bucket><Key>{key}</Key><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>")
                .into_response()
        }
        (Method::DELETE, Some(id)) => {
            contents.uploads.remove(&id);
            StatusCode::NO_CONTENT.into_response()
        }
        (Method::PUT, None) => {
            contents.objects.insert(key, body);
            [(header::ETAG, "\"whole\"")].into_response()
        }
        (Method::DELETE, None) => {
            contents.objects.remove(&key);
            StatusCode::NO_CONTENT.into_response()
        }
        (Method::GET | Method::HEAD, None) => match contents.objects.get(&key) {
            Some(object) => part(object, &headers),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        (method, _) => panic!("{method} is not among the calls that the store makes"),
    }
}

/// All of an object, or the range that was asked for.
fn part(object: &Bytes, headers: &HeaderMap) -> Response {
    let about = |length: usize| {
        [
            (header::ETAG, "\"whole\"".to_owned()),
            (header::LAST_MODIFIED, "Sat, 21 Nov 2026 12:00:00 GMT".to_owned()),
            (header::CONTENT_LENGTH, length.to_string()),
        ]
    };
    let Some(range) = headers.get(header::RANGE) else {
        return (about(object.len()), object.clone()).into_response();
    };
    let (start, end) = range.to_str().unwrap().strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    let (start, end): (usize, usize) = (start.parse().unwrap(), end.parse().unwrap());
    let end = end.min(object.len() - 1);
    let place = [(header::CONTENT_RANGE, format!("bytes {start}-{end}/{}", object.len()))];
    (StatusCode::PARTIAL_CONTENT, about(end + 1 - start), place, object.slice(start..=end)).into_response()
}
