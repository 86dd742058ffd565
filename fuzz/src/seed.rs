//! A file of a corpus.

/// One file of a corpus.
pub(crate) struct Seed {
    /// The target that it is for.
    pub(crate) target: &'static str,
    /// Name of the file.
    pub(crate) name: String,
    /// What is in it.
    pub(crate) bytes: Vec<u8>,
}
