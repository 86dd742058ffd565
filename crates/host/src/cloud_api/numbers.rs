//! A number's registration and settings.

use std::sync::Arc;

use serde_json::{Value, json};
use wire::PhoneNumber;

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

/// A number that the account has. Others are bound at the relay, where a code proves whose they are, and come with their
/// business; a host cannot give a business a number by itself.
pub(super) async fn add(api: Arc<Api>, business: Owned<Arc<Business>>, call: Call) -> Outcome {
    let fields = call.fields();
    let number = fields.need_text("phone_number", 32)?;
    let wanted = match fields.text("cc", 5)? {
        // Some countries keep their zero behind the code, and some do not: the rules of numbers know.
        Some(cc) => PhoneNumber::from_typed(&format!("+{}{number}", cc.trim_start_matches('+')), None),
        None => PhoneNumber::from_typed(&number, Some(&business.object.country)),
    };
    let wanted = wanted.map_err(|_| fields.invalid("phone_number", "no phone number"))?;
    let here = api.numbers.of_waba(business.object.waba).await?;
    if let Some(here) = here.iter().find(|here| here.number == wanted) {
        return Ok(json!({ "id": here.id }).into());
    }
    let details = "a business binds its numbers at the relay, with a code (tradepost business number); then who runs \
                   this host brings it in again (tradepost host business add)";
    Err(Failure::new(Code::NotVerified, details))
}

/// Numbers are verified at the relay, when a business binds them: there is no code to be sent from here.
pub(super) async fn verified_already(_: Arc<Api>, number: Owned<Arc<Number>>, _: Call) -> Outcome {
    let details = if number.object.account.is_some() {
        "the number is verified already"
    } else {
        "numbers are verified at the relay, where the business binds them"
    };
    Err(Failure::new(Code::GenericUser, details))
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
