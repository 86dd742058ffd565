//! Businesses: listed, shown, instructed, suspended, erased; and tokens of their apps.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use wire::{ErrorCode, api::HostingMode};

use super::{
    Call, Granted, Management, Operator, Outcome, Party, Refused,
    bring_in::{NumberShown, Secret},
    json, nothing,
};
use crate::{
    apps::{Scope, Scopes, Token},
    businesses::Business,
    ids::{AppId, BusinessId, WabaId},
    purposes::{Head, Instructions},
};

/// Businesses of a page.
const PAGE: u32 = 100;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A business in a list.
#[derive(Debug, Serialize)]
struct Listed {
    business_id: BusinessId,
    relay_business_id: wire::BusinessId,
    waba_id: WabaId,
    name: String,
    legal_name: String,
    country: String,
    state: String,
    mode: String,
    host_name: String,
    /// Why its programs are refused.
    suspended: Option<String>,
    /// Milliseconds since 1970.
    created: i64,
}

impl From<&Business> for Listed {
    fn from(business: &Business) -> Self {
        Self {
            business_id: business.id,
            relay_business_id: business.relay_id,
            waba_id: business.waba,
            name: business.name.clone(),
            legal_name: business.legal_name.clone(),
            country: business.country.clone(),
            state: business.state.to_string(),
            mode: business.mode.to_string(),
            host_name: business.host_name.clone(),
            suspended: business.suspended.clone(),
            created: business.created.0,
        }
    }
}

#[derive(Debug, Serialize)]
struct Page {
    businesses: Vec<Listed>,
    /// What `after` is for the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<BusinessId>,
}

#[derive(Debug, Serialize)]
struct AppShown {
    app_id: AppId,
    name: String,
}

/// A business with what belongs to it.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    #[serde(flatten)]
    business: Listed,
    numbers: Vec<NumberShown>,
    apps: Vec<AppShown>,
    instructions: Instructions,
    /// Days after which a message is deleted.
    kept_days: u32,
    /// The end of the log of what was read.
    log: Head,
}

pub(super) async fn shown(management: &Management, business: &Business) -> Result<Shown, Refused> {
    let api = &management.api;
    let apps = api.apps.of_business(business.id).await?.into_iter();
    let instructions = api.gate.instructions(business.id).await?;
    Ok(Shown {
        business: business.into(),
        numbers: api.numbers.of_waba(business.waba).await?.iter().map(Into::into).collect(),
        apps: apps.map(|app| AppShown { app_id: app.id, name: app.name }).collect(),
        kept_days: instructions.kept_days(),
        instructions,
        log: api.gate.head(business.id).await?,
    })
}

pub(super) async fn list(management: Arc<Management>, _: Operator, call: Call) -> Outcome {
    call.only(&["after", "limit"])?;
    let (after, limit) = (call.parameter("after")?, call.limit(PAGE)?);
    let mut found = management.api.businesses.list(after, limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = if more { found.last().map(|business| business.id) } else { None };
    json(&Page { businesses: found.iter().map(Into::into).collect(), next })
}

pub(super) async fn show(management: Arc<Management>, granted: Granted, call: Call) -> Outcome {
    call.only(&[])?;
    management.approvals.ask(&granted.business).await?;
    again(&management, &granted).await
}

pub(super) async fn instruct(management: Arc<Management>, granted: Granted, call: Call) -> Outcome {
    call.only(&[])?;
    let Granted { business, by, .. } = granted;
    if by == Party::Operator && business.mode != HostingMode::Own {
        let message =
            "who hosts another's business does not say what it may: the business does, with its token";
        return Err(Refused::new(ErrorCode::Forbidden, message));
    }
    let instructions: Instructions = call.body()?;
    management.api.gate.instruct(business.id, instructions, &by.log_name()).await?;
    json(&shown(&management, &business).await?)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    reason: String,
}

pub(super) async fn suspend(management: Arc<Management>, granted: Granted, call: Call) -> Outcome {
    call.only(&[])?;
    let Reason { reason } = call.body()?;
    management.approvals.suspend(&granted.business, Some(reason)).await?;
    again(&management, &granted).await
}

pub(super) async fn resume(management: Arc<Management>, granted: Granted, call: Call) -> Outcome {
    call.only(&[])?;
    management.approvals.suspend(&granted.business, None).await?;
    again(&management, &granted).await
}

async fn again(management: &Management, granted: &Granted) -> Outcome {
    let business = management.api.businesses.get(granted.business.id).await?;
    json(&shown(management, &business).await?)
}

/// With `?relay=skip`, its devices at the relay are left to the relay.
pub(super) async fn erase(management: Arc<Management>, granted: Granted, call: Call) -> Outcome {
    call.only(&["relay"])?;
    let skip = match call.parameter::<String>("relay")?.as_deref() {
        None => false,
        Some("skip") => true,
        Some(_) => return Err(Refused::field("relay", "skip, or leave it out")),
    };
    // Begun, it goes on, whether or not somebody waits for the answer.
    let erasing = tokio::spawn(async move { management.erase(&granted.business, skip).await });
    erasing.await.map_err(crate::HostError::internal)??;
    nothing()
}

impl Management {
    /// Erases a business: its devices at the relay, its keys, and then everything that is stored of it.
    async fn erase(&self, business: &Business, skip_relay: bool) -> Result<(), Refused> {
        // With the keys, what could tell the relay is gone too.
        if !skip_relay {
            for number in self.api.numbers.of_waba(business.waba).await? {
                if number.account.is_none() {
                    continue;
                }
                let gone = match self.running.asking(&number).await {
                    Ok(device) => device.close_account().await,
                    Err(crate::HostError::Device(error))
                        if matches!(*error, client::Error::NotRegistered) =>
                    {
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                };
                match gone {
                    // Removed already.
                    Ok(()) | Err(client::Error::Link(client::LinkError::Unauthorized)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        self.api.businesses.erase(business.id).await?;
        self.running.stopped(business.id).await?;
        self.messages.finish_erasures().await?;
        self.api.uploads.sweep().await?;
        Ok(())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    app: AppId,
    /// Default: all.
    #[serde(default)]
    scopes: Option<Vec<String>>,
    /// Default: for ever.
    #[serde(default)]
    days: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Made {
    token: Secret,
    /// Milliseconds since 1970.
    expires: Option<i64>,
}

pub(super) async fn issue(management: Arc<Management>, granted: Granted, call: Call) -> Outcome {
    call.only(&[])?;
    let wanted: Wanted = call.body()?;
    let app = management.api.apps.get(wanted.app).await?;
    let Granted { business, by, limits: (most, until) } = granted;
    if app.business != business.id {
        return Err(Refused::not_found());
    }
    if let Some(reason) = &business.suspended {
        return Err(Refused::new(ErrorCode::Forbidden, format!("the business is suspended: {reason}")));
    }
    let scopes = match wanted.scopes {
        None => Scopes::ALL,
        Some(words) => {
            let read = words.iter().map(|word| {
                Scope::GRANTED.into_iter().find(|scope| scope.as_str() == word).ok_or_else(|| {
                    let known = Scope::GRANTED.map(Scope::as_str).join(", ");
                    Refused::field("scopes", format!("of these: {known}"))
                })
            });
            Scopes::of(&read.collect::<Result<Vec<_>, _>>()?)
        }
    };
    let expires = match wanted.days {
        None => None,
        Some(days) if (1..=3650).contains(&days) => Some(management.ground.now().after(DAY * days)),
        Some(_) => return Err(Refused::field("days", "from 1 to 3650")),
    };
    // A token makes none that can do more or lasts longer. Who hosts another's business makes none that could say in its
    // name what may be done with its chats.
    let mut most: Vec<Scope> = most.iter().collect();
    if by == Party::Operator && business.mode != HostingMode::Own {
        most.retain(|scope| *scope != Scope::Business);
    }
    let granted: Vec<Scope> = scopes.iter().filter(|scope| most.contains(scope)).collect();
    let expires = match (expires, until) {
        (Some(wanted), Some(until)) => Some(wanted.min(until)),
        (wanted, until) => wanted.or(until),
    };
    let scopes = Scopes::of(&granted);
    let token = management.api.apps.issue(app.id, scopes, expires, &by.log_name()).await?;
    json(&Made { token: token.expose().into(), expires: expires.map(|at| at.0) })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoked {
    token: Secret,
}

pub(super) async fn revoke(management: Arc<Management>, granted: Granted, call: Call) -> Outcome {
    call.only(&[])?;
    let Revoked { token } = call.body()?;
    let token =
        Token::parse(token.expose()).ok_or_else(|| Refused::field("token", "not a token of an app"))?;
    if management.api.apps.revoke(granted.business.id, &token, &granted.by.log_name()).await? {
        nothing()
    } else {
        Err(Refused::not_found())
    }
}
