use std::{fmt, str::FromStr};

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};
use serde::{Deserialize, Serialize};

/// A phone number that can exist, in E.164. `Debug` hides all but the last two digits, so that it may be logged.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "openapi", schema(value_type = String, example = "+4915112345678"))]
pub struct PhoneNumber(String);

/// Text that is no phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid phone number in E.164, such as +4915112345678")]
pub struct InvalidPhoneNumber;

impl PhoneNumber {
    /// Reads what a person typed: spaces, hyphens and parentheses may be in it. Without a country code in it,
    /// `region` (ISO 3166, two capital letters) says where it is from.
    ///
    /// # Errors
    /// [`InvalidPhoneNumber`].
    pub fn from_typed(text: &str, region: Option<&str>) -> Result<Self, InvalidPhoneNumber> {
        // Longer text is no number and need not be looked at.
        if text.len() > 40 {
            return Err(InvalidPhoneNumber);
        }
        let region = region.map(str::parse::<Region>).transpose().map_err(|_| InvalidPhoneNumber)?;
        let number = PHONE_NUMBER_UTIL.parse(text, region).map_err(|_| InvalidPhoneNumber)?;
        if !PHONE_NUMBER_UTIL.is_valid_number(&number) {
            return Err(InvalidPhoneNumber);
        }
        Ok(Self(PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned()))
    }

    /// The country that it is from (ISO 3166, two capital letters), if it is from one.
    #[must_use]
    pub fn country(&self) -> Option<String> {
        let number = PHONE_NUMBER_UTIL.parse(&self.0, None).ok()?;
        let region = number.get_region_code()?;
        let region = region.as_region_str();
        (region.len() == 2).then(|| region.as_str().to_owned())
    }

    /// The digits in front of it that name its country: `49`.
    #[must_use]
    pub fn calling_code(&self) -> Option<String> {
        let number = PHONE_NUMBER_UTIL.parse(&self.0, None).ok()?;
        Some(number.country_code.to_string())
    }

    /// As it is written for people abroad: `+1 555-078-3881`.
    #[must_use]
    pub fn international(&self) -> String {
        let number = PHONE_NUMBER_UTIL.parse(&self.0, None);
        number.map_or_else(
            |_| self.0.clone(),
            |number| PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::International).into_owned(),
        )
    }

    /// Its last two digits after an ellipsis: for logs and consoles.
    #[must_use]
    pub fn masked(&self) -> String {
        let shown = self.0.len().saturating_sub(2);
        format!("…{}", self.0.get(shown..).unwrap_or_default())
    }

    /// The number in E.164.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PhoneNumber {
    type Err = InvalidPhoneNumber;

    /// Reads strict E.164: one number, one spelling.
    fn from_str(text: &str) -> Result<Self, InvalidPhoneNumber> {
        Self::from_typed(text, None).ok().filter(|number| number.0 == text).ok_or(InvalidPhoneNumber)
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = InvalidPhoneNumber;

    fn try_from(text: String) -> Result<Self, InvalidPhoneNumber> {
        text.parse()
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.0
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneNumber({})", self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_type() {
        for (typed, region, e164) in [
            ("+49 1511 2345678", None, "+4915112345678"),
            ("01511 2345678", Some("DE"), "+4915112345678"),
            ("(202) 456-1111", Some("US"), "+12024561111"),
            ("+44 20 7946 0018", Some("DE"), "+442079460018"),
            ("+55 11 96123-4567", None, "+5511961234567"),
            ("+39 06 698 12345", None, "+390669812345"),
            ("+91 98765 43210", None, "+919876543210"),
        ] {
            assert_eq!(PhoneNumber::from_typed(typed, region).unwrap().as_str(), e164, "{typed}");
        }
    }

    #[test]
    fn a_number_is_from_a_country_or_from_none() {
        let country = |text: &str| text.parse::<PhoneNumber>().unwrap().country();
        assert_eq!(country("+4915112345678").as_deref(), Some("DE"));
        assert_eq!(country("+12024561111").as_deref(), Some("US"));
        assert_eq!(country("+18765230123").as_deref(), Some("JM"));
        assert_eq!(country("+80012345678"), None);
    }

    #[test]
    fn a_number_is_written_as_people_abroad_read_it() {
        for (e164, written) in [
            ("+12024561111", "+1 202-456-1111"),
            ("+442079460018", "+44 20 7946 0018"),
            ("+5511961234567", "+55 11 96123-4567"),
            ("+4915112345678", "+49 1511 2345678"),
        ] {
            assert_eq!(e164.parse::<PhoneNumber>().unwrap().international(), written);
        }
    }

    #[test]
    fn a_number_has_one_spelling() {
        let number: PhoneNumber = "+4915112345678".parse().unwrap();
        assert_eq!(format!("{number:?}"), "PhoneNumber(…78)");
        assert_eq!(number.masked(), "…78");
        let long = "1".repeat(1000);
        for bad in [
            "",
            "+",
            "4915112345678",
            "+49 15112345678",
            "+491",
            "+999123456789",
            "+1202456111",
            "tel:+4915112345678",
            &long,
        ] {
            assert!(bad.parse::<PhoneNumber>().is_err(), "{bad}");
        }
    }
}
