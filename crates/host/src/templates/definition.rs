//! What a template is: its parts, validated as the API does when one is made or edited (spec section 5).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    codes::{self, Words},
    variables::{self, ParameterFormat},
};
use crate::{
    codes::{Code, Refusal},
    content::Category,
};

/// Languages that templates may be in.
const LANGUAGES: &[&str] = &[
    "af", "ar", "ar_AE", "ar_EG", "ar_MA", "az", "be_BY", "bg", "bn", "bn_IN", "ca", "cs", "da", "de",
    "de_AT", "de_CH", "el", "en", "en_AE", "en_AU", "en_CA", "en_GB", "en_GH", "en_IE", "en_IN", "en_JM",
    "en_MY", "en_NZ", "en_QA", "en_SG", "en_UG", "en_US", "en_ZA", "es", "es_AR", "es_CL", "es_CO", "es_CR",
    "es_DO", "es_EC", "es_ES", "es_HN", "es_MX", "es_PA", "es_PE", "es_UY", "et", "fa", "fi", "fil", "fr",
    "fr_BE", "fr_CA", "fr_CH", "fr_CI", "fr_MA", "ga", "gu", "ha", "he", "hi", "hr", "hu", "id", "it", "ja",
    "ka", "kk", "kn", "ko", "ky_KG", "lo", "lt", "lv", "mk", "ml", "mr", "ms", "nb", "nl", "nl_BE", "pa",
    "pl", "prs_AF", "ps_AF", "pt_BR", "pt_PT", "ro", "ru", "rw_RW", "si_LK", "sk", "sl", "sq", "sr", "sv",
    "sw", "ta", "te", "th", "tr", "uk", "ur", "uz", "vi", "zh_CN", "zh_HK", "zh_TW", "zu",
];

/// A template as the business wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// What the business calls it: `[a-z0-9_]`, at most 512.
    pub name: String,
    /// One of the API's languages.
    pub language: String,
    /// What for.
    pub category: Category,
    /// How its places are named.
    pub parameter_format: ParameterFormat,
    /// Its parts, as they were given and are given back, in the API's form.
    pub components: Vec<Value>,
    /// Seconds for which a message of it waits for the person.
    #[serde(default)]
    pub message_send_ttl_seconds: Option<u32>,
    /// The template of the library that it was made of.
    #[serde(default)]
    pub library_template_name: Option<String>,
    /// The parts, understood.
    pub parts: Parts,
}

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

/// A refusal of a field, with the subcode that the API has for it.
fn refuse<T>(subcode: u32, details: String) -> Result<T, Refusal> {
    Err(Refusal::new(Code::Parameter, details).with_subcode(subcode))
}

impl Definition {
    /// Understands what a business gives.
    ///
    /// # Errors
    /// 100 with the API's subcode, which names the field.
    pub fn parse(
        name: &str,
        language: &str,
        category: &str,
        format: Option<&str>,
        components: &[Value],
        ttl_seconds: Option<u32>,
    ) -> Result<Self, Refusal> {
        let name_fits = (1..=512).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !name_fits {
            return refuse(2_388_040, "name: at most 512 of a-z, 0-9 and _".to_owned());
        }
        if !LANGUAGES.contains(&language) {
            return refuse(2_388_040, "language: not one of the languages of templates".to_owned());
        }
        let category = match category.to_ascii_uppercase().as_str() {
            "MARKETING" => Category::Marketing,
            "UTILITY" => Category::Utility,
            "AUTHENTICATION" => Category::Authentication,
            _ => return refuse(2_388_040, "category: MARKETING, UTILITY or AUTHENTICATION".to_owned()),
        };
        let parameter_format = match format.map(str::to_ascii_uppercase).as_deref() {
            None | Some("" | "POSITIONAL") => ParameterFormat::Positional,
            Some("NAMED") => ParameterFormat::Named,
            Some(_) => return refuse(2_388_040, "parameter_format: POSITIONAL or NAMED".to_owned()),
        };
        let bounds = match category {
            Category::Authentication => 30..=900,
            Category::Utility | Category::Service => 30..=43_200,
            Category::Marketing => 43_200..=2_592_000,
        };
        if ttl_seconds.is_some_and(|seconds| !bounds.contains(&seconds)) {
            return refuse(
                2_388_040,
                format!("message_send_ttl_seconds: from {} to {}", bounds.start(), bounds.end()),
            );
        }
        let parts = Parts::parse(components, parameter_format, category, language)?;
        Ok(Self {
            name: name.to_owned(),
            language: language.to_owned(),
            category,
            parameter_format,
            components: components.to_vec(),
            message_send_ttl_seconds: ttl_seconds,
            library_template_name: None,
            parts,
        })
    }
}

impl Parts {
    fn parse(
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
                _ => return refuse(2_388_040, format!("{at}.type: not a component that is known here")),
            };
            if twice {
                return refuse(2_388_040, format!("{at}: a second {kind}"));
            }
        }
        if parts.body.is_none() {
            return refuse(2_388_072, "components: a BODY is needed".to_owned());
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

/// A text field; none if it is missing, null or something else.
pub(super) fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str)
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
            if words.contains(['\n', '*', '_', '~']) && words.contains('\n') {
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
        let advice = component.get("add_security_recommendation").and_then(Value::as_bool).unwrap_or(false);
        return Ok(if advice { format!("{} {}", given.body, given.advice) } else { given.body.to_owned() });
    }
    let words = wanted(component, "text", 1024, at)?;
    variables::check(words, format, &format!("{at}.text"), true)?;
    Ok(words.to_owned())
}

fn footer(component: &Value, (category, given): (Category, Words), at: &str) -> Result<String, Refusal> {
    if category == Category::Authentication {
        let minutes = component.get("code_expiration_minutes").and_then(Value::as_u64);
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
            match text(component, "type").unwrap_or_default().to_ascii_uppercase().as_str() {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(category: &str, components: Value) -> Result<Definition, Refusal> {
        Definition::parse("order_update", "en_US", category, None, components.as_array().unwrap(), None)
    }

    #[test]
    fn a_template_of_every_part_is_understood() {
        let definition = parse(
            "utility",
            json!([
                {"type": "header", "format": "TEXT", "text": "Order {{1}}"},
                {"type": "BODY", "text": "Hello {{1}}, your order {{2}} is on its way to you."},
                {"type": "FOOTER", "text": "The shop"},
                {"type": "BUTTONS", "buttons": [
                    {"type": "QUICK_REPLY", "text": "Thanks"},
                    {"type": "URL", "text": "Track", "url": "https://shop.example/{{1}}"},
                    {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+15550783881"}]},
            ]),
        )
        .unwrap();
        assert_eq!(definition.category, Category::Utility);
        assert_eq!(definition.parts.buttons.len(), 3);
    }

    #[test]
    fn what_the_api_refuses_is_refused_with_its_subcode() {
        let body = json!({"type": "BODY", "text": "Good day to you"});
        for (components, subcode) in [
            (json!([]), 2_388_072),
            (json!([{"type": "BODY", "text": ""}]), 2_388_040),
            (json!([{"type": "BODY", "text": "x".repeat(1025)}]), 2_388_040),
            (json!([body, body]), 2_388_040),
            (json!([body, {"type": "FOOTER", "text": "by {{1}} us"}]), 2_388_073),
            (json!([body, {"type": "HEADER", "format": "HOLOGRAM"}]), 2_388_047),
            (json!([body, {"type": "HEADER", "text": "{{1}} {{2}}"}]), 2_388_047),
            (json!([body, {"type": "BUTTONS", "buttons": []}]), 2_388_040),
            (
                json!([body, {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "x", "url": "ftp://x"}]}]),
                2_388_040,
            ),
            (json!([body, {"type": "CAROUSEL", "cards": [{}]}]), 2_388_040),
            (json!([body, {"type": "MYSTERY"}]), 2_388_040),
        ] {
            let refusal = parse("MARKETING", components.clone()).unwrap_err();
            assert_eq!(refusal.subcode, Some(subcode), "{components}: {refusal}");
        }
        for (name, language, category) in
            [("Order", "en_US", "UTILITY"), ("a", "xx", "UTILITY"), ("a", "en", "X")]
        {
            assert!(
                Definition::parse(name, language, category, None, std::slice::from_ref(&body), None).is_err()
            );
        }
    }

    #[test]
    fn an_authentication_template_has_words_of_its_own() {
        let definition = parse(
            "AUTHENTICATION",
            json!([
                {"type": "BODY", "add_security_recommendation": true},
                {"type": "FOOTER", "code_expiration_minutes": 10},
                {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"}]},
            ]),
        )
        .unwrap();
        assert!(definition.parts.body.unwrap().contains("do not share"));
        assert!(parse("AUTHENTICATION", json!([{"type": "BODY", "text": "x"}])).is_err());
    }
}
