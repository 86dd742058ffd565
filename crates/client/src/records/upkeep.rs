/// Counters, and what is due.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Upkeep {
    #[prost(uint64, tag = "1")]
    pub(crate) last_position: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) last_timestamp: u64,
    /// The next id of each kind of prekey is one that was never used.
    #[prost(uint32, tag = "3")]
    pub(crate) next_one_time: u32,
    #[prost(uint32, tag = "4")]
    pub(crate) next_signed: u32,
    #[prost(uint32, tag = "5")]
    pub(crate) next_kem: u32,
    /// When the signed and the last-resort prekey that the relay has were made.
    #[prost(uint64, tag = "6")]
    pub(crate) rotated: u64,
    /// How much is in the outbox.
    #[prost(uint64, tag = "7")]
    pub(crate) queued: u64,
    /// Whether a changed identity key is accepted without asking, unless the old one was verified.
    #[prost(bool, tag = "8")]
    pub(crate) accept_changed: bool,
    /// Whether others are not told what was read.
    #[prost(bool, tag = "9")]
    pub(crate) read_in_silence: bool,
    /// Kept contents of sent things: how many.
    #[prost(uint64, tag = "10")]
    pub(crate) outgoing: u64,
    /// Whether no history is kept.
    #[prost(bool, tag = "11")]
    pub(crate) no_history: bool,
    /// What waits in the feed: how many.
    #[prost(uint64, tag = "12")]
    pub(crate) fed: u64,
    /// Since when refills of prekeys are counted, and how many there were since.
    #[prost(uint64, tag = "13")]
    pub(crate) refills_since: u64,
    #[prost(uint32, tag = "14")]
    pub(crate) refills: u32,
}

/// The kinds of prekeys; the first byte of a prekey's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum PreKeyKind {
    OneTime = 1,
    Signed = 2,
    OneTimeKem = 3,
    LastResortKem = 4,
}

impl PreKeyKind {
    pub(crate) fn name(self, id: u32) -> Vec<u8> {
        [&[self as u8][..], &id.to_be_bytes()].concat()
    }
}
