//! `GET /{object}?fields=`: what there is to know of businesses, accounts and numbers.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    Call, Failure, Fields, Voice, analytics,
    api::{Api, Outcome, denied},
    automation::automation_json,
    lists::page,
    selection::Selected,
    subscriptions::{configuration, subscribed_to},
};
use crate::{
    HostError,
    apps::{Owned, Scope},
    businesses::{Business, BusinessState},
    ids::AppId,
    numbers::{Number, Tier},
    purposes::Purpose,
    settings::{Automation, Registration},
};

/// How errors name kinds of objects.
pub(super) struct Node(&'static str);

impl Node {
    pub(super) const USER: Self = Self("SystemUser");
    pub(super) const APPLICATION: Self = Self("Application");
    pub(super) const BUSINESS: Self = Self("Business");
    pub(super) const ACCOUNT: Self = Self("WhatsAppBusinessAccount");
    pub(super) const NUMBER: Self = Self("WhatsAppBusinessPhoneNumber");
    pub(super) const PROFILE: Self = Self("WhatsAppBusinessProfile");
    pub(super) const TEMPLATE: Self = Self("WhatsAppMessageTemplate");
    pub(super) const HISTORY: Self = Self("WhatsAppMessageHistory");
}

/// What is wanted of all that is known; `usual` if nothing is said. `id` is always there.
///
/// # Errors
/// 100 for a field that these objects do not have.
pub(super) fn project(
    node: Node,
    selected: &[Selected],
    mut known: Vec<(&'static str, Value)>,
    usual: &[&str],
) -> Result<Value, Failure> {
    let mut object = Map::new();
    if selected.is_empty() {
        known.retain(|(name, value)| usual.contains(name) && !value.is_null());
        object.extend(known.into_iter().map(|(name, value)| (name.to_owned(), value)));
        return Ok(Value::Object(object));
    }
    for field in selected {
        let found = known.iter().find(|(name, _)| *name == field.name);
        let (_, value) = found.ok_or_else(|| Failure::no_field(&field.name, node.0))?;
        // What is known to be nothing is left out.
        if !value.is_null() {
            object.insert(field.name.clone(), field.narrow(value.clone()));
        }
    }
    if let Some((_, id)) = known.iter().find(|(name, _)| *name == "id") {
        object.insert("id".to_owned(), id.clone());
    }
    Ok(Value::Object(object))
}

/// Whether the relay lets a business write to everybody, to its testers only, or to nobody.
const fn health(state: BusinessState) -> &'static str {
    match state {
        BusinessState::Approved => "AVAILABLE",
        BusinessState::Suspended => "BLOCKED",
        _ => "LIMITED",
    }
}

const fn review(state: BusinessState) -> &'static str {
    match state {
        BusinessState::Approved | BusinessState::Suspended => "APPROVED",
        BusinessState::Rejected => "REJECTED",
        _ => "PENDING",
    }
}

const fn verification(state: BusinessState) -> &'static str {
    match state {
        BusinessState::Approved | BusinessState::Suspended => "verified",
        BusinessState::Rejected => "rejected",
        BusinessState::Draft => "not_verified",
        _ => "pending",
    }
}

fn entities(business: &Business, number: Option<&Number>) -> Value {
    let can = health(business.state);
    let entity = |kind: &str, id: String| json!({ "entity_type": kind, "id": id, "can_send_message": can });
    let mut entities = Vec::new();
    let mut whole = can;
    if let Some(number) = number {
        let of_number = if number.registered { can } else { "BLOCKED" };
        whole = of_number;
        entities
            .push(json!({ "entity_type": "PHONE_NUMBER", "id": number.id, "can_send_message": of_number }));
    }
    entities.push(entity("WABA", business.waba.to_string()));
    entities.push(entity("BUSINESS", business.id.to_string()));
    json!({ "can_send_message": whole, "entities": entities })
}

pub(super) async fn business(_: Arc<Api>, business: Owned<Arc<Business>>, call: Call) -> Outcome {
    let business = business.object;
    let known = vec![
        ("id", json!(business.id)),
        ("name", json!(business.name)),
        ("verification_status", json!(verification(business.state))),
        ("vertical", Value::Null),
        ("created_time", json!(time(business.created))),
        ("primary_page", Value::Null),
        ("timezone_id", json!(business.timezone_id)),
    ];
    Ok(project(Node::BUSINESS, &call.selection()?, known, &["id", "name"])?.into())
}

fn time(at: store::Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%S+0000").to_string()
}

fn known_account(business: &Business, insights: bool) -> Vec<(&'static str, Value)> {
    vec![
        ("id", json!(business.waba)),
        ("name", json!(business.name)),
        ("currency", json!(business.currency)),
        ("timezone_id", json!(business.timezone_id)),
        ("message_template_namespace", json!(format!("tradepost_{}", business.waba))),
        ("country", json!(business.country)),
        ("account_review_status", json!(review(business.state))),
        ("business_verification_status", json!(verification(business.state))),
        ("status", json!(if business.state == BusinessState::Suspended { "BANNED" } else { "ACTIVE" })),
        ("ownership_type", json!("SELF")),
        ("owner_business_info", json!({ "id": business.id, "name": business.name })),
        ("owner_business", json!({ "id": business.id, "name": business.name })),
        ("primary_funding_id", Value::Null),
        ("health_status", entities(business, None)),
        ("is_enabled_for_insights", json!(insights)),
        ("marketing_messages_onboarding_status", json!("ONBOARDED")),
        ("marketing_messages_lite_api_status", json!("ONBOARDED")),
        ("disable_marketing_messages_on_cloud_api", json!(false)),
        ("on_behalf_of_business_info", Value::Null),
        ("primary_business_location", json!(business.country)),
        ("purchase_order_number", Value::Null),
        ("auth_international_rate_eligibility", Value::Null),
        ("linked_commerce_account", Value::Null),
        ("is_shared_with_partners", json!(false)),
        ("creation_time", json!(business.created.0.div_euclid(1000))),
    ]
}

const USUAL_ACCOUNT: &[&str] = &["id", "name", "timezone_id", "message_template_namespace", "currency"];

/// Whether the business lets its messages be counted.
async fn insights(api: &Api, business: &Business) -> Result<bool, HostError> {
    Ok(api.gate.instructions(business.id).await?.allow(Purpose::Analyse))
}

pub(super) async fn account(api: Arc<Api>, business: Owned<Arc<Business>>, call: Call) -> Outcome {
    let may_count = business.caller().known().scopes.has(Scope::Management);
    let business = business.object;
    let (selected, base) = (call.selection()?, call.base.clone());
    let mut known = known_account(&business, insights(&api, &business).await?);
    if selected.iter().any(|field| field.name == "subscribed_apps") {
        let apps = subscribed_to(&api, business.waba, &base).await?;
        let apps: Vec<Value> = apps.into_iter().map(|(_, app)| app).collect();
        known.push(("subscribed_apps", json!({ "data": apps })));
    }
    for field in &selected {
        let name = analytics::NAMES.into_iter().find(|name| *name == field.name);
        let Some(name) = name.filter(|name| known.iter().all(|(there, _)| there != name)) else { continue };
        if !may_count {
            return Err(denied(Scope::Management));
        }
        let parameters = analytics::parameters(field);
        let fields = Fields::of(&parameters, Voice::Object);
        known.push((name, analytics::value(&api, &business, name, &fields).await?));
    }
    Ok(project(Node::ACCOUNT, &selected, known, USUAL_ACCOUNT)?.into())
}

/// Lets messages of templates be counted, as far as the business lets its host do so.
pub(super) async fn set_account(api: Arc<Api>, business: Owned<Arc<Business>>, call: Call) -> Outcome {
    let fields = call.fields();
    let without = fields.boolean("disable_marketing_messages_on_cloud_api")?;
    if without == Some(true) {
        return Err(
            fields.invalid("disable_marketing_messages_on_cloud_api", "marketing has no other way here")
        );
    }
    match fields.boolean("is_enabled_for_insights")? {
        None if without.is_some() => return Ok(json!({ "success": true }).into()),
        Some(true) => {}
        Some(false) => return Err(fields.invalid("is_enabled_for_insights", "cannot be switched off here")),
        None => return Err(fields.missing("is_enabled_for_insights")),
    }
    let business = business.object;
    api.analytics.allowed(business.id, business.waba).await?;
    Ok(json!({ "id": business.waba }).into())
}

pub(super) async fn accounts(api: Arc<Api>, business: Owned<Arc<Business>>, call: Call) -> Outcome {
    let business = business.object;
    let known = known_account(&business, insights(&api, &business).await?);
    let row = project(Node::ACCOUNT, &call.selection()?, known, USUAL_ACCOUNT)?;
    Ok(page(&call, vec![(business.waba.to_string(), row)])?.into())
}

/// The business itself, as `/me` shows it: there are no other people on this side of a host.
pub(super) async fn assigned_users(_: Arc<Api>, business: Owned<Arc<Business>>, call: Call) -> Outcome {
    let business = business.object;
    let tasks = ["MANAGE", "DEVELOP", "MANAGE_TEMPLATES", "MESSAGING", "VIEW_TEMPLATES", "VIEW_INSIGHTS"];
    let known = vec![
        ("id", json!(business.id)),
        ("name", json!(business.name)),
        ("tasks", json!(tasks)),
        ("user_type", json!("SYSTEM_USER")),
    ];
    let row = project(Node::USER, &call.selection()?, known, &["id", "name", "tasks"])?;
    Ok(page(&call, vec![(business.id.to_string(), row)])?.into())
}

pub(super) async fn no_accounts(_: Arc<Api>, _: Owned<Arc<Business>>, call: Call) -> Outcome {
    Ok(page(&call, Vec::new())?.into())
}

const USUAL_NUMBER: &[&str] = &[
    "id",
    "display_phone_number",
    "verified_name",
    "code_verification_status",
    "quality_rating",
    "platform_type",
    "throughput",
    "webhook_configuration",
    "last_onboarded_time",
];

/// All that is known of a number.
pub(super) async fn known_number(
    api: &Api,
    business: &Business,
    number: &Number,
    selected: &[Selected],
    app: AppId,
) -> Result<Vec<(&'static str, Value)>, HostError> {
    let wanted = |name: &str| selected.iter().any(|field| field.name == name);
    let verified = if number.account.is_some() { "VERIFIED" } else { "NOT_VERIFIED" };
    let status = match (number.registered, number.account.is_some()) {
        (true, _) => "CONNECTED",
        (false, true) => "DISCONNECTED",
        (false, false) => "PENDING",
    };
    let automation = if wanted("conversational_automation") {
        automation_json(&api.settings.get::<Automation>(number).await?, number)
    } else {
        Value::Null
    };
    let callbacks = if selected.is_empty() || wanted("webhook_configuration") {
        configuration(api, app, number).await?
    } else {
        Value::Null
    };
    let username = if wanted("username") { api.usernames.of(number).await? } else { None };
    let asked = number.requested_name.as_ref();
    let has_pin = wanted("is_pin_enabled") && api.settings.get::<Registration>(number).await?.has_pin();
    Ok(vec![
        ("id", json!(number.id)),
        ("display_phone_number", json!(number.number.international())),
        ("verified_name", json!(number.verified_name)),
        ("code_verification_status", json!(verified)),
        ("quality_rating", json!("GREEN")),
        ("quality_score", json!({ "score": "GREEN" })),
        ("status", json!(status)),
        ("name_status", json!("APPROVED")),
        ("new_display_name", json!(asked)),
        ("new_name_status", json!(if asked.is_some() { "PENDING_REVIEW" } else { "NONE" })),
        ("account_mode", json!(if business.state == BusinessState::Approved { "LIVE" } else { "SANDBOX" })),
        ("platform_type", json!("CLOUD_API")),
        ("throughput", json!({ "level": "HIGH" })),
        ("messaging_limit_tier", json!(Tier(number.tier).to_string())),
        ("whatsapp_business_manager_messaging_limit", json!(Tier(number.tier).to_string())),
        ("is_official_business_account", json!(false)),
        ("is_pin_enabled", json!(has_pin)),
        ("is_on_biz_app", json!(false)),
        ("is_preverified_number", json!(false)),
        ("search_visibility", json!("NON_VISIBLE")),
        ("certificate", Value::Null),
        ("new_certificate", Value::Null),
        ("last_onboarded_time", json!(time(number.created))),
        ("country_code", json!(number.number.country().unwrap_or_else(|| business.country.clone()))),
        ("country_dial_code", json!(number.number.calling_code())),
        ("eligibility_for_api_business_global_search", json!("NON_ELIGIBLE_UNDEFINED_COUNTRY")),
        ("webhook_configuration", callbacks),
        ("conversational_automation", automation),
        ("health_status", entities(business, Some(number))),
        ("username", json!(username)),
    ])
}

pub(super) async fn number(api: Arc<Api>, number: Owned<Arc<Number>>, call: Call) -> Outcome {
    let (app, number) = (number.caller().app(), number.object);
    let business = api.businesses.get(number.business).await?;
    let selected = call.selection()?;
    let known = known_number(&api, &business, &number, &selected, app).await?;
    Ok(project(Node::NUMBER, &selected, known, USUAL_NUMBER)?.into())
}

pub(super) async fn phone_numbers(api: Arc<Api>, business: Owned<Arc<Business>>, call: Call) -> Outcome {
    let (app, business) = (business.caller().app(), business.object);
    let selected = call.selection()?;
    let mut rows = Vec::new();
    for number in api.numbers.of_waba(business.waba).await? {
        let known = known_number(&api, &business, &number, &selected, app).await?;
        rows.push((number.id.to_string(), project(Node::NUMBER, &selected, known, USUAL_NUMBER)?));
    }
    Ok(page(&call, rows)?.into())
}
