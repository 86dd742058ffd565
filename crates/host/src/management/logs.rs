//! What a business may check: the log of what was read, what its callbacks were asked, and what they never took.

use std::{collections::HashMap, sync::Arc};

use axum::{body::Body, response::IntoResponse as _};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderName, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::{Call, Granted, Management, Outcome, Readable, Refused, json};
use crate::{
    HostError,
    cloud_api::Api,
    ids::{AppId, BusinessId},
    webhooks::{Attempt, DeadLetter, Target},
};

/// Entries that are read at once.
const PAGE: u32 = 500;
/// Rows of a page of deliveries.
const MOST: u32 = 1000;

/// The end of the log that is downloaded, with which it is checked.
static ENTRIES: HeaderName = HeaderName::from_static("tradepost-log-entries");
static HASH: HeaderName = HeaderName::from_static("tradepost-log-hash");

/// A download in progress: what comes next, and where it ends.
struct Download {
    api: Arc<Api>,
    business: BusinessId,
    after: u64,
    last: u64,
}

pub(super) async fn audit(management: Arc<Management>, readable: Readable, call: Call) -> Outcome {
    call.only(&["after"])?;
    let after = call.parameter("after")?.unwrap_or(0);
    downloaded(management.api.clone(), readable.0, after).await
}

/// The log of a business after this entry, as a download.
pub(crate) async fn downloaded(api: Arc<Api>, business: BusinessId, after: u64) -> Outcome {
    let head = api.gate.head(business).await?;
    if head.seq == 0 {
        // What never had a log is no business; what was not read yet has an empty one.
        api.businesses.get(business).await?;
    }
    let headers = [
        (header::CONTENT_TYPE, "application/jsonl".to_owned()),
        (ENTRIES.clone(), head.seq.to_string()),
        (HASH.clone(), head.hash.clone()),
    ];
    // What is written meanwhile is for the next download.
    let download = Download { api, business, after, last: head.seq };
    let pages = stream::unfold(download, async |mut download| match download.next().await {
        Ok(None) => None,
        Ok(Some(page)) => Some((Ok(page), download)),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the download of a log broke off");
            download.after = download.last;
            Some((Err(error), download))
        }
    });
    Ok((StatusCode::OK, headers, Body::from_stream(pages)).into_response())
}

impl Download {
    async fn next(&mut self) -> Result<Option<Bytes>, HostError> {
        if self.after >= self.last {
            return Ok(None);
        }
        let left = u32::try_from(self.last - self.after).unwrap_or(PAGE).min(PAGE);
        let entries = self.api.gate.entries(self.business, self.after, left).await?;
        let Some(last) = entries.last() else {
            return Err(HostError::internal("the log ends before its head"));
        };
        self.after = last.seq;
        let mut page = Vec::new();
        for entry in &entries {
            serde_json::to_writer(&mut page, entry).map_err(HostError::internal)?;
            page.push(b'\n');
        }
        Ok(Some(page.into()))
    }
}

#[derive(Debug, Serialize)]
struct DeliveryShown {
    id: i64,
    app_id: AppId,
    callback: i64,
    /// Where that callback is now; none if it is gone.
    url: Option<String>,
    event: i64,
    field: &'static str,
    attempt: i64,
    /// Milliseconds since 1970.
    at: i64,
    millis: i64,
    status: Option<i64>,
    outcome: String,
}

#[derive(Debug, Serialize)]
struct DeadShown {
    event: i64,
    app_id: AppId,
    callback: i64,
    /// The app, account or number that the callback is for.
    target: String,
    field: &'static str,
    created: i64,
    died: i64,
    attempts: i64,
    failure: Option<String>,
}

fn delivery(app_id: AppId, attempt: Attempt, urls: &HashMap<i64, String>) -> DeliveryShown {
    DeliveryShown {
        id: attempt.id,
        app_id,
        callback: attempt.callback,
        url: urls.get(&attempt.callback).cloned(),
        event: attempt.event,
        field: attempt.field.as_str(),
        attempt: attempt.number,
        at: attempt.at.0,
        millis: attempt.millis,
        status: attempt.status,
        outcome: attempt.outcome,
    }
}

fn dead(app_id: AppId, letter: DeadLetter) -> DeadShown {
    let target = match letter.target {
        Target::App(id) => id.to_string(),
        Target::Waba(id) => id.to_string(),
        Target::Number(id) => id.to_string(),
    };
    DeadShown {
        event: letter.event,
        app_id,
        callback: letter.callback,
        target,
        field: letter.field.as_str(),
        created: letter.created.0,
        died: letter.died.0,
        attempts: letter.attempts,
        failure: letter.failure,
    }
}

/// The app that is asked about, or all of the business.
async fn apps(api: &Api, business: BusinessId, app: Option<AppId>) -> Result<Vec<AppId>, Refused> {
    let all = api.apps.of_business(business).await?.into_iter().map(|app| app.id);
    match app {
        None => Ok(all.collect()),
        Some(wanted) => {
            let found: Vec<AppId> = all.filter(|app| *app == wanted).collect();
            if found.is_empty() { Err(Refused::not_found()) } else { Ok(found) }
        }
    }
}

pub(super) async fn deliveries(management: Arc<Management>, granted: Granted, call: Call) -> Outcome {
    deliveries_of(&management.api, granted.business.id, call).await
}

pub(crate) async fn deliveries_of(api: &Api, business: BusinessId, call: Call) -> Outcome {
    call.only(&["app", "before", "limit"])?;
    let (before, limit) = (call.parameter("before")?, call.limit(MOST)?);
    let mut rows = Vec::new();
    for app in apps(api, business, call.parameter("app")?).await? {
        let found = api.webhooks.attempts(app, before, limit).await?;
        let urls = api.webhooks.urls(app).await?;
        rows.extend(found.into_iter().map(|attempt| delivery(app, attempt, &urls)));
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.id));
    rows.truncate(limit as usize);
    json(&serde_json::json!({ "deliveries": rows }))
}

pub(super) async fn dead_letters(management: Arc<Management>, granted: Granted, call: Call) -> Outcome {
    dead_letters_of(&management.api, granted.business.id, call).await
}

pub(crate) async fn dead_letters_of(api: &Api, business: BusinessId, call: Call) -> Outcome {
    call.only(&["app", "after", "limit"])?;
    let (after, limit) = (call.parameter("after")?.unwrap_or(0), call.limit(MOST)?);
    let mut rows = Vec::new();
    for app in apps(api, business, call.parameter("app")?).await? {
        let found = api.webhooks.dead_letters(app, after, limit).await?;
        rows.extend(found.into_iter().map(|letter| dead(app, letter)));
    }
    rows.sort_by_key(|row| row.event);
    rows.truncate(limit as usize);
    json(&serde_json::json!({ "dead_letters": rows }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Replay {
    /// Default: all.
    #[serde(default)]
    event: Option<i64>,
    /// Default: all.
    #[serde(default)]
    app: Option<AppId>,
}

pub(super) async fn replay(management: Arc<Management>, granted: Granted, call: Call) -> Outcome {
    replay_of(&management.api, granted.business.id, call).await
}

pub(crate) async fn replay_of(api: &Api, business: BusinessId, call: Call) -> Outcome {
    call.only(&[])?;
    let Replay { event, app } = call.body()?;
    if event.is_some_and(|event| event < 1) {
        return Err(Refused::field("event", "the number of a dead letter"));
    }
    let mut replayed = 0;
    for app in apps(api, business, app).await? {
        replayed += api.webhooks.replay(app, event).await?;
    }
    if event.is_some() && replayed == 0 {
        return Err(Refused::not_found());
    }
    json(&serde_json::json!({ "replayed": replayed }))
}
