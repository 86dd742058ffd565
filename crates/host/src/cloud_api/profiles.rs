//! What a business says about itself.

use std::sync::Arc;

use axum::{body::Body, response::IntoResponse as _};
use http::{StatusCode, header};
use serde_json::json;

use super::{
    Call, Failure, Fields,
    api::{Answer, Api, Outcome},
    objects::{Node, project},
    parse,
};
use crate::{
    HostError,
    apps::Owned,
    ids::NumberId,
    numbers::Number,
    settings::{Profile, VERTICALS},
    uploads::{Upload, UploadId},
};

/// Bytes of a picture.
const PICTURE: u64 = 5 << 20;

/// Where the picture of a number is, on this server.
pub(crate) fn picture_path(number: &Number, profile: &Profile) -> Option<String> {
    profile.picture.as_ref().map(|picture| format!("/picture/{}/{picture}", number.id))
}

/// The picture of a number, which is shown to everybody: it is what a business shows of itself.
pub(super) async fn picture(api: Arc<Api>, call: Call) -> Outcome {
    let gone = || Failure::from(HostError::NotFound("picture"));
    let id: NumberId = call.tail(0).and_then(|id| id.parse().ok()).ok_or_else(gone)?;
    let number = api.numbers.get(id).await?;
    let profile: Profile = api.settings.get(&number).await?;
    let shown = profile.picture.filter(|picture| Some(picture.as_str()) == call.tail(1)).ok_or_else(gone)?;
    let upload = api.uploads.get(UploadId::from_bare(&shown).ok_or_else(gone)?).await?;
    let bytes = api.uploads.stream(&upload).await?;
    let headers = [
        (header::CONTENT_TYPE, upload.mime_type),
        (header::CONTENT_LENGTH, upload.size.to_string()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'".to_owned()),
    ];
    Ok(Answer::Other((StatusCode::OK, headers, Body::from_stream(bytes)).into_response()))
}

/// The picture that a handle names.
async fn picture_of(api: &Api, number: &Number, handle: &str) -> Result<Upload, Failure> {
    let wrong = |reason: &str| Failure::parameter("profile_picture_handle", reason);
    let upload = match api.uploads.of_handle(number.business, handle).await {
        Err(HostError::NotFound(_)) => return Err(wrong("no handle of an upload of this business")),
        found => found?,
    };
    if !["image/jpeg", "image/png"].contains(&upload.mime_type.as_str()) || upload.size > PICTURE {
        return Err(wrong("a JPEG or PNG of at most 5 MiB"));
    }
    Ok(upload)
}

pub(super) async fn get(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    let profile: Profile = api.settings.get(&number.object).await?;
    let picture = picture_path(&number.object, &profile).map(|path| format!("{}{path}", call.base));
    let websites = Some(profile.websites).filter(|websites| !websites.is_empty());
    let known = vec![
        ("messaging_product", json!("whatsapp")),
        ("about", json!(profile.about)),
        ("address", json!(profile.address)),
        ("description", json!(profile.description)),
        ("email", json!(profile.email)),
        ("websites", json!(websites)),
        ("vertical", json!(profile.vertical)),
        ("profile_picture_url", json!(picture)),
    ];
    let selected = call.selection()?;
    let mut row = project(
        Node::PROFILE,
        &selected,
        known,
        &[
            "messaging_product",
            "about",
            "address",
            "description",
            "email",
            "websites",
            "vertical",
            "profile_picture_url",
        ],
    )?;
    if let Some(row) = row.as_object_mut() {
        row.insert("messaging_product".to_owned(), "whatsapp".into());
    }
    Ok(json!({ "data": [row] }).into())
}

/// A text that may be set to nothing: none if it is not said.
fn line(fields: &Fields<'_>, name: &str, most: usize) -> Result<Option<Option<String>>, Failure> {
    if fields.value(name).is_none() { Ok(None) } else { fields.text(name, most).map(Some) }
}

pub(super) async fn set(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    change(&api, &number.object, &call.fields()).await?;
    Ok(json!({ "success": true }).into())
}

/// Changes what a number shows of itself. What is not said stays.
pub(crate) async fn change(api: &Api, number: &Number, fields: &Fields<'_>) -> Result<(), Failure> {
    parse::product(fields)?;
    let about = line(fields, "about", 139)?;
    if about == Some(None) {
        return Err(fields.invalid("about", "must not be empty"));
    }
    let (address, description) = (line(fields, "address", 256)?, line(fields, "description", 512)?);
    let email = line(fields, "email", 128)?;
    if email.iter().flatten().any(|email| !email.contains('@') || email.contains(char::is_whitespace)) {
        return Err(fields.invalid("email", "no e-mail address"));
    }
    let websites = match fields.value("websites") {
        Some(_) => Some(fields.texts("websites", 2)?),
        None => None,
    };
    for website in websites.iter().flatten() {
        if website.len() > 256 || !parse::is_link(website) {
            return Err(
                fields.invalid("websites", "must begin with http:// or https://, at most 256 characters")
            );
        }
    }
    let vertical = fields.word("vertical", VERTICALS)?;
    let picture = match fields.text("profile_picture_handle", 4096)? {
        Some(handle) => Some(picture_of(api, number, &handle).await?),
        None => None,
    };
    // Kept before it is named: one that is named and gone would be worse than one that nobody names.
    if let Some(picture) = &picture {
        api.uploads.keep(picture, true).await?;
    }
    let shown = picture.as_ref().map(|picture| picture.id.bare());
    let change = move |known: &mut Profile| {
        let set = |to: &mut Option<String>, from: &Option<Option<String>>| {
            if let Some(from) = from {
                to.clone_from(from);
            }
        };
        set(&mut known.about, &about);
        set(&mut known.address, &address);
        set(&mut known.description, &description);
        set(&mut known.email, &email);
        if let Some(websites) = &websites {
            known.websites.clone_from(websites);
        }
        if let Some(vertical) = vertical {
            vertical.clone_into(&mut known.vertical);
        }
        match &shown {
            Some(shown) => known.picture.replace(shown.clone()).filter(|before| before != shown),
            None => None,
        }
    };
    let before = api.settings.change(number, change).await?;
    if let Some(before) = before.and_then(|before| UploadId::from_bare(&before)) {
        let before = api.uploads.get(before).await?;
        api.uploads.keep(&before, false).await?;
    }
    Ok(())
}
