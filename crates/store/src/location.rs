//! Where a service is, with the password it may contain.

use std::fmt;

use serde::Deserialize;

/// A URL-like address of a service. It may contain a password, so that `Debug` and `Display` show only the scheme and
/// what follows the credentials.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Location(String);

impl Location {
    /// The address as it was written, password included: for connecting, not for showing.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Location {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Parameters may be credentials too.
        let shown = self.0.split('?').next().unwrap_or_default();
        match (shown.split_once("://"), shown.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, host))) => write!(f, "{scheme}://…@{host}"),
            _ => f.write_str(shown),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_password() {
        let shown = |text: &str| format!("{:?}", Location::from(text));
        assert_eq!(shown("postgres://u:p@ss@db:5432/x?password=p"), "Location(postgres://…@db:5432/x)");
        assert_eq!(shown("nats://token@a:4222"), "Location(nats://…@a:4222)");
        assert_eq!(shown("sqlite:/var/lib/relay.db"), "Location(sqlite:/var/lib/relay.db)");
    }
}
