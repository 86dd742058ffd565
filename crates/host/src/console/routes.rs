//! All paths of `/console/v1`: which right each needs, and who answers. The rights themselves are in `rights`.

use std::sync::Arc;

use axum::extract::Request;
use http::Method;
use percent_encoding::percent_decode_str;

use super::{
    Audit, Caller, Console, Edge, InChats, Integrate, Kind, Manage, Own, Refused, Right, Signed, Staff, Task,
    apps, described, figures, hosting, links, people, profile, tasks, templates,
};
use crate::{
    agents::{Role, routes as agents},
    inbox::routes as inbox,
    management::Call,
};

/// Who answers. What a route is given says what was checked.
#[derive(Clone, Copy)]
pub(super) enum Run {
    /// For anybody.
    Open(fn(Arc<Console>, Edge, Call) -> Task),
    /// For who has the right.
    May(fn(Arc<Console>, Caller, Call) -> Task),
    /// The same, with a body that is read as it comes.
    Raw(fn(Arc<Console>, Caller, Vec<String>, Request) -> Task),
}

/// A path and a method.
pub struct Route {
    /// Which.
    pub method: Method,
    /// What follows `/console/v1/`; `{…}` for an id.
    pub path: &'static str,
    /// The right that it needs; empty for none.
    pub right: &'static str,
    /// Who has that; nobody in particular for a route that is open.
    pub roles: &'static [Role],
    /// What it is for.
    pub about: &'static str,
    /// What stands in its body; empty for none.
    pub body: &'static [&'static str],
    pub(super) run: Run,
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} /console/v1/{}", self.method, self.path)
    }
}

macro_rules! routes {
    ($($method:ident $path:literal $run:ident$(($right:ident))? $handler:path, $about:literal,
       [$($field:literal),*];)*) => {
        /// All of them.
        pub static ROUTES: &[Route] = &[$(Route {
            method: Method::$method,
            path: $path,
            right: routes!(@word $($right)?),
            roles: routes!(@roles $($right)?),
            about: $about,
            body: &[$($field),*],
            run: routes!(@run $run $($right)?, $handler),
        }),*];
    };
    (@word) => { "" };
    (@word $right:ident) => { <$right as Right>::WORD };
    (@roles) => { &[] };
    (@roles $right:ident) => { <$right as Right>::ROLES };
    (@run Open, $handler:path) => { Run::Open(|console, edge, call| Box::pin($handler(console, edge, call))) };
    (@run May $right:ident, $handler:path) => {
        Run::May(|console, caller, call| {
            Box::pin(async move { $handler(console, caller.may::<$right>()?, call).await })
        })
    };
    (@run Raw $right:ident, $handler:path) => {
        Run::Raw(|console, caller, path, request| {
            Box::pin(async move { $handler(console, caller.may::<$right>()?, path, request).await })
        })
    };
}

routes! {
    GET "openapi.json" Open described, "This description", [];
    POST "session" Open agents::sign_in, "Signs in", ["name", "password", "code"];
    GET "session" May(Signed) agents::session, "Who is signed in", [];
    DELETE "session" May(Signed) agents::sign_out, "Signs out", [];
    POST "invitation" Open agents::invitation, "What an invitation says", ["secret"];
    POST "invitation/accept" Open agents::accept, "Takes an invitation, and signs in",
        ["secret", "password", "name", "display_name"];
    GET "sessions" May(Signed) agents::sessions, "One's own sessions", [];
    DELETE "sessions" May(Signed) agents::end_others, "Ends all of one's own sessions but this one", [];
    DELETE "sessions/{session}" May(Signed) agents::end_session, "Ends one of one's own sessions", [];
    PUT "account" May(Signed) agents::rename, "What colleagues see", ["display_name"];
    PUT "account/password" May(Signed) agents::password, "Another password; other sessions end",
        ["password", "new_password"];
    POST "account/totp" May(Signed) agents::offer_totp, "Offers a second factor", ["password"];
    POST "account/totp/confirm" May(Signed) agents::confirm_totp, "From now on it is needed", ["code"];
    POST "account/totp/remove" May(Signed) agents::remove_totp, "From now on it is not", ["password", "code"];
    GET "agents" May(Signed) agents::list, "Who works here", [];
    POST "agents" May(Staff) agents::invite, "Invites somebody", ["name", "display_name", "role"];
    PUT "agents/{agent}" May(Staff) agents::change, "What somebody may do", ["role", "display_name", "disabled"];
    DELETE "agents/{agent}" May(Staff) agents::remove, "Somebody works here no longer", [];
    POST "agents/{agent}/invite" May(Staff) agents::reinvite, "Lets somebody choose a new password", [];
    POST "agents/{agent}/sign-out" May(Staff) agents::sign_out_agent, "Ends all sessions of somebody", [];
    GET "invitations" May(Staff) agents::invitations, "Invitations that wait", [];
    DELETE "invitations/{invitation}" May(Staff) agents::withdraw, "Takes an invitation back", [];
    GET "events" Raw(Signed) inbox::events, "What happens, as Server-Sent Events", [];
    POST "chats/list" May(InChats) inbox::list, "Chats, the latest first",
        ["phone_number_id", "user_id", "unread", "assigned", "label", "status", "words", "since", "until", "after",
         "limit"];
    GET "chats/{number}/{user}" May(InChats) inbox::show, "A chat", [];
    PUT "chats/{number}/{user}" May(InChats) inbox::update, "Who answers it, and whether it is open",
        ["status", "assigned_to", "expected"];
    POST "chats/{number}/{user}/messages/list" May(InChats) inbox::messages, "Its messages, the latest first",
        ["after", "limit", "words", "direction", "type"];
    POST "chats/{number}/{user}/messages" May(InChats) inbox::send, "Sends into it", ["message", "seen", "force"];
    POST "chats/{number}/{user}/read" May(InChats) inbox::read, "It was read up to a message",
        ["message_id", "typing"];
    PUT "chats/{number}/{user}/answering" May(InChats) inbox::answering, "I answer, for 15 seconds", [];
    DELETE "chats/{number}/{user}/answering" May(InChats) inbox::answers_no_longer, "I do not answer", [];
    PUT "chats/{number}/{user}/labels/{label}" May(InChats) inbox::put_label, "Puts a label on it", [];
    DELETE "chats/{number}/{user}/labels/{label}" May(InChats) inbox::remove_label, "Takes a label off it", [];
    GET "chats/{number}/{user}/notes" May(InChats) inbox::notes, "What was noted of it, the latest first", [];
    POST "chats/{number}/{user}/notes" May(InChats) inbox::note, "Notes something", ["text"];
    DELETE "chats/{number}/{user}/notes/{note}" May(InChats) inbox::delete_note, "Deletes a note", [];
    PUT "chats/{number}/{user}/block" May(InChats) inbox::block, "The number takes nothing from them", [];
    DELETE "chats/{number}/{user}/block" May(InChats) inbox::unblock, "It does again", [];
    POST "messages/list" May(InChats) inbox::search, "Messages of all chats that have these words",
        ["words", "phone_number_id", "direction", "type", "since", "until", "after", "limit"];
    POST "numbers/{number}/messages" May(InChats) inbox::begin, "Begins a chat, with a template",
        ["to", "message"];
    POST "numbers/{number}/media" Raw(InChats) inbox::upload, "Takes a file, to be sent", [];
    GET "media/{media}" May(InChats) inbox::download, "A file", [];
    GET "labels" May(InChats) inbox::labels, "Labels", [];
    POST "labels" May(Manage) inbox::add_label, "A new label", ["name", "colour"];
    PUT "labels/{label}" May(Manage) inbox::change_label, "Changes a label", ["name", "colour"];
    DELETE "labels/{label}" May(Manage) inbox::delete_label, "Deletes a label", [];
    GET "replies" May(InChats) inbox::replies, "Canned replies", [];
    POST "replies" May(Manage) inbox::add_reply, "A new canned reply", ["shortcut", "text"];
    PUT "replies/{reply}" May(Manage) inbox::change_reply, "Changes a canned reply", ["shortcut", "text"];
    DELETE "replies/{reply}" May(Manage) inbox::delete_reply, "Deletes a canned reply", [];
    POST "people/list" May(InChats) people::list, "Who there is, whoever wrote last first",
        ["phone_number_id", "after", "limit"];
    GET "numbers" May(Signed) people::numbers, "Numbers of the business", [];
    GET "numbers/{number}/profile" May(Signed) profile::show, "What a number shows of itself", [];
    PUT "numbers/{number}/profile" May(Manage) profile::change, "Changes that",
        ["about", "address", "description", "email", "websites", "vertical"];
    GET "numbers/{number}/links" May(InChats) links::list, "Links that open a chat", [];
    POST "numbers/{number}/links" May(Manage) links::create, "A new link", ["message"];
    PUT "numbers/{number}/links/{code}" May(Manage) links::change, "Other words for a link", ["message"];
    DELETE "numbers/{number}/links/{code}" May(Manage) links::delete, "Deletes a link", [];
    GET "numbers/{number}/links/{code}/picture" May(InChats) links::picture, "A link as a QR code (SVG)", [];
    GET "templates" May(InChats) templates::list, "Templates", [];
    POST "templates" May(Manage) templates::create, "A new template, which goes into review",
        ["name", "language", "category", "parameter_format", "components", "message_send_ttl_seconds",
         "allow_category_change"];
    POST "templates/preview" May(InChats) templates::preview, "A template as a person will see it",
        ["name", "language", "category", "parameter_format", "components", "message_send_ttl_seconds",
         "allow_category_change", "parameters"];
    GET "templates/{template}" May(InChats) templates::show, "A template, and how far its review is", [];
    PUT "templates/{template}" May(Manage) templates::edit, "Changes a template",
        ["category", "parameter_format", "components", "message_send_ttl_seconds"];
    DELETE "templates/{template}" May(Manage) templates::delete, "Deletes a template", [];
    GET "apps" May(Integrate) apps::list, "Programs of the business, with their tokens and callbacks", [];
    POST "apps" May(Integrate) apps::create, "A new app", ["name"];
    POST "apps/{app}/tokens" May(Integrate) apps::issue, "A new token", ["scopes", "days"];
    DELETE "apps/{app}/tokens/{token}" May(Integrate) apps::revoke, "Takes a token back", [];
    PUT "apps/{app}/callback" May(Integrate) apps::set_callback, "Where an app is told",
        ["url", "verify_token", "fields"];
    DELETE "apps/{app}/callback" May(Integrate) apps::remove_callback, "An app is not told", [];
    GET "deliveries" May(Audit) apps::deliveries, "What callbacks were asked, the latest first", [];
    GET "dead-letters" May(Audit) apps::dead_letters, "Events that were given up at a callback", [];
    POST "dead-letters/replay" May(Integrate) apps::replay, "Lets one of them, or all, begin anew",
        ["event", "app"];
    GET "hosting" May(Signed) hosting::show, "Who hosts the business, and what the host may do", [];
    PUT "hosting/instructions" May(Own) hosting::instruct, "Says what the host may do",
        ["deliver", "store_days", "search", "reply", "analyse", "market", "advertise"];
    GET "hosting/log" May(Audit) hosting::log, "What was read and decided, the latest first", [];
    GET "hosting/log/download" May(Audit) hosting::download, "All of it: an entry of JSON in each line", [];
    POST "hosting/log/verify" May(Audit) hosting::verify, "Whether nothing of it was changed", ["seq", "hash"];
    POST "hosting/exports" May(Own) tasks::export, "Takes everything along", ["user_id"];
    POST "numbers/{number}/imports" Raw(Own) tasks::import, "Brings in a chat from elsewhere", [];
    GET "tasks" May(Own) tasks::list, "Exports and imports, the latest first", [];
    GET "tasks/{task}" May(Own) tasks::show, "How far one is", [];
    GET "tasks/{task}/file" May(Own) tasks::file, "The export, once", [];
    GET "figures" May(Audit) figures::show, "Messages, and how fast was answered, by time", [];
}

/// The route of a path, and the ids in it.
pub(super) fn find(method: &Method, path: &str) -> Result<(&'static Route, Vec<String>), Refused> {
    let parts = path.split('/').filter(|part| !part.is_empty()).skip(2).take(8);
    let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    let parts: Vec<String> = parts.map(decoded).collect();
    let mut there = false;
    for route in ROUTES {
        let Some(ids) = route.ids(&parts) else { continue };
        if route.method == *method {
            return Ok((route, ids));
        }
        there = true;
    }
    Err(if there {
        Refused::new(Kind::Method, "the path is right, the method is not")
    } else {
        Refused::not_found()
    })
}

/// What a request to `path` is counted as.
pub(crate) fn label(method: &Method, path: &str) -> String {
    find(method, path).map_or_else(|_| "none".to_owned(), |(route, _)| format!("/console/v1/{}", route.path))
}

impl Route {
    fn ids(&self, parts: &[String]) -> Option<Vec<String>> {
        let (mut pattern, mut ids) = (self.path.split('/'), Vec::new());
        for part in parts {
            match pattern.next()? {
                name if name.starts_with('{') => ids.push(part.clone()),
                word if word == part => {}
                _ => return None,
            }
        }
        pattern.next().is_none().then_some(ids)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_their_routes_only() {
        let (route, ids) = find(&Method::GET, "/console/v1/chats/3000000000000001/DE.1").unwrap();
        assert_eq!((route.path, ids.len()), ("chats/{number}/{user}", 2));
        let (route, _) = find(&Method::POST, "/console/v1/chats/list").unwrap();
        assert_eq!(route.path, "chats/list");
        assert_eq!(find(&Method::PATCH, "/console/v1/session").unwrap_err().kind, Kind::Method);
        assert_eq!(find(&Method::GET, "/console/v1/session/x").unwrap_err().kind, Kind::NotFound);
    }

    #[test]
    fn the_page_in_the_docs_says_what_the_table_says() {
        let page = include_str!("../../../../docs/console-api.md");
        for route in ROUTES {
            let right = if route.right.is_empty() { "anybody" } else { route.right };
            let row = format!("| {} | `{}` | {right} |", route.method, route.path);
            assert!(page.contains(&row), "{row} is not in docs/console-api.md");
        }
        let rows = page.lines().filter(|line| {
            ["| GET |", "| POST |", "| PUT |", "| DELETE |"].iter().any(|method| line.starts_with(method))
        });
        assert_eq!(rows.count(), ROUTES.len(), "the docs say more than there is");
        for kind in Kind::ALL {
            let row = format!("| {} | `{}` |", kind.status(), kind.as_str());
            assert!(page.contains(&row), "{row} is not in docs/console-api.md");
        }
    }
}
