//! What is wrong with a call, apart from what went wrong: scripts tell the two by how the program ends.

use std::process::ExitCode;

/// How a wrong call ends; clap ends with the same.
const EXIT: u8 = 2;

/// The call itself is wrong: the same call again does not help.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongCall(pub(crate) String);

impl WrongCall {
    /// An error that is one, whole in one line.
    pub(crate) fn of(error: &anyhow::Error) -> anyhow::Error {
        Self(format!("{error:#}")).into()
    }
}

/// How it ended, with what to say if it failed.
pub(crate) fn told(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            if error.downcast_ref::<WrongCall>().is_some() { ExitCode::from(EXIT) } else { ExitCode::FAILURE }
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, anyhow};

    use super::*;

    #[test]
    fn a_wrong_call_is_one_whatever_is_said_around_it() {
        let wrong: anyhow::Result<()> = Err(WrongCall::of(&anyhow!("no file").context("--config x")));
        let wrong = wrong.context("the host").context("more");
        assert_eq!(format!("{:#}", wrong.as_ref().unwrap_err()), "more: the host: --config x: no file");
        assert_eq!(told(wrong), ExitCode::from(EXIT));
        assert_eq!(told(Err(anyhow!("broken"))), ExitCode::FAILURE);
    }
}
