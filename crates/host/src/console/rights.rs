//! Who may what: the one place. A handler's signature names the right it needs, and what it is given says that it was checked.

use std::{marker::PhantomData, sync::Arc};

use super::error::{Kind, Refused};
use crate::{
    agents::{Role, Session},
    businesses::Business,
    inbox::By,
};

/// A right that roles have.
pub trait Right: Send + Sync + 'static {
    /// Its word, in docs and answers.
    const WORD: &'static str;
    /// Who has it.
    const ROLES: &'static [Role];
}

macro_rules! rights {
    ($($(#[$doc:meta])* $name:ident = $word:literal: $($role:ident)*;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub(crate) enum $name {}

            impl Right for $name {
                const WORD: &'static str = $word;
                const ROLES: &'static [Role] = &[$(Role::$role),*];
            }
        )*

        /// All rights, and who has them.
        pub const RIGHTS: &[(&str, &[Role])] = &[$(($name::WORD, $name::ROLES)),*];
    };
}

rights! {
    /// Own account and sessions; who else is here; who hosts.
    Signed = "signed in": Owner Admin Agent Auditor;
    /// The inbox.
    InChats = "chats": Owner Admin Agent;
    /// What all agents use: templates, labels, replies; what customers see: profile, links.
    Manage = "manage": Owner Admin;
    /// Programs of the business.
    Integrate = "integrate": Owner Admin;
    /// Who works here.
    Staff = "staff": Owner Admin;
    /// What was done: logs, and figures.
    Audit = "audit": Owner Admin Auditor;
    /// What may be done with chats, and taking them along.
    Own = "own": Owner;
}

/// The rights that a role has, but that to be here.
pub(crate) fn of(role: Role) -> Vec<&'static str> {
    let held = RIGHTS.iter().filter(|(word, roles)| *word != Signed::WORD && roles.contains(&role));
    held.map(|(word, _)| *word).collect()
}

/// Who asks: somebody with a session that is good. Made by [`Console`](super::Console) alone.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(super) session: Session,
    pub(super) business: Arc<Business>,
    /// The secret of the cookie, so that it can be looked at again.
    pub(super) secret: Arc<zeroize::Zeroizing<String>>,
}

impl Caller {
    /// Whether they have one of these roles.
    pub(super) fn check(&self, word: &'static str, roles: &[Role]) -> Result<(), Refused> {
        if roles.contains(&self.session.role) {
            return Ok(());
        }
        let needed = roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
        let message = format!(
            "your role ({}) may not: it needs the right \"{word}\" ({needed})",
            self.session.role.as_str()
        );
        Err(Refused::new(Kind::Forbidden, message))
    }

    /// That they have a right.
    pub(super) fn may<R: Right>(self) -> Result<May<R>, Refused> {
        self.check(R::WORD, R::ROLES)?;
        Ok(May { caller: self, right: PhantomData })
    }
}

/// Who asks, and has this right.
#[derive(Debug, Clone)]
pub(crate) struct May<R> {
    caller: Caller,
    right: PhantomData<R>,
}

impl<R> May<R> {
    /// Their session.
    #[must_use]
    pub(crate) const fn session(&self) -> &Session {
        &self.caller.session
    }

    /// For whom they work.
    #[must_use]
    pub(crate) const fn business(&self) -> &Arc<Business> {
        &self.caller.business
    }

    /// As whom they do things.
    #[must_use]
    pub(crate) fn by(&self) -> By {
        By { agent: self.caller.session.agent, business: self.caller.business.id }
    }

    /// As whom they stand in the business's log.
    #[must_use]
    pub(crate) fn log_name(&self) -> String {
        self.caller.session.agent.log_name()
    }

    /// Whether they have another right too.
    #[must_use]
    pub(crate) fn has<Other: Right>(&self) -> bool {
        Other::ROLES.contains(&self.caller.session.role)
    }

    pub(crate) fn secret(&self) -> Arc<zeroize::Zeroizing<String>> {
        self.caller.secret.clone()
    }
}
