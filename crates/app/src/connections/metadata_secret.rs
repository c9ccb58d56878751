//! The one secret that products keep in metadata: the key of a connection's own webhooks.
//!
//! Metadata is plain text in its row, because products search it and functions read it all the time. The value of
//! [`NAME`] is sealed in there like a credential, bound to its row, and opened for whoever may read the metadata.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use tenon_credentials::vault::EnvironmentVault;
use tenon_model::{ConnectionId, EnvironmentId};

use super::read_object;
use crate::{Error, Result};

/// Key of the metadata whose value is a secret.
pub(crate) const NAME: &str = "webhookSecret";
/// Marks a sealed value: the only member of an object.
const MARK: &str = "$sealed";

fn place(environment: EnvironmentId, id: ConnectionId) -> String {
    format!("connections/{environment}/{id}/metadata/{NAME}")
}

/// Seals the secret in metadata that is about to be stored, whatever its type; a value that only looks sealed is sealed
/// again. `false` when there is none.
pub(super) fn seal(
    vault: &EnvironmentVault,
    environment: EnvironmentId,
    id: ConnectionId,
    metadata: &mut Map<String, Value>,
) -> bool {
    let Some(value) = metadata.get_mut(NAME).filter(|value| !value.is_null()) else {
        return false;
    };
    let sealed = vault.seal(&place(environment, id), value.to_string().as_bytes());
    *value = json!({ MARK: STANDARD.encode(sealed) });
    true
}

/// Metadata of a stored row, with its secret opened.
///
/// # Errors
/// When the sealed value does not belong to the row.
pub(crate) fn open(
    vault: &EnvironmentVault,
    environment: EnvironmentId,
    id: ConnectionId,
    stored: &str,
) -> Result<Map<String, Value>> {
    let mut metadata = read_object(stored);
    let sealed = metadata
        .get(NAME)
        .and_then(|value| value.get(MARK))
        .and_then(Value::as_str)
        .map(str::to_owned);
    // Values that were stored before they were sealed are read as they are.
    if let Some(sealed) = sealed {
        let unreadable = |_| Error::Internal(format!("the webhook secret of connection {id} cannot be read"));
        let sealed = STANDARD
            .decode(sealed)
            .map_err(|_| Error::Internal(format!("the webhook secret of connection {id} is not base64")))?;
        let plain = vault.open(&place(environment, id), &sealed)?;
        let value = serde_json::from_slice(&plain).map_err(unreadable)?;
        metadata.insert(NAME.to_owned(), value);
    }
    Ok(metadata)
}
