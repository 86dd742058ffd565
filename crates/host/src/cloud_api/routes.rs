//! All paths: which object, which edge, which right, and who answers.

use std::sync::Arc;

use http::Method;

use super::{
    Call, analytics,
    api::{Api, Task, is},
    apps as app_routes, automation, blocks, compliance, history, media, messages, numbers, objects, page,
    profiles, qr_codes, subscriptions, templates, uploads, usernames,
};
use crate::{
    apps::{App, Authorized, Owned, Scope},
    businesses::Business,
    media::MediaAbout,
    numbers::Number,
    templates::Template,
    uploads::Upload,
};

/// With what kind of object a path begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    /// A word.
    Root,
    /// An app, or `app` for the caller's.
    App,
    /// A business.
    Business,
    /// An account.
    Waba,
    /// A number.
    Number,
    /// A file.
    Media,
    /// A template.
    Template,
    /// An upload.
    Upload,
}

/// Who answers. What a route is given says what was checked.
#[derive(Clone, Copy)]
pub(super) enum Run {
    /// For anybody.
    Open(fn(Arc<Api>, Call) -> Task),
    /// For anybody with a good token.
    Caller(fn(Arc<Api>, Authorized, Call) -> Task),
    /// About a number.
    Number(fn(Arc<Api>, Owned<Arc<Number>>, Call) -> Task),
    /// About an account.
    Waba(fn(Arc<Api>, Owned<Arc<Business>>, Call) -> Task),
    /// About a business.
    Business(fn(Arc<Api>, Owned<Arc<Business>>, Call) -> Task),
    /// About an app.
    App(fn(Arc<Api>, Owned<App>, Call) -> Task),
    /// About a file.
    Media(fn(Arc<Api>, Owned<MediaAbout>, Call) -> Task),
    /// About a template.
    Template(fn(Arc<Api>, Owned<Template>, Call) -> Task),
    /// About an upload.
    Upload(fn(Arc<Api>, Owned<Upload>, Call) -> Task),
}

/// A path and a method.
pub struct Route {
    /// `PUT` is `POST` too.
    pub method: Method,
    /// With what the path begins.
    pub node: Node,
    /// What follows; `{}` for anything.
    pub edge: &'static str,
    /// Which right it needs.
    pub scope: Scope,
    /// Whether its body is bytes and no parameters.
    pub raw: bool,
    /// What it is for.
    pub about: &'static str,
    pub(super) run: Run,
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}/{}", self.method, self.node, self.edge)
    }
}

macro_rules! routes {
    ($($method:ident $node:ident $edge:literal $scope:ident $run:ident $handler:path, $about:literal;)*) => {
        /// All of them.
        pub static ROUTES: &[Route] = &[$(Route {
            method: Method::$method,
            node: Node::$node,
            edge: $edge,
            scope: Scope::$scope,
            raw: matches!(Node::$node, Node::Upload),
            about: $about,
            run: routes!(@ $run $handler),
        }),*];
    };
    (@ Open $handler:path) => { Run::Open(|api, call| Box::pin($handler(api, call))) };
    (@ $run:ident $handler:path) => { Run::$run(|api, object, call| Box::pin($handler(api, object, call))) };
}

routes! {
    GET Root "oauth/access_token" Any Open app_routes::access_token, "A token for an app";
    POST Root "oauth/access_token" Any Open app_routes::access_token, "A token for an app";
    GET Root "debug_token" Any Caller app_routes::debug_token, "What a token may do";
    GET Root "me" Any Caller app_routes::me, "Who asks";
    GET Root "media/{}/{}/{}" Messaging Caller media::download, "The bytes of a file";
    GET Root "message/{}" Any Open page::show, "The page behind a short link";
    GET Root "picture/{}/{}" Any Open profiles::picture, "The picture of a profile";
    GET Root "message_template_library" Management Caller templates::library, "Templates that are ready to be used";
    POST App "uploads" Management App uploads::begin, "Begins an upload that can be resumed";
    GET Upload "" Management Upload uploads::about, "How much of an upload is here";
    POST Upload "" Management Upload uploads::append, "More bytes of an upload";
    GET Media "" Messaging Media media::about, "A file";
    DELETE Media "" Messaging Media media::delete, "Deletes a file";
    POST Number "media" Messaging Number media::upload, "Uploads a file";
    GET App "subscriptions" App App subscriptions::of_app, "Where an app is told of what";
    POST App "subscriptions" App App subscriptions::set_app, "Sets where an app is told of what";
    DELETE App "subscriptions" App App subscriptions::remove_app, "Ends that";
    GET Waba "subscribed_apps" Management Waba subscriptions::subscribed, "The apps that are told of an account";
    POST Waba "subscribed_apps" Management Waba subscriptions::subscribe, "Subscribes the app to an account";
    DELETE Waba "subscribed_apps" Management Waba subscriptions::unsubscribe, "Ends that";
    GET App "" Any App app_routes::app, "An app";
    GET Business "" Any Business objects::business, "A business";
    GET Business "owned_whatsapp_business_accounts" Business Business objects::accounts, "The accounts of a business";
    GET Business "client_whatsapp_business_accounts" Business Business objects::no_accounts, "Accounts of others";
    GET Waba "" Any Waba objects::account, "An account";
    POST Waba "" Management Waba objects::set_account, "Lets messages of templates be counted";
    GET Waba "analytics" Management Waba analytics::edge, "How many messages were sent";
    GET Waba "conversation_analytics" Management Waba analytics::edge, "How many conversations there were";
    GET Waba "pricing_analytics" Management Waba analytics::edge, "How many messages were delivered as what";
    GET Waba "template_analytics" Management Waba analytics::edge, "How often templates were sent";
    GET Waba "phone_numbers" Any Waba objects::phone_numbers, "The numbers of an account";
    POST Waba "phone_numbers" Management Waba numbers::add, "Gives an account a number, to be verified";
    GET Waba "assigned_users" Management Waba objects::assigned_users, "Who works with an account";
    GET Waba "message_templates" Management Waba templates::list, "The templates of an account";
    POST Waba "message_templates" Management Waba templates::create, "Makes a template";
    DELETE Waba "message_templates" Management Waba templates::delete, "Deletes templates";
    POST Waba "message_templates/archive" Management Waba templates::archive, "Puts templates away";
    POST Waba "message_templates/unarchive" Management Waba templates::unarchive, "Takes templates back";
    POST Waba "upsert_message_templates" Management Waba templates::upsert, "Makes or changes templates of many languages";
    POST Waba "migrate_message_templates" Management Waba templates::migrate, "Takes templates of another account over";
    GET Waba "message_templates/{}" Management Waba templates::of_account, "A template of an account";
    GET Template "compare" Management Template analytics::compare, "How templates compare";
    POST Template "unpause" Management Template templates::unpause, "Lets a template be sent again";
    GET Template "" Management Template templates::get, "A template";
    POST Template "" Management Template templates::edit, "Edits a template";
    GET Number "" Any Number objects::number, "A number";
    POST Number "" Management Number numbers::change, "Sets a number's PIN";
    POST Number "messages" Messaging Number messages::post, "Sends a message, or says that one was read";
    POST Number "marketing_messages" Messaging Number messages::marketing, "Sends a template of marketing";
    GET Number "message_history" Messaging Number history::list, "How far messages came";
    GET Number "block_users" Messaging Number blocks::list, "Who is blocked";
    POST Number "block_users" Messaging Number blocks::block, "Takes nothing from people any more";
    DELETE Number "block_users" Messaging Number blocks::unblock, "Takes something from them again";
    GET Number "username" Management Number usernames::get, "The name by which a number is found";
    POST Number "username" Management Number usernames::set, "Sets that name";
    DELETE Number "username" Management Number usernames::remove, "Takes that name away";
    GET Number "username_suggestions" Management Number usernames::suggestions, "Names that nobody has";
    POST Number "register" Management Number numbers::register, "Lets a number send and receive";
    POST Number "deregister" Management Number numbers::deregister, "Ends that";
    POST Number "request_code" Management Number numbers::request_code, "Has a code sent to a number";
    POST Number "verify_code" Management Number numbers::verify_code, "Verifies a number by its code";
    GET Number "settings" Management Number numbers::settings, "What is set for a number";
    POST Number "settings" Management Number numbers::set, "Sets something for a number";
    GET Number "business_compliance_info" Management Number compliance::get, "Who a business is before the law";
    POST Number "business_compliance_info" Management Number compliance::set, "Says who a business is before the law";
    GET Number "official_business_account" Management Number compliance::badge, "Whether a number has a badge";
    POST Number "official_business_account" Management Number compliance::ask_for_badge, "Asks for a badge";
    GET Number "whatsapp_business_profile" Management Number profiles::get, "What a business says about itself";
    POST Number "whatsapp_business_profile" Management Number profiles::set, "Changes that";
    GET Number "whatsapp_commerce_settings" Management Number numbers::commerce, "Cart and catalogue";
    POST Number "whatsapp_commerce_settings" Management Number numbers::set_commerce, "Sets cart and catalogue";
    GET Number "conversational_automation" Management Number automation::get, "Ice breakers and commands";
    POST Number "conversational_automation" Management Number automation::set, "Sets ice breakers and commands";
    GET Number "message_qrdls" Management Number qr_codes::list, "Short links of a number";
    POST Number "message_qrdls" Management Number qr_codes::create, "Makes or changes a short link";
    GET Number "message_qrdls/{}" Management Number qr_codes::get, "A short link";
    POST Number "message_qrdls/{}" Management Number qr_codes::change, "Changes a short link";
    DELETE Number "message_qrdls/{}" Management Number qr_codes::delete, "Deletes a short link";
}

/// The route of a path.
#[must_use]
pub fn find(method: &Method, path: &[String]) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.method == *method && route.fits(path))
}

impl Route {
    fn fits(&self, path: &[String]) -> bool {
        let rest = match (self.node, path.split_first()) {
            (Node::Root, _) => path,
            (node, Some((id, rest))) if is(node, id) => rest,
            _ => return false,
        };
        let mut edge = self.edge.split('/').filter(|part| !part.is_empty());
        let fits = rest.iter().all(|part| edge.next().is_some_and(|edge| edge == "{}" || edge == part));
        fits && edge.next().is_none()
    }
}
