//! The application and its documents.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use reqwest::{Method, Url};
use wire::{
    PhoneNumber,
    api::{Application, Business, BusinessContact, BusinessMade, Document},
};

use crate::{
    relay_api::{AtRelay, RelayApi, clean, keep_secret, print_json},
    wrong_call::WrongCall,
};

/// Begin a business with its application; its credential goes into a new file (--credential)
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  tradepost business apply --legal-name 'Bank of Examples AG' --name 'Example Bank' --country DE \\
      --registration-number 'HRB 1234' --website https://bank.example --category FINANCE \\
      --contact-name Ada --contact-email ada@bank.example --contact-phone +493012345678 \\
      --document extract.pdf --submit")]
pub(super) struct Flags {
    /// As it is registered
    #[arg(long)]
    legal_name: Option<String>,
    /// As it wants to be called
    #[arg(long)]
    name: Option<String>,
    /// ISO 3166, two capital letters
    #[arg(long)]
    country: Option<String>,
    /// In the register of its country
    #[arg(long)]
    registration_number: Option<String>,
    /// https://…
    #[arg(long)]
    website: Option<String>,
    /// Such as FINANCE or RETAIL; all of them are in docs/relay-api.md
    #[arg(long)]
    category: Option<String>,
    /// Whom the operator asks
    #[arg(long, requires = "contact_email", requires = "contact_phone")]
    contact_name: Option<String>,
    /// Where they read
    #[arg(long, requires = "contact_name")]
    contact_email: Option<String>,
    /// Where they answer
    #[arg(long, requires = "contact_name")]
    contact_phone: Option<PhoneNumber>,
    /// A PDF, PNG or JPEG that goes with it; may be there more than once
    #[arg(long = "document", value_name = "FILE")]
    documents: Vec<PathBuf>,
    /// Hand it to the operator at once
    #[arg(long)]
    submit: bool,
    /// Replace the application of a draft, or of what was rejected, instead of beginning a business
    #[arg(long)]
    pub(super) again: bool,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum DocumentCommand {
    /// Add files: PDF, PNG or JPEG
    #[command(after_help = "\
Example:
  tradepost business document add extract.pdf")]
    Add {
        /// The files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Remove one
    #[command(after_help = "\
Example:
  tradepost business document remove 0b5c0a52-6c8a-4a8e-b7b5-0d5c8d9c8d11   as `business show` names it")]
    Remove {
        /// Its id
        id: String,
    },
}

impl Flags {
    fn application(&self) -> Application {
        let contact = match (&self.contact_name, &self.contact_email, &self.contact_phone) {
            (Some(name), Some(email), Some(phone)) => {
                Some(BusinessContact { name: name.clone(), email: email.clone(), phone: phone.clone() })
            }
            _ => None,
        };
        Application {
            legal_name: self.legal_name.clone(),
            name: self.name.clone(),
            country: self.country.clone(),
            registration_number: self.registration_number.clone(),
            website: self.website.clone(),
            category: self.category.clone(),
            contact,
        }
    }
}

/// Begins a business.
pub(super) async fn begin(at: &AtRelay, file: &Path, flags: &Flags) -> anyhow::Result<()> {
    if file.exists() {
        bail!(
            "{} is there already: it is the credential of a business. Change its application with --again, or name \
             another file with --credential",
            file.display()
        );
    }
    let documents = read(&flags.documents)?;
    let api = RelayApi::new(at, None)?;
    let request = api.request(Method::POST, "/v1/businesses").json(&flags.application());
    let made: BusinessMade = api.answer(request).await?;
    if let Err(error) = keep_secret(file, &made.credential) {
        // It is told this once: better on the screen than lost.
        println!("{}", made.credential);
        return Err(error.context("the credential is above, and was not written"));
    }
    if !at.json {
        println!("The business is {}; its credential is in {}.", made.business, file.display());
    }
    let api = RelayApi::new(at, Some(made.credential))?;
    let done = "the business is made and its application stored";
    rest(&api, documents, flags.submit, (done, file), at.json).await
}

/// Replaces an application.
pub(super) async fn again(api: &RelayApi, file: &Path, flags: &Flags, json: bool) -> anyhow::Result<()> {
    let documents = read(&flags.documents)?;
    let request = api.request(Method::PUT, "/v1/business/application").json(&flags.application());
    api.bytes(request).await?;
    rest(api, documents, flags.submit, ("the application is stored", file), json).await
}

/// A document that was read, under its file's name.
type Read<'a> = (&'a Path, Vec<u8>);

/// Before anything is done: a path that is wrong is found while nothing is half done.
fn read(files: &[PathBuf]) -> anyhow::Result<Vec<Read<'_>>> {
    let read = files.iter().map(|file| match std::fs::read(file) {
        Ok(bytes) => Ok((file.as_path(), bytes)),
        Err(error) => Err(WrongCall(format!("nothing was done: {}: {error}", file.display())).into()),
    });
    read.collect()
}

/// What follows the application. `done`: what there is by then, and the file with the credential.
async fn rest(
    api: &RelayApi,
    documents: Vec<Read<'_>>,
    submits: bool,
    (done, file): (&str, &Path),
    json: bool,
) -> anyhow::Result<()> {
    let all = documents.len();
    let credential = match file.to_str() {
        Some("business.credential") => String::new(),
        _ => format!(" --credential {}", file.display()),
    };
    let then =
        if submits { format!(", then `tradepost business submit{credential}`") } else { String::new() };
    for (before, (document, bytes)) in documents.into_iter().enumerate() {
        add(api, document, bytes).await.with_context(|| {
            format!(
                "{done}, and {before} of {all} documents are with it; this one was not added. Go on with `tradepost \
                 business document add{credential} FILE…`{then}"
            )
        })?;
    }
    if submits {
        return submit(api, json).await.with_context(|| {
            format!(
                "{done}, and its documents are with it, but it was not submitted. Mend what it says with \
                 `tradepost business apply --again{credential} …`{then}"
            )
        });
    }
    if json {
        return print_json(&api.get::<Business>("/v1/business").await?);
    }
    println!("It is a draft: `tradepost business submit` hands it to the operator.");
    Ok(())
}

/// Hands the application to the operator.
pub(super) async fn submit(api: &RelayApi, json: bool) -> anyhow::Result<()> {
    let business: Business = api.answer(api.request(Method::POST, "/v1/business/submit")).await?;
    if json {
        return print_json(&business);
    }
    println!("It is submitted. Until the operator has approved it, the business may write to its testers.");
    Ok(())
}

pub(super) async fn document(api: &RelayApi, command: DocumentCommand, json: bool) -> anyhow::Result<()> {
    match command {
        DocumentCommand::Add { files } => {
            for file in &files {
                let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
                let document = add(api, file, bytes).await?;
                if json {
                    print_json(&document)?;
                } else {
                    println!("{}  {}", document.id, clean(&document.name));
                }
            }
            Ok(())
        }
        DocumentCommand::Remove { id } => {
            let path = format!("/v1/business/documents/{id}");
            api.bytes(api.request(Method::DELETE, &path)).await.map(drop)
        }
    }
}

async fn add(api: &RelayApi, file: &Path, bytes: Vec<u8>) -> anyhow::Result<Document> {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or("document");
    let url = Url::parse_with_params("http://relay/v1/business/documents", [("name", name)])?;
    let path = format!("{}?{}", url.path(), url.query().unwrap_or_default());
    let request = api.request(Method::POST, &path).body(bytes);
    api.answer(request).await.with_context(|| file.display().to_string())
}
