//! Plaintext that was asked for.

use std::{fmt, ops::Deref};

/// Something that people wrote, readable. Only the gate makes one; it shows nothing of itself in logs.
pub struct Plain<T>(T);

impl<T> Plain<T> {
    pub(super) const fn new(inner: T) -> Self {
        Self(inner)
    }

    /// A part of it, or another form of it: still what was asked for.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Plain<U> {
        Plain(change(self.0))
    }

    /// The same, where the change may fail.
    ///
    /// # Errors
    /// What `change` says.
    pub fn try_map<U, E>(self, change: impl FnOnce(T) -> Result<U, E>) -> Result<Plain<U>, E> {
        change(self.0).map(Plain)
    }

    /// Out of the process: to whom it was asked for.
    #[must_use]
    pub fn hand_over(self) -> T {
        self.0
    }
}

impl<T> Deref for Plain<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Plain<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plain")
    }
}
