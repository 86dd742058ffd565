//! A business's chats: listed, read and searched.

use ::host::ids::NumberId;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{at::AtHost, which::Which};
use crate::relay_api::{RelayApi, clean, print_json, time};

/// List, read and search the business's chats; each reading stands in its log
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost host chats list --as bank.json --unread
  tradepost host chats show --as bank.json +4915112345678
  tradepost host chats search --as bank.json voucher lost --since 2026-11-01

What the business does not let its host do (--store-days, --search of `tradepost host business instruct`) is refused.
Where a vendor or the relay's operator hosts, chats are for the business alone (--as).")]
pub(super) struct Flags {
    #[command(flatten)]
    at: AtHost,
    /// Which business [default: of --as]
    #[arg(long, value_name = "ID", global = true)]
    id: Option<Which>,
    #[command(subcommand)]
    command: Command,
}

/// Which part of what there is.
#[derive(Debug, clap::Args)]
struct Part {
    /// Only of this number, by its phone_number_id
    #[arg(long, value_name = "PHONE_NUMBER_ID")]
    number: Option<NumberId>,
    /// Not before this: a day (of UTC) or a time such as 2026-11-28T09:00:00Z
    #[arg(long, value_name = "TIME", value_parser = when)]
    since: Option<i64>,
    /// Before this
    #[arg(long, value_name = "TIME", value_parser = when)]
    until: Option<i64>,
    /// So many at most
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// The next page, as the one before said
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
}

/// Of messages, which.
#[derive(Debug, clap::Args)]
struct Kind {
    /// Only what came (in) or went (out)
    #[arg(long, value_name = "in|out")]
    direction: Option<String>,
    /// Only of this type: text, image, template, …
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// The chats, the latest first
    #[command(after_help = "\
Examples:
  tradepost host chats list --as bank.json --unread
  tradepost host chats list --as bank.json --words 'voucher lost' --json")]
    List {
        /// Only with this person: a user_id, or a number
        #[arg(long)]
        person: Option<String>,
        /// Only those in which something is unread
        #[arg(long)]
        unread: bool,
        /// Only those with a message that has all of these words
        #[arg(long)]
        words: Option<String>,
        #[command(flatten)]
        part: Part,
    },
    /// The messages of a chat, the last of them below
    #[command(after_help = "\
Examples:
  tradepost host chats show --as bank.json +4915112345678
  tradepost host chats show --as bank.json DE.39687235152221207350 --direction in --limit 200")]
    Show {
        /// With whom: a user_id, or a number
        person: String,
        #[command(flatten)]
        kind: Kind,
        #[command(flatten)]
        part: Part,
    },
    /// Messages that have all of these words, whole and in any case, the latest first
    #[command(after_help = "\
Example:
  tradepost host chats search --as bank.json voucher lost")]
    Search {
        /// From 1 to 8
        #[arg(required = true)]
        words: Vec<String>,
        /// Only with this person: a user_id, or a number
        #[arg(long)]
        person: Option<String>,
        #[command(flatten)]
        kind: Kind,
        #[command(flatten)]
        part: Part,
    },
}

/// A day or a time, in milliseconds since 1970.
fn when(text: &str) -> Result<i64, String> {
    let day =
        || text.parse::<jiff::civil::Date>()?.to_zoned(jiff::tz::TimeZone::UTC).map(|day| day.timestamp());
    let time = text.parse::<jiff::Timestamp>().or_else(|_| day());
    time.map(jiff::Timestamp::as_millisecond)
        .map_err(|_| "neither a day such as 2026-11-28 nor a time such as 2026-11-28T09:00:00Z".to_owned())
}

/// What is asked for: what is not said is left out.
struct Asked(Map<String, Value>);

impl Asked {
    fn of(part: Part) -> Self {
        let Part { number, since, until, limit, after } = part;
        let mut asked = Self(Map::new());
        asked.with("phone_number_id", number.map(|number| number.to_string()));
        asked.with("since", since);
        asked.with("until", until);
        asked.with("limit", Some(limit));
        asked.with("after", after);
        asked
    }

    fn with(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }

    fn kind(&mut self, kind: Kind) {
        self.with("direction", kind.direction);
        self.with("type", kind.kind);
    }

    async fn answer(self, api: &RelayApi, business: Which, what: &str) -> anyhow::Result<Value> {
        let path = format!("/host/v1/businesses/{business}/{what}/list");
        api.answer(api.request(Method::POST, &path).json(&Value::Object(self.0))).await
    }
}

pub(super) async fn run(flags: Flags) -> anyhow::Result<()> {
    let (api, business) = flags.at.of_business(flags.id)?;
    let (answer, rows, first_first): (Value, _, _) = match flags.command {
        Command::List { person, unread, words, part } => {
            let mut asked = Asked::of(part);
            asked.with("person", person);
            asked.with("unread", unread.then_some(true));
            asked.with("words", words);
            (asked.answer(&api, business, "chats").await?, "chats", false)
        }
        Command::Show { person, kind, part } => {
            let mut asked = Asked::of(part);
            asked.with("person", Some(person));
            asked.kind(kind);
            (asked.answer(&api, business, "messages").await?, "messages", true)
        }
        Command::Search { words, person, kind, part } => {
            let mut asked = Asked::of(part);
            asked.with("words", Some(words.join(" ")));
            asked.with("person", person);
            asked.kind(kind);
            (asked.answer(&api, business, "messages").await?, "messages", false)
        }
    };
    if flags.at.json {
        return print_json(&answer);
    }
    let mut lines: Vec<String> =
        answer.get(rows).and_then(Value::as_array).into_iter().flatten().map(line).collect();
    if lines.is_empty() {
        println!("There are none.");
    }
    if first_first {
        lines.reverse();
    }
    lines.iter().for_each(|line| println!("{line}"));
    if let Some(next) = answer.get("next").and_then(Value::as_str) {
        println!("{} --after {next}", if first_first { "Before that:" } else { "More:" });
    }
    Ok(())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn line(row: &Value) -> String {
    let at = |name: &str| time(row.get(name).and_then(Value::as_u64).unwrap_or_default());
    let line = if row.get("content").is_some() {
        let status = match (text(row, "direction"), row.get("read").and_then(Value::as_bool)) {
            ("out", _) => text(row, "status"),
            (_, Some(false)) => "unread",
            _ => "",
        };
        let arrow = if text(row, "direction") == "out" { "→" } else { "←" };
        format!("{}  {arrow} {:<20} {}  {status}", at("at"), text(row, "user_id"), said(row))
    } else {
        let unread = row.get("unread").and_then(Value::as_u64).unwrap_or_default();
        let unread = if unread == 0 { String::new() } else { format!("  {unread} unread") };
        let number = text(row, "wa_id");
        let number = if number.is_empty() { String::new() } else { format!("  +{number}") };
        let blocked =
            if row.get("blocked").and_then(Value::as_bool) == Some(true) { "  blocked" } else { "" };
        format!(
            "{}  {:<20} {}{number}{unread}{blocked}",
            at("latest"),
            text(row, "user_id"),
            text(row, "name")
        )
    };
    clean(line.trim_end())
}

/// Where words stand in what a message has in it, the first that there is.
const WORDS: [&str; 7] = ["body", "caption", "title", "text", "name", "emoji", "filename"];
/// How deep one looks for them: a button's title stands below the reply that it is, a body's text below the body.
const DEPTH: u32 = 4;

/// The first words of a content: its own, or those of a part.
fn words(content: &Value, depth: u32) -> Option<&str> {
    let own = WORDS.iter().map(|name| text(content, name)).find(|words| !words.is_empty());
    if own.is_some() || depth == 0 {
        return own;
    }
    let first = WORDS.iter().filter_map(|name| content.get(name));
    let parts = content.as_object().into_iter().flat_map(Map::values);
    let items = content.as_array().into_iter().flatten();
    first.chain(parts).chain(items).find_map(|part| words(part, depth - 1))
}

/// What a message says, in a line: its words, if it has any, else its type.
fn said(message: &Value) -> String {
    let none = json!({});
    let content = message.get("content").unwrap_or(&none);
    let words = words(content, DEPTH);
    match (text(message, "type"), words) {
        ("text", Some(words)) => words.to_owned(),
        (kind, Some(words)) => format!("[{kind}] {words}"),
        (kind, None) => format!("[{kind}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_understood_and_nothing_else() {
        assert_eq!(when("1970-01-02"), Ok(86_400_000));
        assert_eq!(when("1970-01-01T00:00:01Z"), Ok(1000));
        for bad in ["", "yesterday", "2026-13-01", "7"] {
            assert!(when(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn words_are_found_in_what_is_pressed_and_what_is_offered() {
        let said = |content: Value| said(&json!({ "type": "interactive", "content": content }));
        let offered = json!({ "type": "interactive", "interactive": { "type": "button", "action": { "buttons": [
            { "type": "reply", "reply": { "id": "y", "title": "Yes" } }] }, "body": { "text": "Was it you?" } } });
        assert_eq!(said(offered), "[interactive] Was it you?");
        let pressed = json!({ "type": "interactive", "interactive": { "type": "button_reply",
            "button_reply": { "id": "y", "title": "Yes" } } });
        assert_eq!(said(pressed), "[interactive] Yes");
        assert_eq!(said(json!({ "type": "interactive" })), "[interactive]");
    }

    #[test]
    fn a_message_is_one_line_whatever_it_says() {
        let row = json!({
            "user_id": "DE.1", "direction": "in", "type": "image", "at": 0, "read": false,
            "content": { "type": "image", "caption": "two\nlines\u{1b}[2J" },
        });
        let line = line(&row);
        assert!(
            line.contains("← DE.1") && line.contains("[image] two lines") && line.ends_with("unread"),
            "{line}"
        );
        assert!(!line.contains('\u{1b}'));
    }
}
