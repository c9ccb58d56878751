//! The CRM routes for contacts, and the account details that integrations read after connecting.

pub mod batch;
pub mod objects;
pub mod view;

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;

use super::Hub;

/// Names under which contacts are served: the classic path, the object type id, and the dated path.
const PREFIXES: [&str; 3] = [
    "/crm/v3/objects/contacts",
    "/crm/v3/objects/0-1",
    "/crm/objects/2026-03/contacts",
];

/// Routes that need a token and count against the quotas.
pub fn router() -> Router<Arc<Hub>> {
    let mut router = Router::new().route("/account-info/v3/details", get(account_details));
    for prefix in PREFIXES {
        let at = |rest: &str| format!("{prefix}{rest}");
        router = router
            .route(prefix, get(objects::list).post(objects::create))
            .route(&at("/"), get(objects::list).post(objects::create))
            .route(&at("/search"), post(objects::search))
            .route(&at("/batch/read"), post(batch::read))
            .route(&at("/batch/create"), post(batch::create))
            .route(&at("/batch/update"), post(batch::update))
            .route(&at("/batch/upsert"), post(batch::upsert))
            .route(&at("/batch/archive"), post(batch::archive))
            .route(
                &at("/{id}"),
                get(objects::read).patch(objects::update).delete(objects::archive),
            );
    }
    router
}

async fn account_details(State(hub): State<Arc<Hub>>) -> Response {
    Json(json!({
        "portalId": hub.config.hub_id,
        "accountType": "DEVELOPER_TEST",
        "timeZone": "Europe/Dublin",
        "companyCurrency": "EUR",
        "additionalCurrencies": [],
        "utcOffset": "+00:00",
        "utcOffsetMilliseconds": 0,
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "na1"
    }))
    .into_response()
}
