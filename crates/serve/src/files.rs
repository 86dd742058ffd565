//! How many files, and so connections, the system lets this process have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are left for what is not a connection, at most: the database, blobs, the bus.
const RESERVED: usize = 512;

/// Lets this process open as many files as it may give itself: what a system sets out with, often 1024, is a bound for
/// programs that cannot use more.
///
/// # Errors
/// Those of the system.
pub fn raise_files() -> std::io::Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}

/// How many connections there may be of this process's files, if one server in it has them, and how many of them strangers': they are kept from taking all.
pub(super) fn room() -> (usize, usize) {
    let files = getrlimit(Resource::Nofile)
        .current
        .map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
    let connections = files.saturating_sub(RESERVED.min(files / 4)).max(1);
    (connections, (connections / 2).max(1))
}
