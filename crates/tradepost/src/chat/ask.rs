//! Questions to the person at the terminal.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use super::problem::{Answer, Problem};

/// Whether somebody is there to answer.
pub(crate) fn somebody() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// A line of text.
pub(crate) async fn line(question: &str) -> Answer<String> {
    let question = question.to_owned();
    in_background(move || {
        eprint!("{question} ");
        std::io::stderr().flush()?;
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        Ok(line.trim().to_owned())
    })
    .await
}

/// A line of text that is not shown while it is typed.
pub(crate) async fn secret(question: &str) -> Answer<String> {
    let question = format!("{question} ");
    in_background(move || rpassword::prompt_password(question)).await
}

/// Goes on only after a yes. `yes`: it was given on the command line.
pub(crate) async fn sure(what: &str, yes: bool) -> Answer {
    if yes {
        return Ok(());
    }
    if !somebody() {
        return Err(Problem::usage(format!("{what} --yes says so, where nobody can be asked.")));
    }
    match line(&format!("{what} [y/N]")).await?.to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Problem::failed("nothing was done")),
    }
}

async fn in_background(ask: impl FnOnce() -> std::io::Result<String> + Send + 'static) -> Answer<String> {
    let asked = tokio::task::spawn_blocking(ask).await;
    let asked = asked.map_err(|error| Problem::failed(error.to_string()))?;
    asked.map_err(|error| Problem::failed(format!("the terminal: {error}")))
}
