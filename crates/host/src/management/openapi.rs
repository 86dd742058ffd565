//! The description of `/host/v1`, made of the table of its routes.

use serde_json::{Map, Value, json};

use super::routes::{ROUTES, Right};

/// Every path, who may, and how errors look.
pub(super) fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let id = match route.path.split('/').next() {
            Some("templates") => "{template_id}",
            Some("names" | "numbers") => "{phone_number_id}",
            _ => "{business_id}",
        };
        let path = format!("/host/v1/{}", route.path.replace("{}", id));
        let mut operation = json!({
            "summary": route.about,
            "responses": { "2XX": { "description": "Done" }, "default": { "$ref": "#/components/responses/Error" } },
        });
        if let Some(operation) = operation.as_object_mut() {
            if route.path.contains("{}") {
                let name = id.trim_matches(['{', '}']);
                let schema = json!({ "type": "string", "pattern": "^[0-9]{16}$" });
                let parameter = json!({ "name": name, "in": "path", "required": true, "schema": schema });
                operation.insert("parameters".to_owned(), json!([parameter]));
            }
            let security = match route.right {
                Right::Anybody => json!([]),
                Right::Operator => json!([{ "operator": [] }]),
                Right::Business(scope) => json!([{ "operator": [] }, { "token": [scope.as_str()] }]),
            };
            operation.insert("security".to_owned(), security);
            if !route.body.is_empty() {
                let fields: Map<String, Value> =
                    route.body.iter().map(|field| ((*field).to_owned(), json!({}))).collect();
                let schema = json!({ "type": "object", "properties": fields, "additionalProperties": false });
                let body = json!({ "content": { "application/json": { "schema": schema } } });
                operation.insert("requestBody".to_owned(), body);
            }
        }
        let item = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(route.method.as_str().to_ascii_lowercase(), operation);
        }
    }
    let error = json!({ "type": "object", "required": ["error"], "properties": { "error": {
        "type": "object", "required": ["code", "message"], "properties": {
            "code": { "type": "string" }, "message": { "type": "string" },
            "field": { "type": "string" }, "reference": { "type": "string" },
        },
    } } });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tradepost host, management",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "operator": { "type": "http", "scheme": "bearer", "description": "The token of who runs the host." },
                "token": { "type": "http", "scheme": "bearer", "description": "A token of the business's app." },
            },
            "responses": { "Error": {
                "description": "An error",
                "content": { "application/json": { "schema": error } },
            } },
        },
    })
}
