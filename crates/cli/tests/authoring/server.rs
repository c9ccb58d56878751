//! The stand-in.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// Sets a terminal's title, rings, clears the screen, and begins a sequence in one character.
pub const HOSTILE: &str = "\u{1b}]0;pwn\u{7}\u{1b}[2J\u{9b}31m\r\u{7f}";
/// The source that it has of the action `split`.
const PULLED: &str = "import { createAction } from 'nango';
import { cents } from '../helpers/money.js';
import { round } from '../helpers/missing.js';
import type { Payment } from '../../models.js';
";

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A running stand-in; it ends with the value.
pub struct Server {
    pub url: String,
    state: Arc<Shared>,
    /// Ends the listener when it is dropped.
    _runtime: tokio::runtime::Runtime,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Vec<Seen>>,
    plan: Mutex<Option<Value>>,
}

impl Server {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let state = Arc::new(Shared::default());
        let app = Router::new().fallback(answer).with_state(Arc::clone(&state));
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self {
            url,
            state,
            _runtime: runtime,
        }
    }

    /// What the confirmation request is answered with.
    pub fn plan(&self, plan: Value) {
        *self.state.plan.lock().unwrap() = Some(plan);
    }

    /// The requests so far; the list begins anew.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.state.seen.lock().unwrap())
    }
}

async fn answer(State(state): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 50 << 20).await.unwrap();
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let (status, value) = respond(&state, &seen);
    state.seen.lock().unwrap().push(seen);
    (status, [("x-seen", "yes")], axum::Json(value)).into_response()
}

fn respond(state: &Shared, seen: &Seen) -> (StatusCode, Value) {
    if seen.header("authorization") != "Bearer key-of-dev" {
        return (
            StatusCode::UNAUTHORIZED,
            json!({ "error": { "code": "unknown_key", "message": "no such key" } }),
        );
    }
    let path = seen.path.split('?').next().unwrap();
    let ok = |value: Value| (StatusCode::OK, value);
    match (seen.method.as_str(), path) {
        ("POST", "/sync/deploy/confirmation") => ok(state.plan.lock().unwrap().clone().unwrap_or_else(|| json!({}))),
        ("POST", "/sync/deploy") => {
            let deployed: Vec<Value> = seen.json()["flowConfigs"]
                .as_array()
                .unwrap()
                .iter()
                .map(|flow| {
                    json!({ "name": flow["syncName"], "version": "1", "providerConfigKey": flow["providerConfigKey"],
                            "type": flow["type"], "models": flow["models"] })
                })
                .collect();
            ok(json!(deployed))
        }
        ("POST", "/functions/deployments/bundle/preview" | "/functions/deployments/bundle") => {
            let name = &seen.json()["functions"][0]["name"];
            ok(
                json!({ "created": [{ "name": name, "integrationId": "desk" }], "updated": [], "unchanged": [], "deleted": [] }),
            )
        }
        ("GET", "/integrations/shop/functions/split/code") => ok(json!({ "type": "action", "code": PULLED })),
        ("GET", "/connections") => {
            ok(json!({ "connections": [{ "connection_id": "c1", "provider_config_key": "shop" }] }))
        }
        // As a key sees it that may not read credentials.
        ("GET", "/connections/closed") => ok(json!({
            "id": 8, "connection_id": "closed", "provider_config_key": "shop", "provider": "shop-provider",
            "metadata": {}, "connection_config": {}, "credentials": {},
        })),
        ("GET", "/connections/c1") => ok(json!({
            "id": 7, "connection_id": "c1", "provider_config_key": "shop", "provider": "shop-provider",
            "metadata": { "region": "eu" }, "connection_config": {},
            "credentials": { "type": "OAUTH2", "access_token": "token-1" },
        })),
        ("GET", "/providers/shop-provider") => ok(json!({ "data": { "proxy": { "paginate": {
            "type": "cursor", "cursor_path_in_response": "next", "cursor_name_in_request": "cursor", "response_path": "items",
        } } } })),
        ("GET", "/records") => ok(
            json!({ "records": [{ "id": "1", "_nango_metadata": { "last_action": "ADDED" } }], "next_cursor": null }),
        ),
        ("GET", "/proxy/items") if seen.path.contains("cursor=2") => {
            ok(json!({ "items": [{ "id": 3 }], "next": null }))
        }
        ("GET", "/proxy/items") => ok(json!({ "items": [{ "id": 1 }, { "id": 2 }], "next": "2" })),
        ("POST", "/proxy/orders") => ok(json!({ "echo": seen.json() })),
        ("POST", "/proxy/forms") => ok(json!({ "echo": seen.body.len() })),
        ("GET", "/proxy/nobody") => (
            StatusCode::INTERNAL_SERVER_ERROR,
            json!({ "message": "connecting failed", "code": "ECONNREFUSED", "method": "get" }),
        ),
        ("GET", "/proxy/teapot") => (StatusCode::IM_A_TEAPOT, json!({ "why": "short and stout" })),
        // What a function may have said.
        ("GET", "/logs/operations" | "/logs/operations/01jd3k5q8m2xa") => {
            let operation = json!({
                "id": "01jd3k5q8m2xa", "kind": "action", "action": "run", "state": "failed", "title": HOSTILE,
                "created_at": "2026-05-01T10:00:00Z", "error": { "code": "failed", "message": HOSTILE },
            });
            let messages = [
                json!({ "level": "info", "at": "2026-05-01T10:00:00Z", "message": HOSTILE, "meta": { "a": HOSTILE } }),
            ];
            ok(match path {
                "/logs/operations" => json!({ "operations": [operation], "next_cursor": null }),
                _ => json!({ "operation": operation, "messages": messages }),
            })
        }
        ("GET", "/integrations/shop/functions/pay") => {
            ok(json!({ "data": { "type": "action", "description": HOSTILE } }))
        }
        ("GET", "/integrations/shop/functions/pay/versions") => ok(json!({ "data": [] })),
        ("GET", "/integrations/shop/functions/pay/code") if seen.path.contains("version=99") => (
            StatusCode::NOT_FOUND,
            json!({ "error": { "code": "version_not_found", "message":
                "Version \"99\" of \"pay\" is not kept; its versions are listed at /integrations/shop/functions/pay/versions" } }),
        ),
        ("GET", "/integrations/shop/functions/pay/code") => {
            ok(json!({ "type": "action", "code": format!("// {HOSTILE}\n") }))
        }
        ("PATCH", "/integrations/shop/functions/pay") => (
            StatusCode::BAD_REQUEST,
            json!({ "error": { "code": "invalid_request", "message": "no" } }),
        ),
        ("POST", "/action/trigger") => ok(json!({ "triggered": seen.json()["action_name"] })),
        _ => (
            StatusCode::NOT_FOUND,
            json!({ "error": { "code": "not_found", "message": format!("no {path}") } }),
        ),
    }
}
