//! What callbacks were asked, and what they never took.

use reqwest::Method;
use serde_json::{Value, json};

use super::{at::AtHost, which::Which};
use crate::relay_api::{clean, print_json, time};

/// Show what the business's callbacks were asked, and replay what they never took
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost host deliveries list --as bank.json
  tradepost host deliveries dead --as bank.json
  tradepost host deliveries replay --as bank.json                all of them
  tradepost host deliveries replay --id 1000000000000001 --event 17")]
pub(super) struct Flags {
    #[command(flatten)]
    at: AtHost,
    /// Which business [default: of --as]
    #[arg(long, value_name = "ID", global = true)]
    id: Option<Which>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// The latest requests, with what came of them
    #[command(after_help = "\
Example:
  tradepost host deliveries list --as bank.json --limit 10")]
    List {
        /// So many at most
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Events that were given up after seven days
    #[command(after_help = "\
Example:
  tradepost host deliveries dead --as bank.json")]
    Dead,
    /// Let dead letters begin anew
    #[command(after_help = "\
Example:
  tradepost host deliveries replay --as bank.json --event 17")]
    Replay {
        /// Only this one
        #[arg(long)]
        event: Option<u64>,
    },
}

pub(super) async fn run(flags: Flags) -> anyhow::Result<()> {
    let (api, business) = flags.at.of_business(flags.id)?;
    let path = |rest: &str| format!("/host/v1/businesses/{business}/{rest}");
    let json = flags.at.json;
    let (answer, rows): (Value, _) = match flags.command {
        Command::List { limit } => {
            (api.get(&path(&format!("deliveries?limit={limit}"))).await?, "deliveries")
        }
        Command::Dead => (api.get(&path("dead-letters?limit=1000")).await?, "dead_letters"),
        Command::Replay { event } => {
            let body = event.map_or_else(|| json!({}), |event| json!({ "event": event }));
            let request = api.request(Method::POST, &path("dead-letters/replay")).json(&body);
            let answer: Value = api.answer(request).await?;
            if !json {
                let count = answer.get("replayed").and_then(Value::as_u64).unwrap_or_default();
                println!("{count} begin anew.");
                return Ok(());
            }
            (answer, "")
        }
    };
    if json {
        return print_json(&answer);
    }
    let rows = answer.get(rows).and_then(Value::as_array);
    if rows.is_none_or(Vec::is_empty) {
        println!("There are none.");
    }
    for row in rows.into_iter().flatten() {
        println!("{}", line(row));
    }
    Ok(())
}

fn line(row: &Value) -> String {
    let number = |name: &str| row.get(name).and_then(Value::as_u64).unwrap_or_default();
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let line = if row.get("died").is_some() {
        let (event, attempts) = (number("event"), number("attempts"));
        format!(
            "{event:>8}  {}  {:<32} {attempts} times  {}",
            time(number("died")),
            text("field"),
            text("failure")
        )
    } else {
        let status = row.get("status").and_then(Value::as_u64).map_or_else(String::new, |s| s.to_string());
        let (event, attempt, millis) = (number("event"), number("attempt"), number("millis"));
        let url = text("url");
        let url = if url.is_empty() { "(a callback that is gone)".to_owned() } else { url };
        format!(
            "{event:>8}  {}  {:<32} attempt {attempt:<2} {status:>3} {millis:>6} ms  {}  {url}",
            time(number("at")),
            text("field"),
            text("outcome")
        )
    };
    clean(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_says_where_it_went_and_which_it_was() {
        let row = json!({
            "event": 17, "at": 0, "field": "messages", "attempt": 3, "millis": 12, "status": 500, "outcome": "status 500",
            "url": "https://bank.example/hook",
        });
        let line = line(&row);
        assert!(line.contains("attempt 3") && line.ends_with("https://bank.example/hook"), "{line}");
    }
}
