//! Names by which the numbers of this host are found instead of by their digits. Each names one number.

mod store;

use std::sync::Arc;

pub(crate) use self::store::MIGRATIONS;
use crate::{
    HostError,
    businesses::Business,
    codes::{Code, Refusal},
    ground::Ground,
    numbers::Number,
    webhooks::{self, About, Field, NewEvent, Webhooks, render},
};

/// Endings with which a name would look like an address.
const ADDRESSES: [&str; 9] = [".com", ".org", ".net", ".int", ".edu", ".gov", ".mil", ".html", ".info"];

/// A name that can be given: 3 to 35 of `a-z`, `0-9`, `.` and `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username(String);

impl Username {
    /// As somebody wrote it; capitals do not matter.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let name = text.trim().to_ascii_lowercase();
        let fits = (3..=35).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._".contains(&byte))
            && name.bytes().any(|byte| byte.is_ascii_lowercase())
            && !name.starts_with(['.'])
            && !name.ends_with('.')
            && !name.contains("..")
            && !name.starts_with("www")
            && !ADDRESSES.iter().any(|ending| name.ends_with(ending));
        fits.then_some(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Keeps usernames.
#[derive(Debug)]
pub struct Usernames {
    ground: Arc<Ground>,
    webhooks: Arc<Webhooks>,
}

impl Usernames {
    /// On this ground.
    #[must_use]
    pub fn new(ground: Arc<Ground>, webhooks: Arc<Webhooks>) -> Arc<Self> {
        Arc::new(Self { ground, webhooks })
    }

    /// The name of a number.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn of(&self, number: &Number) -> Result<Option<String>, HostError> {
        Ok(store::of_number(&mut self.ground.reader().await?, number.id).await?)
    }

    /// Gives a number a name, from another number of the same business only with `transfer`.
    ///
    /// # Errors
    /// `Refused`: 147001 if somebody else has it, 147005 if another number of the business has; those of the database.
    pub async fn set(&self, number: &Number, name: &Username, transfer: bool) -> Result<(), HostError> {
        let event = self.event(number, Some(name.as_str()), "approved").await?;
        let (id, business, now, name) = (number.id, number.business, self.ground.now(), name.clone());
        // In the order of names, not of numbers: two numbers may want one name.
        let written = self.ground.write(0, move |transaction| {
            let (name, event) = (name.clone(), event.clone());
            Box::pin(async move {
                let taken = || Refusal::new(Code::UsernameTaken, "The username is not available.");
                match store::holder(transaction, name.as_str()).await? {
                    Some(holder) if holder.number == id => return Ok(()),
                    Some(holder) if holder.business != business => return Err(taken().into()),
                    Some(_) if !transfer => {
                        let details =
                            "Another number of the business has it: transfer_action=force_transfer.";
                        return Err(Refusal::new(Code::UsernameTransfer, details).into());
                    }
                    _ => {}
                }
                if !store::set(transaction, name.as_str(), (id, business), now).await? {
                    return Err(taken().into());
                }
                webhooks::add(transaction, vec![event]).await
            })
        });
        written.await?;
        self.webhooks.wake().await;
        Ok(())
    }

    /// Takes a number's name away.
    ///
    /// # Errors
    /// `NotFound` if it has none; those of the database.
    pub async fn remove(&self, number: &Number) -> Result<(), HostError> {
        let event = self.event(number, None, "deleted").await?;
        let id = number.id;
        let written = self.ground.write(0, move |transaction| {
            let event = event.clone();
            Box::pin(async move {
                if store::remove(transaction, id).await? == 0 {
                    return Err(HostError::NotFound("username"));
                }
                webhooks::add(transaction, vec![event]).await
            })
        });
        written.await?;
        self.webhooks.wake().await;
        Ok(())
    }

    /// Names after a business's own that nobody has.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn suggestions(&self, business: &Business) -> Result<Vec<String>, HostError> {
        let letters = |text: &str, between: &str| {
            let words: Vec<String> = text
                .split(|c: char| !c.is_ascii_alphanumeric())
                .filter(|word| !word.is_empty())
                .map(str::to_ascii_lowercase)
                .collect();
            words.join(between)
        };
        let country = business.country.to_ascii_lowercase();
        let mut names = Vec::new();
        for name in [&business.name, &business.legal_name] {
            for between in ["", ".", "_"] {
                names.push(letters(name, between));
            }
            names.push(format!("{}.{country}", letters(name, "")));
            names.push(format!("{}_official", letters(name, "")));
        }
        let mut fit: Vec<String> = Vec::new();
        for name in names.iter().filter_map(|name| Username::new(name)) {
            if !fit.contains(&name.0) {
                fit.push(name.0);
            }
        }
        let taken = store::taken(&mut self.ground.reader().await?, &fit).await?;
        fit.retain(|name| !taken.contains(name));
        Ok(fit)
    }

    async fn event(&self, number: &Number, name: Option<&str>, status: &str) -> Result<NewEvent, HostError> {
        let unique = self.ground.random_name();
        let about = About {
            business: number.business,
            waba: number.waba,
            number: Some(number.id),
            person: None,
            field: Field::Username,
            unique: format!("username {unique}"),
        };
        self.webhooks.seal(about, &render::username(number.digits(), name, status)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_username_is_no_address_and_has_a_letter() {
        for good in ["bank", "Example.Bank", "a_1", "4you"] {
            assert!(Username::new(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "ab",
            "123",
            "a b",
            ".bank",
            "bank.",
            "ba..nk",
            "www.bank",
            "bank.com",
            "bänk",
            &"a".repeat(36),
        ] {
            assert!(Username::new(bad).is_none(), "{bad}");
        }
    }
}
