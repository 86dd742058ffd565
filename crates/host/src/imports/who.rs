//! Who in an export is the business, and who the customer.

use wire::PhoneNumber;

use super::text::{Senders, Survey, tidy};

/// Why it cannot be told. What stands in the export is shown to whoever imports it: it is theirs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WhoError {
    /// It has no messages.
    #[error("it is no chat export: no line begins with a date and a time that are known")]
    NoChat,
    /// Nobody has this name.
    #[error("nobody in it is called {me:?}; those who write are: {}", quoted(names))]
    NoSuchMe {
        /// What was looked for.
        me: String,
        /// Who there is.
        names: Vec<String>,
    },
    /// Nobody has this name.
    #[error("no customer in it is called {other:?}; those who write are: {}", quoted(names))]
    NoSuchOther {
        /// What was looked for.
        other: String,
        /// Who there is.
        names: Vec<String>,
    },
    /// More than one other: a group, or names that look like several.
    #[error(
        "more than one other writes in it: {}; groups are not taken, and if one of them is the customer, say who with --customer-name",
        quoted(names)
    )]
    Several {
        /// Who there is besides the business.
        names: Vec<String>,
    },
    /// Neither its name nor who writes says the customer's number.
    #[error("it does not say the customer's number: give it with --customer")]
    NoNumber,
}

fn quoted(names: &[String]) -> String {
    let names: Vec<_> = names.iter().take(10).map(|name| format!("{name:?}")).collect();
    names.join(", ")
}

/// The two who speak. A name that was given is taken as it is; else the customer is the one other who writes.
pub(super) fn senders(
    survey: &Survey,
    me: &str,
    other: Option<&str>,
    titles: &[String],
) -> Result<Senders, WhoError> {
    if survey.entries == 0 {
        return Err(WhoError::NoChat);
    }
    let me = tidy(me);
    let names = || survey.names.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    // A name with a colon is counted under what stands before its first.
    let there = |name: &str| {
        let short = name.split_once(": ").map_or(name, |(short, _)| short);
        survey.names.iter().any(|(found, _)| found == name || found == short)
    };
    let other = other.map(tidy);
    if let Some(other) = &other
        && !there(other)
    {
        return Err(WhoError::NoSuchOther { other: other.clone(), names: names() });
    }
    let short = me.split_once(": ").map_or(&*me, |(short, _)| short);
    let others: Vec<&(String, u64)> =
        survey.names.iter().filter(|(name, _)| *name != me && name != short).collect();
    let other = match (other, &*others) {
        (Some(other), _) => Some(other),
        (None, []) => None,
        (None, [(only, _)]) => Some(only.clone()),
        (None, several) => Some(likely(several, titles).ok_or_else(|| WhoError::Several {
            names: several.iter().map(|(name, _)| name.clone()).collect(),
        })?),
    };
    // In a chat where the business never answered, only the customer writes.
    if !there(&me) && other.is_none() {
        return Err(WhoError::NoSuchMe { me, names: names() });
    }
    if !there(&me)
        && !titles.iter().any(|title| other.as_ref().is_some_and(|other| title.ends_with(&**other)))
    {
        return Err(WhoError::NoSuchMe { me, names: names() });
    }
    Ok(Senders { me, other })
}

/// Of several: the one that the export is named after, or the only one who writes more than once. The app's own lines may
/// have a colon, and look as if somebody spoke.
fn likely(several: &[&(String, u64)], titles: &[String]) -> Option<String> {
    let often = several.iter().filter(|(_, count)| *count > 1).count();
    if often > 1 {
        return None;
    }
    let titled = several.iter().find(|(name, _)| titles.iter().any(|title| tidy(title).ends_with(&**name)));
    let found = titled.or_else(|| several.iter().find(|(_, count)| *count > 1 && often == 1))?;
    Some(found.0.clone())
}

/// The customer's number, if a name of an export, or theirs in it, is one.
pub(super) fn number(senders: &Senders, titles: &[String]) -> Result<PhoneNumber, WhoError> {
    let other = senders.other.iter().cloned();
    let mut texts = other.chain(titles.iter().map(|title| tidy(title)));
    let found = texts.find_map(|text| {
        // From the last plus on: titles have words before it.
        let typed = text.get(text.rfind('+')?..)?;
        let typed: String = typed.chars().map(|char| if char == '‑' { '-' } else { char }).collect();
        PhoneNumber::from_typed(typed.trim(), None).ok()
    });
    found.ok_or(WhoError::NoNumber)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey(names: &[(&str, u64)]) -> Survey {
        let text: String = names
            .iter()
            .flat_map(|(name, count)| (0..*count).map(move |_| format!("31.12.23, 23:59 - {name}: x\n")))
            .collect();
        Survey::of(text.as_bytes(), jiff::civil::date(2026, 1, 1), |_| ()).unwrap()
    }

    fn other(names: &[(&str, u64)], title: &str) -> Result<Option<String>, WhoError> {
        senders(&survey(names), "Bank", None, &[title.to_owned()]).map(|senders| senders.other)
    }

    #[test]
    fn the_customer_is_the_one_other() {
        let ada = Ok(Some("Ada".to_owned()));
        assert_eq!(other(&[("Bank", 3), ("Ada", 2)], "chat"), ada);
        assert_eq!(other(&[("Bank", 3), ("Ada", 1), ("Your code with X", 1)], "WhatsApp Chat with Ada"), ada);
        assert_eq!(other(&[("Bank", 3), ("Ada", 5), ("Somebody said", 1)], "chat"), ada);
        assert_eq!(other(&[("Ada", 5)], "WhatsApp Chat with Ada"), ada, "the business never answered");
        assert_eq!(other(&[("Bank", 3)], "chat"), Ok(None));
        assert!(matches!(
            other(&[("Bank", 3), ("Ada", 2), ("Ben", 2)], "chat"),
            Err(WhoError::Several { .. })
        ));
        assert!(matches!(other(&[("Ben", 3), ("Ada", 2)], "chat"), Err(WhoError::Several { .. })));
        assert!(matches!(other(&[("Ada", 2)], "chat"), Err(WhoError::NoSuchMe { .. })));
        assert_eq!(other(&[], "chat"), Err(WhoError::NoChat));
    }

    #[test]
    fn the_number_may_stand_in_a_name() {
        let of = |other: Option<&str>, title: &str| {
            let senders = Senders { me: "Bank".to_owned(), other: other.map(str::to_owned) };
            number(&senders, &[title.to_owned()]).map(|number| number.as_str().to_owned())
        };
        let number = Ok("+4915112345678".to_owned());
        assert_eq!(of(Some("+49 1511 2345678"), "chat"), number);
        assert_eq!(of(Some("Ada"), "WhatsApp Chat with +49 1511 2345678"), number);
        assert_eq!(of(None, "WhatsApp Chat mit +49 1511 2345678"), number);
        assert_eq!(of(Some("Ada"), "WhatsApp Chat with Ada"), Err(WhoError::NoNumber));
    }
}
