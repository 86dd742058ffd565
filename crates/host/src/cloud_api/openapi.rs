//! The description of the API, made of the table of its routes.

mod bodies;

use http::Method;
use serde_json::{Map, Value, json};

use super::routes::{Node, ROUTES, Route, Run};

/// The OpenAPI document: every path that is served, the right that it needs and how errors look.
#[must_use]
pub fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let object = match route.node {
            Node::Root => "",
            Node::App => "/{app_id}",
            Node::Business => "/{business_id}",
            Node::Waba => "/{waba_id}",
            Node::Number => "/{phone_number_id}",
            Node::Media => "/{media_id}",
            Node::Template => "/{template_id}",
            Node::Upload => "/{upload_id}",
        };
        let edge =
            route.edge.replacen("{}", "{item}", 1).replacen("{}", "{until}", 1).replace("{}", "{signature}");
        let slash = if edge.is_empty() { "" } else { "/" };
        let path = format!("{object}{slash}{edge}");
        let mut parameters = Vec::new();
        for part in path.split('/') {
            if let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                let schema = json!({ "type": "string" });
                parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
            }
        }
        for (name, kind) in query(route) {
            parameters.push(json!({ "name": name, "in": "query", "schema": kind }));
        }
        if matches!(route.edge, "messages" | "marketing_messages") && route.method == Method::POST {
            parameters.push(json!({
                "name": "Idempotency-Key",
                "in": "header",
                "description": "A name for this message: said again within 24 hours, the same request is the same message",
                "schema": { "type": "string", "pattern": "^[!-~]{1,255}$" },
            }));
        }
        let error = json!({
            "description": "An error",
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } },
        });
        let mut operation = json!({
            "summary": route.about,
            "parameters": parameters,
            "responses": {
                "200": { "description": "Done", "content": content(route.edge) },
                "default": error,
            },
        });
        // For people, who are told in a page that there is none.
        if route.edge == PAGE
            && let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut)
        {
            let missing = json!({ "description": "There is no such link", "content": content(route.edge) });
            responses.insert("404".to_owned(), missing);
        }
        if let Some(operation) = operation.as_object_mut() {
            if !matches!(route.run, Run::Open(_)) {
                operation.insert("security".to_owned(), json!([{ "token": [route.scope.as_str()] }]));
            }
            if let Some(body) = bodies::body(route) {
                operation.insert("requestBody".to_owned(), json!({ "content": body }));
            }
        }
        let method = route.method.as_str().to_ascii_lowercase();
        let item = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(method, operation);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tradepost host",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Paths may begin with a version, such as /v24.0. Parameters may stand in the query, in a form or in JSON.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": { "Error": {
                "type": "object",
                "required": ["error"],
                "properties": { "error": {
                    "type": "object",
                    "required": ["message", "type", "code", "fbtrace_id"],
                    "properties": {
                        "message": { "type": "string" },
                        "type": { "type": "string", "enum": ["OAuthException", "GraphMethodException"] },
                        "code": { "type": "integer" },
                        "error_subcode": { "type": "integer" },
                        "error_data": { "type": "object" },
                        "fbtrace_id": { "type": "string" },
                    },
                } },
            } },
        },
    })
}

/// The page behind a short link.
const PAGE: &str = "message/{}";

/// In what form it is answered.
fn content(edge: &str) -> Value {
    match edge {
        PAGE => json!({ "text/html": { "schema": { "type": "string" } } }),
        "picture/{}/{}" | "media/{}/{}/{}" => json!({ "*/*": {} }),
        _ => json!({ "application/json": { "schema": { "type": "object" } } }),
    }
}

/// What may stand in the query.
fn query(route: &Route) -> Vec<(&'static str, Value)> {
    let text = |name: &'static str| (name, json!({ "type": "string" }));
    let number = |name: &'static str| (name, json!({ "type": "integer" }));
    let list = [text("fields"), number("limit"), text("after"), text("before")];
    let range = [number("start"), number("end"), text("granularity")];
    let words = |names: &[&'static str]| names.iter().copied().map(text).collect::<Vec<_>>();
    match (&route.method, route.edge) {
        (&Method::GET, "message_template_library") => {
            [words(&["search", "topic", "usecase", "industry", "language"]), list.to_vec()].concat()
        }
        (&Method::GET, "message_templates") => {
            let filters = [
                "name",
                "name_or_content",
                "content",
                "status",
                "category",
                "language",
                "quality_score",
                "since",
                "until",
                "summary",
            ];
            [words(&filters), list.to_vec()].concat()
        }
        (&Method::GET, "message_history") => [words(&["message_id"]), list.to_vec()].concat(),
        (&Method::GET, "analytics") => {
            [range.to_vec(), words(&["phone_numbers", "country_codes", "product_types"])].concat()
        }
        (&Method::GET, "conversation_analytics") => range.to_vec(),
        (&Method::GET, "pricing_analytics") => {
            let more =
                ["phone_numbers", "country_codes", "metric_types", "pricing_types", "pricing_categories"];
            [range.to_vec(), words(&more), words(&["dimensions"])].concat()
        }
        (&Method::GET, "template_analytics") => {
            [range.to_vec(), words(&["template_ids", "metric_types"])].concat()
        }
        (&Method::GET, "compare") => [range[..2].to_vec(), words(&["template_ids"])].concat(),
        (&Method::GET, "debug_token") => words(&["input_token"]),
        (&Method::GET, PAGE | "picture/{}/{}" | "media/{}/{}/{}") => Vec::new(),
        (&Method::GET, _) => list.to_vec(),
        (&Method::POST, "uploads") => {
            [words(&["file_name", "file_type"]), vec![number("file_length")]].concat()
        }
        (&Method::DELETE, "message_templates") => words(&["name", "hsm_id", "hsm_ids"]),
        _ => Vec::new(),
    }
}
