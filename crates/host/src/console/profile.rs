//! What a number shows of itself. The rules are those of the Cloud API.

use std::sync::Arc;

use serde_json::{Map, Value, json as value};

use super::{Console, Manage, May, Outcome, Refused, Signed, json};
use crate::{
    cloud_api::{Fields, Voice, change_profile, picture_path},
    management::Call,
    numbers::Number,
    purposes::decisions::Decided,
    settings::Profile,
};

const FIELDS: [&str; 6] = ["about", "address", "description", "email", "websites", "vertical"];

async fn shown(console: &Console, number: &Number) -> Outcome {
    let profile: Profile = console.api.settings.get(number).await?;
    let picture = picture_path(number, &profile).map(|path| format!("{}{path}", console.api.base));
    json(&value!({
        "about": profile.about,
        "address": profile.address,
        "description": profile.description,
        "email": profile.email,
        "websites": profile.websites,
        "vertical": profile.vertical,
        "picture_url": picture,
    }))
}

pub(super) async fn show(console: Arc<Console>, may: May<Signed>, call: Call) -> Outcome {
    call.only(&[])?;
    let number = console.inbox.number(may.business().id, call.id(0)?).await?;
    shown(&console, &number).await
}

pub(super) async fn change(console: Arc<Console>, may: May<Manage>, call: Call) -> Outcome {
    call.only(&[])?;
    let number = console.inbox.number(may.business().id, call.id(0)?).await?;
    let mut asked: Map<String, Value> = call.body()?;
    if let Some(name) = asked.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        let name: String = name.chars().take(64).collect();
        return Err(Refused::field(name, "there is no such field"));
    }
    // There, what is not said stays, and `null` is not said: here it is nothing.
    for (name, said) in &mut asked {
        if said.is_null() {
            *said = if name == "websites" { value!([]) } else { value!("") };
        }
    }
    asked.insert("messaging_product".to_owned(), "whatsapp".into());
    change_profile(&console.api, &number, &Fields::of(&asked, Voice::Object)).await?;
    console.noted(&may, Decided::Profile, vec![number.id.to_string()]).await?;
    shown(&console, &number).await
}
