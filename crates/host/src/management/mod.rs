//! What who runs a host, and each business on it, does beside messages: bringing businesses in, who hosts them, what they
//! allow, erasing them, their chats, the logs, decisions on templates and names, health and figures. At `/host/v1`.
//!
//! ```text
//! request ─▶ Management::answer ─▶ route of the table ─▶ admitted? (the one place) ─▶ handler, given what was checked
//! ```

mod agents;
mod bring_in;
mod businesses;
mod call;
mod chats;
mod error;
mod figures;
mod health;
mod hosting;
mod logs;
mod names;
mod numbers;
mod openapi;
mod routes;
mod templates;
mod token;

use std::sync::Arc;

use ::store::Timestamp;
use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse as _, Response},
    routing::{any, get},
};
use client::Link;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;
use serve::Peer;

pub(crate) use self::logs::{dead_letters_of, deliveries_of, downloaded, replay_of};
pub use self::{
    bring_in::{BringIn, BroughtIn},
    error::Refused,
    figures::Figures,
    hosting::Switch,
    routes::{ROUTES, Right, Route},
    token::{FILE as TOKEN_FILE, OperatorToken},
};
pub(crate) use self::{call::Call, chats::MessageShown, figures::measure};
use self::{health::RelayHealth, routes::Run};
use crate::{
    HostError,
    agents::Agents,
    apps::Scopes,
    businesses::{Approvals, Business},
    chats::Chats,
    cloud_api::Api,
    ground::Ground,
    ids::{AppId, BusinessId, WabaId},
    messages::Messages,
    numbers::running::Running,
};

/// Manages a host.
#[derive(Debug)]
pub struct Management {
    ground: Arc<Ground>,
    api: Arc<Api>,
    running: Arc<Running>,
    messages: Arc<Messages>,
    chats: Arc<Chats>,
    link: Relay,
    token: OperatorToken,
    figures: Arc<Figures>,
    relay: RelayHealth,
    approvals: Arc<Approvals>,
    agents: Arc<Agents>,
}

/// The way to the relay.
struct Relay(Arc<dyn Link>);

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Relay")
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Party {
    /// Who runs the host.
    Operator,
    /// A business, by a token of this one of its apps.
    Business(AppId),
}

impl Party {
    /// As whom it stands in the business's log.
    fn log_name(self) -> String {
        match self {
            Self::Operator => "operator".to_owned(),
            Self::Business(app) => format!("app {app}"),
        }
    }
}

/// What a token may do, and until when.
type Limits = (Scopes, Option<Timestamp>);

/// The operator asks. Made by [`Management::admit`] alone.
#[derive(Debug)]
struct Operator(());

/// A business, and who may do with it what the route does. Made by [`Management::admit`] alone.
#[derive(Debug)]
struct Granted {
    business: Arc<Business>,
    by: Party,
    /// What the token of a business may do, and until when.
    limits: Limits,
}

/// A log that may be read, though its business may be gone. Made by [`Management::admit`] alone.
#[derive(Debug)]
struct Readable(BusinessId);

/// What a route answers.
type Outcome = Result<Response, Refused>;
/// A route at work.
type Task = BoxFuture<'static, Outcome>;

impl Management {
    /// On these parts.
    #[must_use]
    pub fn new(
        api: Arc<Api>,
        running: Arc<Running>,
        messages: Arc<Messages>,
        approvals: Arc<Approvals>,
        agents: Arc<Agents>,
        link: Arc<dyn Link>,
        token: OperatorToken,
    ) -> Arc<Self> {
        let (ground, figures) = (api.ground.clone(), Arc::new(Figures::new()));
        let chats = Chats::new(ground.clone(), api.gate.clone(), api.people.clone(), messages.clone());
        Arc::new(Self {
            ground,
            api,
            running,
            messages,
            chats,
            link: Relay(link),
            token,
            figures,
            relay: RelayHealth::default(),
            approvals,
            agents,
        })
    }

    /// What is counted.
    #[must_use]
    pub fn figures(&self) -> Arc<Figures> {
        self.figures.clone()
    }

    /// Answers a request.
    pub async fn answer(self: Arc<Self>, request: Request) -> Response {
        let route = routes::find(request.method(), request.uri().path());
        let name = route.as_ref().map_or("none", |(route, _)| route.path);
        let outcome = match route {
            Ok((route, path)) => self.clone().run(route, path, request).await,
            Err(refused) => Err(refused),
        };
        let mut response = outcome.unwrap_or_else(|refused| {
            let reference =
                || self.ground.random::<8>().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            refused.answer(reference, name)
        });
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        response
    }

    async fn run(self: Arc<Self>, route: &'static Route, path: Vec<String>, request: Request) -> Outcome {
        let shown = Shown::of(&request);
        // Who may not ask has nothing of theirs read.
        match route.run {
            Run::Open(run) => run(self, Call::read(path, request).await?).await,
            Run::Operator(run) => {
                let operator = self.operator(&shown)?;
                run(self, operator, Call::read(path, request).await?).await
            }
            Run::Business(run) => {
                let (id, by, limits) = self.admit(&shown, path.first(), route.right).await?;
                let business = self.api.businesses.get(id).await?;
                run(self, Granted { business, by, limits }, Call::read(path, request).await?).await
            }
            Run::Log(run) => {
                let (id, ..) = self.admit(&shown, path.first(), route.right).await?;
                run(self, Readable(id), Call::read(path, request).await?).await
            }
        }
    }

    fn operator(&self, shown: &Shown) -> Result<Operator, Refused> {
        if shown.bearer().is_some_and(|shown| self.token.is(shown)) {
            shown.is_good();
            Ok(Operator(()))
        } else {
            Err(shown.refused("the operator's token (operator.token in the host's data folder)"))
        }
    }

    /// Whether the operator asks, or the business that the path names, with the right to it.
    async fn admit(
        &self,
        shown: &Shown,
        id: Option<&String>,
        right: Right,
    ) -> Result<(BusinessId, Party, Limits), Refused> {
        let no_operator = match self.operator(shown) {
            Ok(_) => return Ok((self.named(id).await?, Party::Operator, (Scopes::ALL, None))),
            Err(refused) => refused,
        };
        let Right::Business(scope) = right else { return Err(no_operator) };
        let refused = || shown.refused("a token of an app of the business, or the operator's token");
        let authorized = match shown.bearer() {
            // What an app proves by its secret is for the app alone.
            Some(token) if !token.contains('|') => self.api.apps.authorize(Some(token), None).await?,
            _ => return Err(refused()),
        };
        let authorized = authorized.map_err(|_| refused())?;
        shown.is_good();
        let id = self.named(id).await?;
        let by = Party::Business(authorized.app());
        let limits = (authorized.known().scopes, authorized.known().expires);
        match authorized.own((), id, scope) {
            Ok(_) => Ok((id, by, limits)),
            Err(crate::apps::Denied::NotTheirs) => Err(Refused::not_found()),
            Err(crate::apps::Denied::Scope(scope)) => Err(Refused::new(
                wire::ErrorCode::Forbidden,
                format!("the token may not do this: it needs {}", scope.as_str()),
            )),
        }
    }

    /// The business that a path names, by its id or its account's.
    async fn named(&self, id: Option<&String>) -> Result<BusinessId, Refused> {
        let id = id.ok_or_else(Refused::not_found)?;
        if let Ok(waba) = id.parse::<WabaId>() {
            return Ok(self.api.businesses.of_waba(waba).await?.id);
        }
        id.parse().map_err(|_| Refused::not_found())
    }

    /// The relay, for what is asked with a credential of it.
    fn link(&self) -> &dyn Link {
        &*self.link.0
    }
}

/// What a request shows, and on which connection.
struct Shown {
    /// What stands in `Authorization: Bearer …`.
    bearer: Option<zeroize::Zeroizing<String>>,
    peer: Option<Peer>,
}

impl Shown {
    fn of(request: &Request) -> Self {
        Self { bearer: bearer(request.headers()), peer: request.extensions().get().cloned() }
    }

    fn bearer(&self) -> Option<&str> {
        self.bearer.as_deref().map(String::as_str)
    }

    /// Nothing was shown, or another thing than is needed.
    fn refused(&self, needed: &'static str) -> Refused {
        Refused::unauthorized(self.bearer.is_some(), needed)
    }

    /// Who shows this is no stranger.
    fn is_good(&self) {
        self.peer.iter().for_each(Peer::admit);
    }
}

fn bearer(headers: &HeaderMap) -> Option<zeroize::Zeroizing<String>> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    let good = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty();
    good.then(|| zeroize::Zeroizing::new(token.to_owned()))
}

/// An answer in JSON.
fn json(value: &impl serde::Serialize) -> Outcome {
    answer(StatusCode::OK, value)
}

fn answer(status: StatusCode, value: &impl serde::Serialize) -> Outcome {
    let bytes = serde_json::to_vec(value).map_err(HostError::internal)?;
    let kind = [(header::CONTENT_TYPE, "application/json")];
    Ok((status, kind, Body::from(bytes)).into_response())
}

/// Where there is nothing to say.
fn nothing() -> Outcome {
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The service of `/host/v1`, `/health` and `/metrics`.
pub fn router(management: Arc<Management>) -> Router {
    let under = {
        let management = management.clone();
        any(move |request: Request| management.clone().answer(request))
    };
    let health = {
        let management = management.clone();
        get(move |request: Request| {
            let in_detail = management.sees_figures(&request);
            async move { management.health(in_detail).await }
        })
    };
    let metrics = get(move |request: Request| {
        let allowed = management.sees_figures(&request);
        async move { management.metrics(allowed).await }
    });
    Router::new()
        .route("/host/v1", under.clone())
        .route("/host/v1/{*path}", under)
        .route("/health", health)
        .route("/metrics", metrics)
}

/// The description of the API.
async fn described(_: Arc<Management>, _: Call) -> Outcome {
    let document: Value = openapi::document();
    json(&document)
}
