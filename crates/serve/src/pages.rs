//! A web front end, served from memory as it was built: compressed, with long caching where names have hashes, and with
//! headers that let a page load nothing but its own.

use std::future::{Ready, ready};

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{
        ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
        IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};

/// What the messenger may: scripts and styles of its own, WebAssembly, pictures that it decrypted itself.
pub const MESSENGER: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' blob:; media-src 'self' blob:; connect-src 'self' blob:; worker-src 'self'; manifest-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
    trusted-types tradepost-core tradepost-messenger";
/// What console and operator's area may: the same without WebAssembly and workers.
pub const CONSOLE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
    media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";
/// The folder in which every name has the hash of its content.
const HASHED: &str = "assets/";

/// A file, as a build made it.
#[derive(Debug)]
pub struct Asset {
    /// Where it is below its page, without a slash in front.
    pub path: &'static str,
    /// Tells its versions apart: an `ETag`, in quotation marks.
    pub tag: &'static str,
    /// As it is.
    pub plain: &'static [u8],
    /// The same, compressed.
    pub brotli: Option<&'static [u8]>,
    /// The same, compressed for clients that know nothing newer.
    pub gzip: Option<&'static [u8]>,
}

/// A front end.
#[derive(Debug)]
pub struct Page {
    /// The path below which it is, without a slash at the end.
    pub at: &'static str,
    /// Its files; `index.html` is among them, if there are any.
    pub assets: &'static [Asset],
    /// Its `Content-Security-Policy`.
    pub policy: &'static str,
}

/// All that a server shows to browsers; nothing by default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Site(pub &'static [Page]);

impl Site {
    /// Whether there is a front end at this path.
    #[must_use]
    pub fn has(&self, at: &str) -> bool {
        self.0.iter().any(|page| page.at == at && !page.assets.is_empty())
    }

    /// The routes of all that there is. The first page is where `/` leads.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let mut router = Router::new();
        let there = self.0.iter().filter(|page| !page.assets.is_empty());
        for (place, page) in there.enumerate() {
            let index = format!("{}/", page.at);
            if place == 0 {
                router = router.route("/", get(leads_to(index.clone())));
            }
            let answer = move |request: Request| ready(page.answer(&request));
            router = router
                .route(page.at, get(leads_to(index.clone())))
                .route(&index, get(answer))
                .route(&format!("{}/{{*path}}", page.at), get(answer));
        }
        router
    }
}

/// A redirection that is not remembered.
fn leads_to(path: String) -> impl Fn() -> Ready<Redirect> + Clone + Send + Sync + 'static {
    move || ready(Redirect::temporary(&path))
}

impl Page {
    fn answer(&self, request: &Request) -> Response {
        let path = request.uri().path();
        let below = path.strip_prefix(self.at).unwrap_or(path).trim_start_matches('/');
        let wanted = if below.is_empty() { "index.html" } else { below };
        let Some(asset) = self.assets.iter().find(|asset| asset.path == wanted) else {
            return (StatusCode::NOT_FOUND, self.headers(), "There is no such page.").into_response();
        };
        let mut headers = self.headers();
        let mut put = |name: HeaderName, value: &'static str| {
            headers.insert(name, HeaderValue::from_static(value));
        };
        put(CONTENT_TYPE, kind(asset.path));
        put(ETAG, asset.tag);
        let hashed = asset.path.starts_with(HASHED);
        put(CACHE_CONTROL, if hashed { "public, max-age=31536000, immutable" } else { "no-cache" });
        put(VARY, "accept-encoding");
        let known = request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        if known
            .is_some_and(|known| known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == asset.tag))
        {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        let (encoding, body) = asset.encoded(request.headers());
        if let Some(encoding) = encoding {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        let body = if request.method() == Method::HEAD { &[] } else { body };
        (StatusCode::OK, headers, body).into_response()
    }

    /// What every answer has.
    fn headers(&self) -> HeaderMap {
        [
            (CONTENT_SECURITY_POLICY, self.policy),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (X_FRAME_OPTIONS, "DENY"),
            (REFERRER_POLICY, "no-referrer"),
            (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
            (
                HeaderName::from_static("permissions-policy"),
                "camera=(self), microphone=(self), geolocation=(self), payment=(), usb=()",
            ),
        ]
        .into_iter()
        .map(|(name, value)| (name, HeaderValue::from_static(value)))
        .collect()
    }
}

impl Asset {
    /// As the client wants it, at its smallest.
    fn encoded(&self, headers: &HeaderMap) -> (Option<&'static str>, &'static [u8]) {
        let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let takes = |wanted: &str| {
            accepted.split(',').any(|offer| {
                let (name, quality) = offer.split_once(';').unwrap_or((offer, ""));
                let refused =
                    matches!(quality.trim().trim_start_matches("q=").trim(), "0" | "0.0" | "0.00" | "0.000");
                name.trim().eq_ignore_ascii_case(wanted) && !refused
            })
        };
        match (self.brotli, self.gzip) {
            (Some(brotli), _) if takes("br") => (Some("br"), brotli),
            (_, Some(gzip)) if takes("gzip") => (Some("gzip"), gzip),
            _ => (None, self.plain),
        }
    }
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, end)| end) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("wasm") => "application/wasm",
        Some("json") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tower::ServiceExt as _;

    use super::*;

    static SITE: Site = Site(&[
        Page {
            at: "/app",
            assets: &[
                Asset {
                    path: "index.html",
                    tag: "\"1\"",
                    plain: b"<!doctype html>",
                    brotli: None,
                    gzip: None,
                },
                Asset {
                    path: "assets/index-abc.js",
                    tag: "\"2\"",
                    plain: b"plain",
                    brotli: Some(b"brotli"),
                    gzip: Some(b"gzip"),
                },
            ],
            policy: MESSENGER,
        },
        Page { at: "/operator", assets: &[], policy: CONSOLE },
    ]);

    async fn ask(path: &str, headers: &[(HeaderName, &str)]) -> Response {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        SITE.router::<()>().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    fn header(response: &Response, name: HeaderName) -> String {
        response.headers().get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn pages_are_found_and_nothing_else() {
        for (path, status) in [
            ("/", 307),
            ("/app", 307),
            ("/app/", 200),
            ("/app/index.html", 200),
            ("/app/assets/index-abc.js", 200),
            ("/app/assets/../index.html", 404),
            ("/app/assets", 404),
            ("/operator/", 404),
        ] {
            assert_eq!(ask(path, &[]).await.status().as_u16(), status, "{path}");
        }
        assert!(SITE.has("/app") && !SITE.has("/operator"));
        let page = ask("/app/", &[]).await;
        assert_eq!(header(&page, CACHE_CONTROL), "no-cache");
        assert!(header(&page, CONTENT_SECURITY_POLICY).contains("require-trusted-types-for 'script'"));
        assert!(!header(&page, CONTENT_SECURITY_POLICY).contains("unsafe-inline"));
    }

    #[tokio::test]
    async fn what_has_a_hash_is_kept_for_long_and_sent_at_its_smallest() {
        let path = "/app/assets/index-abc.js";
        for (accepted, encoding) in
            [("gzip, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip;q=0.5", "gzip"), ("identity", ""), ("", "")]
        {
            let answer = ask(path, &[(ACCEPT_ENCODING, accepted)]).await;
            assert_eq!(header(&answer, CONTENT_ENCODING), encoding, "{accepted}");
            assert!(header(&answer, CACHE_CONTROL).contains("immutable"));
        }
        assert_eq!(ask(path, &[(IF_NONE_MATCH, "W/\"2\"")]).await.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(ask(path, &[(IF_NONE_MATCH, "\"1\"")]).await.status(), StatusCode::OK);
    }
}
