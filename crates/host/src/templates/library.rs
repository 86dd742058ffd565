//! Templates that are ready to be used: their words are fixed, and were looked at once for everybody.

use serde_json::{Value, json};

use super::{
    Definition,
    values::{flag, text},
};
use crate::codes::{Code, Refusal};

/// A template of the library in one language.
#[derive(Debug, Clone, Copy)]
pub struct LibraryTemplate {
    /// Names it and its languages.
    pub name: &'static str,
    /// `en_US`, ….
    pub language: &'static str,
    /// `UTILITY` or `AUTHENTICATION`.
    pub category: &'static str,
    /// What it is about.
    pub topic: &'static str,
    /// What it is for.
    pub usecase: &'static str,
    /// For whom.
    pub industry: &'static [&'static str],
    /// Above; nothing if empty.
    pub header: &'static str,
    /// The words; of authentication they are those of the language.
    pub body: &'static str,
    /// An example for each place.
    pub examples: &'static [&'static str],
    /// What is in each place.
    pub kinds: &'static [&'static str],
    /// What can be pressed: kind and words.
    pub buttons: &'static [(&'static str, &'static str)],
}

macro_rules! library {
    ($($name:literal $category:literal $topic:literal $usecase:literal $industry:expr, $kinds:expr, [
        $($language:literal: $header:literal, $body:literal, $examples:expr, $buttons:expr;)*
    ];)*) => {
        /// All of them.
        pub const LIBRARY: &[LibraryTemplate] = &[$($(LibraryTemplate {
            name: $name,
            language: $language,
            category: $category,
            topic: $topic,
            usecase: $usecase,
            industry: &$industry,
            header: $header,
            body: $body,
            examples: &$examples,
            kinds: &$kinds,
            buttons: &$buttons,
        }),*),*];
    };
}

library! {
    "order_confirmation" "UTILITY" "ORDER_MANAGEMENT" "ORDER_CONFIRMATION" ["E_COMMERCE"], ["TEXT", "TEXT", "DATE"], [
        "en_US": "Order confirmed",
            "Hello {{1}}, thank you for your order {{2}}. We expect to deliver it by {{3}} and will keep you informed.",
            ["Ada", "4711", "May 4"], [("URL", "View order")];
        "de": "Bestellung bestätigt",
            "Hallo {{1}}, danke für deine Bestellung {{2}}. Sie kommt voraussichtlich bis {{3}}, wir halten dich auf dem Laufenden.",
            ["Ada", "4711", "4. Mai"], [("URL", "Bestellung ansehen")];
        "es": "Pedido confirmado",
            "Hola {{1}}: gracias por tu pedido {{2}}. Lo entregaremos antes del {{3}} y te mantendremos al tanto.",
            ["Ada", "4711", "4 de mayo"], [("URL", "Ver pedido")];
        "pt_BR": "Pedido confirmado",
            "Olá, {{1}}. Obrigado pelo seu pedido {{2}}. A entrega está prevista até {{3}} e manteremos você informado.",
            ["Ada", "4711", "4 de maio"], [("URL", "Ver pedido")];
    ];
    "delivery_update" "UTILITY" "ORDER_MANAGEMENT" "DELIVERY_UPDATE" ["E_COMMERCE"], ["TEXT", "TEXT"], [
        "en_US": "", "Good news: your order {{1}} is on its way. It should arrive {{2}}, and you can follow it here.",
            ["4711", "tomorrow"], [("URL", "Track delivery")];
        "de": "", "Gute Nachricht: Deine Bestellung {{1}} ist unterwegs. Sie sollte {{2}} ankommen, und du kannst sie hier verfolgen.",
            ["4711", "morgen"], [("URL", "Sendung verfolgen")];
        "es": "", "Buenas noticias: tu pedido {{1}} está en camino. Debería llegar {{2}} y puedes seguirlo aquí.",
            ["4711", "mañana"], [("URL", "Seguir el envío")];
        "pt_BR": "", "Boas notícias: seu pedido {{1}} está a caminho. Deve chegar {{2}} e você pode acompanhar por aqui.",
            ["4711", "amanhã"], [("URL", "Acompanhar")];
    ];
    "appointment_reminder" "UTILITY" "EVENT_REMINDER" "APPOINTMENT_REMINDER" ["HEALTH", "BEAUTY"],
        ["TEXT", "TEXT", "DATE", "TEXT"], [
        "en_US": "Appointment reminder",
            "Hello {{1}}, this is a reminder of your appointment with {{2}} on {{3}} at {{4}}. Can you make it?",
            ["Ada", "Dr. Smith", "May 4", "10:30"], [("QUICK_REPLY", "Yes"), ("QUICK_REPLY", "Reschedule")];
        "de": "Terminerinnerung",
            "Hallo {{1}}, wir erinnern an deinen Termin bei {{2}} am {{3}} um {{4}}. Kannst du kommen?",
            ["Ada", "Dr. Schmidt", "4. Mai", "10:30"], [("QUICK_REPLY", "Ja"), ("QUICK_REPLY", "Verschieben")];
        "es": "Recordatorio de cita",
            "Hola {{1}}: te recordamos tu cita con {{2}} el {{3}} a las {{4}}. ¿Podrás venir?",
            ["Ada", "la Dra. García", "4 de mayo", "10:30"], [("QUICK_REPLY", "Sí"), ("QUICK_REPLY", "Cambiar")];
    ];
    "payment_received" "UTILITY" "PAYMENTS" "PAYMENT_CONFIRMATION" ["FINANCIAL_SERVICES", "E_COMMERCE"],
        ["AMOUNT", "TEXT"], [
        "en_US": "Payment received", "We have received your payment of {{1}} for {{2}}. Thank you, nothing else is needed from you.",
            ["$25.00", "invoice 4711"], [];
        "de": "Zahlung eingegangen", "Wir haben deine Zahlung von {{1}} für {{2}} erhalten. Danke, du musst nichts weiter tun.",
            ["25,00 €", "Rechnung 4711"], [];
        "es": "Pago recibido", "Hemos recibido tu pago de {{1}} por {{2}}. Gracias, no tienes que hacer nada más.",
            ["25,00 €", "la factura 4711"], [];
    ];
    "low_balance" "UTILITY" "PAYMENTS" "LOW_BALANCE_WARNING" ["FINANCIAL_SERVICES"], ["TEXT", "TEXT", "AMOUNT"], [
        "en_US": "Your balance is low", "Hello {{1}}, the balance of your account ending in {{2}} is below {{3}} now. You can look at it here.",
            ["Ada", "1234", "$75.00"], [("URL", "View account"), ("PHONE_NUMBER", "Call us")];
        "de": "Dein Kontostand ist niedrig", "Hallo {{1}}, der Stand deines Kontos mit der Endung {{2}} liegt jetzt unter {{3}}. Du kannst ihn hier ansehen.",
            ["Ada", "1234", "75,00 €"], [("URL", "Konto ansehen"), ("PHONE_NUMBER", "Anrufen")];
    ];
    "fraud_alert" "UTILITY" "ACCOUNT_UPDATES" "FRAUD_ALERT" ["FINANCIAL_SERVICES"], ["TEXT", "AMOUNT", "TEXT"], [
        "en_US": "Was this you?", "Your card ending in {{1}} was just used to pay {{2}} at {{3}}. Please tell us whether this was you.",
            ["1234", "$81.20", "Corner Shop"], [("QUICK_REPLY", "Yes, it was me"), ("QUICK_REPLY", "No, block my card")];
        "de": "Warst du das?", "Mit deiner Karte mit der Endung {{1}} wurden gerade {{2}} bei {{3}} bezahlt. Sag uns bitte, ob du das warst.",
            ["1234", "81,20 €", "Eckladen"], [("QUICK_REPLY", "Ja, das war ich"), ("QUICK_REPLY", "Nein, Karte sperren")];
    ];
    "flight_delay" "UTILITY" "EVENT_REMINDER" "SCHEDULE_CHANGE" ["TRAVEL"], ["TEXT", "TEXT", "TEXT"], [
        "en_US": "Your flight is delayed", "Flight {{1}} to {{2}} is delayed and now leaves at {{3}}. We are sorry for the wait.",
            ["TP 123", "Lisbon", "17:45"], [("URL", "Flight status")];
        "de": "Dein Flug ist verspätet", "Flug {{1}} nach {{2}} ist verspätet und startet jetzt um {{3}}. Wir bitten um Entschuldigung.",
            ["TP 123", "Lissabon", "17:45"], [("URL", "Flugstatus")];
    ];
    "feedback_request" "UTILITY" "CUSTOMER_FEEDBACK" "FEEDBACK_SURVEY" ["E_COMMERCE", "HOTEL", "RESTAURANT"], ["TEXT", "TEXT"], [
        "en_US": "", "Hello {{1}}, thank you for your visit to {{2}}. How was it? Your answer helps us to do better.",
            ["Ada", "Example Hotel"], [("QUICK_REPLY", "Good"), ("QUICK_REPLY", "Not so good")];
        "de": "", "Hallo {{1}}, danke für deinen Besuch bei {{2}}. Wie war es? Deine Antwort hilft uns, besser zu werden.",
            ["Ada", "Hotel Beispiel"], [("QUICK_REPLY", "Gut"), ("QUICK_REPLY", "Nicht so gut")];
    ];
    "verify_code" "AUTHENTICATION" "IDENTITY_VERIFICATION" "VERIFICATION_CODE" ["FINANCIAL_SERVICES", "E_COMMERCE"], [], [
        "en_US": "", "", [], [("OTP", "Copy code")];
        "de": "", "", [], [("OTP", "Code kopieren")];
        "es": "", "", [], [("OTP", "Copiar código")];
        "fr": "", "", [], [("OTP", "Copier le code")];
        "pt_BR": "", "", [], [("OTP", "Copiar código")];
    ];
}

fn refuse(details: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(Code::Parameter, details).with_subcode(2_388_040)
}

impl LibraryTemplate {
    /// The one of this name in this language.
    #[must_use]
    pub fn find(name: &str, language: &str) -> Option<&'static Self> {
        LIBRARY.iter().find(|template| template.name == name && template.language == language)
    }

    /// Its words, also those that the language gives it.
    fn words(&self) -> String {
        if self.body.is_empty() {
            super::codes::words(self.language).body.to_owned()
        } else {
            self.body.to_owned()
        }
    }

    /// As it is listed.
    #[must_use]
    pub fn row(&self) -> Value {
        let buttons: Vec<Value> = self
            .buttons
            .iter()
            .map(|(kind, text)| match *kind {
                "URL" => json!({ "type": kind, "text": text, "url": "https://www.example.com/" }),
                "PHONE_NUMBER" => json!({ "type": kind, "text": text, "phone_number": "+15550783881" }),
                "OTP" => json!({ "type": kind, "otp_type": "COPY_CODE", "text": text }),
                _ => json!({ "type": kind, "text": text }),
            })
            .collect();
        let place = LIBRARY.iter().position(|template| std::ptr::eq(template, self)).unwrap_or_default();
        let mut row = json!({
            "id": (place + 1).to_string(),
            "name": self.name,
            "language": self.language,
            "category": self.category,
            "topic": self.topic,
            "usecase": self.usecase,
            "industry": self.industry,
            "body": self.words(),
            "body_params": self.examples,
            "body_param_types": self.kinds,
            "buttons": buttons,
        });
        if let (Some(row), false) = (row.as_object_mut(), self.header.is_empty()) {
            row.insert("header".to_owned(), self.header.into());
        }
        row
    }

    /// Whether these words stand in it.
    #[must_use]
    pub fn holds(&self, words: &str) -> bool {
        let words = words.to_lowercase();
        [self.name, self.header, &self.words()].iter().any(|text| text.to_lowercase().contains(&words))
    }

    /// Makes a template of it. What its buttons lead to, and what is said in authentication, the business gives.
    ///
    /// # Errors
    /// 100 for what is missing or does not fit.
    pub fn definition(
        &self,
        name: &str,
        category: &str,
        buttons: &[Value],
        body: Option<&Value>,
    ) -> Result<Definition, Refusal> {
        if !category.eq_ignore_ascii_case(self.category) {
            return Err(refuse(format!("category: the template of the library is {}", self.category)));
        }
        let mut components = Vec::new();
        if !self.header.is_empty() {
            components.push(json!({ "type": "HEADER", "format": "TEXT", "text": self.header }));
        }
        if self.body.is_empty() {
            let advice = body.and_then(|body| flag(body, "add_security_recommendation")).unwrap_or(false);
            components.push(json!({ "type": "BODY", "add_security_recommendation": advice }));
            let minutes = body.and_then(|body| body.get("code_expiration_minutes"));
            if let Some(minutes) = minutes.filter(|minutes| !minutes.is_null()) {
                components.push(json!({ "type": "FOOTER", "code_expiration_minutes": minutes }));
            }
        } else {
            let example = json!({ "body_text": [self.examples] });
            components.push(json!({ "type": "BODY", "text": self.body, "example": example }));
        }
        let mut made = Vec::new();
        let mut given = buttons.iter();
        for (kind, text) in self.buttons {
            made.push(match *kind {
                "QUICK_REPLY" => json!({ "type": kind, "text": text }),
                "OTP" => {
                    let input = given.next();
                    let otp = input.and_then(|input| self::text(input, "otp_type")).unwrap_or("COPY_CODE");
                    json!({ "type": kind, "otp_type": otp, "text": text })
                }
                kind => given_button(kind, text, given.next())?,
            });
        }
        if !made.is_empty() {
            components.push(json!({ "type": "BUTTONS", "buttons": made }));
        }
        let mut definition = Definition::parse(name, self.language, self.category, None, &components, None)?;
        definition.library_template_name = Some(self.name.to_owned());
        Ok(definition)
    }
}

/// A link or a number, as the business gives it.
fn given_button(kind: &str, words: &str, input: Option<&Value>) -> Result<Value, Refusal> {
    let at = "library_template_button_inputs";
    let input = input.filter(|input| text(input, "type").is_some_and(|of| of.eq_ignore_ascii_case(kind)));
    let input = input.ok_or_else(|| refuse(format!("{at}: a {kind} is missing, or at another place")))?;
    if kind == "PHONE_NUMBER" {
        let number = text(input, "phone_number");
        let number = number.ok_or_else(|| refuse(format!("{at}: phone_number is missing")))?;
        return Ok(json!({ "type": kind, "text": words, "phone_number": number }));
    }
    let url = input.get("url");
    let base = url.and_then(|url| url.as_str().or_else(|| text(url, "base_url")));
    let base = base.ok_or_else(|| refuse(format!("{at}: url.base_url is missing")))?;
    let mut button = json!({ "type": kind, "text": words, "url": base });
    let example = url.and_then(|url| text(url, "url_suffix_example"));
    if let (Some(button), Some(example)) = (button.as_object_mut(), example) {
        button.insert("example".to_owned(), json!([example]));
    }
    Ok(button)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::templates::review::{Verdict, review};

    #[test]
    fn every_template_of_the_library_can_be_used_and_needs_no_review() {
        for template in LIBRARY {
            let inputs: Vec<Value> = template
                .buttons
                .iter()
                .filter(|(kind, _)| *kind != "QUICK_REPLY")
                .map(|(kind, _)| {
                    json!({ "type": kind, "phone_number": "+15550783881",
                        "url": { "base_url": "https://shop.example/{{1}}", "url_suffix_example": "https://shop.example/1" } })
                })
                .collect();
            let body = json!({ "add_security_recommendation": true, "code_expiration_minutes": 5 });
            let made = template.definition("mine", template.category, &inputs, Some(&body));
            let made =
                made.unwrap_or_else(|refusal| panic!("{} {}: {refusal}", template.name, template.language));
            assert_eq!(review(&made), Verdict::Fine, "{} {}", template.name, template.language);
            assert_eq!(template.examples.len(), template.kinds.len(), "{}", template.name);
            assert!(template.row()["id"].is_string());
            if template.buttons.iter().any(|(kind, _)| *kind == "URL") {
                assert!(template.definition("mine", template.category, &[], None).is_err());
            }
        }
    }
}
