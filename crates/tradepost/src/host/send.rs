//! A message, sent as a business's software sends it.

use anyhow::{Context as _, bail};
use reqwest::Method;
use serde_json::{Value, json};
use wire::PhoneNumber;

use super::{at::AtHost, standing};
use crate::relay_api::{clean, print_json};

/// Send a message as a business, through the API that its software uses
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost host send --as bank.json +4915112345678 --template hello_world
  tradepost host send --as bank.json +4915112345678 'Your card is on its way.'

Text without a template reaches who wrote to the business within the last 24 hours.")]
pub(super) struct Flags {
    #[command(flatten)]
    at: AtHost,
    /// To whom
    to: PhoneNumber,
    /// What
    #[arg(required_unless_present = "template", conflicts_with = "template")]
    text: Option<String>,
    /// A template of the business without variables, instead
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
    /// The template's language
    #[arg(long, value_name = "LANGUAGE", default_value = "en_US", requires = "template")]
    language: String,
    /// From which of its numbers [default: the first]
    #[arg(long, value_name = "NUMBER")]
    from: Option<PhoneNumber>,
}

pub(super) async fn run(flags: Flags) -> anyhow::Result<()> {
    let (api, saved) = flags.at.business()?;
    let wanted = |number: &str| flags.from.as_ref().is_none_or(|from| from.as_str() == number);
    let number = saved.numbers.iter().find(|number| wanted(&number.number));
    let number =
        number.context("the business has no such number: `tradepost host business show` lists them")?;
    let mut body = json!({ "messaging_product": "whatsapp", "to": flags.to });
    let (kind, content) = match (&flags.template, &flags.text) {
        (Some(name), _) => ("template", json!({ "name": name, "language": { "code": flags.language } })),
        (None, Some(text)) => ("text", json!({ "body": text })),
        (None, None) => bail!("what is to be sent?"),
    };
    if let Some(body) = body.as_object_mut() {
        body.insert("type".to_owned(), kind.into());
        body.insert(kind.to_owned(), content);
    }
    let path = format!("/{}/messages", number.phone_number_id);
    let answer = api.send(api.request(Method::POST, &path).json(&body)).await?;
    let status = answer.status();
    let bytes = answer.bytes().await.context("the answer broke off")?;
    let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if !status.is_success() {
        let message = answer.pointer("/error/message").and_then(Value::as_str);
        let details = answer.pointer("/error/error_data/details").and_then(Value::as_str);
        match (message, details) {
            (Some(message), Some(details)) => bail!("the host says: {}: {}", clean(message), clean(details)),
            (Some(message), None) => bail!("the host says: {}", clean(message)),
            _ => return Err(api.refused(status, &bytes)),
        }
    }
    let id = answer.pointer("/messages/0/id").and_then(Value::as_str);
    let id = id.context("what answers there is no host: it names no message (is the address right?)")?;
    if flags.at.json {
        print_json(&answer)?;
    } else {
        println!("Accepted: {}", clean(id));
    }
    // It is on its way whether or not the host says how the business stands.
    let path = format!("/host/v1/businesses/{}", saved.business_id);
    if let Ok(business) = api.get::<Value>(&path).await {
        standing::warn(&business, &flags.at.as_file());
    }
    Ok(())
}
