//! The description of `/console/v1`, made of the table of its routes.

use serde_json::{Map, Value, json};

use super::{CSRF, Kind, routes::ROUTES};

/// Every path, who may, and how errors look.
pub(super) fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let path = format!("/console/v1/{}", route.path);
        let mut parameters: Vec<Value> = route
            .path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
            .collect();
        let is_open = route.right.is_empty();
        if !is_open && route.method != http::Method::GET {
            let schema = json!({ "type": "string" });
            parameters.push(json!({ "name": CSRF, "in": "header", "required": true, "schema": schema }));
        }
        let roles: Vec<&str> = route.roles.iter().map(|role| role.as_str()).collect();
        let mut operation = json!({
            "summary": route.about,
            "parameters": parameters,
            "security": if is_open { json!([]) } else { json!([{ "session": [] }]) },
            "x-right": route.right,
            "x-roles": roles,
            "responses": { "2XX": { "description": "Done" }, "default": { "$ref": "#/components/responses/Error" } },
        });
        if let (Some(operation), false) = (operation.as_object_mut(), route.body.is_empty()) {
            let fields: Map<String, Value> =
                route.body.iter().map(|field| ((*field).to_owned(), json!({}))).collect();
            let schema = json!({ "type": "object", "properties": fields, "additionalProperties": false });
            let body = json!({ "content": { "application/json": { "schema": schema } } });
            operation.insert("requestBody".to_owned(), body);
        }
        let item = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(route.method.as_str().to_ascii_lowercase(), operation);
        }
    }
    let codes: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    let error = json!({ "type": "object", "required": ["error"], "properties": { "error": {
        "type": "object", "required": ["code", "message"], "properties": {
            "code": { "type": "string", "enum": codes }, "message": { "type": "string" },
            "field": { "type": "string" }, "reference": { "type": "string" },
        },
    } } });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tradepost host, console",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "session": { "type": "apiKey", "in": "cookie", "name": "tradepost_console" },
            },
            "responses": { "Error": {
                "description": "An error",
                "content": { "application/json": { "schema": error } },
            } },
        },
    })
}
