//! Bringing a business in: from a credential of the relay to an account that can send, in one call.

use std::{collections::BTreeSet, sync::Arc};

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use wire::{
    Credential, ErrorCode, Party,
    api::{BusinessNumber, HostedBusiness, HostingMode},
};
use zeroize::Zeroizing;

use super::{Call, Management, Operator, Outcome, Refused, answer};
use crate::{
    HostError,
    apps::Issued,
    businesses::{Business, NewBusiness},
    ids::{AppId, BusinessId, NumberId, WabaId},
    numbers::{Number, Tier},
    purposes::Instructions,
    templates::Definition,
    webhooks::Field,
};

/// Who brings in, in the business's log.
const BY: &str = "operator";
/// The name of an app, if none is said.
const APP: &str = "Default";
/// Bytes of an app's name.
const APP_NAME: usize = 200;
/// Bytes of a verify token.
const VERIFY_TOKEN: usize = 512;

/// What is to be brought in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BringIn {
    /// A credential of the relay: of who hosts the business, or the business's own, with which the host says first that
    /// it hosts itself. It is used now and not kept.
    credential: Secret,
    /// Which business of the relay: with a vendor's or the operator's credential, which is for many.
    #[serde(default)]
    business: Option<wire::BusinessId>,
    /// ISO 4217; default USD.
    #[serde(default)]
    currency: Option<String>,
    /// The API's number of a time zone; default `1`.
    #[serde(default)]
    timezone_id: Option<String>,
    /// What the host may do with its chats. Default: what it may already; of a new one, to deliver.
    #[serde(default)]
    instructions: Option<Instructions>,
    /// What its app is called. Default `Default`.
    #[serde(default)]
    app: Option<String>,
    /// Where that app is told what happens.
    #[serde(default)]
    callback: Option<AskedCallback>,
    /// Whether another token is made for an app that has one.
    #[serde(default)]
    new_token: bool,
}

/// A credential or a token on its way.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct Secret(String);

impl Secret {
    /// Whose it is.
    pub(super) fn party(&self, field: &'static str) -> Result<Party, Refused> {
        let credential: Result<Credential, _> = self.0.trim().parse();
        let known =
            "a credential of the relay: tpb1_… of the business, tph1_…, tpv1_… or tpo1_… of who hosts it";
        credential.map(|credential| credential.party).map_err(|_| Refused::field(field, known))
    }

    pub(super) fn expose(&self) -> &str {
        self.0.trim()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// A callback.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedCallback {
    url: String,
    /// Default: a random one, which the answer names.
    #[serde(default)]
    verify_token: Option<String>,
    /// Default: all.
    #[serde(default)]
    fields: Option<Vec<String>>,
}

/// A number of a business.
#[derive(Debug, Serialize)]
pub(super) struct NumberShown {
    phone_number_id: NumberId,
    number: String,
    registered: bool,
    messaging_limit: String,
}

impl From<&Number> for NumberShown {
    fn from(number: &Number) -> Self {
        let text = number.number.as_str().to_owned();
        Self {
            phone_number_id: number.id,
            number: text,
            registered: number.registered,
            messaging_limit: Tier(number.tier).to_string(),
        }
    }
}

/// What its software needs. Secret.
#[derive(Debug, Serialize)]
pub struct BroughtIn {
    business_id: BusinessId,
    relay_business_id: wire::BusinessId,
    waba_id: WabaId,
    name: String,
    state: String,
    mode: String,
    host_name: String,
    numbers: Vec<NumberShown>,
    base_url: String,
    app_id: AppId,
    app_secret: Secret,
    /// Told once: when the app is made, or another one is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verify_token: Option<String>,
}

/// A callback that answered as it should.
struct Checked {
    url: String,
    verify_token: String,
    fields: BTreeSet<Field>,
}

pub(super) async fn post(management: Arc<Management>, _: Operator, call: Call) -> Outcome {
    call.only(&[])?;
    let asked = call.body()?;
    // Begun, it goes on, whether or not somebody waits for the answer.
    let bringing_in = tokio::spawn(async move { management.bring_in(asked).await });
    let (new, brought) = bringing_in.await.map_err(HostError::internal)??;
    answer(if new { StatusCode::CREATED } else { StatusCode::OK }, &brought)
}

impl Management {
    /// Brings a business in, or finds it as it is: safe to repeat, also where it broke off, and in several processes at the
    /// same time. Whether it is new.
    async fn bring_in(&self, asked: BringIn) -> Result<(bool, BroughtIn), Refused> {
        let name = asked.app.as_deref().unwrap_or(APP).trim();
        if name.is_empty() || name.len() > APP_NAME {
            return Err(Refused::field("app", format!("from 1 to {APP_NAME} bytes")));
        }
        if let Some(instructions) = &asked.instructions {
            instructions.validate()?;
        }
        asked.currency.as_deref().map_or(Ok(()), crate::businesses::valid_currency)?;
        asked.timezone_id.as_deref().map_or(Ok(()), crate::businesses::valid_timezone)?;
        // All that can be refused is looked at before anything is written.
        let party = asked.credential.party("credential")?;
        let business = of_relay(party, asked.business)?;
        let callback = self.checked(asked.callback.as_ref()).await?;
        let work = self.bring_in_alone(&asked, (party, business), name, callback);
        self.api.businesses.alone(business, work).await?
    }

    async fn bring_in_alone(
        &self,
        asked: &BringIn,
        (party, business): (Party, wire::BusinessId),
        name: &str,
        callback: Option<Checked>,
    ) -> Result<(bool, BroughtIn), Refused> {
        let (known, credential) = self.ask_relay(asked.credential.expose(), party, business).await?;
        if known.numbers.is_empty() {
            let message = "the business has no number at the relay: it adds one there first";
            return Err(Refused::new(ErrorCode::Conflict, message));
        }
        let own = matches!(known.hosting.mode, HostingMode::Own);
        if asked.instructions.is_some() && !own {
            let message =
                "who hosts another's business does not say what it may: the business does, with its token";
            return Err(Refused::field("instructions", message));
        }
        let new = self.api.businesses.of_relay(known.business).await?.is_none();
        let business = self.api.businesses.create(new_business(asked, &known)).await?;
        if let Some(instructions) = asked.instructions {
            self.api.gate.instruct(business.id, instructions, BY).await?;
        }
        self.note(&business, &known).await?;
        let business = self.api.businesses.get(business.id).await?;
        let numbers =
            self.connect_all(&business, &known.numbers, credential.as_deref().map(String::as_str)).await?;
        self.greet(&business).await?;
        let (app, secret, token) = self.app(&business, name, asked.new_token).await?;
        self.api.webhooks.subscribe(business.waba, app).await?;
        let verify_token = match callback {
            Some(Checked { url, verify_token, fields }) => {
                self.api.webhooks.set_app_callback((business.id, app), &url, &verify_token, &fields).await?;
                Some(verify_token)
            }
            None => None,
        };
        let brought = BroughtIn {
            business_id: business.id,
            relay_business_id: business.relay_id,
            waba_id: business.waba,
            name: business.name.clone(),
            state: business.state.to_string(),
            mode: business.mode.to_string(),
            host_name: business.host_name.clone(),
            numbers: numbers.iter().map(|number| NumberShown::from(&**number)).collect(),
            base_url: self.api.base.clone(),
            app_id: app,
            app_secret: secret,
            token,
            verify_token,
        };
        Ok((new, brought))
    }

    async fn checked(&self, asked: Option<&AskedCallback>) -> Result<Option<Checked>, Refused> {
        let Some(asked) = asked else { return Ok(None) };
        let verify_token = match &asked.verify_token {
            Some(token) if (1..=VERIFY_TOKEN).contains(&token.len()) => token.clone(),
            Some(_) => {
                return Err(Refused::field(
                    "callback.verify_token",
                    format!("from 1 to {VERIFY_TOKEN} bytes"),
                ));
            }
            None => self.ground.random_name(),
        };
        let fields = match &asked.fields {
            None => Field::ALL.iter().copied().collect(),
            Some(words) if words.is_empty() => {
                return Err(Refused::field("callback.fields", "at least one, or leave it out for all"));
            }
            Some(words) => {
                let read = words.iter().map(|word| word.parse());
                let read: Result<BTreeSet<Field>, _> = read.collect();
                read.map_err(|_| Refused::field("callback.fields", "there is no such field"))?
            }
        };
        self.api.webhooks.try_callback(&asked.url, &verify_token).await?;
        Ok(Some(Checked { url: asked.url.clone(), verify_token, fields }))
    }

    /// What the relay says of the business, and a credential that registers its devices, if there are any to register.
    async fn ask_relay(
        &self,
        shown: &str,
        party: Party,
        business: wire::BusinessId,
    ) -> Result<(HostedBusiness, Option<Zeroizing<String>>), Refused> {
        if matches!(party, Party::Business(_)) {
            return self.host_itself(shown, business).await;
        }
        let known = client::hosting::hosted_business(self.link(), shown, business).await?;
        Ok((known, Some(Zeroizing::new(shown.to_owned()))))
    }

    /// Has a business say that it hosts itself, unless somebody else does, or all of it is here already: that would void the
    /// credential that it has.
    async fn host_itself(
        &self,
        credential: &str,
        own: wire::BusinessId,
    ) -> Result<(HostedBusiness, Option<Zeroizing<String>>), Refused> {
        let known = client::hosting::own_business(self.link(), credential).await?;
        if let Some(hosting) = known.hosting.as_ref().filter(|hosting| hosting.mode != HostingMode::Own) {
            let name = hosting.host_name.clone().unwrap_or_else(|| hosting.mode.to_string());
            let message = format!(
                "{name} hosts it at present: bring it in with that host's credential, or say at the relay that {own} \
                 hosts itself"
            );
            return Err(Refused::new(ErrorCode::Conflict, message));
        }
        let (hosting, credential) = match known.hosting {
            Some(hosting) if self.is_connected(own, &known.numbers).await? => (hosting, None),
            _ => {
                let mut said =
                    client::hosting::set_hosting(self.link(), credential, HostingMode::Own, None).await?;
                let made = said.credential.take().map(Zeroizing::new);
                (said, Some(made.ok_or_else(|| HostError::internal("the relay made no host credential"))?))
            }
        };
        let known = HostedBusiness {
            business: own,
            state: known.state,
            name: known.application.name,
            legal_name: known.application.legal_name,
            country: known.application.country,
            numbers: known.numbers,
            hosting,
        };
        Ok((known, credential))
    }

    /// Whether all numbers of a business have devices here.
    async fn is_connected(&self, own: wire::BusinessId, numbers: &[BusinessNumber]) -> Result<bool, Refused> {
        let Some(business) = self.api.businesses.of_relay(own).await? else { return Ok(false) };
        let here = self.api.numbers.of_waba(business.waba).await?;
        Ok(numbers
            .iter()
            .all(|wanted| here.iter().any(|number| number.registered && number.number == wanted.number)))
    }

    /// Notes what the relay says of a business now, if that is news.
    pub(super) async fn note(&self, business: &Business, known: &HostedBusiness) -> Result<(), Refused> {
        let host_name = known.hosting.host_name.clone().unwrap_or_default();
        let same = (business.state, business.mode) == (known.state, known.hosting.mode);
        if !same || business.host_name != host_name {
            self.approvals.note(business, known.state, known.hosting.mode, host_name).await?;
        }
        Ok(())
    }

    /// Gives a business its numbers, each with a device at the relay.
    pub(super) async fn connect_all(
        &self,
        business: &Business,
        numbers: &[BusinessNumber],
        credential: Option<&str>,
    ) -> Result<Vec<Arc<Number>>, Refused> {
        let mut connected = Vec::with_capacity(numbers.len());
        for number in numbers {
            let name = business.name.clone();
            let number = self.api.numbers.add(business, number.number.clone(), name).await?;
            connected.push(match credential {
                Some(credential) => self.running.connect(number.id, credential).await?,
                None => number,
            });
        }
        Ok(connected)
    }

    /// The app of this name, its secret, and a token if one was made.
    async fn app(
        &self,
        business: &Business,
        name: &str,
        new_token: bool,
    ) -> Result<(AppId, Secret, Option<Secret>), Refused> {
        let apps = &self.api.apps;
        let found = apps.of_business(business.id).await?.into_iter().find(|app| app.name == name);
        let Some(app) = found else {
            let Issued { app, secret: made, token } = apps.create(business.id, name, BY).await?;
            return Ok((app, made.expose().into(), Some(token.expose().into())));
        };
        let all = crate::apps::Scopes::ALL;
        let token = if new_token { Some(apps.issue(app.id, all, None, BY).await?) } else { None };
        let token = token.map(|token| token.expose().into());
        Ok((app.id, apps.secret(app.id).await?.expose().into(), token))
    }

    /// The template that every account has, for its first message.
    async fn greet(&self, business: &Business) -> Result<(), Refused> {
        let components = [
            json!({ "type": "HEADER", "format": "TEXT", "text": "Hello World" }),
            json!({
                "type": "BODY",
                "text": "Welcome and congratulations!! This message demonstrates your ability to send a template \
                         message. Thank you for taking the time to test with us.",
            }),
            json!({ "type": "FOOTER", "text": "Sample message" }),
        ];
        let definition = Definition::parse("hello_world", "en_US", "UTILITY", None, &components, None)
            .map_err(HostError::from)?;
        match self.api.templates.create(business.id, business.waba, definition, false).await {
            // It is there, or the business deleted it.
            Err(HostError::Refused(_)) | Ok(_) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Which business a credential is for, or is said to be for.
fn of_relay(party: Party, said: Option<wire::BusinessId>) -> Result<wire::BusinessId, Refused> {
    match (party, said) {
        (Party::Business(own) | Party::OwnHost(own), Some(other)) if own != other => {
            Err(Refused::field("business", "the credential is another business's"))
        }
        (Party::Business(own) | Party::OwnHost(own), _) => Ok(own),
        (_, Some(business)) => Ok(business),
        (_, None) => Err(Refused::field("business", "say which one: this credential is for many businesses")),
    }
}

fn new_business(asked: &BringIn, known: &HostedBusiness) -> NewBusiness {
    let legal_name = known.legal_name.clone().unwrap_or_default();
    NewBusiness {
        relay_id: known.business,
        name: known.name.clone().unwrap_or_else(|| legal_name.clone()),
        legal_name,
        country: known.country.clone().unwrap_or_default(),
        currency: asked.currency.clone().unwrap_or_else(|| "USD".to_owned()),
        timezone_id: asked.timezone_id.clone().unwrap_or_else(|| "1".to_owned()),
        state: known.state,
        mode: known.hosting.mode,
        host_name: known.hosting.host_name.clone().unwrap_or_default(),
    }
}
