//! Whom a person means: a number, a contact's name, or an account.

use client::{AccountId, Contact, Device, PhoneNumber};

use super::{
    problem::{Answer, Exit, Problem},
    render,
};

/// The code of the problem that nobody has a number.
pub(crate) const NOBODY: &str = "no_such_account";

/// The account that these words name; asks the relay for a number that is not known here.
pub(crate) async fn find(device: &Device, words: &str) -> Answer<AccountId> {
    if matches!(words, "me" | "self" | "myself") {
        return Ok(device.own().account);
    }
    if let Ok(account) = words.parse() {
        return Ok(account);
    }
    let contacts = device.contacts().await?;
    if words.starts_with('+') {
        let number = number(words)?;
        if number == device.own().number {
            return Ok(device.own().account);
        }
        if let Some(contact) = contacts.iter().find(|contact| contact.number.as_ref() == Some(&number)) {
            return Ok(contact.account);
        }
        let found = device.lookup(std::slice::from_ref(&number)).await?;
        let found = found.iter().find(|found| found.number == number).map(|found| found.account);
        return found.ok_or_else(|| {
            let message =
                format!("nobody with the number {number} is at this relay, or they do not want to be found");
            Problem::new(Exit::Failed, NOBODY, message)
        });
    }
    by_name(&contacts, words)
}

/// The number that a person typed.
pub(crate) fn number(typed: &str) -> Answer<PhoneNumber> {
    PhoneNumber::from_typed(typed, None).map_err(|_| {
        Problem::usage(format!("{typed:?} is no phone number with its country code (+4915112345678)"))
    })
}

/// What this account calls somebody wins over what anybody calls themselves.
fn by_name(contacts: &[Contact], words: &str) -> Answer<AccountId> {
    let wanted = words.to_lowercase();
    let called = |name: Option<&String>| name.is_some_and(|name| name.to_lowercase() == wanted);
    let given = |contact: &&Contact| called(contact.name.as_ref());
    let own = |contact: &&Contact| match &contact.business {
        Some(business) => called(Some(&business.name).filter(|_| business.vouched)),
        None => called(contact.profile.as_ref().map(|profile| &profile.name)),
    };
    let mut found: Vec<&Contact> = contacts.iter().filter(given).collect();
    if found.is_empty() {
        found = contacts.iter().filter(own).collect();
    }
    match found.as_slice() {
        [contact] => Ok(contact.account),
        [] => Err(Problem::usage(format!("nobody called {words:?} is known here")).hint(
            "Say a number with its country code, an account's id, or a name of tradepost chat contacts.",
        )),
        several => {
            let list: Vec<String> = several.iter().map(|contact| render::contact(contact)).collect();
            Err(Problem::usage(format!("{words:?} are several: say the account's id"))
                .hint(list.join("\n  ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use client::{BusinessName, Profile, Trust};

    use super::*;

    fn contact(byte: u8, name: Option<&str>, profile: &str) -> Contact {
        Contact {
            account: AccountId::from_bytes([byte; 16]),
            name: name.map(str::to_owned),
            number: None,
            profile: Some(Profile { name: profile.into(), ..Profile::default() }),
            business: None,
            blocked: false,
            trust: Trust::FirstUse,
        }
    }

    #[test]
    fn nobody_takes_the_name_that_another_was_given() {
        let bank = contact(1, Some("Bank"), "");
        let contacts =
            [contact(2, None, "bank"), bank.clone(), contact(3, None, "Anna"), contact(4, None, "anna")];
        assert_eq!(by_name(&contacts, "BANK").unwrap(), bank.account);
        assert!(by_name(&contacts, "anna").unwrap_err().message.contains("several"));
        assert!(by_name(&contacts, "otto").is_err());
        // A business goes by its label, whatever it calls itself.
        let business = |vouched| Some(BusinessName { name: "Shop".into(), vouched });
        let shop = Contact { business: business(true), ..contact(5, None, "Bank") };
        assert_eq!(by_name(&[shop.clone()], "shop").unwrap(), shop.account);
        assert!(by_name(&[shop], "bank").is_err());
        let draft = Contact { business: business(false), ..contact(6, None, "Bank") };
        assert!(by_name(&[draft.clone()], "shop").is_err());
        assert_eq!(draft.title().as_deref(), Some("Shop (not verified)"));
    }
}
