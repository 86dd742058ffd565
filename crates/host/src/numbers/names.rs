//! Under what name customers see a number, and what it is to be changed to: a name that is plainly the business's own
//! is taken at once, and the others wait for the operator of the host.

use std::sync::Arc;

use super::{Number, Numbers, store};
use crate::{
    HostError,
    businesses::Business,
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
        self.name(webhooks, number, name, decision).await?;
        Ok(decision)
    }

    /// What the operator decides of the name that a number asked for.
    ///
    /// # Errors
    /// `Conflict` if it asked for none; those of the database.
    pub async fn decide_name(
        &self,
        webhooks: &Webhooks,
        number: &Number,
        approved: bool,
    ) -> Result<(), HostError> {
        let asked = number.requested_name.clone();
        let asked = asked.ok_or(HostError::Conflict("the number asked for no name"))?;
        let decision = if approved { NameDecision::Approved } else { NameDecision::Rejected };
        self.name(webhooks, number, &asked, decision).await
    }

    async fn name(
        &self,
        webhooks: &Webhooks,
        number: &Number,
        name: &str,
        decision: NameDecision,
    ) -> Result<(), HostError> {
        let reason = (decision == NameDecision::Rejected).then_some("NAME_NOT_CONSISTENT");
        let value = render::number_name(number.digits(), decision.as_str(), name, reason);
        let unique: String = self.ground.random::<12>().iter().map(|byte| format!("{byte:02x}")).collect();
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
                store::set_names(transaction, id, verified, requested).await?;
                webhooks::add(transaction, vec![event]).await
            })
        });
        written.await?;
        self.recent.forget(&id);
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
