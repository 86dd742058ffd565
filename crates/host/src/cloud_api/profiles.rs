//! What a business says about itself.

use std::sync::Arc;

use serde_json::json;

use super::{
    Call, Failure, Fields,
    api::{Api, Outcome},
    objects::{Node, project},
    parse,
};
use crate::{
    apps::Owned,
    numbers::Number,
    settings::{Profile, VERTICALS},
};

pub(super) async fn get(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    let profile: Profile = api.settings.get(&number.object).await?;
    let websites = Some(profile.websites).filter(|websites| !websites.is_empty());
    let known = vec![
        ("messaging_product", json!("whatsapp")),
        ("about", json!(profile.about)),
        ("address", json!(profile.address)),
        ("description", json!(profile.description)),
        ("email", json!(profile.email)),
        ("websites", json!(websites)),
        ("vertical", json!(profile.vertical)),
        ("profile_picture_url", json!(null)),
    ];
    let selected = call.selection()?;
    let mut row = project(
        Node::PROFILE,
        &selected,
        known,
        &["messaging_product", "about", "address", "description", "email", "websites", "vertical"],
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
    let fields = call.fields();
    parse::product(&fields)?;
    let about = line(&fields, "about", 139)?;
    if about == Some(None) {
        return Err(fields.invalid("about", "must not be empty"));
    }
    let (address, description) = (line(&fields, "address", 256)?, line(&fields, "description", 512)?);
    let email = line(&fields, "email", 128)?;
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
    if fields.value("profile_picture_handle").is_some() {
        return Err(fields.invalid("profile_picture_handle", "no handle of an upload"));
    }
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
    };
    api.settings.change(&number.object, change).await?;
    Ok(json!({ "success": true }).into())
}
