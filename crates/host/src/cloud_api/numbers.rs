//! A number's registration and settings.

use std::sync::Arc;

use serde_json::{Value, json};
use wire::{ErrorCode, PhoneNumber};

use super::{
    Call, Failure, Fields,
    api::{Api, Outcome},
    parse, subscriptions,
};
use crate::{
    HostError,
    apps::Owned,
    businesses::Business,
    codes::Code,
    numbers::Number,
    settings::{Checked, Commerce, IdentityChange, Registration},
    webhooks::{About, Field, NewEvent, render},
};

fn success() -> Outcome {
    Ok(json!({ "success": true }).into())
}

/// Six digits, as text or number.
fn pin(fields: &Fields<'_>) -> Result<String, Failure> {
    let pin = fields.need_text("pin", 16)?;
    let fits = pin.len() == 6 && pin.bytes().all(|byte| byte.is_ascii_digit());
    if fits { Ok(pin) } else { Err(fields.invalid("pin", "must be 6 digits")) }
}

pub(super) async fn register(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    let number = number.object;
    let fields = call.fields();
    parse::product(&fields)?;
    let pin = pin(&fields)?;
    if number.account.is_none() {
        return Err(Failure::new(Code::NotVerified, "the number has no device at the relay yet"));
    }
    let now = api.settings.now();
    let event = pin_changed(&api, &number).await?;
    let register = move |known: &mut Registration| {
        let first = !known.has_pin();
        let checked = known.register(&pin, now);
        (checked, first && checked == Checked::Right)
    };
    let checked = api.settings.change_telling(&number, Some(event), register).await?;
    api.webhooks.wake().await;
    match checked {
        Checked::Right => {}
        Checked::Wrong => return Err(Failure::new(Code::PinWrong, "pin: not the PIN of this number")),
        Checked::TooMany => {
            return Err(Failure::new(Code::PinTries, "pin: too many wrong ones; wait an hour"));
        }
        Checked::TooOften => return Err(too_often()),
    }
    api.numbers.set_registered(number.id, number.account, true).await?;
    success()
}

/// What is told when a number has another PIN.
async fn pin_changed(api: &Api, number: &Number) -> Result<NewEvent, HostError> {
    let name = api.ground.random_name();
    let about = About {
        business: number.business,
        waba: number.waba,
        number: Some(number.id),
        person: None,
        field: Field::Security,
        unique: format!("pin {name}"),
    };
    api.webhooks.seal(about, &render::security(number.digits(), "PIN_CHANGED", None)).await
}

fn too_often() -> Failure {
    Failure::new(Code::RegistrationRate, "at most 10 registrations and deregistrations in 72 hours")
}

pub(super) async fn deregister(api: Arc<Api>, number: Owned<Arc<Number>>, _: Call) -> Outcome {
    let number = number.object;
    let now = api.settings.now();
    if !api.settings.change::<Registration, _>(&number, move |known| known.change(now)).await? {
        return Err(too_often());
    }
    api.numbers.set_registered(number.id, number.account, false).await?;
    success()
}

/// Gives an account a number, which its holder then agrees to by a code.
pub(super) async fn add(api: Arc<Api>, business: Owned<Arc<Business>>, call: Call) -> Outcome {
    let fields = call.fields();
    let number = fields.need_text("phone_number", 32)?;
    let wanted = match fields.text("cc", 5)? {
        // Some countries keep their zero behind the code, and some do not: the rules of numbers know.
        Some(cc) => PhoneNumber::from_typed(&format!("+{}{number}", cc.trim_start_matches('+')), None),
        None => PhoneNumber::from_typed(&number, Some(&business.object.country)),
    };
    let wanted = wanted.map_err(|_| fields.invalid("phone_number", "no phone number"))?;
    let name = fields.text("verified_name", 256)?;
    let business = business.object;
    let added = api.numbers.add_unverified(&business, wanted).await?;
    // Under another name than its business's it is seen when that is decided.
    if let Some(name) = name.filter(|name| added.account.is_none() && *name != added.verified_name) {
        api.numbers.ask_for_name(&api.webhooks, &business, &added, &name).await?;
    }
    Ok(json!({ "id": added.id }).into())
}

/// A number whose holder has not agreed yet.
fn unverified(number: &Number) -> Result<(), Failure> {
    if number.account.is_none() {
        return Ok(());
    }
    Err(Failure::new(Code::GenericUser, "the number is verified already"))
}

pub(super) async fn request_code(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    let fields = call.fields();
    let method = fields.word("code_method", &["SMS", "VOICE"])?;
    if method.ok_or_else(|| fields.missing("code_method"))? == "VOICE" {
        return Err(fields.invalid("code_method", "codes are sent as text messages: SMS"));
    }
    unverified(&number.object)?;
    api.numbers.count_code(number.object.business)?;
    api.running.request_code(&number.object).await.map_err(refused)?;
    success()
}

pub(super) async fn verify_code(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    let fields = call.fields();
    let code: String = fields.need_text("code", 16)?.chars().filter(|found| *found != '-').collect();
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(fields.invalid("code", "must be 6 digits"));
    }
    unverified(&number.object)?;
    api.numbers.count_code(number.object.business)?;
    let verified = api.running.verify(&number.object, code).await.map_err(refused)?;
    Ok(json!({ "success": true, "id": verified.id }).into())
}

/// What the relay says against a code is the caller's to mend.
fn refused(error: HostError) -> Failure {
    let HostError::Device(device) = &error else { return error.into() };
    match &**device {
        client::Error::Wait { retry_after_ms } => {
            let seconds = retry_after_ms.div_ceil(1000).max(1);
            Failure::new(Code::GenericUser, format!("too often: come back in {seconds} s"))
        }
        client::Error::Refused(detail) => {
            let details = match detail.code {
                ErrorCode::CodeWrong => match detail.tries_left {
                    Some(left) => format!("code: another one was sent; {left} tries are left"),
                    None => "code: another one was sent".to_owned(),
                },
                ErrorCode::CodeExpired => "code: there is none any more; ask for a new one".to_owned(),
                ErrorCode::RegistrationLocked => {
                    "the number has an account with a registration lock; lift that first".to_owned()
                }
                ErrorCode::TooLarge => "the business has as many numbers as it may".to_owned(),
                _ => return error.into(),
            };
            Failure::new(Code::GenericUser, details)
        }
        _ => error.into(),
    }
}

/// `POST /{phone}`: one of several things.
pub(super) async fn change(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    let fields = call.fields();
    if subscriptions::of_number(&api, number.caller().app(), &number.object, &fields).await? {
        return success();
    }
    if let Some(name) = fields.text("new_display_name", 256)? {
        let number = number.object;
        let business = api.businesses.get(number.business).await?;
        api.numbers.ask_for_name(&api.webhooks, &business, &number, &name).await?;
        return success();
    }
    // Numbers are found by whoever has them, and searched by nobody.
    match fields.word("search_visibility", &["VISIBLE", "NON_VISIBLE"])? {
        Some("NON_VISIBLE") => return success(),
        Some(_) => return Err(fields.invalid("search_visibility", "numbers cannot be searched for here")),
        None => {}
    }
    if fields.value("pin").is_none() {
        return Err(Failure::parameter("pin", "nothing that can be changed was given"));
    }
    let pin = pin(&fields)?;
    let event = pin_changed(&api, &number.object).await?;
    let set = move |known: &mut Registration| ((), known.set(&pin));
    api.settings.change_telling(&number.object, Some(event), set).await?;
    api.webhooks.wake().await;
    success()
}

pub(super) async fn settings(api: Arc<Api>, number: Owned<Arc<Number>>, _: Call) -> Outcome {
    let identity: IdentityChange = api.settings.get(&number.object).await?;
    Ok(json!({
        "calling": { "status": "DISABLED" },
        "user_identity_change": identity,
        "payload_encryption": { "status": "DISABLED" },
        "storage_configuration": { "status": "DEFAULT" },
    })
    .into())
}

pub(super) async fn set(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    let fields = call.fields();
    if let Some(identity) = fields.object("user_identity_change")? {
        let check = identity.boolean("enable_identity_key_check")?;
        let check = check.ok_or_else(|| identity.missing("enable_identity_key_check"))?;
        let change = move |known: &mut IdentityChange| known.enable_identity_key_check = check;
        api.settings.change(&number.object, change).await?;
        return success();
    }
    for later in ["calling", "payload_encryption", "storage_configuration"] {
        if fields.value(later).is_some() {
            return Err(Failure::new(Code::MethodNotAllowed, format!("{later}: not supported")));
        }
    }
    Err(Failure::parameter("user_identity_change", "nothing that can be set was given"))
}

fn commerce_json(number: &Number, commerce: &Commerce) -> Value {
    let Commerce { is_cart_enabled, is_catalog_visible } = commerce;
    json!({ "id": number.id, "is_cart_enabled": is_cart_enabled, "is_catalog_visible": is_catalog_visible })
}

pub(super) async fn commerce(api: Arc<Api>, number: Owned<Arc<Number>>, _: Call) -> Outcome {
    let commerce: Commerce = api.settings.get(&number.object).await?;
    Ok(json!({ "data": [commerce_json(&number.object, &commerce)] }).into())
}

pub(super) async fn set_commerce(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    let fields = call.fields();
    let cart = fields.boolean("is_cart_enabled")?;
    let catalog = fields.boolean("is_catalog_visible")?;
    let change = move |known: &mut Commerce| {
        known.is_cart_enabled = cart.unwrap_or(known.is_cart_enabled);
        known.is_catalog_visible = catalog.unwrap_or(known.is_catalog_visible);
    };
    api.settings.change(&number.object, change).await?;
    success()
}
