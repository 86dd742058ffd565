/// Milliseconds since 1970. Nothing here reads a clock: it is told what time it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(pub u64);
