//! What a business says of itself, once it is checked.

use reqwest::Url;
use wire::{PhoneNumber, api, hosting::CATEGORIES};

use crate::RelayError;

/// An application, each field of which is in order. A draft may have gaps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Application {
    /// As it is registered.
    pub legal_name: Option<String>,
    /// As it wants to be called.
    pub name: Option<String>,
    /// ISO 3166.
    pub country: Option<String>,
    /// In the register of its country.
    pub registration_number: Option<String>,
    /// Where it is on the web.
    pub website: Option<String>,
    /// One of [`CATEGORIES`].
    pub category: Option<String>,
    /// Whom the operator asks.
    pub contact: Option<Contact>,
}

/// A person at the business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Their name.
    pub name: String,
    /// Where they read.
    pub email: String,
    /// Where they answer.
    pub phone: PhoneNumber,
}

impl Application {
    /// Checks every field that is there.
    ///
    /// # Errors
    /// `Invalid`, with the field.
    pub fn parse(application: api::Application) -> Result<Self, RelayError> {
        let api::Application { legal_name, name, country, registration_number, website, category, contact } =
            application;
        Ok(Self {
            legal_name: legal_name.map(|text| words("legal_name", &text, 200)).transpose()?,
            name: name.map(|text| words("name", &text, 75)).transpose()?,
            country: country.map(known_country).transpose()?,
            registration_number: registration_number
                .map(|text| words("registration_number", &text, 100))
                .transpose()?,
            website: website.map(|text| web(&text)).transpose()?,
            category: category.map(known_category).transpose()?,
            contact: contact
                .map(|contact| {
                    Ok::<_, RelayError>(Contact {
                        name: words("contact.name", &contact.name, 200)?,
                        email: email(contact.email)?,
                        phone: contact.phone,
                    })
                })
                .transpose()?,
        })
    }

    /// Whether it may be submitted.
    ///
    /// # Errors
    /// `Invalid`, with the first field that is missing.
    pub fn complete(&self) -> Result<(), RelayError> {
        let fields = [
            ("legal_name", self.legal_name.is_some()),
            ("name", self.name.is_some()),
            ("country", self.country.is_some()),
            ("registration_number", self.registration_number.is_some()),
            ("website", self.website.is_some()),
            ("category", self.category.is_some()),
            ("contact", self.contact.is_some()),
        ];
        match fields.into_iter().find(|(_, there)| !there) {
            Some((field, _)) => {
                Err(RelayError::field(field, "is missing, and needed before it is submitted"))
            }
            None => Ok(()),
        }
    }

    /// As the API says it.
    #[must_use]
    pub fn to_api(&self) -> api::Application {
        let contact = self.contact.as_ref().map(|contact| api::BusinessContact {
            name: contact.name.clone(),
            email: contact.email.clone(),
            phone: contact.phone.clone(),
        });
        api::Application {
            legal_name: self.legal_name.clone(),
            name: self.name.clone(),
            country: self.country.clone(),
            registration_number: self.registration_number.clone(),
            website: self.website.clone(),
            category: self.category.clone(),
            contact,
        }
    }
}

/// Text on one line, without spaces around it, in which nothing is hidden: it is shown to people who decide by it.
///
/// # Errors
/// `Invalid`, with the field.
pub(crate) fn words(field: &'static str, text: &str, most: usize) -> Result<String, RelayError> {
    let text = text.trim();
    let length = text.chars().count();
    if length == 0 || length > most {
        return Err(RelayError::field(field, format!("from 1 to {most} characters")));
    }
    if text.chars().any(is_hidden) {
        return Err(RelayError::field(field, "no control characters, and none that hide or turn text"));
    }
    Ok(text.to_owned())
}

/// Text that may have lines.
///
/// # Errors
/// `Invalid`, with the field.
pub(crate) fn lines(field: &'static str, text: &str, most: usize) -> Result<String, RelayError> {
    let text = text.trim();
    let length = text.chars().count();
    if length == 0 || length > most {
        return Err(RelayError::field(field, format!("from 1 to {most} characters")));
    }
    if text.chars().any(|character| character != '\n' && is_hidden(character)) {
        return Err(RelayError::field(field, "no control characters, and none that hide or turn text"));
    }
    Ok(text.to_owned())
}

/// Control characters, line and paragraph separators, and what has no width or turns the direction of what follows.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

fn known_country(code: String) -> Result<String, RelayError> {
    let known = code.len() == 2 && COUNTRIES.split(' ').any(|known| known == code);
    if known {
        Ok(code)
    } else {
        Err(RelayError::field("country", "two capital letters of ISO 3166, such as DE"))
    }
}

fn known_category(category: String) -> Result<String, RelayError> {
    let known = CATEGORIES.contains(&&*category);
    if known {
        Ok(category)
    } else {
        Err(RelayError::field("category", "one of the categories in the guide"))
    }
}

fn web(text: &str) -> Result<String, RelayError> {
    let wrong =
        || RelayError::field("website", "https://… (or http://…) with a host, at most 256 characters");
    if text.len() > 256 {
        return Err(wrong());
    }
    let url = Url::parse(text).map_err(|_| wrong())?;
    let plain = url.username().is_empty() && url.password().is_none();
    let good = matches!(url.scheme(), "https" | "http") && url.host().is_some() && plain;
    if good && url.as_str().len() <= 256 { Ok(url.into()) } else { Err(wrong()) }
}

/// The shape of an address, not whether anybody reads there.
fn email(text: String) -> Result<String, RelayError> {
    let wrong = || RelayError::field("contact.email", "an e-mail address, such as name@example.com");
    let (local, domain) = text.rsplit_once('@').ok_or_else(wrong)?;
    let local_good = (1..=64).contains(&local.len())
        && local.split('.').all(|part| !part.is_empty())
        && local.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(&byte));
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|character| character.is_alphanumeric() || character == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let domain_good = domain.contains('.') && domain.split('.').all(label);
    if local_good && domain_good && text.len() <= 254 { Ok(text) } else { Err(wrong()) }
}

/// The name of a file, without what leads to it.
pub(super) fn file_name(text: &str) -> Result<String, RelayError> {
    let name = text.rsplit(['/', '\\']).next().unwrap_or_default();
    words("name", name, 100)
}

/// The officially assigned codes of ISO 3166-1.
const COUNTRIES: &str = "\
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC \
CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD \
GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH \
KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW \
MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC \
SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY \
UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

#[cfg(test)]
mod tests {
    use super::*;

    fn field(application: api::Application) -> String {
        match Application::parse(application) {
            Err(RelayError::Invalid { field: Some(field), .. }) => field.to_owned(),
            other => panic!("{other:?}"),
        }
    }

    fn empty() -> api::Application {
        Application::default().to_api()
    }

    #[test]
    fn there_are_249_countries_in_order() {
        let countries: Vec<&str> = COUNTRIES.split(' ').collect();
        assert_eq!(countries.len(), 249);
        assert!(countries.is_sorted());
        assert!(countries.iter().all(|code| code.len() == 2));
    }

    #[test]
    fn each_field_is_checked_by_itself() {
        let some = |text: &str| Some(text.to_owned());
        for text in ["", "  ", "a\nb", "a\u{202e}b", "a\u{200b}b", &"x".repeat(201)] {
            assert_eq!(
                field(api::Application { legal_name: some(text), ..empty() }),
                "legal_name",
                "{text:?}"
            );
        }
        assert_eq!(field(api::Application { name: some(&"x".repeat(76)), ..empty() }), "name");
        for text in ["de", "XX", "DEU", "D ", "E F"] {
            assert_eq!(field(api::Application { country: some(text), ..empty() }), "country", "{text:?}");
        }
        for text in
            ["bank.example", "ftp://bank.example", "https://", "https://a:b@bank.example", "javascript:1"]
        {
            assert_eq!(field(api::Application { website: some(text), ..empty() }), "website", "{text:?}");
        }
        for text in ["finance", "", "BANK"] {
            assert_eq!(field(api::Application { category: some(text), ..empty() }), "category", "{text:?}");
        }
        for text in [
            "",
            "a",
            "a@b",
            "@b.c",
            "a@",
            "a b@c.d",
            "a@b..c",
            ".a@b.c",
            "a@-b.c",
            &format!("{}@b.c", "a".repeat(65)),
        ] {
            let contact = api::BusinessContact {
                name: "Ada".to_owned(),
                email: text.to_owned(),
                phone: "+4915112345678".parse().unwrap(),
            };
            assert_eq!(
                field(api::Application { contact: Some(contact), ..empty() }),
                "contact.email",
                "{text:?}"
            );
        }
    }

    #[test]
    fn what_is_in_order_stays_as_it_is() {
        let application = api::Application {
            legal_name: Some("  Müller & Söhne GmbH ".to_owned()),
            name: Some("Müller".to_owned()),
            country: Some("DE".to_owned()),
            registration_number: Some("HRB 1234".to_owned()),
            website: Some("https://müller.example/über".to_owned()),
            category: Some("RETAIL".to_owned()),
            contact: Some(api::BusinessContact {
                name: "Ada".to_owned(),
                email: "ada.l+shop@mail.example".to_owned(),
                phone: "+4915112345678".parse().unwrap(),
            }),
        };
        let parsed = Application::parse(application).unwrap();
        parsed.complete().unwrap();
        assert_eq!(parsed.legal_name.as_deref(), Some("Müller & Söhne GmbH"));
        assert_eq!(Application::parse(parsed.to_api()).unwrap(), parsed);
        let gap = Application { website: None, ..parsed };
        assert!(matches!(gap.complete(), Err(RelayError::Invalid { field: Some("website"), .. })));
    }

    #[test]
    fn a_file_name_leads_nowhere() {
        assert_eq!(file_name("../../etc/passwd").unwrap(), "passwd");
        assert_eq!(file_name("C:\\files\\extract.pdf").unwrap(), "extract.pdf");
        assert!(file_name("folder/").is_err());
    }
}
