//! Under what name customers see a number, and what it is to be changed to: a name that is plainly the business's own
//! is taken at once, and the others wait for the operator of the host.

use std::sync::Arc;

use super::{Number, Numbers, store};
use crate::{
    HostError,
    businesses::Business,
    ids::NumberId,
    webhooks::{self, About, Field, Webhooks, render},
};

/// What became of a name that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameDecision {
    /// It is the number's name now.
    Approved,
    /// The operator looks at it.
    Pending,
    /// The number keeps the name that it has.
    Rejected,
}

impl NameDecision {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "APPROVED",
            Self::Pending => "PENDING",
            Self::Rejected => "REJECTED",
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// Why the operator refuses a name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum NameReason { $($(#[$doc])* $name,)* }

        impl NameReason {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The API's word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

reasons! {
    /// It does not fit the business.
    NotConsistent = "NAME_NOT_CONSISTENT";
    /// Not as names are written.
    Format = "NAME_FORMAT_UNACCEPTABLE";
    /// Another business's, which this one has nothing to do with.
    NotRelated = "NAME_ENDCLIENT_NOTRELATED";
    /// Of somebody who works there.
    Employee = "NAME_EMPLOYEE_ISSUE";
    /// Of some person.
    Individual = "NAME_INDIVIDUAL_ISSUE";
}

/// What the operator decides of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameVerdict {
    /// It is the number's name now.
    Approve,
    /// The number keeps the name that it has.
    Reject(NameReason),
}

/// Who says something of a name.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The business asks for it, and this comes of it.
    Asked(NameDecision),
    /// The operator decides.
    Decided(NameVerdict),
}

/// Characters of a name.
const LONGEST: usize = 75;

/// What is wrong with a name, if it can be nobody's.
fn unfit(name: &str) -> Option<&'static str> {
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    let odd = |c: char| c.is_control() || "<>{}[]\\|@#$%^*_=~".contains(c);
    match () {
        () if name.chars().count() > LONGEST => Some("at most 75 characters"),
        () if letters < 3 => Some("at least three letters"),
        () if name.chars().any(odd) => Some("letters, digits and the usual signs only"),
        () if name.contains("://") || name.to_lowercase().contains("www.") => Some("a name and no address"),
        () => None,
    }
}

/// Whether a name is plainly the business's own: all its longer words stand in what the business is called.
fn is_own(name: &str, business: &Business) -> bool {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() >= 3);
        words.map(str::to_lowercase).collect()
    };
    let known = [words(&business.name), words(&business.legal_name)].concat();
    let wanted = words(name);
    !wanted.is_empty() && wanted.iter().all(|word| known.contains(word))
}

impl Numbers {
    /// Asks for another name for a number.
    ///
    /// # Errors
    /// `Invalid` for what can be nobody's name; those of the database.
    pub async fn ask_for_name(
        &self,
        webhooks: &Webhooks,
        business: &Business,
        number: &Number,
        name: &str,
    ) -> Result<NameDecision, HostError> {
        let name = name.trim();
        if let Some(reason) = unfit(name) {
            return Err(HostError::invalid("new_display_name", reason));
        }
        let decision = if is_own(name, business) { NameDecision::Approved } else { NameDecision::Pending };
        self.name(webhooks, number, name, Step::Asked(decision)).await?;
        Ok(decision)
    }

    /// Numbers that ask for a name and wait for the operator, of all businesses, after this one.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn asking_for_names(
        &self,
        after: Option<NumberId>,
        limit: u32,
    ) -> Result<Vec<Number>, HostError> {
        Ok(store::asking_for_names(&mut self.ground.reader().await?, after, limit).await?)
    }

    /// What the operator decides of this name, which a number asked for: of no other one that it asked for since.
    ///
    /// # Errors
    /// `Conflict` if it does not ask for it (any more); those of the database.
    pub async fn decide_name(
        &self,
        webhooks: &Webhooks,
        number: &Number,
        name: &str,
        verdict: NameVerdict,
    ) -> Result<(), HostError> {
        self.name(webhooks, number, name, Step::Decided(verdict)).await
    }

    async fn name(
        &self,
        webhooks: &Webhooks,
        number: &Number,
        name: &str,
        step: Step,
    ) -> Result<(), HostError> {
        let (decision, reason) = match step {
            Step::Asked(decision) => (decision, None),
            Step::Decided(NameVerdict::Approve) => (NameDecision::Approved, None),
            Step::Decided(NameVerdict::Reject(reason)) => (NameDecision::Rejected, Some(reason.as_str())),
        };
        let value = render::number_name(number.digits(), decision.as_str(), name, reason);
        let unique = self.ground.random_name();
        let about = About {
            business: number.business,
            waba: number.waba,
            number: Some(number.id),
            person: None,
            field: Field::NumberName,
            unique: format!("name {unique}"),
        };
        let event = webhooks.seal(about, &value).await?;
        let (id, name): (_, Arc<str>) = (number.id, name.into());
        let written = self.ground.write(id.get(), move |transaction| {
            let (name, event) = (name.clone(), event.clone());
            Box::pin(async move {
                let (verified, requested) = match decision {
                    NameDecision::Approved => (Some(&*name), None),
                    NameDecision::Pending => (None, Some(&*name)),
                    NameDecision::Rejected => (None, None),
                };
                let of = matches!(step, Step::Decided(_)).then_some(&*name);
                if !store::set_names(transaction, id, of, verified, requested).await? {
                    return Err(HostError::Conflict("the number does not ask for this name"));
                }
                webhooks::add(transaction, vec![event]).await
            })
        });
        written.await?;
        self.recent.forget(&id);
        self.ground.changed(number.business).await;
        webhooks.wake().await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::unfit;

    #[test]
    fn what_can_be_nobodys_name_is_refused() {
        for good in ["Example Bank", "Straße & Söhne", "Кофе №1", "J.P. Fox"] {
            assert_eq!(unfit(good), None, "{good}");
        }
        let long = "x".repeat(76);
        for bad in ["", "A1", "<b>Bank</b>", "https://bank.example", "www.bank", "Bank\nBank", &long] {
            assert!(unfit(bad).is_some(), "{bad}");
        }
    }
}
