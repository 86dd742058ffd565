//! Files that come in pieces, and go on where they broke off.

use std::sync::Arc;

use futures_util::StreamExt as _;
use serde_json::json;
use store::blobs::BlobError;

use super::{
    Call, Failure,
    api::{Api, Outcome},
    edge::{self, Rest},
};
use crate::{
    HostError,
    apps::{App, Owned},
    uploads::Upload,
};

pub(super) async fn begin(api: Arc<Api>, app: Owned<App>, call: Call) -> Outcome {
    let fields = call.fields();
    fields.text("file_name", 1024)?;
    let size = fields.integer("file_length", 0..=i64::MAX)?.ok_or_else(|| fields.missing("file_length"))?;
    let kind = fields.need_text("file_type", 255)?;
    let upload = api.uploads.begin(app.object.business, &kind, size.cast_unsigned()).await?;
    Ok(json!({ "id": upload.id.to_string() }).into())
}

pub(super) async fn about(_: Arc<Api>, upload: Owned<Upload>, _: Call) -> Outcome {
    let upload = upload.object;
    Ok(json!({ "id": upload.id.to_string(), "file_offset": upload.received }).into())
}

pub(super) async fn append(api: Arc<Api>, upload: Owned<Upload>, mut call: Call) -> Outcome {
    let offset = match call.headers.get("file_offset") {
        Some(value) => value.to_str().ok().and_then(|text| text.trim().parse::<u64>().ok()),
        None => {
            let given = call.fields().integer("file_offset", 0..=i64::MAX)?;
            given.map(i64::cast_unsigned).or(Some(0))
        }
    };
    let offset = offset.ok_or_else(|| Failure::parameter("file_offset", "must be a whole number"))?;
    let Rest::Raw(body) = std::mem::replace(&mut call.rest, Rest::Nothing) else {
        return Err(Failure::parameter("the body", "must be the bytes of the file"));
    };
    let bytes = edge::bytes(body)
        .map(|piece| piece.map_err(|failure| HostError::from(BlobError::Interrupted(failure.into()))));
    let upload = api.uploads.append(upload.object.id, offset, bytes).await?;
    Ok(match upload.handle() {
        Some(handle) => json!({ "h": handle }),
        None => json!({ "id": upload.id.to_string(), "file_offset": upload.received }),
    }
    .into())
}
