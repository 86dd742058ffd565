//! From a request to its answer.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use futures_util::future::BoxFuture;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::Value;
use serve::Peer;

use super::{
    Call, Failure,
    edge::{self, Incoming},
    json_response,
    room::{Room, Share},
    routes::{Node, Route, Run, find},
};
use crate::{
    HostError,
    analytics::Analytics,
    apps::{Apps, Authorized, Denied, Owned, Scope, Unknown},
    businesses::{BusinessState, Businesses},
    codes::Code,
    ground::Ground,
    ids::{BusinessId, Kind, MessageId, WabaId},
    media::{Media, MediaAbout},
    messages::{Accepted, Messages, Once, Outgoing, Recipient},
    numbers::{Number, Numbers, running::Running},
    people::People,
    purposes::Gate,
    qr_codes::QrCodes,
    settings::Settings,
    templates::Templates,
    uploads::{Upload, UploadId, Uploads},
    usernames::Usernames,
    webhooks::Webhooks,
};

/// Takes what is to be sent; `messages` is one.
#[async_trait]
pub trait Post: Send + Sync + fmt::Debug {
    /// Takes a message: it is safe when this answers.
    ///
    /// # Errors
    /// `Refused` for what the rules forbid; those of the database.
    async fn send(&self, outgoing: Outgoing) -> Result<Accepted, HostError>;

    /// What was answered to the same request under the same name, if it was taken before.
    ///
    /// # Errors
    /// `Refused` if the name was used for another request; those of the database.
    async fn sent_once(
        &self,
        number: &Number,
        once: &Once,
        to: &Recipient,
    ) -> Result<Option<Accepted>, HostError>;

    /// Says that a message and those before it were read, and perhaps that somebody types.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    async fn read(&self, number: &Number, message: MessageId, typing: bool) -> Result<(), HostError>;
}

/// What the routes call.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is named for its type, which says what it is")]
pub struct Api {
    pub ground: Arc<Ground>,
    pub gate: Arc<Gate>,
    pub apps: Arc<Apps>,
    pub businesses: Arc<Businesses>,
    pub numbers: Arc<Numbers>,
    pub running: Arc<Running>,
    pub settings: Arc<Settings>,
    pub qr_codes: Arc<QrCodes>,
    pub templates: Arc<Templates>,
    pub media: Arc<Media>,
    pub webhooks: Arc<Webhooks>,
    pub people: Arc<People>,
    pub messages: Arc<Messages>,
    pub uploads: Arc<Uploads>,
    pub usernames: Arc<Usernames>,
    pub analytics: Arc<Analytics>,
    pub post: Arc<dyn Post>,
    pub room: Room,
    /// How clients reach this server, without a slash at the end: absolute addresses begin with it.
    pub base: String,
}

/// What a route answers.
#[derive(Debug)]
pub enum Answer {
    /// JSON.
    Json(Value),
    /// Something else.
    Other(Response),
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}

/// A route's answer, or why there is none.
pub type Outcome = Result<Answer, Failure>;
/// A route at work.
pub type Task = BoxFuture<'static, Outcome>;

impl Api {
    /// Answers a request.
    pub async fn answer(self: Arc<Self>, request: Request) -> Response {
        let trace = format!("A{}", STANDARD_NO_PAD.encode(self.ground.random::<12>()));
        let version = edge::path(request.uri().path()).0;
        let mut response = match self.outcome(request, &trace).await {
            Ok(Answer::Json(value)) => json_response(StatusCode::OK, &value),
            Ok(Answer::Other(response)) => response,
            Err(failure) => failure.answer(version, &trace),
        };
        let headers = response.headers_mut();
        for (name, value) in [("x-fb-trace-id", trace), ("facebook-api-version", version.to_string())] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        response
    }

    async fn outcome(self: Arc<Self>, request: Request, trace: &str) -> Outcome {
        let (_, path) = edge::path(request.uri().path());
        let method = meant(request.method());
        let route = find(&method, &path);
        let raw = route.is_some_and(|route| route.raw);
        let peer = request.extensions().get::<Peer>().cloned();
        let share = self.share(edge::token_of_large(&request)).await?;
        let incoming = edge::read(request, raw, share).await?;
        let token = token(&incoming)?;
        let Incoming { version, path, values, headers, rest, share: _share, .. } = incoming;
        let base = self.base.clone();
        let (token_shown, trace) = (token.clone().unwrap_or_default(), trace.to_owned());
        let call = Call { version, path, values, headers, rest, token: token_shown, base, trace };
        if let Some(Route { run: Run::Open(run), .. }) = route {
            return run(self, call).await;
        }
        let proof = call.fields().text("appsecret_proof", 256)?;
        let caller = self.apps.authorize(token.as_deref(), proof.as_deref()).await.map_err(Failure::from)?;
        let caller = caller.map_err(unknown)?;
        peer.iter().for_each(Peer::admit);
        match self.businesses.get(caller.business()).await {
            Ok(business) => {
                if let Some(reason) = &business.suspended {
                    let message = format!("the business is suspended: {reason}");
                    return Err(Failure::new(Code::AccountLocked, message));
                }
                // Whoever is suspended at the relay can still see that, but nothing goes out from it.
                if business.state == BusinessState::Suspended && method != Method::GET {
                    let message = "the business is suspended by the relay's operator";
                    return Err(Failure::new(Code::AccountLocked, message));
                }
            }
            Err(HostError::NotFound(_) | HostError::Erased) => {}
            Err(error) => return Err(error.into()),
        }
        let id = call.path.first().cloned().unwrap_or_default();
        let Some(route) = route else { return Err(Failure::no_object(&method, &id)) };
        let ran = self.clone().run(route, caller, &id, call).await;
        // What is another's is answered like what is not there, whoever found that out.
        ran.unwrap_or_else(|| Err(Failure::no_object(&method, &id)))
    }

    /// Room for what a request says before all is known of who asks. `shown`: its token, if it says much.
    async fn share(&self, shown: Option<String>) -> Result<Share, Failure> {
        let Some(token) = shown else { return Ok(self.room.stranger(Failure::no_token())) };
        Ok(match self.apps.authorize(Some(&token), None).await? {
            // The proof may stand in the body.
            Ok(_) | Err(Unknown::NoProof) => self.room.known(),
            Err(reason) => self.room.stranger(unknown(reason)),
        })
    }

    /// Finds the object and runs the route; none if there is no such object for this caller.
    async fn run(
        self: Arc<Self>,
        route: &Route,
        caller: Authorized,
        id: &str,
        call: Call,
    ) -> Option<Outcome> {
        let scope = route.scope;
        macro_rules! owned {
            ($found:expr, $business:expr) => {{
                let found = match $found {
                    Ok(found) => found,
                    Err(HostError::NotFound(_) | HostError::Erased) => return None,
                    Err(error) => return Some(Err(error.into())),
                };
                let business: BusinessId = $business(&found);
                match caller.own(found, business, scope) {
                    Ok(owned) => owned,
                    Err(Denied::NotTheirs) => return None,
                    Err(Denied::Scope(scope)) => return Some(Err(denied(scope))),
                }
            }};
        }
        Some(match route.run {
            Run::Open(run) => run(self, call).await,
            Run::Caller(run) => run(self, caller, call).await,
            Run::Number(run) => {
                let found = self.numbers.get(id.parse().ok()?).await;
                let number: Owned<Arc<Number>> = owned!(found, |number: &Arc<Number>| number.business);
                run(self, number, call).await
            }
            Run::Waba(run) => {
                let found = self.businesses.of_waba(id.parse::<WabaId>().ok()?).await;
                run(self, owned!(found, |business: &Arc<crate::businesses::Business>| business.id), call)
                    .await
            }
            Run::Business(run) => {
                let found = self.businesses.get(id.parse().ok()?).await;
                run(self, owned!(found, |business: &Arc<crate::businesses::Business>| business.id), call)
                    .await
            }
            Run::App(run) => {
                let id = if id.eq_ignore_ascii_case("app") { caller.app() } else { id.parse().ok()? };
                // What an app's own secret opens is that app, and not another of the same business.
                if scope == Scope::App && id != caller.app() {
                    return None;
                }
                let found = self.apps.get(id).await;
                run(self, owned!(found, |app: &crate::apps::App| app.business), call).await
            }
            Run::Media(run) => {
                let found = self.media.about(id.parse().ok()?).await;
                run(self, owned!(found, |about: &MediaAbout| about.business), call).await
            }
            Run::Upload(run) => {
                let found = self.uploads.get(id.parse().ok()?).await;
                run(self, owned!(found, |upload: &Upload| upload.business), call).await
            }
            Run::Template(run) => {
                let business = match self.businesses.get(caller.business()).await {
                    Ok(business) => business,
                    Err(error) => return Some(Err(error.into())),
                };
                let found = self.templates.get(business.waba, id.parse().ok()?).await;
                run(self, owned!(found, |_: &crate::templates::Template| business.id), call).await
            }
        })
    }
}

/// Why nobody asks.
fn unknown(reason: Unknown) -> Failure {
    match reason {
        Unknown::Missing => Failure::no_token(),
        Unknown::Invalid => {
            Failure::token("Invalid OAuth access token - Cannot parse access token", Some(467))
        }
        Unknown::Expired => Failure::token("Error validating access token: Session has expired.", Some(463)),
        Unknown::WrongProof => Failure::proof("Invalid appsecret_proof provided in the API argument"),
        Unknown::NoProof => Failure::proof("API calls from the server require an appsecret_proof argument"),
    }
}

pub(super) fn denied(scope: Scope) -> Failure {
    let details =
        format!("Application does not have permission for this action: it needs {}", scope.as_str());
    Failure::new(Code::Permission, details)
}

/// `PUT` is taken as `POST`, `HEAD` as `GET`.
pub(crate) fn meant(method: &Method) -> Method {
    match *method {
        Method::PUT | Method::PATCH => Method::POST,
        Method::HEAD => Method::GET,
        _ => method.clone(),
    }
}

/// The token that a request shows: in `Authorization`, or else among the parameters.
fn token(incoming: &Incoming) -> Result<Option<String>, Failure> {
    if let Some(token) = edge::in_header(&incoming.headers) {
        return Ok(Some(token));
    }
    super::Fields::of(&incoming.values, super::Voice::Object).text("access_token", 1024)
}

/// The service of all paths that nothing else answers.
pub fn router(api: Arc<Api>) -> axum::Router {
    axum::Router::new()
        .route("/openapi.json", axum::routing::get(async || openapi()))
        .fallback(move |request: Request| api.clone().answer(request))
}

fn openapi() -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, Body::from(super::openapi::document().to_string())).into_response()
}

/// Whether a path begins with an object of this kind.
pub(super) fn is(node: Node, id: &str) -> bool {
    match node {
        Node::Root => false,
        Node::App => id.eq_ignore_ascii_case("app") || Kind::of(id) == Some(Kind::AppId),
        Node::Business => Kind::of(id) == Some(Kind::BusinessId),
        Node::Waba => Kind::of(id) == Some(Kind::WabaId),
        Node::Number => Kind::of(id) == Some(Kind::NumberId),
        Node::Media => Kind::of(id) == Some(Kind::MediaId),
        Node::Template => Kind::of(id) == Some(Kind::TemplateId),
        Node::Upload => UploadId::is(id),
    }
}
