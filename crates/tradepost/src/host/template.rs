//! What who runs a host decides about templates.

use ::host::ids::TemplateId;
use reqwest::Method;
use serde_json::{Value, json};

use super::at::AtHost;
use crate::relay_api::{RelayApi, clean, print_json};

/// Decide about templates that the rules leave to a person; the business's software is told
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost host template list
  tradepost host template approve 5000000000000001
  tradepost host template reject 5000000000000001 --reason SCAM
  tradepost host template pause 5000000000000001")]
pub(super) struct Flags {
    #[command(flatten)]
    at: AtHost,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List those that wait for a decision
    #[command(after_help = "\
Example:
  tradepost host template list")]
    List,
    /// Show one with its components, in JSON
    #[command(after_help = "\
Example:
  tradepost host template show 5000000000000001")]
    Show {
        /// Its id
        template: TemplateId,
    },
    /// It can be sent
    #[command(after_help = "\
Example:
  tradepost host template approve 5000000000000001")]
    Approve {
        /// Its id
        template: TemplateId,
    },
    /// It cannot be sent
    #[command(after_help = "\
Example:
  tradepost host template reject 5000000000000001 --reason SCAM")]
    Reject {
        /// Its id
        template: TemplateId,
        /// ABUSIVE_CONTENT, INVALID_FORMAT, PROMOTIONAL, TAG_CONTENT_MISMATCH, SCAM or INCORRECT_CATEGORY
        #[arg(long)]
        reason: String,
    },
    /// It cannot be sent for a while
    #[command(after_help = "\
Example:
  tradepost host template pause 5000000000000001")]
    Pause {
        /// Its id
        template: TemplateId,
    },
    /// It can be sent again
    #[command(after_help = "\
Example:
  tradepost host template unpause 5000000000000001")]
    Unpause {
        /// Its id
        template: TemplateId,
    },
    /// It cannot be sent any more
    #[command(after_help = "\
Example:
  tradepost host template disable 5000000000000001")]
    Disable {
        /// Its id
        template: TemplateId,
    },
}

pub(super) async fn run(flags: Flags) -> anyhow::Result<()> {
    let (api, json) = (flags.at.operator()?, flags.at.json);
    let (template, word, body) = match flags.command {
        Command::List => return list(&api, json).await,
        Command::Show { template } => {
            return print_json(&api.get::<Value>(&format!("/host/v1/templates/{template}")).await?);
        }
        Command::Approve { template } => (template, "approve", None),
        Command::Reject { template, reason } => (template, "reject", Some(json!({ "reason": reason }))),
        Command::Pause { template } => (template, "pause", None),
        Command::Unpause { template } => (template, "unpause", None),
        Command::Disable { template } => (template, "disable", None),
    };
    let mut request = api.request(Method::POST, &format!("/host/v1/templates/{template}/{word}"));
    if let Some(body) = body {
        request = request.json(&body);
    }
    let decided: Value = api.answer(request).await?;
    if json {
        return print_json(&decided);
    }
    println!("{}", row(&decided));
    Ok(())
}

async fn list(api: &RelayApi, json: bool) -> anyhow::Result<()> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page: Value = api.get(&format!("/host/v1/templates?limit=100{after}")).await?;
        let templates = page.get("templates").and_then(Value::as_array).cloned().unwrap_or_default();
        let Some(last) = templates.last() else { break };
        after = format!("&after={}", text(last, "template_id"));
        all.extend(templates);
    }
    if json {
        return print_json(&json!({ "templates": all }));
    }
    if all.is_empty() {
        println!(
            "None waits for a decision. A business lists all of its own with GET /WABA/message_templates."
        );
    }
    all.iter().for_each(|template| println!("{}", row(template)));
    Ok(())
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn row(template: &Value) -> String {
    let parts = ["template_id", "status", "category", "language", "name"];
    clean(&parts.map(|part| text(template, part)).join("  "))
}
