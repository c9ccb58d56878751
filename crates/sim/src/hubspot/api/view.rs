//! How contacts and refused writes look on the wire.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::hubspot::contacts::properties::{self, PropertyIndex};
use crate::hubspot::contacts::{Contacts, Position, WriteError};
use crate::hubspot::errors::ApiError;
use crate::timetext::iso_millis;

/// One contact with the chosen properties; unset ones are null.
pub fn contact(contacts: &Contacts, position: Position, selection: &[PropertyIndex]) -> Value {
    let mut values = Map::new();
    for property in selection {
        let value = contacts.value(position, *property).map_or(Value::Null, Value::String);
        values.insert(properties::get(*property).name.to_owned(), value);
    }
    let slot = contacts.slot(position);
    let text = |moment: Option<i64>| moment.map(iso_millis);
    let archived = slot.is_some_and(|slot| slot.archived);
    let mut shown = json!({
        "id": Contacts::id(position).to_string(),
        "properties": values,
        "createdAt": text(slot.map(|slot| slot.created)),
        "updatedAt": text(slot.map(|slot| slot.modified)),
        "archived": archived,
    });
    if archived && let Some(members) = shown.as_object_mut() {
        members.insert("archivedAt".to_owned(), json!(text(slot.map(|slot| slot.modified))));
    }
    shown
}

/// The 409 or 400 of a refused write.
pub fn refused(error: WriteError) -> ApiError {
    match error {
        WriteError::EmailTaken(id) => ApiError::contact_exists(id),
        WriteError::Invalid(reasons) => {
            let list: Vec<Value> = reasons
                .iter()
                .map(|(name, code, message)| json!({"isValid": false, "message": message, "error": code, "name": name}))
                .collect();
            let mut error = ApiError::new(
                StatusCode::BAD_REQUEST,
                "VALIDATION_ERROR",
                format!("Property values were not valid: {}", Value::Array(list)),
            );
            let errors: Vec<Value> = reasons
                .into_iter()
                .map(|(name, code, message)| {
                    json!({"message": message, "code": code, "context": {"propertyName": [name]}})
                })
                .collect();
            error.put("errors", Value::Array(errors));
            error
        }
    }
}
