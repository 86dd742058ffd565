//! The two-step PIN of a number, and how often it is registered.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use store::Timestamp;
use subtle::ConstantTimeEq as _;

use super::Setting;

/// Wrong PINs until no more are taken.
const TRIES: u32 = 5;
/// How long none are taken then.
const PAUSE: Duration = Duration::from_secs(60 * 60);
/// Registrations and deregistrations within [`SPAN`].
const REGISTRATIONS: usize = 10;
const SPAN: Duration = Duration::from_secs(72 * 60 * 60);

/// A number's PIN, and what was tried. Stored sealed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Registration {
    pin: Option<String>,
    wrong: u32,
    last_wrong: i64,
    changes: Vec<i64>,
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registration(…)")
    }
}

impl Setting for Registration {
    const KIND: &'static str = "registration";
}

/// What came of a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// It is the one, or the first one.
    Right,
    /// It is not.
    Wrong,
    /// Too many were not.
    TooMany,
    /// Registered and deregistered too often.
    TooOften,
}

impl Registration {
    /// Whether there is a PIN.
    #[must_use]
    pub const fn has_pin(&self) -> bool {
        self.pin.is_some()
    }

    /// Sets another one; whether it is another one.
    pub fn set(&mut self, pin: &str) -> bool {
        self.wrong = 0;
        let same = self.pin.as_ref().is_some_and(|known| bool::from(known.as_bytes().ct_eq(pin.as_bytes())));
        if !same {
            self.pin = Some(pin.to_owned());
        }
        !same
    }

    /// Registers: with the PIN that there is, or the first one.
    pub fn register(&mut self, pin: &str, now: Timestamp) -> Checked {
        if self.wrong >= TRIES {
            if now < Timestamp(self.last_wrong).after(PAUSE) {
                return Checked::TooMany;
            }
            self.wrong = 0;
        }
        if let Some(known) = &self.pin
            && !bool::from(known.as_bytes().ct_eq(pin.as_bytes()))
        {
            self.wrong += 1;
            self.last_wrong = now.0;
            return Checked::Wrong;
        }
        if !self.change(now) {
            return Checked::TooOften;
        }
        self.set(pin);
        Checked::Right
    }

    /// Notes that it was registered or deregistered; `false` if that was too often.
    pub fn change(&mut self, now: Timestamp) -> bool {
        self.changes.retain(|at| now < Timestamp(*at).after(SPAN));
        let may = self.changes.len() < REGISTRATIONS;
        if may {
            self.changes.push(now.0);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pin_is_kept_and_wrong_ones_are_counted() {
        let (mut registration, now) = (Registration::default(), Timestamp(1_000_000));
        assert_eq!(registration.register("123456", now), Checked::Right);
        for _ in 0..TRIES {
            assert_eq!(registration.register("000000", now), Checked::Wrong);
        }
        assert_eq!(registration.register("123456", now), Checked::TooMany);
        assert_eq!(registration.register("123456", now.after(PAUSE)), Checked::Right);
    }

    #[test]
    fn ten_times_in_three_days() {
        let (mut registration, now) = (Registration::default(), Timestamp(1_000_000));
        for _ in 0..REGISTRATIONS {
            assert_eq!(registration.register("123456", now), Checked::Right);
        }
        assert_eq!(registration.register("123456", now), Checked::TooOften);
        assert!(!registration.change(now));
        assert!(registration.change(now.after(SPAN)));
    }
}
