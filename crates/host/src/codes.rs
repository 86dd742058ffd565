//! The Cloud API's error codes: one table of number, HTTP status and title, for answers and for `failed` statuses.

use std::{borrow::Cow, time::Duration};

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal, $title:literal;)*) => {
        /// What is wrong, as the Cloud API says it (shared by answers and webhooks; spec section 2).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "u32", into = "u32")]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The number that clients branch on.
            #[must_use]
            pub const fn number(self) -> u32 {
                match self { $(Self::$name => $code,)* }
            }

            /// The HTTP status of an answer with it.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// What it is called.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// The token cannot be authenticated.
    Authentication = 0, 401, "AuthException";
    /// Something that has no other code.
    Unknown = 1, 400, "API Unknown";
    /// Down for a moment: retry.
    ServiceDown = 2, 503, "API Service";
    /// The app may not do this at all.
    Capability = 3, 500, "API Method";
    /// The app calls too often.
    AppRate = 4, 400, "API Too Many Calls";
    /// The token has not the permission.
    Permission = 10, 403, "API Permission Denied";
    /// A parameter is missing, unknown or wrong.
    Parameter = 100, 400, "Invalid parameter";
    /// The token is no good, or no longer.
    Token = 190, 401, "Access token has expired";
    /// A permission is missing.
    PermissionMissing = 200, 403, "API Permission";
    /// Blocked for violating policies.
    PolicyBlock = 368, 403, "Temporarily blocked for policies violations";
    /// Some object does not exist.
    NoSuchAlias = 803, 404, "Some of the aliases you requested do not exist";
    /// The callback did not answer the handshake.
    CallbackFailed = 2200, 400, "Callback verification failed";
    /// The account calls too often.
    AccountRate = 80_007, 400, "Rate limit issues";
    /// The number sends too much.
    Throughput = 130_429, 400, "Rate limit hit";
    /// Something went wrong: retry.
    SomethingWrong = 131_000, 500, "Something went wrong";
    /// Not with this token.
    AccessDenied = 131_005, 403, "Access denied";
    /// A parameter that is needed is missing.
    ParameterMissing = 131_008, 400, "Required parameter is missing";
    /// A parameter has a value that it may not have.
    ParameterInvalid = 131_009, 400, "Parameter value is not valid";
    /// Down for a moment: retry.
    ServiceUnavailable = 131_016, 503, "Service unavailable";
    /// To oneself.
    ToSender = 131_021, 400, "Recipient cannot be sender";
    /// There is nobody to deliver to.
    Undeliverable = 131_026, 400, "Message undeliverable";
    /// Not yet approved, and not to a tester.
    NotAllowedRecipient = 131_030, 400, "Recipient phone number not in allowed list";
    /// The business is suspended.
    AccountLocked = 131_031, 403, "Account has been locked";
    /// More than a day since the person wrote.
    WindowClosed = 131_047, 400, "Re-engagement message";
    /// Too many new people.
    SpamRate = 131_048, 400, "Spam rate limit hit";
    /// Not delivered to keep engagement healthy.
    Engagement = 131_049, 400, "Not delivered to maintain healthy ecosystem engagement";
    /// The person stopped marketing.
    MarketingStopped = 131_050, 400, "User has stopped marketing messages from this business";
    /// Not a type that can be sent here.
    UnsupportedType = 131_051, 400, "Message type is not supported";
    /// A person's file cannot be fetched.
    MediaDownload = 131_052, 400, "Media download error";
    /// The business's file cannot be taken.
    MediaUpload = 131_053, 400, "Media upload error";
    /// Not with this feature.
    MethodNotAllowed = 131_055, 400, "Method not allowed";
    /// Too many to the same person.
    PairRate = 131_056, 400, "(Business Account, Consumer Account) pair rate limit hit";
    /// The cursor is none.
    CursorInvalid = 131_059, 400, "Invalid cursor";
    /// Not by a business-scoped id.
    UserIdNotPossible = 131_062, 400, "Business-scoped user id is not possible here";
    /// The number of parameters is another.
    TemplateParameterCount = 132_000, 400, "Number of parameters does not match the expected number of params";
    /// There is no such template in this language, or not approved.
    TemplateMissing = 132_001, 404, "Template name does not exist in the translation";
    /// Too long when filled in.
    TemplateTooLong = 132_005, 400, "Translated text too long";
    /// Against policy.
    TemplatePolicy = 132_007, 400, "Template format character policy violated";
    /// A parameter does not fit the template's format.
    TemplateParameterFormat = 132_012, 400, "Parameter format does not match format in the created template";
    /// Paused.
    TemplatePaused = 132_015, 400, "Template is paused";
    /// Disabled.
    TemplateDisabled = 132_016, 400, "Template is disabled";
    /// The PIN is wrong.
    PinWrong = 133_005, 400, "Two step verification PIN mismatch";
    /// The number has to be verified first.
    NotVerified = 133_006, 400, "Phone number re-verification needed";
    /// Too many wrong PINs.
    PinTries = 133_008, 400, "Too many two step verification PIN guesses";
    /// PINs too fast.
    PinTooFast = 133_009, 400, "Two step verification PIN guessed too fast";
    /// The number is not registered.
    NotRegistered = 133_010, 400, "Phone number not registered";
    /// Registered and deregistered too often.
    RegistrationRate = 133_016, 400, "Account register/deregister rate limit exceeded";
    /// Only marketing goes this way.
    MarketingOnly = 134_100, 400, "Only marketing messages supported";
    /// A generic mistake of the caller.
    GenericUser = 135_000, 400, "Generic user error";
    /// The person's key is another.
    IdentityChanged = 137_000, 400, "Recipient identity key hash mismatch";
    /// Some could not be blocked.
    BlockFailed = 139_100, 400, "Failed to block/unblock users";
    /// The block list is full.
    BlockLimit = 139_103, 400, "Block list limit reached";
    /// Somebody has the username.
    UsernameTaken = 147_001, 400, "Username not available";
    /// Another number of the business has the username.
    UsernameTransfer = 147_005, 400, "Username transfer required";
}

/// A number that is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no error code of this version")]
pub struct UnknownCode(u32);

impl TryFrom<u32> for Code {
    type Error = UnknownCode;

    fn try_from(number: u32) -> Result<Self, UnknownCode> {
        Self::ALL.iter().copied().find(|code| code.number() == number).ok_or(UnknownCode(number))
    }
}

impl From<Code> for u32 {
    fn from(code: Code) -> Self {
        code.number()
    }
}

/// A code and what is wrong in this case: for the business's developers, without anything that people wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("(#{}) {}: {details}", .code.number(), .code.title())]
pub struct Refusal {
    /// Which.
    pub code: Code,
    /// What.
    pub details: Cow<'static, str>,
    /// `error_subcode`, where the API has one: mostly of calls that manage things.
    #[serde(default)]
    pub subcode: Option<u32>,
    /// Seconds after which the same would be taken, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl Refusal {
    /// With these words.
    pub fn new(code: Code, details: impl Into<Cow<'static, str>>) -> Self {
        Self { code, details: details.into(), subcode: None, retry_after: None }
    }

    /// With the time after which the same would be taken, in whole seconds.
    #[must_use]
    pub fn after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1));
        self
    }

    /// With a subcode.
    #[must_use]
    pub fn with_subcode(mut self, subcode: u32) -> Self {
        self.subcode = Some(subcode);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_stands_for_one_code() {
        for code in Code::ALL {
            assert_eq!(Code::try_from(code.number()).unwrap(), *code);
        }
        assert!(Code::try_from(424_242).is_err());
    }
}
