//! All paths of `/host/v1`: which right each needs, and who answers.

use std::sync::Arc;

use http::Method;
use percent_encoding::percent_decode_str;
use wire::ErrorCode;

use super::{
    Call, Granted, Management, Operator, Readable, Refused, Task, agents, bring_in, businesses, chats,
    described, hosting, logs, names, numbers, templates,
};
use crate::apps::Scope;

/// Who may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Anybody.
    Anybody,
    /// Who runs the host.
    Operator,
    /// Who runs the host, and the business itself with a token that has this right.
    Business(Scope),
}

/// Who answers. What a route is given says what was checked.
#[derive(Clone, Copy)]
pub(super) enum Run {
    /// For anybody.
    Open(fn(Arc<Management>, Call) -> Task),
    /// For who runs the host.
    Operator(fn(Arc<Management>, Operator, Call) -> Task),
    /// About a business.
    Business(fn(Arc<Management>, Granted, Call) -> Task),
    /// About a log, which is there longer than its business.
    Log(fn(Arc<Management>, Readable, Call) -> Task),
}

/// A path and a method.
pub struct Route {
    /// Which.
    pub method: Method,
    /// What follows `/host/v1/`; `{}` for an id, of which the first is the business's where it says so.
    pub path: &'static str,
    /// Who may.
    pub right: Right,
    /// What it is for.
    pub about: &'static str,
    /// What stands in its body; empty for none.
    pub body: &'static [&'static str],
    pub(super) run: Run,
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} /host/v1/{}", self.method, self.path)
    }
}

macro_rules! routes {
    ($($method:ident $path:literal $right:ident$(($scope:ident))? $run:ident $handler:path, $about:literal,
       [$($field:literal),*];)*) => {
        /// All of them.
        pub static ROUTES: &[Route] = &[$(Route {
            method: Method::$method,
            path: $path,
            right: Right::$right$((Scope::$scope))?,
            about: $about,
            body: &[$($field),*],
            run: routes!(@ $run $handler),
        }),*];
    };
    (@ Open $handler:path) => { Run::Open(|management, call| Box::pin($handler(management, call))) };
    (@ $run:ident $handler:path) => {
        Run::$run(|management, granted, call| Box::pin($handler(management, granted, call)))
    };
}

routes! {
    GET "openapi.json" Anybody Open described, "This description", [];
    POST "businesses" Operator Operator bring_in::post, "Brings a business in, or finds it as it is",
        ["credential", "business", "currency", "timezone_id", "instructions", "app", "callback", "new_token"];
    GET "businesses" Operator Operator businesses::list, "The businesses, by id", [];
    GET "businesses/{}" Business(Any) Business businesses::show,
        "A business, its state as the relay says it now or said it within seconds", [];
    DELETE "businesses/{}" Business(Business) Business businesses::erase,
        "Erases a business, with everything of it but the log of what was read", [];
    PUT "businesses/{}/instructions" Business(Business) Business businesses::instruct,
        "Says what the host may do with a business's chats, and how long they are stored",
        ["deliver", "store_days", "search", "reply", "analyse", "market", "advertise"];
    PUT "businesses/{}/hosting" Business(Business) Business hosting::put,
        "Says who hosts a business, with the business's own credential at the relay",
        ["credential", "mode", "vendor", "host_credential"];
    POST "businesses/{}/suspend" Operator Business businesses::suspend, "Refuses a business's programs", ["reason"];
    POST "businesses/{}/resume" Operator Business businesses::resume, "Ends that", [];
    POST "businesses/{}/tokens" Business(Business) Business businesses::issue,
        "A token for an app of a business", ["app", "scopes", "days"];
    POST "businesses/{}/tokens/revoke" Business(Any) Business businesses::revoke, "Takes a token back", ["token"];
    POST "businesses/{}/agents" Business(Business) Business agents::invite,
        "Invites somebody to work for the business in the console", ["name", "display_name", "role"];
    GET "businesses/{}/agents" Business(Business) Business agents::list, "Who works for it", [];
    GET "businesses/{}/audit" Business(Business) Log logs::audit,
        "The log of what was read: an entry of JSON in each line", [];
    POST "businesses/{}/chats/list" Business(Messaging) Business chats::list, "Its chats, the latest first",
        ["phone_number_id", "person", "unread", "since", "until", "words", "after", "limit"];
    POST "businesses/{}/messages/list" Business(Messaging) Business chats::messages,
        "Messages of a chat or of all, the latest first; with words, those that have all of them",
        ["phone_number_id", "person", "words", "direction", "type", "since", "until", "after", "limit"];
    GET "businesses/{}/deliveries" Business(Management) Business logs::deliveries,
        "What callbacks were asked, the latest first", [];
    GET "businesses/{}/dead-letters" Business(Management) Business logs::dead_letters,
        "Events that were given up at a callback", [];
    POST "businesses/{}/dead-letters/replay" Business(Management) Business logs::replay,
        "Lets one of them, or all, begin anew", ["event", "app"];
    GET "templates" Operator Operator templates::waiting, "Templates that wait for a decision", [];
    GET "templates/{}" Operator Operator templates::show, "A template of any business", [];
    POST "templates/{}/approve" Operator Operator templates::approve, "It can be sent", [];
    POST "templates/{}/reject" Operator Operator templates::reject, "It cannot be sent", ["reason"];
    POST "templates/{}/pause" Operator Operator templates::pause, "It cannot be sent for a while", [];
    POST "templates/{}/unpause" Operator Operator templates::unpause, "It can be sent again", [];
    POST "templates/{}/disable" Operator Operator templates::disable, "It cannot be sent any more", [];
    GET "numbers/{}/messaging-limit" Operator Operator numbers::limit,
        "To how many people a day a number, by its phone_number_id, may write first", [];
    PUT "numbers/{}/messaging-limit" Operator Operator numbers::set_limit,
        "Says so (TIER_250 and so on); held: and that it does not grow", ["messaging_limit", "held"];
    GET "names" Operator Operator names::waiting, "Display names that wait for a decision", [];
    POST "names/{}/approve" Operator Operator names::approve,
        "The number, by its phone_number_id, has this name now, if it still asks for it", ["name"];
    POST "names/{}/reject" Operator Operator names::reject,
        "The number keeps the name that it has", ["name", "reason"];
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
        Refused::new(ErrorCode::MethodNotAllowed, "the path is right, the method is not")
    } else {
        Refused::not_found()
    })
}

impl Route {
    fn ids(&self, parts: &[String]) -> Option<Vec<String>> {
        let (mut pattern, mut ids) = (self.path.split('/'), Vec::new());
        for part in parts {
            match pattern.next()? {
                "{}" => ids.push(part.clone()),
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
        let (route, ids) = find(&Method::GET, "/host/v1/businesses/1000000000000001/audit").unwrap();
        assert_eq!((route.path, ids), ("businesses/{}/audit", vec!["1000000000000001".to_owned()]));
        assert!(find(&Method::PATCH, "/host/v1/businesses").is_err());
        assert!(find(&Method::GET, "/host/v1/businesses/1/audit/more").is_err());
        assert!(find(&Method::GET, "/host/v1").is_err());
    }

    #[test]
    fn what_concerns_one_business_is_given_that_business() {
        for route in ROUTES {
            let of_business = matches!(route.run, Run::Business(_) | Run::Log(_));
            assert_eq!(of_business, route.path.starts_with("businesses/{}"), "{route:?}");
            assert_eq!(route.right == Right::Anybody, matches!(route.run, Run::Open(_)), "{route:?}");
        }
    }
}
