//! Files over HTTP: taken to be sent, and shown. They come and go as bytes, as they are.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse as _, Response},
};
use futures_util::StreamExt as _;
use http::{StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json as value;

use super::made;
use crate::{
    console::{Console, InChats, May, Outcome, Refused},
    ids::MediaId,
    management::Call,
    purposes::{Access, Purpose},
};

/// How long a file may pause on its way.
const PAUSE: Duration = Duration::from_secs(30);

/// A file's name: its last part, and not too long.
fn name(query: &str) -> Option<String> {
    let named = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "filename");
    let name = named.map(|(_, name)| name.into_owned())?;
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control()).take(240).collect();
    Some(name).filter(|name| !name.is_empty())
}

pub(crate) async fn upload(
    console: Arc<Console>,
    may: May<InChats>,
    path: Vec<String>,
    request: Request,
) -> Outcome {
    let number = path.first().and_then(|id| id.parse().ok()).ok_or_else(Refused::not_found)?;
    let number = console.inbox.number(may.business().id, number).await?;
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind =
        kind.map(str::to_owned).ok_or_else(|| Refused::field("content-type", "say what the file is"))?;
    let name = name(request.uri().query().unwrap_or_default());
    let pieces = request.into_body().into_data_stream();
    // Whoever stops sending does not keep a place for ever.
    let pieces = futures_util::stream::unfold(Some(pieces), async |pieces| {
        let mut pieces = pieces?;
        match tokio::time::timeout(PAUSE, pieces.next()).await {
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some(pieces))),
            Ok(Some(Err(error))) => Some((Err(std::io::Error::other(error)), None)),
            Ok(None) => None,
            Err(_) => Some((Err(std::io::Error::other("the file took too long")), None)),
        }
    });
    // Whoever reads it may look behind its end.
    let pieces = Box::pin(pieces.fuse());
    let id = console.api.media.put(&number, &kind, name, pieces).await;
    let id = id.map_err(|error| match &error {
        crate::HostError::Blob(blob) => match &**blob {
            ::store::blobs::BlobError::TooLarge { .. } => {
                Refused::new(crate::console::Kind::TooLarge, "the file is larger than its kind may be")
            }
            ::store::blobs::BlobError::Interrupted(_) => Refused::field("body", "the file broke off"),
            _ => error.into(),
        },
        _ => error.into(),
    })?;
    made(&value!({ "media_id": id }))
}

pub(crate) async fn download(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    let id: MediaId = call.id(0)?;
    let access =
        Access { business: may.business().id, purpose: Purpose::Deliver, reader: may.log_name().into() };
    // Whose it is, is found out before anything of it is opened.
    let about = console.api.media.about_for(&access, id).await?;
    let bytes = console.api.media.open(id, &access).await?;
    let name = about.filename.as_deref().unwrap_or("file");
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC).to_string();
    let headers = [
        (header::CONTENT_TYPE, about.mime_type.clone()),
        (header::CONTENT_LENGTH, about.size.to_string()),
        // What somebody sent is never a page of ours.
        (header::CONTENT_DISPOSITION, format!("attachment; filename*=UTF-8''{name}")),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox".to_owned()),
    ];
    let response: Response = (StatusCode::OK, headers, Body::from_stream(bytes)).into_response();
    Ok(response)
}
