//! Batch routes: at most a hundred inputs; reads and updates report missing ids beside the results (207).

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::objects::{object, property_map, resolve, written};
use super::view;
use crate::hubspot::Hub;
use crate::hubspot::contacts::properties;
use crate::hubspot::errors::ApiError;
use crate::lock;
use crate::timetext::iso_millis;

const INPUTS_MAX: usize = 100;

type Answer = Result<Response, ApiError>;

struct Batch {
    members: Map<String, Value>,
    inputs: Vec<Map<String, Value>>,
}

impl Batch {
    fn parse(body: &[u8]) -> Result<Self, ApiError> {
        let members = object(body)?;
        let inputs = members
            .get("inputs")
            .and_then(Value::as_array)
            .ok_or_else(|| ApiError::invalid("Invalid input JSON: inputs must be a list"))?;
        if inputs.len() > INPUTS_MAX {
            return Err(ApiError::invalid(format!(
                "The batch size is {}, which is over the limit of {INPUTS_MAX}.",
                inputs.len()
            )));
        }
        let inputs = inputs
            .iter()
            .map(|input| {
                input
                    .as_object()
                    .cloned()
                    .ok_or_else(|| ApiError::invalid("an input must be an object"))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { members, inputs })
    }
}

fn id_of(input: &Map<String, Value>) -> String {
    match input.get("id") {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn text_of<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
}

fn complete(hub: &Hub, started: i64, status: StatusCode, results: Vec<Value>, missing: Vec<String>) -> Response {
    let mut body = json!({
        "status": "COMPLETE",
        "results": results,
        "startedAt": iso_millis(started),
        "completedAt": iso_millis(hub.clock.now_ms()),
    });
    let mut status = status;
    if !missing.is_empty()
        && let Some(members) = body.as_object_mut()
    {
        status = StatusCode::MULTI_STATUS;
        members.insert("numErrors".to_owned(), json!(1));
        members.insert(
            "errors".to_owned(),
            json!([{
                "status": "error",
                "category": "OBJECT_NOT_FOUND",
                "message": "Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid.",
                "context": {"ids": missing}
            }]),
        );
    }
    (status, Json(body)).into_response()
}

/// `POST …/batch/read`
pub async fn read(State(hub): State<Arc<Hub>>, body: Bytes) -> Answer {
    let batch = Batch::parse(&body)?;
    let started = hub.clock.now_ms();
    let asked: Vec<&str> = batch
        .members
        .get("properties")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let selection = properties::selection(asked);
    let mut contacts = lock(&hub.contacts);
    contacts.note_read(started);
    let (mut results, mut missing) = (Vec::new(), Vec::new());
    for input in &batch.inputs {
        let id = id_of(input);
        match resolve(&contacts, &id, text_of(&batch.members, "idProperty"), false) {
            Ok(position) => results.push(view::contact(&contacts, position, &selection)),
            Err(error) if error.status == StatusCode::NOT_FOUND => missing.push(id),
            Err(error) => return Err(error),
        }
    }
    drop(contacts);
    Ok(complete(&hub, started, StatusCode::OK, results, missing))
}

/// `POST …/batch/create`: all or nothing.
pub async fn create(State(hub): State<Arc<Hub>>, body: Bytes) -> Answer {
    let batch = Batch::parse(&body)?;
    let started = hub.clock.now_ms();
    let results = hub.change(|contacts, now, changes| {
        let mut positions = Vec::new();
        for input in &batch.inputs {
            let writes = property_map(input)?;
            match contacts.create(&writes, now, changes) {
                Ok(position) => positions.push((position, written(&writes))),
                Err(error) => {
                    // Take back what this batch has made so far; nobody has seen it.
                    changes.clear();
                    for (position, _) in positions {
                        contacts.archive(position, &mut Vec::new());
                    }
                    return Err(view::refused(error));
                }
            }
        }
        Ok(positions
            .iter()
            .map(|(position, shown)| view::contact(contacts, *position, shown))
            .collect())
    })?;
    Ok(complete(&hub, started, StatusCode::CREATED, results, Vec::new()))
}

/// `POST …/batch/update`
pub async fn update(State(hub): State<Arc<Hub>>, body: Bytes) -> Answer {
    let batch = Batch::parse(&body)?;
    let started = hub.clock.now_ms();
    let (results, missing) = hub.change(|contacts, now, changes| {
        let (mut results, mut missing) = (Vec::new(), Vec::new());
        for input in &batch.inputs {
            let id = id_of(input);
            let writes = property_map(input)?;
            match resolve(contacts, &id, text_of(input, "idProperty"), false) {
                Ok(position) => {
                    contacts
                        .update(position, &writes, now, changes)
                        .map_err(view::refused)?;
                    results.push(view::contact(contacts, position, &written(&writes)));
                }
                Err(error) if error.status == StatusCode::NOT_FOUND => missing.push(id),
                Err(error) => return Err(error),
            }
        }
        Ok((results, missing))
    })?;
    Ok(complete(&hub, started, StatusCode::OK, results, missing))
}

/// `POST …/batch/upsert`: by e-mail address; `new` says which ones were created.
pub async fn upsert(State(hub): State<Arc<Hub>>, body: Bytes) -> Answer {
    let batch = Batch::parse(&body)?;
    let started = hub.clock.now_ms();
    let results = hub.change(|contacts, now, changes| {
        let mut results = Vec::new();
        for input in &batch.inputs {
            let id = id_of(input);
            let mut writes = property_map(input)?;
            let id_property = text_of(input, "idProperty");
            let (position, new) = match resolve(contacts, &id, id_property, false) {
                Ok(position) => {
                    contacts
                        .update(position, &writes, now, changes)
                        .map_err(view::refused)?;
                    (position, false)
                }
                Err(error) if error.status == StatusCode::NOT_FOUND && id_property == Some("email") => {
                    writes.entry("email").or_insert_with(|| Value::String(id));
                    (contacts.create(&writes, now, changes).map_err(view::refused)?, true)
                }
                Err(error) => return Err(error),
            };
            let mut shown = view::contact(contacts, position, &written(&writes));
            if let Some(members) = shown.as_object_mut() {
                members.insert("new".to_owned(), json!(new));
            }
            results.push(shown);
        }
        Ok(results)
    })?;
    Ok(complete(&hub, started, StatusCode::OK, results, Vec::new()))
}

/// `POST …/batch/archive`
pub async fn archive(State(hub): State<Arc<Hub>>, body: Bytes) -> Answer {
    let batch = Batch::parse(&body)?;
    hub.change(|contacts, _, changes| {
        for input in &batch.inputs {
            if let Some(position) = id_of(input).parse().ok().and_then(|id| contacts.live_position(id)) {
                contacts.archive(position, changes);
            }
        }
    });
    Ok(StatusCode::NO_CONTENT.into_response())
}
