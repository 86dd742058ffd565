//! What was decided of a business, in its log: between the readings stands who might read, and since when.
//!
//! A decision and its entry are one transaction: neither is there without the other.

use ::store::{StoreError, Timestamp, sql::Transaction};

use super::{
    Instructions, Purpose,
    gate::short,
    log::{self, NewEntry},
};
use crate::ids::BusinessId;

/// What stands in place of a purpose.
pub const DECIDE: &str = "decide";

/// What was decided. The words are stored, and signed over by the log's hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decided {
    /// What the host may do, from now on; each purpose is named.
    Instructions,
    /// A token was made.
    TokenIssued,
    /// A token was taken back.
    TokenRevoked,
    /// To how many people a day a number may write first.
    MessagingLimit,
    /// Somebody was invited to work for the business.
    AgentInvited,
    /// Somebody took an invitation.
    AgentJoined,
    /// What an agent may do was changed.
    AgentChanged,
    /// An agent was removed.
    AgentRemoved,
    /// An agent signed in.
    AgentSignedIn,
    /// Somebody tried to sign in as an agent.
    AgentNotSignedIn,
    /// Sessions of an agent were ended.
    AgentSignedOut,
    /// An agent has another password.
    AgentPassword,
    /// An agent's second factor was set up or removed.
    AgentSecondFactor,
    /// Who answers a chat, or whether it is open.
    ChatAssigned,
    /// Somebody was blocked, or no longer.
    PersonBlocked,
    /// Where an app is told.
    Callback,
    /// A template was made, changed or deleted.
    Template,
    /// What a number shows of itself.
    Profile,
    /// An export was made.
    Export,
    /// An import was made.
    Import,
}

impl Decided {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Instructions => "instructions",
            Self::TokenIssued => "token_issued",
            Self::TokenRevoked => "token_revoked",
            Self::MessagingLimit => "messaging_limit",
            Self::AgentInvited => "agent_invited",
            Self::AgentJoined => "agent_joined",
            Self::AgentChanged => "agent_changed",
            Self::AgentRemoved => "agent_removed",
            Self::AgentSignedIn => "agent_signed_in",
            Self::AgentNotSignedIn => "agent_not_signed_in",
            Self::AgentSignedOut => "agent_signed_out",
            Self::AgentPassword => "agent_password",
            Self::AgentSecondFactor => "agent_second_factor",
            Self::ChatAssigned => "chat_assigned",
            Self::PersonBlocked => "person_blocked",
            Self::Callback => "callback",
            Self::Template => "template",
            Self::Profile => "profile",
            Self::Export => "export",
            Self::Import => "import",
        }
    }
}

/// Writes down that this was decided, by whom, and what more there is to say: never a secret.
pub(crate) async fn write_down(
    transaction: &mut Transaction,
    business: BusinessId,
    (decided, by): (Decided, &str),
    at: Timestamp,
    names: &[String],
) -> Result<(), StoreError> {
    let entry = NewEntry {
        at,
        purpose: DECIDE,
        reader: short(by.to_owned()),
        subject: decided.as_str(),
        names: names.iter().cloned().map(short).collect(),
        refused: false,
    };
    log::append(transaction, business, &[&entry]).await
}

/// What instructions allow, in the log's words.
pub(super) fn allowed(instructions: &Instructions) -> Vec<String> {
    let purposes = Purpose::ALL.iter().filter(|purpose| **purpose != Purpose::Export);
    let allowed = purposes.filter(|purpose| instructions.allow(**purpose));
    let word = |purpose: &Purpose| match (purpose, instructions.store_days) {
        (Purpose::Store, Some(days)) => format!("{} {days} days", purpose.as_str()),
        _ => purpose.as_str().to_owned(),
    };
    allowed.map(word).collect()
}
