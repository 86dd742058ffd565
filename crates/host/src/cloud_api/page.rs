//! The page behind a short link: whose chat it opens, who can read it, and how to open it. For people, who have no token.
//! It needs nothing but itself: no script, no font, nothing of anybody else.

use std::sync::Arc;

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

use super::{
    Call,
    api::{Answer, Api, Outcome},
    profiles,
};
use crate::{
    HostError,
    businesses::{Business, BusinessState, HostingMode},
    numbers::Number,
    settings::Profile,
};

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--paper:#fff;--line:#d0d7de;--mark:#0b5d4e;--on:#fff}\
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9ba7b3;--paper:#12171d;--line:#39424d;--mark:#7fd8c3;--on:#0c1a17}}\
*{box-sizing:border-box}\
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}\
main{max-inline-size:34rem;margin-inline:auto;padding:2rem 1rem;overflow-wrap:anywhere}\
img{inline-size:5rem;block-size:5rem;border-radius:50%;object-fit:cover}\
h1{font-size:1.6rem;line-height:1.2;margin-block:.5rem}\
h2{font-size:1rem;margin-block:1.5rem .25rem}\
p{margin-block:.25rem}\
.soft{color:var(--soft)}\
.box{border:1px solid var(--line);border-radius:.5rem;padding:.75rem 1rem;margin-block:.5rem;white-space:pre-wrap}\
.go{display:inline-block;background:var(--mark);color:var(--on);text-decoration:none;font-weight:600;border-radius:.5rem;padding:.75rem 1.25rem;margin-block:.5rem}\
.go:focus-visible{outline:3px solid var(--ink);outline-offset:2px}\
code{font-family:ui-monospace,monospace;font-size:.9rem}";

/// As text between tags and in attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() && c != '\n' => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A name of somebody's, which turns nothing around it, whichever way it is written.
fn name(text: &str) -> String {
    format!("<bdi>{}</bdi>", escape(text))
}

/// A word of a command line of the usual shells.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn whole(title: &str, inside: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex\"><title>{}</title><style>{STYLE}</style></head>\
         <body><main>{inside}</main></body></html>\n",
        escape(title)
    )
}

/// What the messenger will say of who can read the chat.
fn label(business: &Business) -> (String, &'static str) {
    let host = name(&business.host_name);
    match business.mode {
        HostingMode::Own => {
            ("End-to-end encrypted".to_owned(), "Only you and the business can read this chat.")
        }
        HostingMode::Vendor | HostingMode::Operator => (
            format!("Managed by {host}"),
            "Besides you and the business, whoever manages it for them can read this chat.",
        ),
        HostingMode::Sealed => (
            format!("End-to-end encrypted, stored by {host}"),
            "Only you and the people of the business can read this chat.",
        ),
    }
}

fn link(number: &Number, message: &str) -> String {
    let part = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    format!("tradepost://chat?number={}&text={}", part(number.number.as_str()), part(message))
}

/// The page of a link.
fn page(business: &Business, number: &Number, picture: Option<&str>, message: &str) -> String {
    let shown = &number.verified_name;
    let mut inside = String::new();
    if let Some(address) = picture {
        inside.push_str(&format!("<img src=\"{}\" alt=\"\">", escape(address)));
    }
    inside.push_str(&format!("<h1>Chat with {}</h1>", name(shown)));
    let verified =
        if business.state == BusinessState::Approved { "Verified business" } else { "Not verified" };
    let registered = if business.legal_name.is_empty() { &business.name } else { &business.legal_name };
    let (label, meaning) = label(business);
    let digits = escape(number.number.as_str());
    let command = format!("tradepost chat send {} {}", number.number.as_str(), quoted(message));
    inside.push_str(&format!(
        "<p class=\"soft\">{verified}: {} ({})</p>\
         <p class=\"soft\"><bdi dir=\"ltr\">{digits}</bdi></p>\
         <h2>Who can read it</h2><p><strong>{label}</strong></p>\
         <p class=\"soft\">{meaning} Your messenger checks this and shows it above the chat.</p>\
         <h2>Your message</h2><p class=\"box\" dir=\"auto\">{}</p>\
         <p><a class=\"go\" href=\"{}\">Open the chat</a></p>\
         <p class=\"soft\">Nothing is sent until you send it. If nothing opens, begin a chat with \
         <bdi dir=\"ltr\">{digits}</bdi> in your messenger, or from the command line:</p>\
         <p class=\"box\" dir=\"ltr\"><code>{}</code></p>",
        name(registered),
        escape(&business.country),
        escape(message),
        escape(&link(number, message)),
        escape(&command),
    ));
    whole(&format!("Chat with {shown}"), &inside)
}

fn html(status: StatusCode, text: String) -> Response {
    let style = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    let mut response = (status, Body::from(text)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

pub(super) async fn show(api: Arc<Api>, call: Call) -> Outcome {
    let code = call.tail(0).unwrap_or_default();
    let found = async {
        let number = api.qr_codes.number_of(code).await?;
        let number = api.numbers.get(number).await?;
        let business = api.businesses.get(number.business).await?;
        let code = api.qr_codes.get(&number, code).await?;
        let profile: Profile = api.settings.get(&number).await?;
        Ok::<_, HostError>((business, number, profile, code.message))
    };
    let response = match found.await {
        Ok((business, number, profile, message)) => {
            let picture = profiles::picture_path(&number, &profile);
            html(StatusCode::OK, page(&business, &number, picture.as_deref(), &message))
        }
        Err(HostError::NotFound(_) | HostError::Erased) => {
            let inside =
                "<h1>This link opens nothing</h1><p>It was mistyped, or the business took it back.</p>";
            html(StatusCode::NOT_FOUND, whole("This link opens nothing", inside))
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Answer::Other(response))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_in_a_name_stays_text() {
        let bad = "\"><script>alert('x')</script>&\u{202e}\u{7}";
        let escaped = name(bad);
        assert!(
            !escaped.contains("<script") && !escaped.contains('"') && !escaped.contains('\u{7}'),
            "{escaped}"
        );
        assert_eq!(quoted("it's; rm"), r"'it'\''s; rm'");
    }

    #[test]
    fn the_style_closes_nothing_and_fetches_nothing() {
        for bad in ["<", "url(", "@import", "http"] {
            assert!(!STYLE.contains(bad), "{bad}");
        }
    }
}
