//! What a template is: its parts, validated as the API does when one is made or edited (spec section 5).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    parts::{Parts, refuse},
    variables::ParameterFormat,
};
use crate::{codes::Refusal, content::Category};

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

/// The language of a code, which may come in any case and with a hyphen (`en_us`, `pt-BR`).
#[must_use]
pub fn language_of(code: &str) -> Option<&'static str> {
    let wanted = code.trim().replace('-', "_");
    LANGUAGES.iter().copied().find(|known| known.eq_ignore_ascii_case(&wanted))
}

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
        let Some(language) = language_of(language) else {
            return refuse(2_388_040, "language: not one of the languages of templates".to_owned());
        };
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
    fn offers_and_codes_have_what_they_need() {
        let body = json!({"type": "BODY", "text": "Good day to you"});
        let offer = json!({"type": "limited_time_offer",
            "limited_time_offer": {"text": "Expiring offer!", "has_expiration": true}});
        let code = json!({"type": "BUTTONS", "buttons": [{"type": "COPY_CODE", "example": "SAVE20"}]});
        let parts = parse("MARKETING", json!([offer, body, code])).unwrap().parts;
        assert!(parts.offer.is_some_and(|offer| offer.has_expiration && offer.text == "Expiring offer!"));
        assert!(parse("UTILITY", json!([offer, body, code])).is_err());
        assert!(parse("MARKETING", json!([offer, body, {"type": "FOOTER", "text": "The shop"}])).is_err());

        let app = json!({"package_name": "com.example.bank", "signature_hash": "K8a/AINcGX7"});
        let otp = |button: Value| {
            parse("AUTHENTICATION", json!([{"type": "BODY"}, {"type": "BUTTONS", "buttons": [button]}]))
                .is_ok()
        };
        assert!(otp(json!({"type": "OTP", "otp_type": "ONE_TAP", "supported_apps": [app]})));
        assert!(!otp(json!({"type": "OTP", "otp_type": "ONE_TAP"})));
        let short = json!({"package_name": "com.example.bank", "signature_hash": "K8a"});
        assert!(!otp(json!({"type": "OTP", "otp_type": "ONE_TAP", "supported_apps": [short]})));
        assert!(!otp(json!({"type": "OTP", "otp_type": "ZERO_TAP", "supported_apps": [app]})));
        let accepted = json!({"type": "OTP", "otp_type": "ZERO_TAP", "supported_apps": [app], "zero_tap_terms_accepted": true});
        assert!(otp(accepted));
    }

    #[test]
    fn booleans_and_numbers_may_be_text_and_what_is_null_is_absent() {
        let app = json!({"package_name": "com.example.bank", "signature_hash": "K8a/AINcGX7"});
        for (said, yes) in [
            (json!(true), true),
            (json!("True"), true),
            (json!("true"), true),
            (json!(1), true),
            (json!("1"), true),
            (json!(false), false),
            (json!("False"), false),
            (json!("0"), false),
            (Value::Null, false),
        ] {
            let otp = json!({"type": "OTP", "otp_type": "ZERO_TAP", "supported_apps": [app],
                "zero_tap_terms_accepted": said});
            let zero_tap = json!([{"type": "BODY"}, {"type": "BUTTONS", "buttons": [otp]}]);
            assert_eq!(parse("AUTHENTICATION", zero_tap).is_ok(), yes, "zero_tap_terms_accepted: {said}");
            let body = json!({"type": "BODY", "add_security_recommendation": said});
            let otp = json!({"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]});
            let made = parse("AUTHENTICATION", json!([body, otp])).unwrap().parts.body.unwrap();
            assert_eq!(made.contains("do not share"), yes, "add_security_recommendation: {said}");
            let offer = json!({"type": "LIMITED_TIME_OFFER",
                "limited_time_offer": {"text": "Hurry", "has_expiration": said}});
            let made =
                parse("MARKETING", json!([offer, {"type": "BODY", "text": "Good day to you"}])).unwrap();
            assert_eq!(made.parts.offer.unwrap().has_expiration, yes, "has_expiration: {said}");
        }
        let otp = json!({"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]});
        for (minutes, good) in [
            (json!(10), Some(true)),
            (json!("10"), Some(true)),
            (Value::Null, Some(false)),
            (json!("91"), None),
            (json!("soon"), None),
        ] {
            let footer = json!({"type": "FOOTER", "code_expiration_minutes": minutes});
            let made = parse("AUTHENTICATION", json!([{"type": "BODY"}, footer, otp])).ok();
            assert_eq!(made.map(|made| made.parts.footer.is_some()), good, "{minutes}");
        }
        for nothing in [Value::Null, json!("")] {
            let made = parse(
                "UTILITY",
                json!([{"type": "HEADER", "format": "TEXT", "text": nothing}, {"type": "BODY", "text": "Good day to you"},
                    {"type": "FOOTER", "text": nothing}]),
            );
            let parts = made.unwrap().parts;
            assert_eq!((parts.header, parts.footer), (None, None));
        }
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
