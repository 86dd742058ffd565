//! What an app can subscribe to.

use std::str::FromStr;

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// A field of webhooks, by the API's word.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Field { $($(#[$doc])* $name,)* }

        impl Field {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }

        impl FromStr for Field {
            type Err = UnknownField;

            fn from_str(text: &str) -> Result<Self, UnknownField> {
                match text.trim() { $($word => Ok(Self::$name),)* _ => Err(UnknownField) }
            }
        }
    };
}

/// A word that is no field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a field of webhooks")]
pub struct UnknownField;

fields! {
    /// Messages that come in, and statuses of those that went out.
    Messages = "messages";
    /// A template was reviewed, paused or deleted.
    TemplateStatus = "message_template_status_update";
    /// A template is liked more or less.
    TemplateQuality = "message_template_quality_update";
    /// A template was changed.
    TemplateComponents = "message_template_components_update";
    /// A template has another category.
    TemplateCategory = "template_category_update";
    /// A number may write to more or to fewer people.
    NumberQuality = "phone_number_quality_update";
    /// A number's name was reviewed.
    NumberName = "phone_number_name_update";
    /// The business may do more or less.
    Capability = "business_capability_update";
    /// Something happened to the account.
    Account = "account_update";
    /// The account was reviewed.
    AccountReview = "account_review_update";
    /// Somebody should look.
    AccountAlerts = "account_alerts";
    /// A number's PIN.
    Security = "security";
    /// A person stopped or resumed marketing.
    UserPreferences = "user_preferences";
    /// A person has another id.
    UserId = "user_id_update";
    /// The business has another username.
    Username = "business_username_update";
    /// Calls.
    Calls = "calls";
    /// Groups that begin and end.
    GroupLifecycle = "group_lifecycle_update";
    /// Who is in a group.
    GroupParticipants = "group_participants_update";
    /// How a group is called.
    GroupSettings = "group_settings_update";
    /// Whether a group may be used.
    GroupStatus = "group_status_update";
    /// Sent from the app on the phone.
    MessageEchoes = "smb_message_echoes";
    /// Contacts of the app on the phone.
    AppStateSync = "smb_app_state_sync";
    /// Chats from before.
    History = "history";
    /// Flows.
    Flows = "flows";
    /// Payments.
    PaymentConfiguration = "payment_configuration_update";
    /// Partners.
    PartnerSolutions = "partner_solutions";
    /// Clicks and automatic events.
    Tracking = "tracking_events";
    /// Automatic events.
    AutomaticEvents = "automatic_events";
    /// Reserved.
    Handovers = "messaging_handovers";
    /// Reserved.
    Standby = "standby";
    /// Reserved.
    Echoes = "message_echoes";
}

impl Field {
    /// Whether `entry.time` stands in its envelope.
    #[must_use]
    pub const fn is_timed(self) -> bool {
        !matches!(self, Self::Messages)
    }
}
