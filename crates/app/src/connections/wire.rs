//! How connections are shown.

use serde_json::{Map, Value, json};
use tenon_credentials::credentials::RefreshTokens;
use tenon_model::Timestamp;
use tenon_store::tables::connections::ConnectionRow;
use tenon_store::tables::connections::errors::ConnectionErrorRow;

use super::{Connection, EndUser, Tags};

/// Which of the two spellings of dates an answer uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `…Z`, as answers to writes have it.
    Written,
    /// `…+00:00`, as answers to reads have it.
    Read,
}

impl Style {
    fn date(self, moment: Timestamp) -> String {
        match self {
            Self::Written => moment.iso_millis(),
            Self::Read => moment.iso_millis_offset(),
        }
    }
}

/// The active errors of a connection.
pub(super) fn errors_json(errors: &[ConnectionErrorRow]) -> Value {
    errors
        .iter()
        .map(|error| json!({ "type": error.kind, "log_id": error.log_id }))
        .collect()
}

/// A connection in a list; nothing but its metadata is opened for it.
pub(super) fn list_item(row: &ConnectionRow, metadata: Map<String, Value>, errors: &[ConnectionErrorRow]) -> Value {
    json!({
        "id": row.id,
        "connection_id": row.connection_id,
        "provider_config_key": row.unique_key,
        "provider": row.provider,
        "errors": errors_json(errors),
        "end_user": row.end_user.as_ref().map(|row| EndUser::from_row(row).to_wire()),
        "tags": Tags::from_json(&row.tags).to_wire(),
        "metadata": metadata,
        "created": row.created_at.iso_micros_offset(),
    })
}

impl Connection {
    /// The full object. Credentials are shown as given, `{}` without.
    pub fn to_wire(&self, style: Style, errors: &[ConnectionErrorRow], credentials: Value) -> Value {
        json!({
            "id": self.id,
            "connection_id": self.connection_id,
            "provider_config_key": self.unique_key,
            "provider": self.provider,
            "errors": errors_json(errors),
            "end_user": self.end_user.as_ref().map(EndUser::to_wire),
            "tags": self.tags.to_wire(),
            "metadata": self.metadata,
            "connection_config": self.visible_config(),
            "webhook_url_override": self.webhook_url_override,
            "created_at": style.date(self.created_at),
            "updated_at": style.date(self.updated_at),
            "last_fetched_at": self.last_fetched_at.map(|moment| style.date(moment)),
            "credentials": credentials,
        })
    }

    /// The connection's values without those that only the platform uses.
    fn visible_config(&self) -> Map<String, Value> {
        self.config.clone()
    }

    /// The credentials as the wire shows them.
    pub fn credentials_json(&self, refresh_tokens: RefreshTokens) -> Value {
        self.credentials.to_wire(refresh_tokens)
    }
}
