//! `/_sim/*`: what a test or a demonstration may ask of the simulator itself. No token, no quota, no faults.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use ring::digest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Hub;
use super::contacts::properties::EMAIL;
use super::contacts::{Contacts, Position};
use crate::faults::FaultPlan;
use crate::lock;
use crate::timetext::iso_millis;

const CHUNK: usize = 2_000;

/// What a bulk modification did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modified {
    /// Contacts that were modified.
    pub modified: usize,
    /// Earliest `lastmodifieddate` given, in milliseconds.
    pub from_ms: i64,
    /// Latest one.
    pub to_ms: i64,
}

/// One live contact, as much of it as a comparison needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactLine {
    /// Contact id.
    pub id: String,
    /// ISO-8601, as the API shows it.
    pub lastmodifieddate: String,
    /// Address; none when it was cleared.
    pub email: Option<String>,
}

/// A fingerprint of all live contacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactsHash {
    /// Live contacts.
    pub count: usize,
    /// Hex SHA-256 over `id TAB lastmodifieddate TAB email NEWLINE` in order of id.
    pub sha256: String,
}

/// Routes of the control plane.
pub fn router() -> Router<Arc<Hub>> {
    Router::new()
        .route("/_sim/health", get(async || Json(json!({"result": "ok"}))))
        .route("/_sim/stats", get(stats).delete(reset_stats))
        .route("/_sim/clock", get(clock).post(advance))
        .route("/_sim/faults", get(faults).post(set_faults).put(set_faults))
        .route("/_sim/contacts", get(contacts))
        .route("/_sim/contacts/hash", get(hash))
        .route("/_sim/create", post(create))
        .route("/_sim/modify", post(modify))
        .route("/_sim/delete", post(delete))
        .route("/_sim/tokens/expire", post(expire))
        .route("/_sim/grants/revoke", post(revoke))
}

async fn stats(State(hub): State<Arc<Hub>>) -> Response {
    Json(hub.snapshot()).into_response()
}

async fn reset_stats(State(hub): State<Arc<Hub>>) -> StatusCode {
    hub.stats.reset();
    StatusCode::NO_CONTENT
}

fn clock_body(now: i64) -> Response {
    Json(json!({"now_ms": now, "now": iso_millis(now)})).into_response()
}

async fn clock(State(hub): State<Arc<Hub>>) -> Response {
    clock_body(hub.clock.now_ms())
}

#[derive(Debug, Deserialize)]
struct Advance {
    advance_ms: Option<u64>,
    advance_s: Option<u64>,
}

async fn advance(State(hub): State<Arc<Hub>>, Query(by): Query<Advance>) -> Response {
    let by_ms = by
        .advance_ms
        .unwrap_or(0)
        .saturating_add(by.advance_s.unwrap_or(0).saturating_mul(1_000));
    clock_body(hub.clock.advance(Duration::from_millis(by_ms)))
}

async fn faults(State(hub): State<Arc<Hub>>) -> Response {
    Json(json!({"faults": lock(&hub.faults).to_string()})).into_response()
}

#[derive(Debug, Deserialize)]
struct SetFaults {
    spec: Option<String>,
}

/// The plan comes as `?spec=reset=1%25,…` or as the plain text body; empty switches faults off.
async fn set_faults(State(hub): State<Arc<Hub>>, Query(asked): Query<SetFaults>, body: String) -> Response {
    let spec = asked.spec.unwrap_or(body);
    match spec.parse::<FaultPlan>() {
        Ok(plan) => {
            let shown = plan.to_string();
            *lock(&hub.faults) = plan;
            Json(json!({"faults": shown})).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({"message": error.to_string()}))).into_response(),
    }
}

#[derive(Debug, Deserialize)]
struct Bulk {
    count: usize,
    #[serde(default)]
    same_ms: bool,
}

async fn modify(State(hub): State<Arc<Hub>>, Query(bulk): Query<Bulk>) -> Response {
    Json(hub.modify(bulk.count, bulk.same_ms)).into_response()
}

async fn delete(State(hub): State<Arc<Hub>>, Query(bulk): Query<Bulk>) -> Response {
    let ids: Vec<String> = hub.delete(bulk.count).iter().map(u64::to_string).collect();
    Json(json!({"deleted": ids.len(), "ids": ids})).into_response()
}

async fn create(State(hub): State<Arc<Hub>>, Query(bulk): Query<Bulk>) -> Response {
    let ids = hub.change(|contacts, now, changes| {
        let mut ids = Vec::new();
        for _ in 0..bulk.count {
            let number = contacts.total();
            let mut writes = Map::new();
            writes.insert(
                "email".to_owned(),
                Value::String(format!("new.contact-{number}@created.example")),
            );
            writes.insert("firstname".to_owned(), Value::String("New".to_owned()));
            writes.insert("lastname".to_owned(), Value::String(format!("Contact {number}")));
            if let Ok(position) = contacts.create(&writes, now, changes) {
                ids.push(Contacts::id(position).to_string());
            }
        }
        ids
    });
    Json(json!({"created": ids.len(), "ids": ids})).into_response()
}

async fn expire(State(hub): State<Arc<Hub>>) -> StatusCode {
    lock(&hub.grants).expire_all(hub.clock.now_ms());
    StatusCode::NO_CONTENT
}

async fn revoke(State(hub): State<Arc<Hub>>) -> StatusCode {
    lock(&hub.grants).revoke_all();
    StatusCode::NO_CONTENT
}

/// Up to `limit` live contacts after an id.
pub fn lines(contacts: &Contacts, after: Option<u64>, limit: usize) -> Vec<ContactLine> {
    let after = after.map(|id| contacts.position(id).unwrap_or(Position::MAX));
    contacts
        .live_after(after, false)
        .take(limit)
        .map(|position| ContactLine {
            id: Contacts::id(position).to_string(),
            lastmodifieddate: iso_millis(contacts.slot(position).map_or(0, |slot| slot.modified)),
            email: contacts.value(position, EMAIL),
        })
        .collect()
}

/// The fingerprint of all live contacts.
pub fn contacts_hash(hub: &Hub) -> ContactsHash {
    let contacts = lock(&hub.contacts);
    let mut context = digest::Context::new(&digest::SHA256);
    for line in lines(&contacts, None, usize::MAX) {
        let email = line.email.unwrap_or_default();
        context.update(format!("{}\t{}\t{email}\n", line.id, line.lastmodifieddate).as_bytes());
    }
    ContactsHash {
        count: contacts.live(),
        sha256: hex::encode(context.finish()),
    }
}

async fn hash(State(hub): State<Arc<Hub>>) -> Response {
    Json(contacts_hash(&hub)).into_response()
}

#[derive(Debug, Deserialize)]
struct Dump {
    after: Option<u64>,
    limit: Option<usize>,
}

/// Live contacts as JSON lines, in order of id.
async fn contacts(State(hub): State<Arc<Hub>>, Query(dump): Query<Dump>) -> Response {
    let stream = DumpStream {
        hub,
        after: dump.after,
        left: dump.limit.unwrap_or(usize::MAX),
    };
    (
        [(header::CONTENT_TYPE, "application/x-ndjson")],
        Body::from_stream(stream),
    )
        .into_response()
}

/// Reads the account in chunks, so that a dump neither holds the lock nor fills the memory.
struct DumpStream {
    hub: Arc<Hub>,
    after: Option<u64>,
    left: usize,
}

impl futures_util::Stream for DumpStream {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let chunk = lines(&lock(&self.hub.contacts), self.after, self.left.min(CHUNK));
        let Some(last) = chunk.last().and_then(|line| line.id.parse().ok()) else {
            return std::task::Poll::Ready(None);
        };
        self.left -= chunk.len();
        self.after = Some(last);
        let mut text = String::new();
        for line in &chunk {
            // Neither writing to a String nor serialising plain texts can fail.
            let _ = writeln!(text, "{}", serde_json::to_string(line).unwrap_or_default());
        }
        std::task::Poll::Ready(Some(Ok(Bytes::from(text))))
    }
}
