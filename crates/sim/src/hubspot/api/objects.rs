//! List, search, and the routes of single contacts.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::view;
use crate::hubspot::Hub;
use crate::hubspot::contacts::properties::{self, DEFAULT_PROPERTIES, PropertyIndex};
use crate::hubspot::contacts::{Contacts, FIRST_ID, Position};
use crate::hubspot::errors::ApiError;
use crate::hubspot::search::{self, request::SearchRequest};
use crate::lock;

const LIST_DEFAULT: usize = 10;
const LIST_MAX: usize = 100;

type Answer = Result<Response, ApiError>;

/// Query parameters of the object routes.
#[derive(Debug, Default)]
pub struct ObjectQuery {
    properties: Vec<String>,
    limit: Option<String>,
    after: Option<String>,
    archived: bool,
    id_property: Option<String>,
}

impl ObjectQuery {
    /// Reads a raw query; `properties` may be repeated or comma-separated.
    pub fn parse(raw: Option<&str>) -> Self {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                "properties" | "properties[]" => {
                    query
                        .properties
                        .extend(value.split(',').map(|name| name.trim().to_owned()));
                }
                "limit" => query.limit = Some(value.into_owned()),
                "after" => query.after = Some(value.into_owned()),
                "archived" => query.archived = value == "true",
                "idProperty" => query.id_property = Some(value.into_owned()),
                _ => {}
            }
        }
        query.properties.retain(|name| !name.is_empty());
        query
    }

    fn selection(&self) -> Vec<PropertyIndex> {
        properties::selection(self.properties.iter().map(String::as_str))
    }
}

/// `GET /crm/v3/objects/contacts`
pub async fn list(State(hub): State<Arc<Hub>>, RawQuery(raw): RawQuery) -> Answer {
    let query = ObjectQuery::parse(raw.as_deref());
    let limit = match &query.limit {
        None => LIST_DEFAULT,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=LIST_MAX).contains(limit))
            .ok_or_else(|| {
                ApiError::invalid(format!(
                    "limit must be a whole number between 1 and {LIST_MAX}, got {text}"
                ))
            })?,
    };
    let selection = query.selection();
    let mut contacts = lock(&hub.contacts);
    let after = match query.after.as_deref().filter(|after| !after.is_empty()) {
        None => None,
        Some(text) => {
            let id: u64 = text
                .parse()
                .map_err(|_| ApiError::invalid(format!("after is not valid: {text}")))?;
            // The cursor is the id of the last contact that was returned; it may be gone by now.
            id.checked_sub(FIRST_ID)
                .map(|offset| Position::try_from(offset).unwrap_or(Position::MAX))
        }
    };
    let mut page: Vec<Position> = contacts.live_after(after, query.archived).take(limit + 1).collect();
    let more = page.len() > limit;
    page.truncate(limit);
    contacts.note_read(hub.clock.now_ms());
    let results: Vec<Value> = page
        .iter()
        .map(|position| view::contact(&contacts, *position, &selection))
        .collect();
    drop(contacts);
    let mut body = json!({ "results": results });
    if more && let Some(last) = page.last() {
        let after = Contacts::id(*last).to_string();
        let mut link = form_urlencoded::Serializer::new(String::new());
        link.append_pair("limit", &limit.to_string())
            .append_pair("after", &after);
        if query.archived {
            link.append_pair("archived", "true");
        }
        if !query.properties.is_empty() {
            link.append_pair("properties", &query.properties.join(","));
        }
        let link = format!("https://api.hubapi.com/crm/v3/objects/contacts?{}", link.finish());
        insert(&mut body, "paging", json!({"next": {"after": after, "link": link}}));
    }
    hub.stats.note(|stats| {
        if query.archived {
            stats.archived_pages += 1;
        } else {
            stats.list_pages += 1;
            stats.contacts_returned += page.len() as u64;
        }
    });
    Ok(Json(body).into_response())
}

/// `POST /crm/v3/objects/contacts/search`
pub async fn search(State(hub): State<Arc<Hub>>, body: Bytes) -> Answer {
    let request = SearchRequest::parse(&body)?;
    let mut contacts = lock(&hub.contacts);
    let found = match search::run(&contacts, &request, hub.config.search_cap) {
        Ok(found) => found,
        Err(error) => {
            hub.stats.note(|stats| stats.search_cap_refusals += 1);
            return Err(error);
        }
    };
    contacts.note_read(hub.clock.now_ms());
    let results: Vec<Value> = found
        .page
        .iter()
        .map(|position| view::contact(&contacts, *position, &request.properties))
        .collect();
    drop(contacts);
    hub.stats.note(|stats| {
        stats.searches += 1;
        stats.contacts_returned += found.page.len() as u64;
    });
    let mut answer = json!({"total": found.total, "results": results});
    if let Some(next) = found.next {
        insert(&mut answer, "paging", json!({"next": {"after": next.to_string()}}));
    }
    Ok(Json(answer).into_response())
}

/// `POST /crm/v3/objects/contacts`
pub async fn create(State(hub): State<Arc<Hub>>, body: Bytes) -> Answer {
    let body = object(&body)?;
    let writes = property_map(&body)?;
    let shown = hub.change(|contacts, now, changes| {
        let position = contacts.create(&writes, now, changes)?;
        Ok(view::contact(contacts, position, &written(&writes)))
    });
    Ok((StatusCode::CREATED, Json(shown.map_err(view::refused)?)).into_response())
}

/// `GET /crm/v3/objects/contacts/{id}`
pub async fn read(State(hub): State<Arc<Hub>>, Path(id): Path<String>, RawQuery(raw): RawQuery) -> Answer {
    let query = ObjectQuery::parse(raw.as_deref());
    let mut contacts = lock(&hub.contacts);
    let position = resolve(&contacts, &id, query.id_property.as_deref(), query.archived)?;
    contacts.note_read(hub.clock.now_ms());
    Ok(Json(view::contact(&contacts, position, &query.selection())).into_response())
}

/// `PATCH /crm/v3/objects/contacts/{id}`
pub async fn update(
    State(hub): State<Arc<Hub>>,
    Path(id): Path<String>,
    RawQuery(raw): RawQuery,
    body: Bytes,
) -> Answer {
    let query = ObjectQuery::parse(raw.as_deref());
    let body = object(&body)?;
    let writes = property_map(&body)?;
    hub.change(|contacts, now, changes| {
        let position = resolve(contacts, &id, query.id_property.as_deref(), false)?;
        contacts
            .update(position, &writes, now, changes)
            .map_err(view::refused)?;
        Ok(Json(view::contact(contacts, position, &written(&writes))).into_response())
    })
}

/// `DELETE /crm/v3/objects/contacts/{id}`: 204 whether or not the contact is there.
pub async fn archive(State(hub): State<Arc<Hub>>, Path(id): Path<String>) -> Answer {
    hub.change(|contacts, _, changes| {
        if let Some(position) = id.parse().ok().and_then(|id| contacts.live_position(id)) {
            contacts.archive(position, changes);
        }
    });
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Finds the contact that a path or a batch input names, by id or by e-mail address.
pub fn resolve(contacts: &Contacts, id: &str, id_property: Option<&str>, archived: bool) -> Result<Position, ApiError> {
    match id_property {
        Some("email") => contacts.by_email(id).ok_or_else(ApiError::not_found),
        None | Some("" | "hs_object_id") => {
            let position = id
                .parse()
                .ok()
                .and_then(|id| contacts.position(id))
                .ok_or_else(ApiError::not_found)?;
            let found = contacts.slot(position).is_some_and(|slot| slot.archived == archived);
            if found {
                Ok(position)
            } else {
                Err(ApiError::not_found())
            }
        }
        Some(other) => Err(ApiError::invalid(format!(
            "Property {other} is not a unique identifier property"
        ))),
    }
}

/// The properties that the answer to a write shows: what was written and what is always there.
pub fn written(writes: &Map<String, Value>) -> Vec<PropertyIndex> {
    if writes.is_empty() {
        return DEFAULT_PROPERTIES.to_vec();
    }
    properties::selection(writes.keys().map(String::as_str))
}

/// A request body that must be a JSON object.
pub fn object(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(ApiError::invalid("Invalid input JSON: expected an object")),
        Err(error) => Err(ApiError::invalid(format!("Invalid input JSON: {error}"))),
    }
}

/// The `properties` member of a write.
pub fn property_map(body: &Map<String, Value>) -> Result<Map<String, Value>, ApiError> {
    match body.get("properties") {
        None => Ok(Map::new()),
        Some(Value::Object(members)) => Ok(members.clone()),
        Some(_) => Err(ApiError::invalid("Invalid input JSON: properties must be an object")),
    }
}

fn insert(body: &mut Value, name: &str, value: Value) {
    if let Some(members) = body.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}
