//! Businesses, as the operator sees them.

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use reqwest::Method;
use serde_json::json;
use wire::{
    BusinessId,
    api::{Business, BusinessState, Businesses},
};

use crate::relay_api::{RelayApi, clean, print_business, print_json, time};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List them, the latest change first
    #[command(after_help = "\
Example:
  tradepost admin businesses list --state submitted")]
    List {
        /// Only those that are draft, submitted, in_review, approved, rejected or suspended
        #[arg(long, value_name = "STATE")]
        state: Option<BusinessState>,
    },
    /// Show one with its application
    #[command(after_help = "\
Example:
  tradepost admin businesses show 8c78cd2a-16ff-427d-83dc-1a5e36ce713d")]
    Show {
        /// Its id
        business: BusinessId,
    },
    /// Take what was submitted into review
    #[command(after_help = "\
Example:
  tradepost admin businesses review 8c78cd2a-16ff-427d-83dc-1a5e36ce713d")]
    Review {
        /// Its id
        business: BusinessId,
    },
    /// Approve it: it may write to everybody
    #[command(after_help = "\
Example:
  tradepost admin businesses approve 8c78cd2a-16ff-427d-83dc-1a5e36ce713d")]
    Approve {
        /// Its id
        business: BusinessId,
    },
    /// Reject its application; it may mend and submit it again
    #[command(after_help = "\
Example:
  tradepost admin businesses reject 8c78cd2a-16ff-427d-83dc-1a5e36ce713d --reason 'the extract is too old'")]
    Reject {
        /// Its id
        business: BusinessId,
        /// For the business to read
        #[arg(long)]
        reason: String,
    },
    /// Suspend it: nothing goes out from it
    #[command(after_help = "\
Example:
  tradepost admin businesses suspend 8c78cd2a-16ff-427d-83dc-1a5e36ce713d --reason 'complaints'")]
    Suspend {
        /// Its id
        business: BusinessId,
        /// For the business to read
        #[arg(long)]
        reason: String,
    },
    /// End its suspension
    #[command(after_help = "\
Example:
  tradepost admin businesses reinstate 8c78cd2a-16ff-427d-83dc-1a5e36ce713d")]
    Reinstate {
        /// Its id
        business: BusinessId,
    },
    /// List its documents, and save them
    #[command(after_help = "\
Example:
  tradepost admin businesses documents 8c78cd2a-16ff-427d-83dc-1a5e36ce713d --save papers")]
    Documents {
        /// Its id
        business: BusinessId,
        /// Save them in this folder
        #[arg(long, value_name = "FOLDER")]
        save: Option<PathBuf>,
    },
}

pub(super) async fn run(api: &RelayApi, command: Command, json: bool) -> anyhow::Result<()> {
    match command {
        Command::List { state } => list(api, state, json).await,
        Command::Show { business } => shown(&look(api, business).await?, json),
        Command::Review { business } => decide(api, business, "review", None, json).await,
        Command::Approve { business } => {
            // What nobody has looked at goes through review too: two steps of the trail, one command.
            if look(api, business).await?.state == BusinessState::Submitted {
                let request = api.request(Method::POST, &path(business, "/review"));
                api.bytes(request).await?;
            }
            decide(api, business, "approve", None, json).await
        }
        Command::Reject { business, reason } => {
            if look(api, business).await?.state == BusinessState::Submitted {
                let request = api.request(Method::POST, &path(business, "/review"));
                api.bytes(request).await?;
            }
            decide(api, business, "reject", Some(reason), json).await
        }
        Command::Suspend { business, reason } => decide(api, business, "suspend", Some(reason), json).await,
        Command::Reinstate { business } => decide(api, business, "reinstate", None, json).await,
        Command::Documents { business, save } => documents(api, business, save, json).await,
    }
}

fn path(business: BusinessId, rest: &str) -> String {
    format!("/v1/operator/businesses/{business}{rest}")
}

async fn look(api: &RelayApi, business: BusinessId) -> anyhow::Result<Business> {
    api.get(&path(business, "")).await
}

fn shown(business: &Business, json: bool) -> anyhow::Result<()> {
    if json {
        return print_json(business);
    }
    print_business(business);
    Ok(())
}

async fn decide(
    api: &RelayApi,
    business: BusinessId,
    decision: &str,
    reason: Option<String>,
    json: bool,
) -> anyhow::Result<()> {
    let mut request = api.request(Method::POST, &path(business, &format!("/{decision}")));
    if let Some(reason) = reason {
        request = request.json(&json!({ "reason": reason }));
    }
    let business: Business = api.answer(request).await?;
    if json {
        return print_json(&business);
    }
    let name = business.application.name.as_deref().unwrap_or("the business");
    println!("{} is {} now.", clean(name), business.state);
    Ok(())
}

async fn list(api: &RelayApi, state: Option<BusinessState>, json: bool) -> anyhow::Result<()> {
    let mut all = Businesses { businesses: Vec::new(), next: None };
    loop {
        let mut query = Vec::new();
        query.extend(state.map(|state| format!("state={state}")));
        query.extend(all.next.take().map(|next| format!("after={next}")));
        let page: Businesses = api.get(&format!("/v1/operator/businesses?{}", query.join("&"))).await?;
        all.businesses.extend(page.businesses);
        all.next = page.next;
        if all.next.is_none() {
            break;
        }
    }
    if json {
        return print_json(&all);
    }
    for business in &all.businesses {
        let some = |text: &Option<String>| clean(text.as_deref().unwrap_or("–"));
        let (state, changed) = (business.state, time(business.changed));
        let (name, legal, country) =
            (some(&business.name), some(&business.legal_name), some(&business.country));
        println!("{}  {state:<10} {changed}  {name} ({legal}, {country})", business.business);
    }
    if all.businesses.is_empty() {
        eprintln!("There are none.");
    }
    Ok(())
}

async fn documents(
    api: &RelayApi,
    business: BusinessId,
    save: Option<PathBuf>,
    json: bool,
) -> anyhow::Result<()> {
    let documents = look(api, business).await?.documents;
    if let Some(folder) = &save {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        for document in &documents {
            let request = api.request(Method::GET, &path(business, &format!("/documents/{}", document.id)));
            let bytes = api.bytes(request).await?;
            // The name is the business's own words: the file is called by its id, and what its bytes are.
            let kind = match &*document.content_type {
                "application/pdf" => "pdf",
                "image/png" => "png",
                _ => "jpg",
            };
            let id: String = document.id.chars().filter(char::is_ascii_hexdigit).collect();
            let file = folder.join(format!("{id}.{kind}"));
            fs::write(&file, bytes).with_context(|| file.display().to_string())?;
        }
    }
    if json {
        return print_json(&documents);
    }
    for document in &documents {
        println!(
            "{}  {:>9} bytes  {}  {}",
            document.id,
            document.size,
            document.content_type,
            clean(&document.name)
        );
    }
    Ok(())
}
