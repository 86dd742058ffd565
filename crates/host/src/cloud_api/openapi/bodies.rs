//! What requests have in their bodies.

use http::Method;
use serde_json::{Map, Value, json};

use crate::{
    cloud_api::{
        parse::{INTERACTIVE, KINDS},
        routes::{Node, Route},
    },
    settings::VERTICALS,
    templates::{BUTTONS, COMPONENTS, HEADERS},
    uploads::TYPES,
};

fn text() -> Value {
    json!({ "type": "string" })
}

fn boolean() -> Value {
    json!({ "type": "boolean" })
}

fn integer() -> Value {
    json!({ "type": "integer" })
}

fn category() -> Value {
    json!({ "enum": ["MARKETING", "UTILITY", "AUTHENTICATION"] })
}

fn parameter_format() -> Value {
    json!({ "enum": ["POSITIONAL", "NAMED"] })
}

fn some() -> Value {
    json!({ "type": "object" })
}

fn list(of: Value) -> Value {
    json!({ "type": "array", "items": of })
}

fn object(required: &[&str], fields: &[(&str, Value)]) -> Value {
    let fields: Map<String, Value> =
        fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "required": required, "properties": fields })
}

fn whatsapp() -> (&'static str, Value) {
    ("messaging_product", json!({ "const": "whatsapp" }))
}

/// The bodies of a route, by their types; none if it takes none.
pub(super) fn body(route: &Route) -> Option<Value> {
    if route.node == Node::Upload && route.method == Method::POST {
        return Some(
            json!({ "application/octet-stream": { "schema": { "type": "string", "format": "binary" } } }),
        );
    }
    let schema = match (&route.method, route.node, route.edge) {
        (&Method::POST | &Method::DELETE, _, "block_users") => blocks(),
        (&Method::POST, _, "media") => {
            let file = json!({ "type": "string", "format": "binary" });
            let fields = [whatsapp(), ("type", text()), ("file", file)];
            let schema = object(&["messaging_product", "type", "file"], &fields);
            return Some(json!({ "multipart/form-data": { "schema": schema } }));
        }
        (&Method::POST, _, "messages") => message(),
        (&Method::POST, _, "marketing_messages") => {
            let policy = json!({ "enum": ["CLOUD_API_FALLBACK", "STRICT"] });
            object(
                &["messaging_product", "to", "type", "template"],
                &[
                    whatsapp(),
                    ("to", text()),
                    ("type", json!({ "const": "template" })),
                    ("template", template()),
                    ("product_policy", policy),
                    ("message_activity_sharing", boolean()),
                ],
            )
        }
        (&Method::POST, Node::Template, "") => object(
            &[],
            &[
                ("category", category()),
                ("components", list(component())),
                ("parameter_format", parameter_format()),
                ("message_send_ttl_seconds", integer()),
                ("allow_category_change", boolean()),
            ],
        ),
        (&Method::POST, Node::Waba, "") => object(&[], &[("is_enabled_for_insights", boolean())]),
        (&Method::POST, Node::Number, "") => object(
            &[],
            &[("pin", text()), ("new_display_name", text()), ("webhook_configuration", callback())],
        ),
        (&Method::POST, _, edge) => by_edge(edge),
        _ => return None,
    };
    Some(json!({ "application/json": { "schema": schema } }))
}

fn by_edge(edge: &str) -> Value {
    match edge {
        "phone_numbers" => {
            object(&["phone_number"], &[("cc", text()), ("phone_number", text()), ("verified_name", text())])
        }
        "request_code" => object(
            &["code_method", "language"],
            &[("code_method", json!({ "enum": ["SMS", "VOICE"] })), ("language", text())],
        ),
        "verify_code" => object(&["code"], &[("code", text())]),
        "register" => object(&["messaging_product", "pin"], &[whatsapp(), ("pin", text())]),
        "message_templates" => object(
            &["name", "language", "category"],
            &[
                ("name", json!({ "type": "string", "pattern": "^[a-z0-9_]{1,512}$" })),
                ("language", text()),
                ("category", category()),
                ("parameter_format", parameter_format()),
                ("components", list(component())),
                ("message_send_ttl_seconds", integer()),
                ("allow_category_change", boolean()),
                ("library_template_name", text()),
                ("library_template_button_inputs", list(some())),
                ("library_template_body_inputs", some()),
            ],
        ),
        "upsert_message_templates" => object(
            &["name", "languages", "category", "components"],
            &[
                ("name", text()),
                ("languages", list(text())),
                ("category", json!({ "const": "AUTHENTICATION" })),
                ("components", list(component())),
                ("message_send_ttl_seconds", integer()),
            ],
        ),
        "message_templates/archive" | "message_templates/unarchive" => {
            object(&["hsm_ids"], &[("hsm_ids", list(text()))])
        }
        "migrate_message_templates" => object(&["source_waba_id"], &[("source_waba_id", text())]),
        "uploads" => object(
            &["file_length", "file_type"],
            &[
                ("file_name", text()),
                ("file_length", json!({ "type": "integer", "minimum": 1 })),
                ("file_type", json!({ "enum": TYPES })),
            ],
        ),
        "username" => {
            let transfer = json!({ "enum": ["none", "force_transfer"] });
            object(&["username"], &[("username", text()), ("transfer_action", transfer)])
        }
        "whatsapp_business_profile" => object(
            &["messaging_product"],
            &[
                whatsapp(),
                ("about", text()),
                ("address", text()),
                ("description", text()),
                ("email", text()),
                ("websites", list(text())),
                ("vertical", json!({ "enum": VERTICALS })),
                ("profile_picture_handle", text()),
            ],
        ),
        "conversational_automation" => {
            let command = object(
                &["command_name", "command_description"],
                &[("command_name", text()), ("command_description", text())],
            );
            object(
                &[],
                &[
                    ("enable_welcome_message", boolean()),
                    ("prompts", list(text())),
                    ("commands", list(command)),
                ],
            )
        }
        "whatsapp_commerce_settings" => {
            object(&[], &[("is_cart_enabled", boolean()), ("is_catalog_visible", boolean())])
        }
        "message_qrdls" | "message_qrdls/{}" => object(
            &["prefilled_message"],
            &[
                ("prefilled_message", text()),
                ("code", text()),
                ("generate_qr_image", json!({ "enum": ["PNG", "SVG"] })),
            ],
        ),
        "settings" => {
            let identity = object(&[], &[("enable_identity_key_check", boolean())]);
            object(&[], &[("user_identity_change", identity)])
        }
        "subscribed_apps" => callback(),
        "subscriptions" => object(
            &["object", "callback_url", "verify_token"],
            &[
                ("object", json!({ "const": "whatsapp_business_account" })),
                ("callback_url", text()),
                ("verify_token", text()),
                ("fields", text()),
            ],
        ),
        _ => some(),
    }
}

fn callback() -> Value {
    object(&[], &[("override_callback_uri", text()), ("verify_token", text())])
}

fn blocks() -> Value {
    let user = object(&[], &[("user", text()), ("user_id", text())]);
    object(&["messaging_product", "block_users"], &[whatsapp(), ("block_users", list(user))])
}

fn component() -> Value {
    let offer = object(&["text"], &[("text", text()), ("has_expiration", boolean())]);
    let button = object(
        &["type"],
        &[
            ("type", json!({ "enum": BUTTONS })),
            ("text", text()),
            ("url", text()),
            ("phone_number", text()),
            ("otp_type", json!({ "enum": ["COPY_CODE", "ONE_TAP", "ZERO_TAP"] })),
            ("supported_apps", list(some())),
            ("zero_tap_terms_accepted", boolean()),
        ],
    );
    object(
        &["type"],
        &[
            ("type", json!({ "enum": COMPONENTS })),
            ("format", json!({ "enum": HEADERS })),
            ("text", text()),
            ("example", some()),
            ("buttons", list(button)),
            ("cards", list(some())),
            ("limited_time_offer", offer),
            ("add_security_recommendation", boolean()),
            ("code_expiration_minutes", integer()),
        ],
    )
}

fn template() -> Value {
    let language = object(&["code"], &[("code", text()), ("policy", json!({ "const": "deterministic" }))]);
    let parameter = object(&["type"], &[("type", text()), ("text", text()), ("parameter_name", text())]);
    let component = object(
        &["type"],
        &[("type", text()), ("sub_type", text()), ("index", text()), ("parameters", list(parameter))],
    );
    object(
        &["name", "language"],
        &[("name", text()), ("language", language), ("components", list(component))],
    )
}

fn message() -> Value {
    let file = || {
        let texts = ["id", "link", "caption", "filename"].map(|name| (name, text()));
        object(&[], &[&texts[..], &[("voice", boolean())]].concat())
    };
    let words = || object(&[], &[("text", text())]);
    let interactive = object(
        &["type", "action"],
        &[
            ("type", json!({ "enum": INTERACTIVE })),
            ("header", some()),
            ("body", words()),
            ("footer", words()),
            ("action", some()),
        ],
    );
    let place = json!({ "type": "number" });
    object(
        &["messaging_product"],
        &[
            whatsapp(),
            ("recipient_type", json!({ "const": "individual" })),
            ("to", text()),
            ("recipient", text()),
            ("type", json!({ "enum": KINDS })),
            ("status", json!({ "const": "read" })),
            ("message_id", text()),
            ("typing_indicator", object(&["type"], &[("type", json!({ "const": "text" }))])),
            ("text", object(&["body"], &[("body", text()), ("preview_url", boolean())])),
            ("image", file()),
            ("video", file()),
            ("audio", file()),
            ("document", file()),
            ("sticker", file()),
            (
                "location",
                object(&["latitude", "longitude"], &[("latitude", place.clone()), ("longitude", place)]),
            ),
            ("contacts", list(object(&["name"], &[("name", object(&[], &[("formatted_name", text())]))]))),
            ("reaction", object(&["message_id"], &[("message_id", text()), ("emoji", text())])),
            ("interactive", interactive),
            ("template", template()),
            ("context", object(&[], &[("message_id", text())])),
            ("biz_opaque_callback_data", text()),
            ("recipient_identity_key_hash", text()),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cloud_api::{
            Fields, Voice,
            parse::{self, Sender},
        },
        ids::NumberId,
        templates::Definition,
    };

    fn words(value: &Value) -> Vec<&str> {
        value["enum"].as_array().unwrap().iter().filter_map(Value::as_str).collect()
    }

    /// Why a message of a type is refused, which it is: there is nothing in it.
    fn refusal(body: &Value) -> String {
        let sender = Sender { id: NumberId::from_name(1), country: None };
        let fields = Fields::of(body.as_object().unwrap(), Voice::Message);
        parse::request(sender, &fields).unwrap_err().to_string()
    }

    #[test]
    fn each_kind_that_is_parsed_is_described_and_no_other() {
        let (message, component) = (message(), component());
        let properties = &message["properties"];
        for kind in words(&properties["type"]) {
            let said =
                refusal(&json!({"messaging_product": "whatsapp", "to": "+4915112345678", "type": kind}));
            assert!(said.contains(&format!("{kind} is required")), "{kind}: {said}");
            assert!(properties.get(kind).is_some(), "{kind}");
        }
        for kind in ["pin", "order", "nonsense"] {
            let said =
                refusal(&json!({"messaging_product": "whatsapp", "to": "+4915112345678", "type": kind}));
            assert!(said.contains("131051"), "{said}");
        }
        for kind in words(&properties["interactive"]["properties"]["type"]) {
            let said = refusal(&json!({"messaging_product": "whatsapp", "to": "+4915112345678",
                "type": "interactive", "interactive": {"type": kind}}));
            assert!(said.contains("interactive.action is required"), "{kind}: {said}");
        }
        let interactive = words(&properties["interactive"]["properties"]["type"]);
        assert!(interactive.contains(&"request_contact_info") && interactive.len() == INTERACTIVE.len());
        for name in ["recipient_identity_key_hash", "typing_indicator", "context"] {
            assert!(properties.get(name).is_some(), "{name}");
        }
        assert!(properties["audio"]["properties"].get("voice").is_some());

        let refused = |components: Value| {
            let made = Definition::parse("t", "en", "MARKETING", None, components.as_array().unwrap(), None);
            made.err().map(|refusal| refusal.to_string()).unwrap_or_default()
        };
        let component = &component["properties"];
        for (kinds, at, unknown) in [
            (words(&component["type"]), "type", "not a component that is known here"),
            (words(&component["format"]), "format", "TEXT, IMAGE, VIDEO, DOCUMENT or LOCATION"),
            (
                words(&component["buttons"]["items"]["properties"]["type"]),
                "button",
                "not a button that is known here",
            ),
        ] {
            let made = |kind: &str| match at {
                "type" => json!([{"type": kind}]),
                "format" => json!([{"type": "HEADER", "format": kind, "text": "x"}]),
                _ => json!([{"type": "BUTTONS", "buttons": [{"type": kind, "text": "x"}]}]),
            };
            // A one-time code is of authentication alone.
            for kind in kinds.iter().filter(|kind| **kind != "OTP") {
                assert!(!refused(made(kind)).contains(unknown), "{kind}: {}", refused(made(kind)));
            }
        }
        assert!(refused(json!([{"type": "MYSTERY"}])).contains("not a component that is known here"));
    }

    #[test]
    fn what_templates_take_is_described() {
        let post = |node: Node, edge: &'static str| {
            let routes = crate::cloud_api::routes::ROUTES.iter();
            let mut routes = routes.filter(|route| route.method == Method::POST);
            let route = routes.find(|route| route.node == node && route.edge == edge).unwrap();
            body(route).unwrap()["application/json"]["schema"]["properties"].clone()
        };
        for (node, edge) in [(Node::Waba, "message_templates"), (Node::Template, "")] {
            for name in ["components", "category", "allow_category_change", "message_send_ttl_seconds"] {
                assert!(post(node, edge).get(name).is_some(), "{edge} {name}");
            }
        }
    }
}
