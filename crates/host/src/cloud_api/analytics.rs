//! Counts of messages: as fields of an account (`analytics.start(…).end(…)…`) and as edges of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Map, Value, json};
use store::Timestamp;

use super::{
    Call, Failure, Fields, Voice,
    api::{Api, Outcome},
    selection::Selected,
};
use crate::{
    analytics::{Apart, Granularity, Key, Question, Tally},
    apps::Owned,
    businesses::Business,
    ids::{NumberId, TemplateId},
    templates::{Clicked, Template},
};

/// The names that an account's counts have.
pub(super) const NAMES: [&str; 4] =
    ["analytics", "conversation_analytics", "pricing_analytics", "template_analytics"];
/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;
/// Numbers, countries or templates of one question at most.
const MANY: usize = 1000;

/// The last moment that can be asked for, in seconds: in the year 2286.
const LATEST: i64 = 9_999_999_999;

fn granularity(fields: &Fields<'_>, words: &[(&'static str, Granularity)]) -> Result<Granularity, Failure> {
    let set: Vec<&'static str> = words.iter().map(|(word, _)| *word).collect();
    let word = fields.word("granularity", &set)?.ok_or_else(|| fields.missing("granularity"))?;
    let found = words.iter().find(|(known, _)| *known == word);
    found.map(|(_, granularity)| *granularity).ok_or_else(|| fields.missing("granularity"))
}

fn ids<T: std::str::FromStr + Ord>(
    fields: &Fields<'_>,
    name: &str,
    most: usize,
) -> Result<BTreeSet<T>, Failure> {
    let texts = fields.texts(name, most)?;
    let ids = texts.iter().map(|text| text.parse().map_err(|_| fields.invalid(name, "no such id")));
    ids.collect()
}

/// What is asked, but for what only some of the names know.
fn question(fields: &Fields<'_>, granularity: Granularity) -> Result<Question, Failure> {
    let time = |name: &str| -> Result<Timestamp, Failure> {
        let seconds = fields.integer(name, 0..=LATEST)?.ok_or_else(|| fields.missing(name))?;
        Ok(Timestamp(seconds * 1000))
    };
    Ok(Question {
        start: time("start")?,
        end: time("end")?,
        granularity,
        numbers: BTreeSet::new(),
        countries: BTreeSet::new(),
        templates: BTreeSet::new(),
        categories: BTreeSet::new(),
    })
}

/// Those numbers of the account that are named: by their digits or ids.
async fn numbers(api: &Api, business: &Business, fields: &Fields<'_>) -> Result<BTreeSet<NumberId>, Failure> {
    let wanted = fields.texts("phone_numbers", MANY)?;
    if wanted.is_empty() {
        return Ok(BTreeSet::new());
    }
    let own = api.numbers.of_waba(business.waba).await?;
    let mut ids = BTreeSet::new();
    for text in &wanted {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let found = own.iter().find(|number| number.digits() == digits || number.id.to_string() == *text);
        let found = found.ok_or_else(|| fields.invalid("phone_numbers", "no number of this account"))?;
        ids.insert(found.id);
    }
    Ok(ids)
}

fn countries(fields: &Fields<'_>) -> Result<BTreeSet<String>, Failure> {
    let texts = fields.texts("country_codes", MANY)?;
    let fits = |text: &String| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    if texts.iter().all(fits) {
        Ok(texts.iter().map(|text| text.to_ascii_uppercase()).collect())
    } else {
        Err(fields.invalid("country_codes", "two letters each"))
    }
}

fn words(fields: &Fields<'_>, name: &str, set: &[&'static str]) -> Result<BTreeSet<&'static str>, Failure> {
    let word = |text: &String| {
        let found = set.iter().copied().find(|word| word.eq_ignore_ascii_case(text));
        found.ok_or_else(|| fields.invalid(name, &format!("must be of {}", set.join(", "))))
    };
    fields.texts(name, 20)?.iter().map(word).collect()
}

const DAYS: &[(&str, Granularity)] =
    &[("HALF_HOUR", Granularity::HalfHour), ("DAILY", Granularity::Day), ("MONTHLY", Granularity::Month)];

/// One of [`NAMES`], with these parameters.
pub(super) async fn value(
    api: &Api,
    business: &Business,
    name: &str,
    fields: &Fields<'_>,
) -> Result<Value, Failure> {
    match name {
        "analytics" => messages(api, business, fields).await,
        "conversation_analytics" => conversations(api, business, fields).await,
        "pricing_analytics" => prices(api, business, fields).await,
        _ => templates(api, business, fields).await,
    }
}

async fn messages(api: &Api, business: &Business, fields: &Fields<'_>) -> Result<Value, Failure> {
    let known =
        [("HALF_HOUR", Granularity::HalfHour), ("DAY", Granularity::Day), ("MONTH", Granularity::Month)];
    let granularity = granularity(fields, &known)?;
    let mut question = question(fields, granularity)?;
    question.numbers = numbers(api, business, fields).await?;
    question.countries = countries(fields)?;
    // 0 are notifications, 2 is customer support, 100 are calls.
    let products = words(fields, "product_types", &["0", "2", "100"])?;
    if !products.is_empty() {
        let of = [
            ("0", "UTILITY"),
            ("0", "MARKETING"),
            ("0", "AUTHENTICATION"),
            ("2", "SERVICE"),
            ("100", "CALL"),
        ];
        let wanted = of.into_iter().filter(|(product, _)| products.contains(product));
        question.categories = wanted.map(|(_, category)| category).collect();
    }
    let counts = api.analytics.count((business.id, business.waba), &question, Apart::default()).await?;
    let points: Vec<Value> = counts
        .iter()
        .map(|(key, tally)| {
            json!({ "start": key.start, "end": key.end, "sent": tally.sent, "delivered": tally.delivered })
        })
        .collect();
    let mut asked: Vec<String> = Vec::new();
    for number in api.numbers.of_waba(business.waba).await? {
        if question.numbers.is_empty() || question.numbers.contains(&number.id) {
            asked.push(number.digits().to_owned());
        }
    }
    let word = known.iter().find(|(_, known)| *known == granularity).map(|(word, _)| *word);
    let mut value = json!({ "phone_numbers": asked, "granularity": word, "data_points": points });
    if let (Some(value), false) = (value.as_object_mut(), question.countries.is_empty()) {
        value.insert("country_codes".to_owned(), json!(question.countries));
    }
    Ok(value)
}

/// Conversations were counted until July 2025, when this host was not there yet.
async fn conversations(api: &Api, business: &Business, fields: &Fields<'_>) -> Result<Value, Failure> {
    let granularity = granularity(fields, DAYS)?;
    let question = question(fields, granularity)?;
    if question.start >= question.end {
        return Err(fields.invalid("end", "must be later than start"));
    }
    api.analytics.allowed(business.id, business.waba).await?;
    Ok(json!({ "data": [{ "data_points": [] }] }))
}

/// As the API charges: a template always, what answers a person never. This host has no prices: all costs are 0.
async fn prices(api: &Api, business: &Business, fields: &Fields<'_>) -> Result<Value, Failure> {
    let granularity = granularity(fields, DAYS)?;
    let mut question = question(fields, granularity)?;
    question.numbers = numbers(api, business, fields).await?;
    question.countries = countries(fields)?;
    let all = ["SERVICE", "UTILITY", "MARKETING", "AUTHENTICATION"];
    question.categories = words(fields, "pricing_categories", &all)?;
    let types = words(fields, "pricing_types", &["REGULAR", "FREE_CUSTOMER_SERVICE", "FREE_ENTRY_POINT"])?;
    if !types.is_empty() {
        let categories = if question.categories.is_empty() { all.into() } else { question.categories };
        question.categories =
            categories.into_iter().filter(|category| types.contains(kind(category))).collect();
        if question.categories.is_empty() {
            // None of them is of such a type.
            question.categories.insert("NONE");
        }
    }
    let metrics = words(fields, "metric_types", &["COST", "VOLUME"])?;
    let known = ["PRICING_CATEGORY", "PRICING_TYPE", "COUNTRY", "PHONE", "TIER"];
    let dimensions = words(fields, "dimensions", &known)?;
    let apart = Apart {
        number: dimensions.contains("PHONE"),
        country: dimensions.contains("COUNTRY"),
        category: dimensions.contains("PRICING_CATEGORY") || dimensions.contains("PRICING_TYPE"),
        template: false,
    };
    let counts = api.analytics.count((business.id, business.waba), &question, apart).await?;
    let own = if apart.number { api.numbers.of_waba(business.waba).await? } else { Vec::new() };
    let digits: BTreeMap<u64, String> =
        own.into_iter().map(|number| (number.id.get(), number.digits().to_owned())).collect();
    let point = |(key, tally): (&Key, &Tally)| {
        let mut point = Map::new();
        point.insert("start".to_owned(), key.start.into());
        point.insert("end".to_owned(), key.end.into());
        if let Some(number) = key.number {
            let digits = digits.get(&number).cloned();
            point.insert("phone_number".to_owned(), digits.unwrap_or_else(|| number.to_string()).into());
        }
        if let Some(country) = &key.country {
            point.insert("country".to_owned(), country.clone().into());
        }
        if let Some(category) = key.category {
            if dimensions.contains("PRICING_CATEGORY") {
                point.insert("pricing_category".to_owned(), category.into());
            }
            if dimensions.contains("PRICING_TYPE") {
                point.insert("pricing_type".to_owned(), kind(category).into());
            }
        }
        if metrics.is_empty() || metrics.contains("VOLUME") {
            point.insert("volume".to_owned(), tally.delivered.into());
        }
        if metrics.is_empty() || metrics.contains("COST") {
            point.insert("cost".to_owned(), 0.into());
        }
        Value::Object(point)
    };
    let points: Vec<Value> = counts.iter().filter(|(_, tally)| tally.delivered > 0).map(point).collect();
    Ok(json!({ "data": [{ "data_points": points }] }))
}

/// How a category is charged.
fn kind(category: &str) -> &'static str {
    if category == "SERVICE" { "FREE_CUSTOMER_SERVICE" } else { "REGULAR" }
}

async fn templates(api: &Api, business: &Business, fields: &Fields<'_>) -> Result<Value, Failure> {
    let granularity = granularity(fields, &[("DAILY", Granularity::Day)])?;
    let mut question = question(fields, granularity)?;
    question.templates = ids::<TemplateId>(fields, "template_ids", 10)?;
    if question.templates.is_empty() {
        return Err(fields.missing("template_ids"));
    }
    let set = ["SENT", "DELIVERED", "READ", "CLICKED", "COST"];
    let metrics = words(fields, "metric_types", &set)?;
    let shown = |metric: &str| metrics.is_empty() || metrics.contains(metric);
    let apart = Apart { template: true, ..Apart::default() };
    let whose = (business.id, business.waba);
    let mut counts = api.analytics.count(whose, &question, apart).await?;
    let asked: Vec<TemplateId> = question.templates.iter().copied().collect();
    let clicked = if shown("CLICKED") {
        api.templates.clicks(whose, &asked, (question.start, question.end)).await?
    } else {
        Clicked::new()
    };
    // What was sent on one day is pressed on another one.
    for (start, template) in clicked.keys() {
        let (end, template) = (start + DAY, Some(template.get()));
        counts.entry(Key { start: *start, end, template, ..Key::default() }).or_default();
    }
    let point = |(key, tally): (&Key, &Tally)| {
        let mut point = Map::new();
        point.insert("template_id".to_owned(), key.template.unwrap_or_default().to_string().into());
        point.insert("start".to_owned(), key.start.into());
        point.insert("end".to_owned(), key.end.into());
        for (metric, amount) in [("SENT", tally.sent), ("DELIVERED", tally.delivered), ("READ", tally.read)] {
            if shown(metric) {
                point.insert(metric.to_ascii_lowercase(), amount.into());
            }
        }
        let id = key.template.and_then(|id| TemplateId::try_from(id).ok());
        if let Some(buttons) = id.and_then(|id| clicked.get(&(key.start, id))) {
            let buttons = buttons.iter().map(|(text, count)| {
                json!({ "type": "quick_reply_button", "button_content": text, "count": count })
            });
            point.insert("clicked".to_owned(), buttons.collect());
        }
        Value::Object(point)
    };
    let points: Vec<Value> = counts.iter().map(point).collect();
    let row = json!({ "granularity": "DAILY", "product_type": "cloud_api", "data_points": points });
    Ok(json!({ "data": [row] }))
}

/// The parameters that stand behind a field's name.
pub(super) fn parameters(field: &Selected) -> Map<String, Value> {
    let each = field.arguments.iter();
    each.map(|(name, value)| (name.to_ascii_lowercase(), Value::String(value.clone()))).collect()
}

/// One of [`NAMES`] as an edge: what has rows begins with them.
pub(super) async fn edge(api: Arc<Api>, business: Owned<Arc<Business>>, call: Call) -> Outcome {
    let name = call.tail(0).unwrap_or_default().to_owned();
    let business = business.object;
    let value = value(&api, &business, &name, &Fields::of(&call.values, Voice::Object)).await?;
    if value.get("data").is_some() {
        return Ok(value.into());
    }
    Ok(json!({ "data": [value] }).into())
}

/// How two to ten templates compare: how often each was sent. Why people block a business, and after which message, they
/// do not say here: all have the same rate of blocks, none, and no reason.
pub(super) async fn compare(api: Arc<Api>, template: Owned<Template>, call: Call) -> Outcome {
    let fields = call.fields();
    let business = template.caller().business();
    let template = template.object;
    let mut question = question(&fields, Granularity::Day)?;
    question.templates = ids::<TemplateId>(&fields, "template_ids", 10)?;
    if question.templates.is_empty() {
        return Err(fields.missing("template_ids"));
    }
    for id in &question.templates {
        api.templates.get(template.waba, *id).await?;
    }
    question.templates.insert(template.id);
    let apart = Apart { template: true, ..Apart::default() };
    let counts = api.analytics.count((business, template.waba), &question, apart).await?;
    let mut sends: BTreeMap<u64, i64> = question.templates.iter().map(|id| (id.get(), 0)).collect();
    for (key, tally) in counts {
        *sends.entry(key.template.unwrap_or_default()).or_default() += tally.sent;
    }
    let values: Vec<Value> =
        sends.iter().map(|(id, sent)| json!({ "key": id.to_string(), "value": sent })).collect();
    let order: Vec<String> = sends.keys().map(u64::to_string).collect();
    let reasons: Vec<Value> =
        order.iter().map(|id| json!({ "key": id, "value": "UNKNOWN_BLOCK_REASON" })).collect();
    Ok(json!({ "data": [
        { "metric": "BLOCK_RATE", "type": "RELATIVE", "order_by_relative_metric": order },
        { "metric": "MESSAGE_SENDS", "type": "NUMBER_VALUES", "number_values": values },
        { "metric": "TOP_BLOCK_REASON", "type": "STRING_VALUES", "string_values": reasons },
    ] })
    .into())
}
