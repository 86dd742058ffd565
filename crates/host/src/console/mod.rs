//! What the browser console asks: `/console/v1`, for agents who are signed in. `docs/console-api.md` says it in words.
//!
//! ```text
//! request ─▶ Console::answer ─▶ route of the table ─▶ session? its role? (the one place) ─▶ handler, given what was checked
//! ```
//!
//! Rules are elsewhere: of agents in `agents`, of what they share in `inbox`, and of everything else where the Cloud API and
//! `/host/v1` have them too.

mod apps;
mod cookie;
mod error;
mod figures;
mod hosting;
mod links;
mod openapi;
mod people;
mod profile;
mod rights;
mod routes;
mod tasks;
mod templates;

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse as _, Response},
    routing::any,
};
use futures_util::future::BoxFuture;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::Value;
use serve::Peer;

pub(crate) use self::{
    cookie::{Edge, expired},
    rights::{Audit, Caller, InChats, Integrate, Manage, May, Own, Signed, Staff, of as rights_of},
    routes::label,
};
pub use self::{
    error::{Kind, Refused},
    rights::{RIGHTS, Right},
    routes::{ROUTES, Route},
};
use self::{routes::Run, tasks::Tasks};
use crate::{
    HostError,
    agents::{Agents, Role},
    chats::Chats,
    cloud_api::Api,
    ground::Ground,
    inbox::{Inbox, Live},
    management::Call,
    purposes::decisions::{self, Decided},
};

/// Header with what writes have to show.
pub(crate) const CSRF: &str = "x-csrf-token";

/// Serves the console.
#[derive(Debug)]
pub struct Console {
    pub(crate) ground: Arc<Ground>,
    pub(crate) api: Arc<Api>,
    pub(crate) agents: Arc<Agents>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) chats: Arc<Chats>,
    pub(crate) tasks: Arc<Tasks>,
    pub(crate) streams: crate::inbox::routes::Streams,
}

/// What a route answers.
pub(crate) type Outcome = Result<Response, Refused>;
/// A route at work.
type Task = BoxFuture<'static, Outcome>;

impl Console {
    /// On these parts.
    #[must_use]
    pub fn new(api: Arc<Api>, agents: Arc<Agents>, live: Arc<Live>) -> Arc<Self> {
        let ground = api.ground.clone();
        let chats = Chats::new(ground.clone(), api.gate.clone(), api.people.clone(), api.messages.clone());
        let inbox = Inbox::new(api.clone(), chats.clone(), live);
        let (tasks, streams) = (Tasks::new(&api), crate::inbox::routes::Streams::default());
        Arc::new(Self { ground, api, agents, inbox, chats, tasks, streams })
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
            let ends = refused.kind == Kind::Unauthorized;
            let mut response = refused.answer(|| self.ground.random_name(), name);
            if ends {
                // A browser forgets what is good for nothing.
                response.headers_mut().append(header::SET_COOKIE, expired());
            }
            response
        });
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }

    async fn run(self: Arc<Self>, route: &'static Route, path: Vec<String>, request: Request) -> Outcome {
        let config = &self.ground.config;
        let edge = Edge::of(&request, config.public_url.as_deref(), config.listen.tls.is_some());
        let reads = request.method() == Method::GET;
        if !reads {
            edge.same_origin()?;
        }
        if let Run::Open(run) = route.run {
            let call = Call::read(path, request).await?;
            return run(self, edge, call).await;
        }
        // Who may not ask has nothing of theirs read.
        let caller = self.caller(&edge).await?;
        caller.check(route.right, route.roles)?;
        if !reads && !edge.csrf.as_deref().is_some_and(|shown| caller.session.is_csrf(shown)) {
            let message = "the CSRF token is missing or another one: GET session says it";
            return Err(Refused::new(Kind::Csrf, message));
        }
        if let Some(peer) = request.extensions().get::<Peer>() {
            peer.admit();
        }
        match route.run {
            Run::Open(_) => Err(Refused::not_found()),
            Run::May(run) => run(self, caller, Call::read(path, request).await?).await,
            Run::Raw(run) => run(self, caller, path, request).await,
        }
    }

    /// Writes into the business's log what was decided here, once it is done.
    pub(crate) async fn noted<R>(
        &self,
        may: &May<R>,
        decided: Decided,
        names: Vec<String>,
    ) -> Result<(), HostError> {
        let (business, by, now) = (may.business().id, may.log_name(), self.ground.now());
        let written = self.ground.write(business.get(), move |transaction| {
            let (by, names) = (by.clone(), names.clone());
            Box::pin(async move {
                Ok(decisions::write_down(transaction, business, (decided, &by), now, &names).await?)
            })
        });
        written.await
    }

    /// Who asks.
    async fn caller(&self, edge: &Edge) -> Result<Caller, Refused> {
        let refused = || Refused::new(Kind::Unauthorized, "sign in: there is no session, or it ended");
        let secret = edge.secret.clone().ok_or_else(refused)?;
        let session = self.agents.session(&secret).await?.ok_or_else(refused)?;
        let business = match self.api.businesses.get(session.business).await {
            Err(HostError::NotFound(_) | HostError::Erased) => return Err(refused()),
            found => found?,
        };
        if let Some(reason) = &business.suspended {
            let message = format!("the business is suspended: {reason}");
            return Err(Refused::new(Kind::Suspended, message));
        }
        Ok(Caller { session, business, secret: Arc::new(secret) })
    }
}

/// An answer in JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> Outcome {
    answer(StatusCode::OK, value)
}

pub(crate) fn answer(status: StatusCode, value: &impl serde::Serialize) -> Outcome {
    let bytes = serde_json::to_vec(value).map_err(HostError::internal)?;
    let kind = [(header::CONTENT_TYPE, "application/json")];
    Ok((status, kind, Body::from(bytes)).into_response())
}

/// Where there is nothing to say.
pub(crate) fn nothing() -> Outcome {
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The service of `/console/v1`.
pub fn router(console: Arc<Console>) -> Router {
    let under = any(move |request: Request| console.clone().answer(request));
    Router::new().route("/console/v1", under.clone()).route("/console/v1/{*path}", under)
}

/// The description of the API.
async fn described(_: Arc<Console>, _: Edge, _: Call) -> Outcome {
    let document: Value = openapi::document();
    json(&document)
}

/// Whether a role may see what happens in chats.
pub(crate) fn sees_chats(role: Role) -> bool {
    InChats::ROLES.contains(&role)
}
