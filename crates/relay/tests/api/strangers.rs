//! Every route, asked by those who may not.

use serde_json::{Value, json};

use crate::stage::{Answer, Device, Site, Stage};

/// A route of the document.
#[derive(Debug)]
struct Route {
    method: String,
    path: String,
    /// The scopes that it wants of a device; none if it is for anybody.
    device: Option<Vec<String>>,
    /// It is the operator's.
    operator: bool,
    /// It is for businesses, or for who hosts them.
    party: Option<&'static str>,
}

async fn routes(stage: &Stage) -> Vec<Route> {
    let document = stage.get("/v1/openapi.json").await.is(200).json();
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let security = operation["security"].as_array().cloned().unwrap_or_default();
            let device = security.iter().find_map(|scheme| scheme.get("device"));
            let scopes = |scopes: &Value| {
                let scopes = scopes.as_array().unwrap().iter();
                scopes.map(|scope| scope.as_str().unwrap().to_owned()).collect()
            };
            routes.push(Route {
                method: method.to_uppercase(),
                path: path.clone(),
                device: device.map(scopes),
                operator: security.iter().any(|scheme| scheme.get("operator").is_some()),
                party: ["business", "host"]
                    .into_iter()
                    .find(|kind| security.iter().any(|scheme| scheme.get(*kind).is_some())),
            });
        }
    }
    routes
}

/// The path with something in the place of each parameter.
fn filled(route: &Route, account: &str) -> String {
    let blob = "0123456789abcdef0123456789abcdef";
    let id = if route.path.starts_with("/v1/devices") { "2" } else { blob };
    let path = route.path.replace("{account}", account).replace("{device}", "1").replace("{id}", id);
    let path = path.replace("{business}", account).replace("{vendor}", account);
    path.replace("{number}", "+4915112345678")
}

async fn ask(stage: &Stage, route: &Route, token: Option<&str>, account: &str) -> Answer {
    let method = reqwest::Method::from_bytes(route.method.as_bytes()).unwrap();
    let mut request = stage.http.request(method, format!("{}{}", stage.url(), filled(route, account)));
    if let Some(token) = token {
        request = request.header("authorization", token);
    }
    if ["POST", "PUT", "PATCH"].contains(&&*route.method) {
        request = request.header("upload-offset", "0").json(&json!({}));
    }
    Answer::of(request.send().await.unwrap()).await
}

pub(crate) async fn no_route_opens_without_a_credential(site: Site) {
    let stage = site.stage().await;
    let routes = routes(&stage).await;
    let open: Vec<String> = routes
        .iter()
        .filter(|route| route.device.is_none() && !route.operator && route.party.is_none())
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    // Whoever makes a route must say here that anybody may ask it.
    let mut expected = vec![
        "GET /health",
        "GET /v1/dev/codes/{number}",
        "GET /v1/labels/key",
        "GET /v1/provisioning/{id}",
        "POST /v1/businesses",
        "POST /v1/devices",
        "POST /v1/provisioning",
        "POST /v1/registration",
        "POST /v1/registration/codes",
    ];
    let mut open: Vec<&str> = open.iter().map(String::as_str).collect();
    open.sort_unstable();
    expected.sort_unstable();
    assert_eq!(open, expected);
    for route in routes.iter().filter(|route| route.device.is_some()) {
        let answer = ask(&stage, route, None, "8c78cd2a-16ff-427d-83dc-1a5e36ce713d").await;
        assert_eq!(answer.status, 401, "{route:?}");
        if route.method != "HEAD" {
            answer.refused(401, "unauthorized");
        }
    }
    assert!(routes.iter().filter(|route| route.device.is_some()).count() > 25);
    stage.close().await;
}

pub(crate) async fn no_route_opens_with_garbage(site: Site) {
    let stage = site.stage().await;
    let one = stage.person().await;
    let mut secret = one.token.clone();
    let last = secret.pop().unwrap();
    let flipped = if last == 'A' { 'E' } else { 'A' };
    let almost = format!("Bearer {secret}{flipped}");
    let other_device = {
        let mut token: wire::Token = one.token.parse().unwrap();
        token.device = 2.try_into().unwrap();
        format!("Bearer {}", token.expose())
    };
    let basic = format!("Basic {}", one.token);
    for route in routes(&stage).await.iter().filter(|route| route.device.is_some()) {
        for garbage in ["Bearer x", "Bearer ", "", "x", &almost, &other_device, &basic] {
            let answer = ask(&stage, route, Some(garbage), &one.account).await;
            assert_eq!(answer.status, 401, "{route:?} with {garbage:?}");
        }
    }
    one.get("/v1/account").await.is(200);
    stage.close().await;
}

pub(crate) async fn the_primary_s_routes_are_closed_to_linked_devices(site: Site) {
    let stage = site.stage().await;
    let one = stage.person().await;
    let linked = stage.link(&one).await;
    let bearer = |device: &Device| format!("Bearer {}", device.token);
    let routes = routes(&stage).await;
    let primary =
        |route: &&Route| route.device.as_ref().is_some_and(|scopes| scopes.contains(&"primary".to_owned()));
    assert_eq!(routes.iter().filter(primary).count(), 6);
    for route in routes.iter().filter(primary) {
        let answer = ask(&stage, route, Some(&bearer(&linked)), &one.account).await;
        answer.refused(403, "forbidden");
    }
    // And to nobody else is anything closed that way.
    for route in
        routes.iter().filter(|route| !primary(route) && route.device.is_some() && route.method != "DELETE")
    {
        let answer = ask(&stage, route, Some(&bearer(&linked)), &one.account).await;
        assert_ne!((answer.status, &*answer.code()), (403, "forbidden"), "{route:?}");
        assert_ne!(answer.status, 401, "{route:?}");
        assert!(answer.status < 500, "{route:?}: {answer:?}");
    }
    one.get("/v1/account").await.is(200);
    stage.close().await;
}

/// Every kind of credential against every route that wants another kind, or the same of somebody else where there is no
/// path to say whose.
pub(crate) async fn no_credential_opens_the_doors_of_another_kind(site: Site) {
    let stage = crate::business::stage(site).await;
    let business = stage.approved().await;
    let (own_host, device) = business.hosted().await;
    let (_, vendor) = stage.vendor("Host GmbH").await;
    let made = stage.operator().post("/v1/operator/host-credential", Value::Null).await.is(200).json();
    let credentials = [
        ("none", String::new()),
        ("device", device.token.clone()),
        ("business", business.owner.credential.clone()),
        ("host", own_host),
        ("host", vendor.credential.clone()),
        ("host", made["credential"].as_str().unwrap().to_owned()),
        ("operator", crate::business::OPERATOR.to_owned()),
    ];
    let before = business.owner.get("/v1/business").await.is(200).json();
    let mut asked = 0;
    for route in routes(&stage).await {
        let wanted = match (&route.device, route.party) {
            (Some(_), _) => "device",
            (None, Some(party)) => party,
            // On loopback, figures are for anybody.
            (None, None) if route.operator && route.path != "/metrics" => "operator",
            (None, None) => continue,
        };
        for (kind, credential) in credentials.iter().filter(|(kind, _)| *kind != wanted) {
            let bearer = format!("Bearer {credential}");
            let answer = ask(&stage, &route, Some(&bearer), &business.id).await;
            assert_eq!(answer.status, 401, "{route:?} with that of {kind}");
            asked += 1;
        }
    }
    assert!(asked > 300, "{asked}");
    assert_eq!(business.owner.get("/v1/business").await.is(200).json(), before);
    // A stranger's business has its own, and a vendor nothing of those who did not choose it.
    let stranger = stage.draft().await;
    stranger
        .owner
        .delete(&format!("/v1/business/numbers/{}", business.number))
        .await
        .refused(404, "not_found");
    let own = stranger.owner.get("/v1/business").await.is(200).json();
    assert_eq!(own["business"], stranger.id);
    let guess = serde_json::json!({ "mode": "vendor", "vendor": business.id });
    stranger.owner.put("/v1/business/hosting", guess).await.refused(400, "invalid_request");
    stage.close().await;
}

/// What an account is and has, as it sees it itself.
async fn belongings(device: &Device) -> Vec<Value> {
    let mut seen = Vec::new();
    for path in ["/v1/account", "/v1/devices", "/v1/blocks"] {
        seen.push(device.get(path).await.is(200).json());
    }
    let profile = device.get(&format!("/v1/accounts/{}/profile", device.account)).await;
    seen.push(profile.is(200).json());
    seen
}

pub(crate) async fn a_stranger_reaches_nothing_of_others(site: Site) {
    let stage = site.stage().await;
    let (one, stranger) = (stage.person().await, stage.person().await);
    let linked = stage.link(&one).await;
    one.send("PUT", "/v1/profile", json!({ "profile": "AAAA" })).await.is(204);
    let blob =
        one.send("POST", "/v1/blobs", json!({ "size": 3 })).await.json()["id"].as_str().unwrap().to_owned();
    let before = belongings(&one).await;
    let bearer = format!("Bearer {}", stranger.token);
    for route in routes(&stage).await {
        // The stranger's own account is theirs to delete; that comes last.
        if route.path == "/v1/account" && route.method == "DELETE" {
            continue;
        }
        let answer = ask(&stage, &route, Some(&bearer), &one.account).await;
        assert!(answer.status < 500, "{route:?}: {answer:?}");
        let text = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert!(!text.contains(&one.phone) && !text.contains(&one.token), "{route:?}: {text}");
    }
    for method in ["PATCH", "HEAD", "DELETE"] {
        let request = stranger.request(method, &format!("/v1/blobs/{blob}")).header("upload-offset", 0);
        let answer = Answer::of(request.body("abc").send().await.unwrap()).await;
        assert_eq!(answer.status, 403, "{method}");
    }
    // An upload that is not finished is not read by anybody.
    stranger.get(&format!("/v1/blobs/{blob}")).await.refused(404, "not_found");
    stranger.send("PUT", "/v1/account/registration-lock", json!({ "pin": "1234" })).await.is(204);
    stranger.send("PUT", "/v1/profile", json!({ "profile": "BBBB" })).await.is(204);
    stranger.send("PATCH", "/v1/account", json!({ "discoverable": false })).await.is(204);
    stranger.delete("/v1/devices/2").await.refused(404, "not_found");
    stranger.delete("/v1/account").await.is(204);
    assert_eq!(belongings(&one).await, before);
    linked.get("/v1/account").await.is(200);
    stage.close().await;
}

pub(crate) async fn a_removed_device_is_a_stranger(site: Site) {
    let stage = site.stage().await;
    let one = stage.person().await;
    let linked = stage.link(&one).await;
    linked.delete("/v1/devices/2").await.is(204);
    let bearer = format!("Bearer {}", linked.token);
    for route in routes(&stage).await.iter().filter(|route| route.device.is_some()) {
        let answer = ask(&stage, route, Some(&bearer), &one.account).await;
        assert_eq!(answer.status, 401, "{route:?}");
    }
    stage.close().await;
}
