use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal;)*) => {
        /// What is wrong, as the API says it. Stable; the meaning of each is in `docs/relay-api.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
            /// One that a newer relay knows.
            #[serde(other)]
            Unknown,
        }

        impl ErrorCode {
            /// The word on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* Self::Unknown => "unknown" }
            }

            /// The HTTP status it comes with.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* Self::Unknown => 500 }
            }

            /// All that this version knows.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

codes! {
    /// Mend the request.
    InvalidRequest = "invalid_request", 400;
    /// Not a valid phone number in E.164.
    InvalidNumber = "invalid_number", 400;
    /// No credential, or none that is (still) good.
    Unauthorized = "unauthorized", 401;
    /// Good credential, not for this.
    Forbidden = "forbidden", 403;
    /// The code is another one.
    CodeWrong = "code_wrong", 403;
    /// There is no code (any more).
    CodeExpired = "code_expired", 403;
    /// There is no such thing.
    NotFound = "not_found", 404;
    /// The path is right, the method is not.
    MethodNotAllowed = "method_not_allowed", 405;
    /// Not one part for each device.
    MismatchedDevices = "mismatched_devices", 409;
    /// An upload goes on elsewhere.
    WrongOffset = "wrong_offset", 409;
    /// It is there already, or something else is.
    Conflict = "conflict", 409;
    /// Devices were set up anew.
    StaleDevices = "stale_devices", 410;
    /// Over a limit.
    TooLarge = "too_large", 413;
    /// The range is outside of the blob.
    OutOfRange = "out_of_range", 416;
    /// A PIN is needed.
    RegistrationLocked = "registration_locked", 423;
    /// Too often.
    RateLimited = "rate_limited", 429;
    /// A defect of the relay.
    Internal = "internal", 500;
    /// The relay cannot store just now.
    Unavailable = "unavailable", 503;
    /// A device takes no more until it collects what waits.
    QueueFull = "queue_full", 507;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_the_same_in_json() {
        for code in ErrorCode::ALL {
            assert_eq!(serde_json::to_string(code).unwrap(), format!("\"{code}\""));
            assert_eq!(serde_json::from_str::<ErrorCode>(&format!("\"{code}\"")).unwrap(), *code);
        }
        assert_eq!(serde_json::from_str::<ErrorCode>("\"from_the_future\"").unwrap(), ErrorCode::Unknown);
    }
}
