//! Files: uploaded, looked up, downloaded, deleted.

use std::{borrow::Cow, sync::Arc, time::Duration};

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use http::{StatusCode, header};
use serde_json::{Map, Value, json};
use store::Timestamp;
use tokio::time::timeout;

use super::{
    Call, Failure,
    api::{Answer, Api, Outcome},
    edge::{Rest, Upload},
};
use crate::{
    HostError,
    apps::{Authorized, Owned, Scope},
    codes::Code,
    ids::MediaId,
    media::MediaAbout,
    numbers::Number,
    purposes::{Access, Purpose},
};

/// Bytes of a file whose type stands behind it in the form: it waits in memory until then.
const HELD: usize = 16 << 20;
/// How long it may take to come: others wait for its place there.
const WAITS: Duration = Duration::from_secs(60);

/// What a file is, as far as the form has said by now. `type` wins over what the part says.
fn kind(call: &Call, upload: &Upload) -> Result<Option<String>, Failure> {
    // Some clients say `image`, and what it is in the part.
    let said = call.fields().text("type", 255)?;
    let bare = upload.content_type.is_some() && said.as_ref().is_some_and(|said| !said.contains('/'));
    let said = said.filter(|_| !bare);
    let of_part = upload.content_type.clone().filter(|kind| kind != "application/octet-stream");
    Ok(said.or(of_part))
}

pub(super) async fn upload(api: Arc<Api>, number: Owned<Arc<Number>>, mut call: Call) -> Outcome {
    let Rest::File(mut upload) = std::mem::replace(&mut call.rest, Rest::Nothing) else {
        return Err(Failure::parameter("file", "The parameter file is required."));
    };
    let filename = upload.filename.take().map(name).filter(|name| !name.is_empty());
    if call.fields().value("type").is_some() {
        let kind = kind(&call, &upload)?.unwrap_or_default();
        return put(&api, &number.object, &kind, filename, pieces(upload)).await;
    }
    let Some(_place) = api.media.place_in_memory().await else {
        let details =
            "too many files whose type stands behind them: put the type in front, or come back later";
        return Err(Failure::new(Code::ServiceUnavailable, details));
    };
    let held = timeout(WAITS, hold(&mut upload, &mut call.values)).await;
    let held =
        held.map_err(|_| Failure::parameter("type", "must stand in front of a file that comes so slowly"))??;
    let kind = kind(&call, &upload)?.ok_or_else(|| call.fields().missing("type"))?;
    put(&api, &number.object, &kind, filename, stream::iter(held)).await
}

/// All of a file, and the fields behind it.
async fn hold(
    upload: &mut Upload,
    values: &mut Map<String, Value>,
) -> Result<Vec<Result<Bytes, Failure>>, Failure> {
    let mut held = Vec::new();
    let mut size = 0usize;
    while let Some(piece) = upload.chunk().await? {
        size += piece.len();
        if size > HELD {
            return Err(Failure::parameter("type", "must stand in front of so large a file"));
        }
        held.push(Ok(piece));
    }
    upload.behind(values).await?;
    Ok(held)
}

async fn put(
    api: &Api,
    number: &Number,
    kind: &str,
    filename: Option<String>,
    pieces: impl Stream<Item = Result<Bytes, Failure>> + Send + 'static,
) -> Outcome {
    let id = api.media.put(number, kind, filename, pieces).await?;
    Ok(json!({ "id": id }).into())
}

/// Only the last part of a path, and not all of a very long one.
fn name(path: String) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or_default().chars().take(240).collect()
}

fn pieces(upload: Box<Upload>) -> impl Stream<Item = Result<Bytes, Failure>> + Send + 'static {
    stream::try_unfold(upload, async |mut upload| Ok(upload.chunk().await?.map(|piece| (piece, upload))))
}

/// `phone_number_id`, if it is given, has to be the file's.
fn same_number(call: &Call, about: &MediaAbout) -> Result<(), Failure> {
    let given = call.fields().text("phone_number_id", 64)?;
    if given.is_some_and(|given| given != about.number.to_string()) {
        return Err(Failure::parameter("phone_number_id", "not the number of this file"));
    }
    Ok(())
}

pub(super) async fn about(api: Arc<Api>, media: Owned<MediaAbout>, call: Call) -> Outcome {
    let about = media.object;
    same_number(&call, &about)?;
    let base = call.base.clone();
    let url = api.media.address_below(&base, about.business, about.id).await?;
    Ok(json!({
        "messaging_product": "whatsapp",
        "url": url,
        "mime_type": about.mime_type,
        "sha256": about.sha256,
        "file_size": about.size,
        "id": about.id,
    })
    .into())
}

pub(super) async fn delete(api: Arc<Api>, media: Owned<MediaAbout>, call: Call) -> Outcome {
    same_number(&call, &media.object)?;
    api.media.delete(media.object.id).await?;
    Ok(json!({ "success": true }).into())
}

pub(super) async fn download(api: Arc<Api>, caller: Authorized, call: Call) -> Outcome {
    let gone = || Failure::new(Code::NoSuchAlias, "this address is none of a file, or older than 5 minutes");
    let id: MediaId = call.tail(0).and_then(|id| id.parse().ok()).ok_or_else(gone)?;
    let until: i64 = call.tail(1).and_then(|until| until.parse().ok()).ok_or_else(gone)?;
    let about = match api.media.about(id).await {
        Err(HostError::NotFound(_) | HostError::Erased) => return Err(gone()),
        found => found?,
    };
    let (business, reader) = (about.business, caller.reader());
    let about = caller.own(about, business, Scope::Messaging).map_err(|_| gone())?.object;
    let signature = call.tail(2).unwrap_or_default().to_owned();
    if !api.media.is_address(business, id, Timestamp(until), &signature).await? {
        return Err(gone());
    }
    let access = Access { business, purpose: Purpose::Deliver, reader: Cow::Owned(reader) };
    let bytes = api.media.open(id, &access).await?;
    let headers = [
        (header::CONTENT_TYPE, about.mime_type.clone()),
        (header::CONTENT_LENGTH, about.size.to_string()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    let response: Response = (StatusCode::OK, headers, Body::from_stream(bytes)).into_response();
    Ok(Answer::Other(response))
}
