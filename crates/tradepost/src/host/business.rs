//! Businesses on a host.

use std::path::{Path, PathBuf};

use ::host::purposes::Instructions;
use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Value, json};
use wire::{VendorId, api::HostingMode};

use super::{at::AtHost, instruct, standing, which::Which};
use crate::{
    relay_api::{RelayApi, callback_url, clean, print_json, replace_secret, secret_of_file},
    wrong_call::WrongCall,
};

/// Bring businesses in, show, instruct, suspend and erase them
///
/// The operator's token of the host comes from TRADEPOST_HOST_OPERATOR_TOKEN, from the file that
/// TRADEPOST_HOST_OPERATOR_TOKEN_FILE names, or from operator.token in the host's data folder (--data).
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost host business add --credential business.credential --save bank.json
  tradepost host business add --credential vendor.credential --relay-business 0b5c0a52-6c8a-4a8e-b7b5-0d5c8d9c8d11
  tradepost host business add --store-days 365 --search --callback https://bank.example/hook --verify-token secret
  tradepost host business list
  tradepost host business instruct 1000000000000001 --store-days 90 --search --yes
  tradepost host business hosting operator 1000000000000001 --credential business.credential
  tradepost host business suspend 1000000000000001 --reason 'complaints'
  tradepost host business erase 1000000000000001 --yes
  tradepost host business show --as bank.json            the business itself asks")]
pub(super) struct Flags {
    #[command(flatten)]
    at: AtHost,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Add(Box<Add>),
    /// List them, each with its state as the host heard it last
    #[command(after_help = "\
Example:
  tradepost host business list")]
    List,
    /// Show one, with its numbers, apps and instructions; its state as the relay says it now
    #[command(after_help = "\
Examples:
  tradepost host business show 1000000000000001
  tradepost host business show --as bank.json")]
    Show {
        /// Its id, or its account's [default: of --as]
        business: Option<Which>,
    },
    /// Say what the host may do with its chats; what is not said is not allowed
    ///
    /// All of it is said anew. If chats are to be stored for less long than before, those that are older are deleted: that
    /// asks for --yes.
    #[command(after_help = "\
Examples:
  tradepost host business instruct 1000000000000001 --store-days 365 --search
  tradepost host business instruct --as bank.json --store-days 90 --yes")]
    Instruct {
        /// Its id, or its account's [default: of --as]
        business: Option<Which>,
        #[command(flatten)]
        allowed: Allowed,
        /// Not even deliver: no message comes or goes
        #[arg(long)]
        no_delivery: bool,
        /// Chats may be deleted by it
        #[arg(long)]
        yes: bool,
    },
    Hosting(Hosting),
    /// Refuse its programs; what people write is still received
    #[command(after_help = "\
Example:
  tradepost host business suspend 1000000000000001 --reason 'complaints'")]
    Suspend {
        /// Its id, or its account's
        business: Which,
        /// For the business to read
        #[arg(long)]
        reason: String,
    },
    /// End its suspension
    #[command(after_help = "\
Example:
  tradepost host business resume 1000000000000001")]
    Resume {
        /// Its id, or its account's
        business: Which,
    },
    /// Erase it here, with everything of it but the log of what was read, and its devices at the relay
    #[command(after_help = "\
Example:
  tradepost host business erase 1000000000000001 --yes")]
    Erase {
        /// Its id, or its account's [default: of --as]
        business: Option<Which>,
        /// Nothing brings it back
        #[arg(long)]
        yes: bool,
        /// Leave its devices to the relay: where that is gone
        #[arg(long)]
        without_relay: bool,
    },
}

/// Bring a business in: its numbers are registered at the relay, and it has an app with a token
///
/// With the business's own credential at the relay (`business.credential`, from `tradepost business apply`) the host says
/// first that it hosts itself. With that of a host (tph1_…, tpv1_…, tpo1_…) it must have been said. Neither is kept. The same
/// again finds what is there.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tradepost host business add --credential business.credential --save bank.json
  tradepost host business add --store-days 365 --search --callback https://bank.example/hook --verify-token secret")]
struct Add {
    /// The file with the credential
    #[arg(long, value_name = "FILE", default_value = "business.credential")]
    credential: PathBuf,
    /// Which business of the relay: with the credential of a vendor or the operator
    #[arg(long, value_name = "ID")]
    relay_business: Option<wire::BusinessId>,
    /// Save what its software needs in this file, which only its owner can read; the token is told once
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// ISO 4217 [default: USD]
    #[arg(long)]
    currency: Option<String>,
    /// What its app is called [default: Default]
    #[arg(long)]
    app: Option<String>,
    /// Make another token for an app that has one
    #[arg(long)]
    new_token: bool,
    /// Tell this callback what happens
    #[arg(long, value_name = "URL", value_parser = callback_url)]
    callback: Option<String>,
    /// What the callback is asked with [default: a random one]
    #[arg(long, requires = "callback")]
    verify_token: Option<String>,
    #[command(flatten)]
    allowed: Allowed,
}

/// What a host may do.
#[derive(Debug, clap::Args)]
struct Allowed {
    /// Store chats for so many days
    #[arg(long, value_name = "DAYS")]
    store_days: Option<u32>,
    /// Search chats by their words
    #[arg(long, requires = "store_days")]
    search: bool,
    /// Reply by itself
    #[arg(long)]
    reply: bool,
    /// Count and compare what is written
    #[arg(long)]
    analyse: bool,
    /// Use chats for the business's own marketing
    #[arg(long)]
    market: bool,
    /// Use chats for advertising
    #[arg(long)]
    advertise: bool,
}

impl Allowed {
    fn instructions(&self) -> Instructions {
        Instructions {
            deliver: true,
            store_days: self.store_days,
            search: self.search,
            reply: self.reply,
            analyse: self.analyse,
            market: self.market,
            advertise: self.advertise,
        }
    }
}

/// Say who hosts it: its customers see that before anything goes to it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  tradepost host business hosting operator 1000000000000001 --credential business.credential")]
struct Hosting {
    /// self, vendor or operator
    mode: HostingMode,
    /// Its id, or its account's [default: of --as]
    business: Option<Which>,
    /// With vendor: which
    #[arg(long, value_name = "ID")]
    vendor: Option<VendorId>,
    /// The file with the business's own credential at the relay
    #[arg(long, value_name = "FILE", default_value = "business.credential")]
    credential: PathBuf,
    /// If this host goes on as the vendor's or the operator's: the file with that credential
    #[arg(long, value_name = "FILE")]
    host_credential: Option<PathBuf>,
}

pub(super) async fn run(flags: Flags) -> anyhow::Result<()> {
    let Flags { at, command } = flags;
    let json = at.json;
    match command {
        Command::Add(add) => self::add(&at.operator()?, &add, json).await,
        Command::List => list(&at.operator()?, json).await,
        Command::Show { business } => {
            let (api, business) = at.of_business(business)?;
            shown(&api.get(&path(business, "")).await?, json)
        }
        Command::Instruct { business, allowed, no_delivery, yes } => {
            let (api, business) = at.of_business(business)?;
            let instructions = Instructions { deliver: !no_delivery, ..allowed.instructions() };
            instruct::run(&api, &path(business, ""), instructions, yes, json).await
        }
        Command::Hosting(hosting) => {
            let (api, business) = at.of_business(hosting.business)?;
            let mut body =
                json!({ "credential": secret_of_file(&hosting.credential)?, "mode": hosting.mode });
            if let Some(vendor) = hosting.vendor {
                set(&mut body, "vendor", json!(vendor));
            }
            if let Some(file) = &hosting.host_credential {
                set(&mut body, "host_credential", secret_of_file(file)?.into());
            }
            let request = api.request(Method::PUT, &path(business, "/hosting")).json(&body);
            shown(&api.answer(request).await?, json)
        }
        Command::Suspend { business, reason } => {
            let api = at.operator()?;
            let request = api.request(Method::POST, &path(business, "/suspend"));
            shown(&api.answer(request.json(&json!({ "reason": reason }))).await?, json)
        }
        Command::Resume { business } => {
            let api = at.operator()?;
            shown(&api.answer(api.request(Method::POST, &path(business, "/resume"))).await?, json)
        }
        Command::Erase { business, yes, without_relay } => {
            let (api, business) = at.of_business(business)?;
            if !yes {
                let sure = "nothing was erased: nothing brings a business back, so say --yes";
                return Err(WrongCall(sure.to_owned()).into());
            }
            let skip = if without_relay { "?relay=skip" } else { "" };
            api.bytes(api.request(Method::DELETE, &path(business, skip))).await?;
            if json {
                return print_json(&json!({ "erased": business.to_string() }));
            }
            println!("{business} is erased. What is left is the log of what was read.");
            Ok(())
        }
    }
}

fn path(business: Which, rest: &str) -> String {
    format!("/host/v1/businesses/{business}{rest}")
}

fn set(body: &mut Value, name: &str, value: Value) {
    if let Some(body) = body.as_object_mut() {
        body.insert(name.to_owned(), value);
    }
}

async fn add(api: &RelayApi, flags: &Add, json: bool) -> anyhow::Result<()> {
    let credential = secret_of_file(&flags.credential)
        .context("`tradepost business apply` makes a credential; say its file with --credential")?;
    let mut body = json!({ "credential": credential, "new_token": flags.new_token });
    let texts = [
        ("business", flags.relay_business.map(|id| id.to_string())),
        ("currency", flags.currency.clone()),
        ("app", flags.app.clone()),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            set(&mut body, name, text.into());
        }
    }
    if let Some(url) = &flags.callback {
        let mut callback = json!({ "url": url });
        if let Some(token) = &flags.verify_token {
            set(&mut callback, "verify_token", token.as_str().into());
        }
        set(&mut body, "callback", callback);
    }
    let instructions = flags.allowed.instructions();
    if instructions != Instructions::default() {
        set(&mut body, "instructions", serde_json::to_value(instructions)?);
    }
    let mut answer: Value = api.answer(api.request(Method::POST, "/host/v1/businesses").json(&body)).await?;
    if let Some(file) = &flags.save {
        keep_token(&mut answer, file);
        replace_secret(file, &serde_json::to_string_pretty(&answer)?)?;
    }
    if json {
        print_json(&answer)?;
    } else {
        added(&answer, flags.save.as_deref());
    }
    let as_file = flags.save.as_ref().map(|file| format!(" --as {}", file.display())).unwrap_or_default();
    standing::warn(&answer, &as_file);
    Ok(())
}

/// The token of before, which is not told again.
fn keep_token(answer: &mut Value, file: &Path) {
    let Ok(text) = std::fs::read_to_string(file) else { return };
    let Ok(before) = serde_json::from_str::<Value>(&text) else { return };
    for name in ["token", "verify_token"] {
        if answer.get(name).is_none()
            && before.get("app_id") == answer.get("app_id")
            && let Some(kept) = before.get(name)
        {
            set(answer, name, kept.clone());
        }
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn each<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

pub(super) fn line(what: &str, text: &str) {
    println!("{what:<14}{}", clean(text));
}

fn added(answer: &Value, saved: Option<&Path>) {
    line("business", &format!("{} {}", text(answer, "business_id"), text(answer, "name")));
    line("account", text(answer, "waba_id"));
    for number in each(answer, "numbers") {
        line("number", &format!("{} {}", text(number, "phone_number_id"), text(number, "number")));
    }
    line("app", text(answer, "app_id"));
    match saved {
        Some(file) => {
            println!("\nIts token and secret are in {0}. Try:\n", file.display());
            println!("  tradepost host send --as {} +49… --template hello_world", file.display());
        }
        None => {
            line("app secret", text(answer, "app_secret"));
            let token = text(answer, "token");
            let none = "told when it was made; --new-token makes another one";
            line("token", if token.is_empty() { none } else { token });
            if !text(answer, "verify_token").is_empty() {
                line("verify token", text(answer, "verify_token"));
            }
        }
    }
}

async fn list(api: &RelayApi, json: bool) -> anyhow::Result<()> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page: Value = api.get(&format!("/host/v1/businesses{after}")).await?;
        all.extend(each(&page, "businesses").cloned());
        match text(&page, "next") {
            "" => break,
            next => after = format!("?after={next}"),
        }
    }
    if json {
        return print_json(&json!({ "businesses": all }));
    }
    if all.is_empty() {
        println!("There are none.");
    }
    for business in &all {
        let suspended = if text(business, "suspended").is_empty() { "" } else { ", suspended here" };
        let (state, mode) = (text(business, "state"), text(business, "mode"));
        let row = format!("{}  {state:<10} {mode:<9}", text(business, "business_id"));
        println!("{row} {}{suspended}", clean(text(business, "name")));
    }
    Ok(())
}

pub(super) fn shown(business: &Value, json: bool) -> anyhow::Result<()> {
    if json {
        return print_json(business);
    }
    line("business", &format!("{} {}", text(business, "business_id"), text(business, "name")));
    line("at the relay", text(business, "relay_business_id"));
    line("account", text(business, "waba_id"));
    line("state", text(business, "state"));
    let by = text(business, "host_name");
    let by = if by.is_empty() { String::new() } else { format!(" by {by}") };
    line("hosting", &format!("{}{by}", text(business, "mode")));
    if !text(business, "suspended").is_empty() {
        line("suspended", text(business, "suspended"));
    }
    for number in each(business, "numbers") {
        let registered = number.get("registered").and_then(Value::as_bool).unwrap_or_default();
        let how = if registered { "" } else { ", not registered" };
        let parts = ["phone_number_id", "number", "messaging_limit"].map(|part| text(number, part));
        let row = format!("{}{how}", parts.join(" "));
        line("number", &row);
    }
    for app in each(business, "apps") {
        line("app", &format!("{} {}", text(app, "app_id"), text(app, "name")));
    }
    if let Some(allowed) = instruct::of(business) {
        line("allowed", &instruct::words(&allowed).join(", "));
    }
    Ok(())
}
