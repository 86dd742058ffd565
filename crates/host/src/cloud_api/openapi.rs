//! The description of the API, made of the table of its routes.

use http::Method;
use serde_json::{Map, Value, json};

use super::routes::{Node, ROUTES, Run};

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
        if route.method == Method::GET {
            for (name, kind) in
                [("fields", "string"), ("limit", "integer"), ("after", "string"), ("before", "string")]
            {
                parameters.push(json!({ "name": name, "in": "query", "schema": { "type": kind } }));
            }
        }
        let error = json!({
            "description": "An error",
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } },
        });
        let mut operation = json!({
            "summary": route.about,
            "parameters": parameters,
            "responses": {
                "200": { "description": "Done", "content": { "application/json": { "schema": { "type": "object" } } } },
                "default": error,
            },
        });
        if let Some(operation) = operation.as_object_mut() {
            if !matches!(route.run, Run::Open(_)) {
                operation.insert("security".to_owned(), json!([{ "token": [route.scope.as_str()] }]));
            }
            if route.method == Method::POST {
                let body = json!({ "content": { "application/json": { "schema": body(route.edge) } } });
                operation.insert("requestBody".to_owned(), body);
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

/// What a body has in it.
fn body(edge: &str) -> Value {
    let text = || json!({ "type": "string" });
    match edge {
        "messages" => json!({ "type": "object", "required": ["messaging_product"], "properties": {
            "messaging_product": { "const": "whatsapp" },
            "to": text(), "recipient": text(), "type": text(), "status": text(), "message_id": text(),
            "text": { "type": "object", "properties": { "body": text(), "preview_url": { "type": "boolean" } } },
            "interactive": { "type": "object" }, "template": { "type": "object" }, "context": { "type": "object" },
            "image": { "type": "object" }, "video": { "type": "object" }, "audio": { "type": "object" },
            "document": { "type": "object" }, "sticker": { "type": "object" }, "location": { "type": "object" },
            "reaction": { "type": "object" }, "contacts": { "type": "array", "items": { "type": "object" } },
        } }),
        "register" => json!({ "type": "object", "required": ["messaging_product", "pin"], "properties": {
            "messaging_product": { "const": "whatsapp" }, "pin": text(),
        } }),
        "message_templates" => {
            json!({ "type": "object", "required": ["name", "language", "category"], "properties": {
            "name": text(), "language": text(), "category": text(),
            "components": { "type": "array", "items": { "type": "object" } },
        } })
        }
        _ => json!({ "type": "object" }),
    }
}
