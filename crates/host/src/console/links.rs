//! Links that open a chat, and their QR codes.

use std::sync::Arc;

use axum::{body::Body, response::IntoResponse as _};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json as value};

use super::{Console, InChats, Manage, May, Outcome, Refused, answer, json, nothing};
use crate::{HostError, cloud_api::link, management::Call, qr_codes::QrCode};

/// Characters of what is written already.
const MESSAGE: usize = 140;

fn shown(console: &Console, code: &QrCode) -> Value {
    value!({
        "code": code.code,
        "message": code.message,
        "url": link(&console.api.base, &code.code),
        "created": code.created.0,
    })
}

pub(super) async fn list(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    let number = console.inbox.number(may.business().id, call.id(0)?).await?;
    let codes = console.api.qr_codes.list(&number).await?;
    json(&value!({ "links": codes.iter().map(|code| shown(&console, code)).collect::<Vec<_>>() }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    message: String,
}

impl Asked {
    fn checked(self) -> Result<String, Refused> {
        if (1..=MESSAGE).contains(&self.message.chars().count()) {
            Ok(self.message)
        } else {
            Err(Refused::field("message", "from 1 to 140 characters"))
        }
    }
}

pub(super) async fn create(console: Arc<Console>, may: May<Manage>, call: Call) -> Outcome {
    call.only(&[])?;
    let number = console.inbox.number(may.business().id, call.id(0)?).await?;
    let message = call.body::<Asked>()?.checked()?;
    let made = console.api.qr_codes.create(&number, &message).await?;
    answer(StatusCode::CREATED, &shown(&console, &made))
}

pub(super) async fn change(console: Arc<Console>, may: May<Manage>, call: Call) -> Outcome {
    call.only(&[])?;
    let number = console.inbox.number(may.business().id, call.id(0)?).await?;
    let message = call.body::<Asked>()?.checked()?;
    let changed = console.api.qr_codes.change(&number, &call.id::<String>(1)?, &message).await?;
    json(&shown(&console, &changed))
}

pub(super) async fn delete(console: Arc<Console>, may: May<Manage>, call: Call) -> Outcome {
    call.only(&[])?;
    let number = console.inbox.number(may.business().id, call.id(0)?).await?;
    console.api.qr_codes.delete(&number, &call.id::<String>(1)?).await?;
    nothing()
}

pub(super) async fn picture(console: Arc<Console>, may: May<InChats>, call: Call) -> Outcome {
    call.only(&[])?;
    let number = console.inbox.number(may.business().id, call.id(0)?).await?;
    let code = console.api.qr_codes.get(&number, &call.id::<String>(1)?).await?;
    let picture = qrcode::QrCode::new(link(&console.api.base, &code.code)).map_err(HostError::internal)?;
    let drawn = picture.render::<qrcode::render::svg::Color<'_>>().min_dimensions(256, 256).build();
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    ];
    Ok((StatusCode::OK, headers, Body::from(drawn)).into_response())
}
