//! Codes with which the relay closes a socket, besides those of RFC 6455, section 7.4.1.

/// The relay goes down or moves: reconnect, with backoff.
pub const AWAY: u16 = 1001;
/// A frame that is not one.
pub const PROTOCOL: u16 = 1002;
/// A binary message that is not a `ClientFrame`.
pub const INVALID: u16 = 1007;
/// Against the rules: a text message, an acknowledgement of what was not delivered.
pub const POLICY: u16 = 1008;
/// A message over [`limits::FRAME`](crate::limits::FRAME).
pub const TOO_LARGE: u16 = 1009;
/// A newer socket of the same device took over.
pub const REPLACED: u16 = 4001;
/// The device did not read or did not acknowledge what it was sent: reconnect, with backoff.
pub const TOO_SLOW: u16 = 4003;
/// The device was removed or its account deleted: the credential is worthless.
pub const REMOVED: u16 = 4004;
