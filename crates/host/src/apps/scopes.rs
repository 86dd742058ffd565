//! What a token may do.

use std::fmt;

/// One thing that a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Sending, and media: `whatsapp_business_messaging`.
    Messaging,
    /// Templates, numbers, analytics: `whatsapp_business_management`.
    Management,
    /// The business itself: `business_management`.
    Business,
    /// What concerns the app alone: given to the app, by its own secret, and to no other token.
    App,
    /// Any good token of the business.
    Any,
}

impl Scope {
    /// Those that a token has or has not.
    pub const GRANTED: [Self; 3] = [Self::Messaging, Self::Management, Self::Business];

    /// The API's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Messaging => "whatsapp_business_messaging",
            Self::Management => "whatsapp_business_management",
            Self::Business => "business_management",
            Self::App => "an app access token",
            Self::Any => "public_profile",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Messaging => 1,
            Self::Management => 2,
            Self::Business => 4,
            Self::App | Self::Any => 0,
        }
    }
}

/// All that a token may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// Everything.
    pub const ALL: Self = Self(7);
    /// Nothing that is granted.
    pub const NONE: Self = Self(0);

    /// These.
    #[must_use]
    pub fn of(scopes: &[Scope]) -> Self {
        Self(scopes.iter().fold(0, |bits, scope| bits | scope.bit()))
    }

    /// Whether this is among them.
    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        match scope {
            Scope::Any => true,
            Scope::App => false,
            scope => self.0 & scope.bit() != 0,
        }
    }

    /// Which.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::GRANTED.into_iter().filter(move |scope| self.has(*scope))
    }

    pub(super) const fn stored(self) -> i64 {
        self.0 as i64
    }

    pub(super) fn from_stored(bits: i64) -> Option<Self> {
        u8::try_from(bits).ok().filter(|bits| *bits <= Self::ALL.0).map(Self)
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
