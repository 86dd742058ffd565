use std::io;

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// Options that do not go together.
    #[error("{0}")]
    Options(String),
    /// The server did not start.
    #[error("the server did not start: {reason}\n{log}")]
    Start {
        /// Why.
        reason: String,
        /// The end of what it wrote.
        log: String,
    },
    /// An HTTP answer that was not expected.
    #[error("{request} was answered by {status}: {body}")]
    Answer {
        /// Method and path.
        request: String,
        /// Its status.
        status: u16,
        /// Its body.
        body: String,
    },
    /// What came is not HTTP, not a WebSocket or not a frame.
    #[error("the server breaks the protocol: {0}")]
    Protocol(String),
    /// A socket ended.
    #[error("the server closed a socket{}", .0.map(|code| format!(" with code {code}")).unwrap_or_default())]
    Closed(Option<u16>),
    /// Something that every test needs went wrong on a connection.
    #[error("a connection failed during the test: {0}")]
    Failed(String),
}

/// Says what was tried.
pub(crate) trait Tried<T> {
    /// The same, as an error of ours.
    fn tried(self, what: impl Into<String>) -> Result<T, BenchError>;
}

impl<T> Tried<T> for io::Result<T> {
    fn tried(self, what: impl Into<String>) -> Result<T, BenchError> {
        self.map_err(|source| BenchError::Io { what: what.into(), source })
    }
}
