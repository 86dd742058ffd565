//! Where requests come in: whatever way a client writes its parameters, they become one map.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::Poll,
    time::Duration,
};

use axum::{
    body::{Body, HttpBody as _},
    extract::Request,
};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use http::{HeaderMap, Method, header};
use http_body_util::BodyExt as _;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::{
    Failure, Version, fields,
    room::{LIMIT, STRANGER, Share},
};
use crate::codes::Code;

/// Of a body that is refused, this much is still read: a client that writes first and reads then gets its answer.
const DRAINED: usize = 16 << 20;
/// What is left of fields while a file comes.
const FILE: usize = usize::MAX;
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
    /// The room that its parameters take, for as long as they are there.
    pub share: Arc<Share>,
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

/// The token that a request shows in `Authorization`, or else in its address, if its body is larger than what is read of
/// strangers.
pub(super) fn token_of_large(request: &Request) -> Option<String> {
    let small = u64::try_from(STRANGER).unwrap_or(u64::MAX);
    if request.body().size_hint().upper().is_some_and(|upper| upper <= small) {
        return None;
    }
    in_header(request.headers()).or_else(|| {
        let query = request.uri().query().unwrap_or_default();
        let mut pairs = form_urlencoded::parse(query.as_bytes()).take(PAIRS);
        let token = pairs.find_map(|(name, value)| (name == "access_token").then_some(value))?;
        Some(token.into_owned()).filter(|token| !token.is_empty())
    })
}

/// The token that stands in `Authorization`.
pub(super) fn in_header(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim();
    let (scheme, token) = value.split_once(char::is_whitespace)?;
    let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth");
    known.then(|| token.trim().to_owned()).filter(|token| !token.is_empty())
}

/// Reads a request. `raw`: the body is bytes and no parameters. `share`: for what is read of it.
///
/// # Errors
/// A body that is not what it says it is, or too large, or there is no room for it.
pub async fn read(request: Request, raw: bool, share: Share) -> Result<Incoming, Failure> {
    let share = Arc::new(share);
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
        let form = form(body, boundary, &mut values, share.clone());
        rest = timeout(WHOLE, form).await.map_err(|_| slow())??;
    } else {
        let bytes = timeout(WHOLE, whole(body, &share)).await.map_err(|_| slow())??;
        body_values(&essence, &bytes, &mut values)?;
    }
    Ok(Incoming { version, method: parts.method, path, values, headers: parts.headers, rest, share })
}

fn slow() -> Failure {
    Failure::new(Code::Unknown, "the body took too long")
}

/// All of a body, if it is not too long.
async fn whole(mut body: Body, share: &Share) -> Result<Bytes, Failure> {
    let (mut bytes, mut read, most) = (BytesMut::new(), 0usize, share.most());
    // Strangers are read no further than they may say something.
    let drained = if most < LIMIT { most } else { DRAINED };
    while let Some(piece) = next(&mut body).await? {
        read = read.saturating_add(piece.len());
        if read > drained {
            break;
        }
        if read <= most {
            share.take(piece.len()).await?;
            bytes.extend_from_slice(&piece);
        }
    }
    if read > most { Err(share.over("the body")) } else { Ok(bytes.freeze()) }
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
        Ok(Value::Null) => {}
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

/// A body for multer, which keeps all that is ready: so a little at a time, and no more than `left` of fields. It asks for
/// more before it looks at what it has, which may be fields and a file behind them: so it is told to wait a few times when
/// that is used up.
fn sips(
    body: Body,
    left: Arc<AtomicUsize>,
    share: Arc<Share>,
) -> impl Stream<Item = Result<Bytes, Failure>> + Send + 'static {
    const SIP: usize = 64 << 10;
    const LOOKS: u32 = 64;
    let pieces = bytes(body).and_then({
        let (left, share) = (left.clone(), share.clone());
        move |piece| counted(piece, left.load(Relaxed) < FILE, share.clone())
    });
    let (mut from, mut rest, mut given, mut looks) = (pieces.boxed(), Bytes::new(), 0, 0);
    stream::poll_fn(move |context| {
        let most = left.load(Relaxed);
        if given >= SIP || (most == 0 && looks < LOOKS) {
            looks += u32::from(most == 0);
            given = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if rest.is_empty() {
            match from.poll_next_unpin(context) {
                Poll::Ready(Some(Ok(piece))) => rest = piece,
                Poll::Pending => {
                    given = 0;
                    return Poll::Pending;
                }
                over => return over,
            }
        }
        if most == 0 && !rest.is_empty() {
            return Poll::Ready(Some(Err(share.over("the fields of the form"))));
        }
        let sip = rest.split_to(rest.len().min(SIP - given).min(most));
        given += sip.len();
        if most < FILE {
            left.store(most - sip.len(), Relaxed);
        }
        Poll::Ready(Some(Ok(sip)))
    })
}

/// Takes room for a piece of a form, if it is one of fields.
async fn counted(piece: Bytes, of_fields: bool, share: Arc<Share>) -> Result<Bytes, Failure> {
    if of_fields {
        share.take(piece.len()).await?;
    }
    Ok(piece)
}

fn is_file(field: &multer::Field<'static>) -> bool {
    field.file_name().is_some() || field.name() == Some("file")
}

/// The fields in front of the first file, and that file.
async fn form(
    body: Body,
    boundary: String,
    values: &mut Map<String, Value>,
    share: Arc<Share>,
) -> Result<Rest, Failure> {
    let left = Arc::new(AtomicUsize::new(share.most()));
    let mut parts = multer::Multipart::new(sips(body, left.clone(), share), boundary);
    while let Some(field) = parts.next_field().await.map_err(|error| form_failure(&error))? {
        if is_file(&field) {
            let filename = field.file_name().map(str::to_owned);
            let content_type = field.content_type().map(ToString::to_string);
            left.store(FILE, Relaxed);
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
    if let multer::Error::StreamReadFailed(cause) = error
        && let Some(failure) = cause.downcast_ref::<Failure>()
    {
        return failure.clone();
    }
    Failure::parameter("the body", &format!("not a form: {error}"))
}

#[cfg(test)]
mod tests;
