//! The sample business: it applies, is approved, hosts itself, and has an app. Every step is the one that a real business
//! takes, and is left out if it was taken before.

use std::{path::Path, time::Duration};

use ::host::{
    Host,
    businesses::NewBusiness,
    ids::{AppId, BusinessId, NumberId, WabaId},
    messages::Recipient,
    purposes::Instructions,
    templates::{Decision, Definition, Status},
    webhooks::Field,
};
use anyhow::{Context as _, bail, ensure};
use client::{Device, NativeLink, NativeLinkOptions, PhoneNumber};
use reqwest::Method;
use serde_json::json;
use wire::{
    AccountId,
    api::{
        Application, BindNumber, Business, BusinessContact, BusinessMade, BusinessState, Hosting, HostingMode,
    },
};

use super::{
    customer,
    files::{Kept, keep},
};
use crate::relay_api::{AtRelay, RelayApi, secret_of_file};

/// Its number: of the range that is kept free for stories.
pub(super) const NUMBER: &str = "+493023125000";
pub(super) const NAME: &str = "Example Bank";
const LEGAL_NAME: &str = "Bank of Examples AG";
/// How long the host's device may take to come up.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

/// What the host needs.
#[derive(Debug)]
pub(super) struct Approved {
    pub(super) business: wire::BusinessId,
    credential: String,
}

/// What there is of it at the host.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) business: BusinessId,
    pub(super) waba: WabaId,
    pub(super) number: NumberId,
    pub(super) account: AccountId,
    app: AppId,
}

fn application() -> anyhow::Result<Application> {
    Ok(Application {
        legal_name: Some(LEGAL_NAME.to_owned()),
        name: Some(NAME.to_owned()),
        country: Some("DE".to_owned()),
        registration_number: Some("HRB 1234".to_owned()),
        website: Some("https://bank.example".to_owned()),
        category: Some("FINANCE".to_owned()),
        contact: Some(BusinessContact {
            name: "Ada".to_owned(),
            email: "ada@bank.example".to_owned(),
            phone: NUMBER.parse()?,
        }),
    })
}

/// Applies, is approved by the operator, and says that it hosts itself.
pub(super) async fn at_relay(data: &Path, relay: &str) -> anyhow::Result<Approved> {
    let at = AtRelay::here(relay);
    let file = data.join("business.credential");
    let credential = if file.exists() {
        secret_of_file(&file)?
    } else {
        let api = RelayApi::new(&at, None)?;
        let made: BusinessMade =
            api.answer(api.request(Method::POST, "/v1/businesses").json(&application()?)).await?;
        keep(&file, &made.credential)?;
        made.credential
    };
    let api = RelayApi::new(&at, Some(credential))?;
    let mut business: Business = api.get("/v1/business").await?;
    if business.numbers.is_empty() {
        let number: PhoneNumber = NUMBER.parse()?;
        let code = code(relay, &number).await?;
        let body = BindNumber { number, code, pin: None };
        api.bytes(api.request(Method::PUT, "/v1/business/numbers").json(&body)).await?;
    }
    if business.state == BusinessState::Draft {
        if business.documents.is_empty() {
            let extract = "%PDF-1.7\n% The extract of a register that does not exist.\n";
            let path = "/v1/business/documents?name=extract.pdf";
            api.bytes(api.request(Method::POST, path).body(extract)).await?;
        }
        business = api.answer(api.request(Method::POST, "/v1/business/submit")).await?;
    }
    decide(&at, data, &business).await?;
    let file = data.join("host.credential");
    let credential = if business.hosting.is_some() && file.exists() {
        secret_of_file(&file)?
    } else {
        let request = api.request(Method::PUT, "/v1/business/hosting").json(&json!({ "mode": "self" }));
        let hosting: Hosting = api.answer(request).await?;
        let credential = hosting.credential.context("the relay gave no host credential")?;
        keep(&file, &credential)?;
        credential
    };
    Ok(Approved { business: business.business, credential })
}

/// What the operator does.
async fn decide(at: &AtRelay, data: &Path, business: &Business) -> anyhow::Result<()> {
    let token = secret_of_file(&data.join("relay").join(::relay::operator::TOKEN_FILE))?;
    let api = RelayApi::new(at, Some(token))?;
    let steps: &[&str] = match business.state {
        BusinessState::Submitted => &["review", "approve"],
        BusinessState::InReview => &["approve"],
        // Whatever somebody tried out with it since is theirs to try out.
        _ => &[],
    };
    for step in steps {
        let path = format!("/v1/operator/businesses/{}/{step}", business.business);
        api.bytes(api.request(Method::POST, &path)).await?;
    }
    Ok(())
}

/// The code that is sent to a number: this relay tells it to programs on its machine.
pub(super) async fn code(relay: &str, number: &PhoneNumber) -> anyhow::Result<String> {
    let link = NativeLink::new(relay, NativeLinkOptions::default())?;
    Device::request_code(&link, number).await?;
    Ok(Device::development_code(&link, number).await?)
}

/// Brings it to the host: number, instructions, app, template.
pub(super) async fn at_host(
    host: &Host,
    data: &Path,
    approved: &Approved,
    kept: &mut Kept,
) -> anyhow::Result<Sample> {
    let api = &host.api;
    let new = NewBusiness {
        relay_id: approved.business,
        name: NAME.to_owned(),
        legal_name: LEGAL_NAME.to_owned(),
        country: "DE".to_owned(),
        currency: "EUR".to_owned(),
        timezone_id: "1".to_owned(),
        state: BusinessState::Approved,
        mode: HostingMode::Own,
        host_name: String::new(),
    };
    let business = api.businesses.create(new).await?;
    if api.gate.instructions(business.id).await? == Instructions::default() {
        let kept =
            Instructions { store_days: Some(365), search: true, analyse: true, ..Instructions::default() };
        api.gate.instruct(business.id, kept, "tradepost up").await?;
    }
    let number = api.numbers.add(&business, NUMBER.parse()?, NAME.to_owned()).await?;
    let number = host.running.connect(number.id, &approved.credential).await?;
    let account = number.account.context("its number has no account")?;
    until("the number's device", async || Ok(host.running.live(number.id).is_some())).await?;

    let known = match kept.app_id.parse::<AppId>() {
        Ok(id) => api.apps.get(id).await.is_ok(),
        Err(_) => false,
    };
    if !known {
        let issued = api.apps.create(business.id, "Sample", "tradepost up").await?;
        kept.app_id = issued.app.to_string();
        kept.app_secret = issued.secret.expose().to_owned();
        kept.token = issued.token.expose().to_owned();
        kept.write(data)?;
    }
    let app: AppId = kept.app_id.parse()?;
    api.webhooks.subscribe(business.waba, app).await?;
    greet(host, business.id, business.waba).await?;
    Ok(Sample { business: business.id, waba: business.waba, number: number.id, account, app })
}

/// The template that everybody knows.
async fn greet(host: &Host, business: BusinessId, waba: WabaId) -> anyhow::Result<()> {
    let templates = &host.api.templates;
    let hello = |template: &::host::templates::Template| {
        template.definition.name == "hello_world" && template.definition.language == "en_US"
    };
    if templates.list(waba).await?.iter().any(hello) {
        return Ok(());
    }
    let components = [
        json!({ "type": "HEADER", "format": "TEXT", "text": "Hello World" }),
        json!({
            "type": "BODY",
            "text": "Welcome and congratulations!! This message demonstrates your ability to send a template \
                     message. Thank you for taking the time to test with us.",
        }),
        json!({ "type": "FOOTER", "text": "Example Bank" }),
    ];
    let definition = Definition::parse("hello_world", "en_US", "UTILITY", None, &components, None)?;
    let made = templates.create(business, waba, definition, false).await?;
    match made.status {
        Status::Approved => Ok(()),
        Status::Pending => Ok(templates.decide(made.id, Decision::Approve).await.map(drop)?),
        status => bail!("hello_world is {status}: {}", made.reason),
    }
}

/// Waits until the host has the number that the customer shared.
pub(super) async fn knows_customer(host: &Host, number: NumberId) -> anyhow::Result<()> {
    let number = host.api.numbers.get(number).await?;
    let customer = Recipient::Number(customer::NUMBER.parse()?);
    until("the customer's number", async || {
        let known = host.people.resolve(&number, &customer).await?;
        Ok(host.people.standing(number.id, known.person.id).await?.wrote.is_some())
    })
    .await
}

/// Registers a callback for all that there is to tell.
pub(super) async fn call_back(host: &Host, sample: &Sample, url: &str, token: &str) -> anyhow::Result<()> {
    let fields = Field::ALL.iter().copied().collect();
    let set = host.api.webhooks.set_app_callback((sample.business, sample.app), url, token, &fields).await;
    set.with_context(|| format!("--callback {url}"))
}

async fn until(what: &str, done: impl AsyncFn() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let waiting = async {
        while !done().await? {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    ensure!(waited.is_ok(), "{what} is not there after {} s", PATIENCE.as_secs());
    waited?
}
