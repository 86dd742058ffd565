//! The parts of templates, as the API checks them when one is made or edited (spec section 5).

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(super) use super::values::text;
use super::{
    codes::{self, Words},
    values::{flag, is_nothing, whole},
    variables::{self, ParameterFormat},
};
use crate::{
    codes::{Code, Refusal},
    content::Category,
};

/// The parts of a template, or of a card of its carousel.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Parts {
    /// Above.
    #[serde(default)]
    pub header: Option<HeaderPart>,
    /// The words. Every template has some; a card may have none.
    #[serde(default)]
    pub body: Option<String>,
    /// Below.
    #[serde(default)]
    pub footer: Option<String>,
    /// At most 10.
    #[serde(default)]
    pub buttons: Vec<ButtonPart>,
    /// Two to ten cards.
    #[serde(default)]
    pub cards: Vec<Parts>,
    /// An offer for a limited time.
    #[serde(default)]
    pub offer: Option<OfferPart>,
}

/// An offer for a limited time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferPart {
    /// At most 16 characters.
    pub text: String,
    /// Whether it is said, when it is sent, how long it lasts.
    pub has_expiration: bool,
}

/// What stands above.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "format", rename_all = "UPPERCASE")]
pub enum HeaderPart {
    /// Words, with at most one place.
    Text {
        /// Which.
        text: String,
    },
    /// A picture that is given when it is sent.
    Image,
    /// A film that is given when it is sent.
    Video,
    /// A document that is given when it is sent.
    Document,
    /// A place that is given when it is sent.
    Location,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ButtonPart {
    /// Answers with a payload.
    QuickReply {
        /// What it says.
        text: String,
    },
    /// A link.
    Url {
        /// What it says.
        text: String,
        /// Where it leads; `{{1}}` at its end is given when it is sent.
        url: String,
    },
    /// Calls a number.
    PhoneNumber {
        /// What it says.
        text: String,
        /// Which.
        phone_number: String,
    },
    /// Copies a code that is given when it is sent.
    CopyCode,
    /// Copies the one-time code of an authentication template.
    Otp {
        /// What it says.
        text: String,
    },
    /// Asks for number or card.
    RequestContactInfo {
        /// What it says.
        text: String,
    },
}

/// The kinds of components that are known here.
pub(crate) const COMPONENTS: [&str; 6] =
    ["HEADER", "BODY", "FOOTER", "BUTTONS", "CAROUSEL", "LIMITED_TIME_OFFER"];
/// Those of headers and of buttons.
pub(crate) const HEADERS: [&str; 5] = ["TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION"];
pub(crate) const BUTTONS: [&str; 6] =
    ["QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE", "OTP", "REQUEST_CONTACT_INFO"];

/// A refusal of a field, with the subcode that the API has for it.
pub(super) fn refuse<T>(subcode: u32, details: String) -> Result<T, Refusal> {
    Err(Refusal::new(Code::Parameter, details).with_subcode(subcode))
}

impl Parts {
    pub(super) fn parse(
        components: &[Value],
        format: ParameterFormat,
        category: Category,
        language: &str,
    ) -> Result<Self, Refusal> {
        let given = codes::words(language);
        if components.len() > 10 {
            return refuse(2_388_040, "components: too many".to_owned());
        }
        let mut parts = Self::default();
        for (index, component) in components.iter().enumerate() {
            let at = format!("components[{index}]");
            let kind = text(component, "type").unwrap_or_default().to_ascii_uppercase();
            if says_nothing(component, &kind, category) {
                continue;
            }
            let twice = match kind.as_str() {
                "HEADER" => parts.header.replace(header(component, format, &at)?).is_some(),
                "BODY" => parts.body.replace(body(component, format, (category, given), &at)?).is_some(),
                "FOOTER" => parts.footer.replace(footer(component, (category, given), &at)?).is_some(),
                "BUTTONS" => {
                    let before =
                        std::mem::replace(&mut parts.buttons, buttons(component, (category, given), &at)?);
                    !before.is_empty()
                }
                "CAROUSEL" => {
                    let before = std::mem::replace(&mut parts.cards, cards(component, format, &at)?);
                    !before.is_empty()
                }
                "LIMITED_TIME_OFFER" => parts.offer.replace(offer(component, category, &at)?).is_some(),
                _ => return refuse(2_388_040, format!("{at}.type: not a component that is known here")),
            };
            if twice {
                return refuse(2_388_040, format!("{at}: a second {kind}"));
            }
        }
        if parts.body.is_none() {
            return refuse(2_388_072, "components: a BODY is needed".to_owned());
        }
        if parts.offer.is_some() && parts.footer.is_some() {
            return refuse(2_388_040, "components: an offer for a limited time has no footer".to_owned());
        }
        if category == Category::Authentication {
            let one_code = matches!(parts.buttons.as_slice(), [ButtonPart::Otp { .. }]);
            if !one_code || parts.header.is_some() || !parts.cards.is_empty() {
                let details =
                    "components: an authentication template has a body, a footer and one OTP button";
                return refuse(2_388_040, details.to_owned());
            }
        }
        Ok(parts)
    }
}

/// Whether a component that may be left out says nothing, as clients write one that they leave out.
fn says_nothing(component: &Value, kind: &str, category: Category) -> bool {
    match kind {
        "HEADER" => {
            let format = text(component, "format").unwrap_or("TEXT");
            format.eq_ignore_ascii_case("TEXT") && is_nothing(component, "text")
        }
        "FOOTER" if category == Category::Authentication => is_nothing(component, "code_expiration_minutes"),
        "FOOTER" => is_nothing(component, "text"),
        _ => false,
    }
}

fn wanted<'a>(value: &'a Value, field: &str, most: usize, at: &str) -> Result<&'a str, Refusal> {
    match text(value, field) {
        Some(text) if !text.trim().is_empty() && text.chars().count() <= most => Ok(text),
        Some(text) if !text.trim().is_empty() => {
            refuse(2_388_040, format!("{at}.{field}: at most {most} characters"))
        }
        _ => refuse(2_388_040, format!("{at}.{field}: is missing")),
    }
}

fn header(component: &Value, format: ParameterFormat, at: &str) -> Result<HeaderPart, Refusal> {
    let kind = text(component, "format").unwrap_or("TEXT").to_ascii_uppercase();
    Ok(match kind.as_str() {
        "TEXT" => {
            let words = wanted(component, "text", 60, at)?;
            variables::check(words, format, &format!("{at}.text"), false)?;
            if variables::places(words).len() > 1 {
                return refuse(2_388_047, format!("{at}.text: at most one place"));
            }
            if words.contains('\n') {
                return refuse(2_388_047, format!("{at}.text: no new lines"));
            }
            HeaderPart::Text { text: words.to_owned() }
        }
        "IMAGE" => HeaderPart::Image,
        "VIDEO" => HeaderPart::Video,
        "DOCUMENT" => HeaderPart::Document,
        "LOCATION" => HeaderPart::Location,
        _ => return refuse(2_388_047, format!("{at}.format: TEXT, IMAGE, VIDEO, DOCUMENT or LOCATION")),
    })
}

fn body(
    component: &Value,
    format: ParameterFormat,
    (category, given): (Category, Words),
    at: &str,
) -> Result<String, Refusal> {
    if category == Category::Authentication {
        let advice = flag(component, "add_security_recommendation").unwrap_or(false);
        return Ok(if advice { format!("{} {}", given.body, given.advice) } else { given.body.to_owned() });
    }
    let words = wanted(component, "text", 1024, at)?;
    variables::check(words, format, &format!("{at}.text"), true)?;
    Ok(words.to_owned())
}

fn footer(component: &Value, (category, given): (Category, Words), at: &str) -> Result<String, Refusal> {
    if category == Category::Authentication {
        let minutes = whole(component, "code_expiration_minutes");
        return match minutes {
            Some(minutes) if (1..=90).contains(&minutes) => {
                Ok(given.expires.replacen('#', &minutes.to_string(), 1))
            }
            _ => refuse(2_388_073, format!("{at}.code_expiration_minutes: from 1 to 90")),
        };
    }
    let words = wanted(component, "text", 60, at)?;
    if !variables::places(words).is_empty() {
        return refuse(2_388_073, format!("{at}.text: a footer has no places"));
    }
    Ok(words.to_owned())
}

fn offer(component: &Value, category: Category, at: &str) -> Result<OfferPart, Refusal> {
    if category != Category::Marketing {
        return refuse(2_388_040, format!("{at}: offers are of the category MARKETING"));
    }
    let Some(offer) = component.get("limited_time_offer").filter(|offer| offer.is_object()) else {
        return refuse(2_388_040, format!("{at}.limited_time_offer: is missing"));
    };
    let text = wanted(offer, "text", 16, &format!("{at}.limited_time_offer"))?.to_owned();
    let has_expiration = flag(offer, "has_expiration").unwrap_or(false);
    Ok(OfferPart { text, has_expiration })
}

/// The programs on a phone that may fill in a code by themselves: how they are called, and how they are signed.
fn programs(button: &Value, at: &str) -> Result<(), Refusal> {
    let listed = button.get("supported_apps").and_then(Value::as_array);
    let Some(listed) = listed.filter(|listed| (1..=5).contains(&listed.len())) else {
        return refuse(2_388_040, format!("{at}.supported_apps: one to five"));
    };
    for (index, program) in listed.iter().enumerate() {
        let at = format!("{at}.supported_apps[{index}]");
        wanted(program, "package_name", 224, &at)?;
        if wanted(program, "signature_hash", 11, &at)?.len() != 11 {
            return refuse(2_388_040, format!("{at}.signature_hash: 11 characters"));
        }
    }
    Ok(())
}

fn buttons(
    component: &Value,
    (category, given): (Category, Words),
    at: &str,
) -> Result<Vec<ButtonPart>, Refusal> {
    let listed = component.get("buttons").and_then(Value::as_array);
    let listed = listed.filter(|listed| (1..=10).contains(&listed.len()));
    let Some(listed) = listed else { return refuse(2_388_040, format!("{at}.buttons: one to ten")) };
    let mut buttons = Vec::with_capacity(listed.len());
    for (index, value) in listed.iter().enumerate() {
        buttons.push(button(value, (category, given), &format!("{at}.buttons[{index}]"))?);
    }
    let count = |of: fn(&ButtonPart) -> bool| buttons.iter().filter(|button| of(button)).count();
    if count(|button| matches!(button, ButtonPart::Url { .. })) > 2
        || count(|button| matches!(button, ButtonPart::PhoneNumber { .. })) > 1
        || count(|button| matches!(button, ButtonPart::CopyCode)) > 1
    {
        return refuse(2_388_040, format!("{at}.buttons: two links, one number and one code at most"));
    }
    // Quick replies stand together.
    let kinds = buttons.iter().map(|button| matches!(button, ButtonPart::QuickReply { .. }));
    let (mut changes, mut last) = (0, None);
    for kind in kinds {
        changes += usize::from(last.is_some_and(|last| last != kind));
        last = Some(kind);
    }
    if changes > 1 {
        return refuse(2_388_040, format!("{at}.buttons: quick replies stand together"));
    }
    Ok(buttons)
}

fn button(value: &Value, (category, given): (Category, Words), at: &str) -> Result<ButtonPart, Refusal> {
    let kind = text(value, "type").unwrap_or_default().to_ascii_uppercase();
    let words = |most| wanted(value, "text", most, at).map(str::to_owned);
    Ok(match kind.as_str() {
        "QUICK_REPLY" => ButtonPart::QuickReply { text: words(25)? },
        "URL" => {
            let url = wanted(value, "url", 2000, at)?;
            let fixed = url.strip_suffix("{{1}}").unwrap_or(url);
            let whole = fixed.starts_with("https://") || fixed.starts_with("http://");
            if !whole || fixed.contains("{{") || fixed.contains(char::is_whitespace) {
                return refuse(
                    2_388_040,
                    format!("{at}.url: an address, with at most one {{{{1}}}} at its end"),
                );
            }
            ButtonPart::Url { text: words(25)?, url: url.to_owned() }
        }
        "PHONE_NUMBER" => {
            let phone_number = wanted(value, "phone_number", 20, at)?.to_owned();
            ButtonPart::PhoneNumber { text: words(25)?, phone_number }
        }
        "COPY_CODE" => ButtonPart::CopyCode,
        "OTP" if category == Category::Authentication => {
            let kind = text(value, "otp_type").unwrap_or("COPY_CODE").to_ascii_uppercase();
            if !["COPY_CODE", "ONE_TAP", "ZERO_TAP"].contains(&kind.as_str()) {
                return refuse(2_388_040, format!("{at}.otp_type: COPY_CODE, ONE_TAP or ZERO_TAP"));
            }
            if kind != "COPY_CODE" {
                programs(value, at)?;
            }
            let terms = flag(value, "zero_tap_terms_accepted");
            if kind == "ZERO_TAP" && terms != Some(true) {
                return refuse(2_388_040, format!("{at}.zero_tap_terms_accepted: must be true"));
            }
            let own = text(value, "text").filter(|text| !text.is_empty() && text.chars().count() <= 25);
            ButtonPart::Otp { text: own.unwrap_or(given.copy).to_owned() }
        }
        "REQUEST_CONTACT_INFO" => ButtonPart::RequestContactInfo { text: words(25)? },
        _ => return refuse(2_388_040, format!("{at}.type: not a button that is known here")),
    })
}

fn cards(component: &Value, format: ParameterFormat, at: &str) -> Result<Vec<Parts>, Refusal> {
    let listed = component.get("cards").and_then(Value::as_array);
    let listed = listed.filter(|listed| (2..=10).contains(&listed.len()));
    let Some(listed) = listed else { return refuse(2_388_040, format!("{at}.cards: two to ten")) };
    let mut cards: Vec<Parts> = Vec::with_capacity(listed.len());
    for (index, card) in listed.iter().enumerate() {
        let at = format!("{at}.cards[{index}]");
        let mut parts = Parts::default();
        let components = card.get("components").and_then(Value::as_array);
        let Some(components) = components.filter(|components| components.len() <= 3) else {
            return refuse(2_388_040, format!("{at}.components: a header, a body, buttons"));
        };
        for component in components {
            let kind = text(component, "type").unwrap_or_default().to_ascii_uppercase();
            if kind == "BODY" && is_nothing(component, "text") {
                continue;
            }
            match kind.as_str() {
                "HEADER" => parts.header = Some(header(component, format, &at)?),
                "BODY" => {
                    let words = wanted(component, "text", 160, &at)?;
                    variables::check(words, format, &at, false)?;
                    parts.body = Some(words.to_owned());
                }
                "BUTTONS" => {
                    parts.buttons = buttons(component, (Category::Marketing, codes::words("en")), &at)?
                }
                _ => return refuse(2_388_040, format!("{at}: not a component of a card")),
            }
        }
        if !matches!(parts.header, Some(HeaderPart::Image | HeaderPart::Video)) {
            return refuse(2_388_047, format!("{at}: a card has a picture or a film above"));
        }
        if let Some(first) = cards.first()
            && (shape(first) != shape(&parts))
        {
            return refuse(2_388_040, format!("{at}: all cards have the same parts"));
        }
        cards.push(parts);
    }
    Ok(cards)
}

/// What cards have in common.
fn shape(
    parts: &Parts,
) -> (Option<std::mem::Discriminant<HeaderPart>>, bool, Vec<std::mem::Discriminant<ButtonPart>>) {
    let header = parts.header.as_ref().map(std::mem::discriminant);
    (header, parts.body.is_some(), parts.buttons.iter().map(std::mem::discriminant).collect())
}
