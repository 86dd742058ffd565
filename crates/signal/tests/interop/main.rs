//! Our code against Signal's own published client library, which runs in Node behind a pipe.

mod ends;
mod groups;
mod peer;
mod sealed;
mod sessions;
