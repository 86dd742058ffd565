//! HTTP for blobs.

use std::{str::FromStr, sync::Arc, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use http::{
    StatusCode,
    header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE},
    request::Parts,
};
use serve::Peer;
use store::blobs::BlobId;
use utoipa_axum::{router::OpenApiRouter, routes};
use wire::api;

use super::{Download, Media, Part, Progress, upload::Addition};
use crate::{
    RelayError,
    auth::Caller,
    edge::{self, Patience, Segment},
    router::Services,
};

const OFFSET: &str = "upload-offset";
const LENGTH: &str = "upload-length";

pub(crate) fn routes() -> OpenApiRouter<Services> {
    OpenApiRouter::new().routes(routes!(begin)).routes(routes!(get, progress, add, remove))
}

/// Only 32 small hexadecimal digits are a blob's id.
struct Id(BlobId);

impl FromStr for Id {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse().map(Self).map_err(|_| ())
    }
}

/// Begins an upload.
#[utoipa::path(post, path = "/v1/blobs", tag = "blobs", security(("device" = [])),
    request_body = api::BeginBlob, responses((status = 201, body = api::BlobBegun)))]
async fn begin(
    State(media): State<Arc<Media>>,
    caller: Caller,
    edge::Json(request): edge::Json<api::BeginBlob>,
) -> Result<(StatusCode, Json<api::BlobBegun>), RelayError> {
    let begun = media.begin(caller, request.size).await?;
    Ok((StatusCode::CREATED, Json(begun)))
}

/// How far an upload is: `Upload-Offset`, `Upload-Length`.
#[utoipa::path(head, path = "/v1/blobs/{id}", tag = "blobs", security(("device" = [])),
    params(("id" = String, Path)), responses((status = 200)))]
async fn progress(
    State(media): State<Arc<Media>>,
    caller: Caller,
    Segment(Id(id)): Segment<Id>,
) -> Result<Response, RelayError> {
    let progress = media.progress(caller, id).await?;
    Ok((StatusCode::OK, headers(progress)).into_response())
}

/// Adds bytes to an upload, beginning at `Upload-Offset`.
#[utoipa::path(patch, path = "/v1/blobs/{id}", tag = "blobs", security(("device" = [])),
    params(("id" = String, Path), ("Upload-Offset" = u64, Header)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 204)))]
async fn add(
    State(media): State<Arc<Media>>,
    caller: Caller,
    Segment(Id(id)): Segment<Id>,
    request: Request,
) -> Result<Response, RelayError> {
    let offset = edge::number(request.headers(), OFFSET)?;
    let offset = offset.ok_or_else(|| RelayError::field(OFFSET, "the header is missing"))?;
    let length = edge::content_length(request.headers())?;
    let length = length.ok_or_else(|| RelayError::field("content-length", "the header is missing"))?;
    let patience = request.extensions().get::<Patience>().copied();
    let seconds = Duration::from_secs;
    let patience = patience.unwrap_or(Patience { idle: seconds(20), whole: seconds(60) });
    let addition = Addition { offset, length, body: request.into_body(), patience };
    let progress = media.add(caller, id, addition).await?;
    Ok((StatusCode::NO_CONTENT, headers(progress)).into_response())
}

fn headers(Progress { offset, size }: Progress) -> [(&'static str, String); 3] {
    [
        (OFFSET, offset.to_string()),
        (LENGTH, size.to_string()),
        (CACHE_CONTROL.as_str(), "no-store".to_owned()),
    ]
}

/// The bytes of a blob, or the `Range` of them.
#[utoipa::path(get, path = "/v1/blobs/{id}", tag = "blobs", security(("device" = [])),
    params(("id" = String, Path), ("Range" = Option<String>, Header)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = 206)))]
async fn get(
    State(media): State<Arc<Media>>,
    caller: Caller,
    Segment(Id(id)): Segment<Id>,
    parts: Parts,
) -> Result<Response, RelayError> {
    let range = parts.headers.get(RANGE).and_then(|value| value.to_str().ok());
    let Download { part, size, bytes } =
        media.get(caller.account, id, range, parts.extensions.get::<Peer>().cloned()).await?;
    let wanted = part.bytes();
    let common = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_LENGTH, (wanted.end - wanted.start).to_string()),
        (ACCEPT_RANGES, "bytes".to_owned()),
        (CACHE_CONTROL, "private, no-transform".to_owned()),
    ];
    let body = Body::from_stream(bytes);
    Ok(match part {
        Part::Whole(_) => (StatusCode::OK, common, body).into_response(),
        Part::Some(range) => {
            let content_range = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            (StatusCode::PARTIAL_CONTENT, common, [(CONTENT_RANGE, content_range)], body).into_response()
        }
    })
}

/// Removes a blob, or gives an upload up.
#[utoipa::path(delete, path = "/v1/blobs/{id}", tag = "blobs", security(("device" = [])),
    params(("id" = String, Path)), responses((status = 204)))]
async fn remove(
    State(media): State<Arc<Media>>,
    caller: Caller,
    Segment(Id(id)): Segment<Id>,
) -> Result<StatusCode, RelayError> {
    media.remove(caller, id).await.map(|()| StatusCode::NO_CONTENT)
}
