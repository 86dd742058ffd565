//! Where requests come in: whatever way a client writes its parameters, they become one map.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::Poll,
    time::Duration,
};

use axum::{body::Body, extract::Request};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, stream};
use http::{HeaderMap, Method, header};
use http_body_util::BodyExt as _;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::{Failure, Version, fields};
use crate::codes::Code;

/// Bytes of all parameters of a request at most; files are not among them.
pub const LIMIT: usize = 4 << 20;
/// Of a body that is refused, this much is still read: a client that writes first and reads then gets its answer.
const DRAINED: usize = 16 << 20;
/// Parameters of a query or a form at most.
const PAIRS: usize = 1000;
/// Until the next bytes of a body.
const IDLE: Duration = Duration::from_secs(20);
/// Until all of them, if they are not a file.
const WHOLE: Duration = Duration::from_secs(60);

/// A request of which all is known but a file.
#[derive(Debug)]
pub struct Incoming {
    /// The version that it asked.
    pub version: Version,
    /// `GET`, ….
    pub method: Method,
    /// What stands between the slashes, without the version.
    pub path: Vec<String>,
    /// All its parameters.
    pub values: Map<String, Value>,
    /// Its headers.
    pub headers: HeaderMap,
    /// What else there is.
    pub rest: Rest,
}

/// What is not among the parameters.
#[derive(Debug)]
pub enum Rest {
    /// Nothing.
    Nothing,
    /// The file of a form, of which further fields may stand behind it.
    File(Box<Upload>),
    /// Bytes as they are.
    Raw(Body),
}

/// A file of a form.
#[derive(Debug)]
pub struct Upload {
    field: Option<multer::Field<'static>>,
    rest: multer::Multipart<'static>,
    /// Bytes that fields may still take.
    left: Arc<AtomicUsize>,
    /// Its name, perhaps with folders.
    pub filename: Option<String>,
    /// What the part itself says that it is.
    pub content_type: Option<String>,
}

impl Upload {
    /// Its next bytes.
    ///
    /// # Errors
    /// The body broke off, or is no form.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        let Some(field) = &mut self.field else { return Ok(None) };
        let chunk = field.chunk().await.map_err(|error| form_failure(&error))?;
        if chunk.is_none() {
            self.field = None;
        }
        Ok(chunk)
    }

    /// The fields behind it.
    ///
    /// # Errors
    /// As [`chunk`](Self::chunk).
    pub async fn behind(&mut self, values: &mut Map<String, Value>) -> Result<(), Failure> {
        self.field = None;
        self.left.store(LIMIT, Relaxed);
        while let Some(field) = self.rest.next_field().await.map_err(|error| form_failure(&error))? {
            if !is_file(&field) {
                text_field(field, values).await?;
            }
        }
        Ok(())
    }
}

/// The path without version and empty parts: `/v24.0/123/messages/` is `["123", "messages"]`.
#[must_use]
pub fn path(path: &str) -> (Version, Vec<String>) {
    // No name has U+0000 in it, and no database takes it.
    let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().replace('\0', "\u{fffd}");
    let mut parts: Vec<String> =
        path.split('/').filter(|part| !part.is_empty()).take(16).map(decoded).collect();
    match parts.first().and_then(|first| first.parse().ok()) {
        Some(version) => {
            parts.remove(0);
            (version, parts)
        }
        None => (Version::LATEST, parts),
    }
}

/// Reads a request. `raw`: the body is bytes and no parameters.
///
/// # Errors
/// A body that is not what it says it is, or too large.
pub async fn read(request: Request, raw: bool) -> Result<Incoming, Failure> {
    let (parts, body) = request.into_parts();
    let (version, path) = self::path(parts.uri.path());
    let mut values = Map::new();
    pairs(parts.uri.query().unwrap_or_default().as_bytes(), &mut values)?;
    let kind =
        parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let mut rest = Rest::Nothing;
    if raw {
        rest = Rest::Raw(body);
    } else if essence == "multipart/form-data" {
        let boundary = multer::parse_boundary(kind).map_err(|error| form_failure(&error))?;
        rest = timeout(WHOLE, form(body, boundary, &mut values)).await.map_err(|_| slow())??;
    } else {
        let bytes = timeout(WHOLE, whole(body)).await.map_err(|_| slow())??;
        body_values(&essence, &bytes, &mut values)?;
    }
    Ok(Incoming { version, method: parts.method, path, values, headers: parts.headers, rest })
}

fn slow() -> Failure {
    Failure::new(Code::Unknown, "the body took too long")
}

/// All of a body, if it is not too long.
async fn whole(mut body: Body) -> Result<Bytes, Failure> {
    let (mut bytes, mut read) = (BytesMut::new(), 0usize);
    while let Some(piece) = next(&mut body).await? {
        read = read.saturating_add(piece.len());
        if read > DRAINED {
            break;
        }
        if read <= LIMIT {
            bytes.extend_from_slice(&piece);
        }
    }
    if read > LIMIT { Err(Failure::too_large("the body", LIMIT)) } else { Ok(bytes.freeze()) }
}

async fn next(body: &mut Body) -> Result<Option<Bytes>, Failure> {
    loop {
        let frame = timeout(IDLE, body.frame()).await.map_err(|_| slow())?;
        match frame {
            None => return Ok(None),
            Some(Err(_)) => return Err(Failure::new(Code::Unknown, "the body broke off")),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// The bytes of a body as they come.
pub fn bytes(body: Body) -> impl Stream<Item = Result<Bytes, Failure>> + Send + 'static {
    stream::unfold(Some(body), async |body| {
        let mut body = body?;
        match next(&mut body).await {
            Ok(Some(piece)) => Some((Ok(piece), Some(body))),
            Ok(None) => None,
            Err(failure) => Some((Err(failure), None)),
        }
    })
}

fn body_values(essence: &str, bytes: &[u8], values: &mut Map<String, Value>) -> Result<(), Failure> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    match first {
        None => Ok(()),
        Some(b'{' | b'[') => json_values(bytes, values),
        Some(_) if essence.ends_with("json") => json_values(bytes, values),
        Some(_) if essence.is_empty() || essence == "application/x-www-form-urlencoded" => {
            pairs(bytes, values)
        }
        Some(_) => Err(Failure::parameter("Content-Type", "neither JSON nor a form")),
    }
}

fn json_values(bytes: &[u8], values: &mut Map<String, Value>) -> Result<(), Failure> {
    let text = std::str::from_utf8(bytes).map_err(|_| Failure::parameter("the body", "not UTF-8"))?;
    let value = match fields::json(text) {
        // Some clients write the object into a string first.
        Ok(Value::String(text)) => fields::json(&text),
        value => value,
    };
    match value {
        Ok(Value::Object(map)) => values.extend(map),
        Ok(_) => return Err(Failure::parameter("the body", "must be a JSON object")),
        Err(reason) => return Err(Failure::parameter("the body", &format!("not JSON: {reason}"))),
    }
    Ok(())
}

/// The pairs of a query or a form.
fn pairs(text: &[u8], values: &mut Map<String, Value>) -> Result<(), Failure> {
    for (count, (name, value)) in form_urlencoded::parse(text).enumerate() {
        if count >= PAIRS {
            return Err(Failure::new(Code::Parameter, format!("at most {PAIRS} parameters")));
        }
        if name.contains('\0') || value.contains('\0') {
            return Err(Failure::new(Code::Parameter, "a parameter has the character U+0000 in it"));
        }
        values.insert(name.into_owned(), Value::String(value.into_owned()));
    }
    Ok(())
}

/// A body for multer, which keeps all that is ready: so a little at a time, and no more than `left` of fields.
fn sips(body: Body, left: Arc<AtomicUsize>) -> impl Stream<Item = Result<Bytes, Failure>> + Send + 'static {
    const SIP: usize = 64 << 10;
    let (mut from, mut given) = (bytes(body).boxed(), 0);
    stream::poll_fn(move |context| {
        if given >= SIP {
            given = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = from.poll_next_unpin(context);
        match &polled {
            Poll::Pending => given = 0,
            Poll::Ready(Some(Ok(piece))) => {
                given += piece.len();
                let take =
                    |left: usize| if left == usize::MAX { Some(left) } else { left.checked_sub(piece.len()) };
                if left.fetch_update(Relaxed, Relaxed, take).is_err() {
                    return Poll::Ready(Some(Err(Failure::too_large("the fields of the form", LIMIT))));
                }
            }
            Poll::Ready(_) => {}
        }
        polled
    })
}

fn is_file(field: &multer::Field<'static>) -> bool {
    field.file_name().is_some() || field.name() == Some("file")
}

/// The fields in front of the first file, and that file.
async fn form(body: Body, boundary: String, values: &mut Map<String, Value>) -> Result<Rest, Failure> {
    let left = Arc::new(AtomicUsize::new(LIMIT));
    let mut parts = multer::Multipart::new(sips(body, left.clone()), boundary);
    while let Some(field) = parts.next_field().await.map_err(|error| form_failure(&error))? {
        if is_file(&field) {
            let filename = field.file_name().map(str::to_owned);
            let content_type = field.content_type().map(ToString::to_string);
            left.store(usize::MAX, Relaxed);
            let upload = Upload { field: Some(field), rest: parts, left, filename, content_type };
            return Ok(Rest::File(Box::new(upload)));
        }
        text_field(field, values).await?;
    }
    Ok(Rest::Nothing)
}

async fn text_field(
    mut field: multer::Field<'static>,
    values: &mut Map<String, Value>,
) -> Result<(), Failure> {
    if values.len() >= PAIRS {
        return Err(Failure::new(Code::Parameter, format!("at most {PAIRS} parameters")));
    }
    let name = field.name().unwrap_or_default().to_owned();
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(|error| form_failure(&error))? {
        if bytes.len() + piece.len() > LIMIT / 4 {
            return Err(Failure::too_large("a field of the form", LIMIT / 4));
        }
        bytes.extend_from_slice(&piece);
    }
    let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
    let text = text.ok_or_else(|| Failure::parameter("a field of the form", "not a text"))?;
    values.insert(name, Value::String(text));
    Ok(())
}

fn form_failure(error: &multer::Error) -> Failure {
    Failure::parameter("the body", &format!("not a form: {error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn values(uri: &str, kind: &str, body: impl Into<Body>) -> Result<Value, Failure> {
        let request = Request::builder().method("POST").uri(uri).header("content-type", kind);
        let incoming = read(request.body(body.into()).unwrap(), false).await?;
        Ok(Value::Object(incoming.values))
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
        let endless =
            stream::repeat_with(|| Ok::<_, std::convert::Infallible>(Bytes::from(vec![b'x'; 60_000])));
        let failure =
            values("/1", "multipart/form-data; boundary=b", Body::from_stream(endless)).await.unwrap_err();
        assert_eq!(failure.status(), 400, "no boundary ever");
        let field = |number: usize| {
            let head = format!("--b\r\nContent-Disposition: form-data; name=\"f{number}\"\r\n\r\n");
            Ok::<_, std::convert::Infallible>(Bytes::from(format!("{head}{}\r\n", "x".repeat(100_000))))
        };
        let many = Body::from_stream(stream::iter((0..100).map(field)));
        let failure = values("/1", "multipart/form-data; boundary=b", many).await.unwrap_err();
        assert_eq!(failure.status(), 400, "many fields");
    }

    #[tokio::test]
    async fn a_file_is_left_to_be_streamed_and_fields_may_stand_behind_it() {
        let form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x/a.png\"\r\n\r\nbytes\r\n--b\r\n\
                    Content-Disposition: form-data; name=\"type\"\r\n\r\nimage/png\r\n--b--\r\n";
        let request = Request::builder().uri("/1").header("content-type", "multipart/form-data; boundary=b");
        let incoming = read(request.body(form.into()).unwrap(), false).await.unwrap();
        let Rest::File(mut upload) = incoming.rest else { panic!("a file") };
        assert_eq!(upload.filename.as_deref(), Some("x/a.png"));
        assert_eq!(upload.chunk().await.unwrap().unwrap(), "bytes");
        assert_eq!(upload.chunk().await.unwrap(), None);
        let mut values = Map::new();
        upload.behind(&mut values).await.unwrap();
        assert_eq!(Value::Object(values), json!({"type": "image/png"}));
    }
}
