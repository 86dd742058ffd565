//! All routes, each registered together with its description.

use std::sync::Arc;

use axum::{Router, extract::FromRef, middleware, response::IntoResponse as _, routing::get};
use utoipa::{
    OpenApi as _,
    openapi::{
        self, OpenApi,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    RelayError, accounts, auth, blobs, blocks, businesses, devices, edge, error,
    ground::Ground,
    hosting, keys, labels, metrics, operator, profiles, provisioning,
    queue::{self, Queue},
    registration, socket,
};

macro_rules! services {
    ($($(#[$doc:meta])* $name:ident: $service:ty,)*) => {
        /// Everything that handlers call; a handler takes the one that it needs by [`State`](axum::extract::State).
        #[derive(Debug, Clone)]
        pub struct Services {
            $($(#[$doc])* pub $name: Arc<$service>,)*
        }

        $(impl FromRef<Services> for Arc<$service> {
            fn from_ref(services: &Services) -> Self {
                services.$name.clone()
            }
        })*
    };
}

services! {
    /// What all stand on.
    ground: Ground,
    /// Who asks.
    credentials: auth::Credentials,
    /// Who there is.
    accounts: accounts::Accounts,
    /// How they end.
    erasure: accounts::Erasure,
    /// How they begin.
    registration: registration::Registration,
    /// Their devices.
    devices: devices::Devices,
    /// Further devices.
    linking: devices::Linking,
    /// How a new device and a primary one meet.
    provisioning: provisioning::Provisioning,
    /// Prekeys.
    keys: keys::Keys,
    /// What people say about themselves.
    profiles: profiles::Profiles,
    /// Whom they do not want to hear.
    blocks: blocks::Blocks,
    /// Media.
    blobs: blobs::Media,
    /// What waits for devices.
    queue: Queue,
    /// Who applied, and how far they are.
    businesses: businesses::Businesses,
    /// What they showed.
    documents: businesses::Documents,
    /// Their numbers and testers.
    numbers: businesses::Numbers,
    /// Who hosts them.
    hosting: hosting::Hosting,
    /// What is stated about that.
    labels: labels::Labels,
    /// Who decides.
    office: operator::Office,
}

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "Tradepost relay",
    description = "Accounts, devices, keys, messages and blobs. What is inside a message is not known here. \
        See docs/relay-api.md; the frames of /v1/socket are in crates/wire/proto/socket.proto.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Description;

/// The routes of all features, and what they say of themselves.
pub fn described() -> (Router<Services>, OpenApi) {
    let routes = OpenApiRouter::with_openapi(Description::openapi())
        .merge(registration::routes::routes())
        .merge(accounts::routes::routes())
        .merge(devices::routes::routes())
        .merge(provisioning::routes::routes())
        .merge(keys::routes::routes())
        .merge(profiles::routes::routes())
        .merge(blocks::routes::routes())
        .merge(blobs::routes::routes())
        .routes(routes!(queue::routes::send))
        .routes(routes!(socket::routes::open))
        .merge(businesses::routes::routes())
        .merge(hosting::routes::routes())
        .merge(labels::routes::routes())
        .merge(operator::routes::routes());
    let (router, mut document) = routes.split_for_parts();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("The token from registration or linking; scope `primary`: of a primary device."))
        .build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("device", SecurityScheme::Http(bearer));
    for (name, what) in [
        ("business", "The credential of a business (`tpb1_…`)."),
        (
            "host",
            "The credential of who hosts a business: itself (`tph1_…`), a vendor (`tpv1_…`), the operator (`tpo1_…`).",
        ),
        ("operator", "The operator's token."),
    ] {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(what)).build();
        components.add_security_scheme(name, SecurityScheme::Http(scheme));
    }
    for item in document.paths.paths.values_mut() {
        let methods = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
        for operation in methods.into_iter().flatten() {
            let errors = operation.responses.responses.entry("default".to_owned());
            errors.or_insert_with(|| refusal().into());
        }
    }
    (router, document)
}

/// How every error looks.
fn refusal() -> openapi::Response {
    let body = openapi::Content::new(Some(openapi::Ref::from_schema_name("ErrorBody")));
    openapi::ResponseBuilder::new().description("An error").content("application/json", body).build()
}

/// The whole service: routes, their description, errors, metrics.
///
/// # Errors
/// `Internal` if the description cannot be written.
pub fn router(services: Services) -> Result<Router, RelayError> {
    let (router, openapi) = described();
    let document: Arc<str> = serde_json::to_string(&openapi).map_err(RelayError::internal)?.into();
    let openapi = get(move || async move {
        ([(http::header::CONTENT_TYPE, "application/json")], document.to_string()).into_response()
    });
    let ground = services.ground.clone();
    Ok(router
        .route("/v1/openapi.json", openapi)
        .merge(ground.config.pages.router())
        .fallback(async || RelayError::NotFound)
        .method_not_allowed_fallback(async || RelayError::MethodNotAllowed)
        .layer(middleware::from_fn_with_state(ground.clone(), error::answer))
        .layer(middleware::from_fn(metrics::measure))
        .layer(middleware::from_fn_with_state(ground, edge::identify))
        .with_state(services))
}
