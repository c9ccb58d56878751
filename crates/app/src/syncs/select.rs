//! Naming syncs: `"name"`, `"name::variant"` or `{name, variant}`, on one connection or on all of an integration.

use serde_json::{Value, json};
use tenon_model::{ConnectionId, EnvironmentId, IntegrationId};
use tenon_store::tables::connections;
use tenon_store::tables::syncs::{self, ListedSync, SyncFilter};

use crate::records::BASE;
use crate::validate::{Fields, NAME, wrong_type};
use crate::{App, Error, Result};

/// Most syncs that one request touches.
const SYNCS_MAX: i64 = 100_000;

/// A sync by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncName {
    /// Name.
    pub name: String,
    /// Variant.
    pub variant: String,
}

impl SyncName {
    /// Reads `name` or `name::variant`; none when a part is no name.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, variant) = text.split_once("::").unwrap_or((text, BASE));
        let is_name = |text: &str| NAME.matches(text) && text.len() <= 255;
        (is_name(name) && is_name(variant)).then(|| Self {
            name: name.to_owned(),
            variant: variant.to_owned(),
        })
    }
}

/// Reads the list `syncs` of a body.
pub(super) fn read_names(fields: &mut Fields<'_>, max: usize) -> Vec<SyncName> {
    let items = match fields.raw("syncs") {
        Some(Value::Array(items)) => items,
        other => {
            fields.complain("invalid_type", wrong_type("array", other), "syncs");
            return Vec::new();
        }
    };
    if items.len() > max {
        fields.complain(
            "too_big",
            format!("Too big: expected array to have <={max} items"),
            "syncs",
        );
    }
    let mut names = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let read = match item {
            Value::String(text) => SyncName::parse(text),
            Value::Object(map) => {
                let text = |key: &str| map.get(key).and_then(Value::as_str);
                let known = map.keys().all(|key| key == "name" || key == "variant");
                match (text("name"), map.get("variant")) {
                    (Some(name), None) if known => SyncName::parse(name),
                    (Some(name), Some(Value::String(variant))) if known => {
                        SyncName::parse(&format!("{name}::{variant}"))
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        match read {
            Some(name) => names.push(name),
            None => fields.complain_at("invalid_union", "Invalid input", &["syncs", &index.to_string()]),
        }
    }
    names
}

/// Where the named syncs are.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) environment: EnvironmentId,
    pub(crate) integration: IntegrationId,
    pub(crate) connection: Option<ConnectionId>,
}

impl App {
    /// Integration and connection of a request about syncs.
    #[tenon_model::boxed]
    pub(crate) async fn sync_place(
        &self,
        environment: EnvironmentId,
        unique_key: &str,
        connection_id: Option<&str>,
    ) -> Result<Place> {
        let integration = self.find_integration(environment, unique_key).await?.ok_or_else(|| {
            Error::refuse(400, "unknown_provider_config")
                .message(format!("There is no integration '{unique_key}' in this environment"))
                .payload(json!({}))
        })?;
        let connection = match connection_id {
            None => None,
            Some(id) => {
                let mut conn = self.store().read().await?;
                let row = connections::find(&mut conn, environment, unique_key, id).await?;
                let unknown = || {
                    Error::refuse(404, "unknown_connection")
                        .message(format!(
                            "There is no connection '{id}' of the integration '{unique_key}'"
                        ))
                        .payload(json!({ "connectionId": id, "providerConfigKey": unique_key }))
                };
                Some(row.ok_or_else(unknown)?.id)
            }
        };
        Ok(Place {
            environment,
            integration: integration.id,
            connection,
        })
    }

    /// The syncs of a place with these names; all of them for none.
    ///
    /// A connection gets its syncs just after it was stored; a caller that is faster, or a crash in between, must not see
    /// it without them, so what seems to be missing is made first.
    #[tenon_model::boxed]
    pub(crate) async fn select_syncs(&self, place: &Place, names: &[SyncName]) -> Result<Vec<ListedSync>> {
        let found = self.find_syncs(place, names).await?;
        match place.connection {
            Some(connection) if found.is_empty() || found.len() < names.len() => {
                super::life::on_connection_created(self, place.environment, connection).await?;
                self.find_syncs(place, names).await
            }
            _ => Ok(found),
        }
    }

    async fn find_syncs(&self, place: &Place, names: &[SyncName]) -> Result<Vec<ListedSync>> {
        let filter = SyncFilter {
            connection: place.connection,
            names: (!names.is_empty()).then(|| names.iter().map(|name| name.name.clone()).collect()),
        };
        let mut conn = self.store().read().await?;
        let mut found = syncs::list(&mut conn, place.environment, place.integration, &filter, SYNCS_MAX).await?;
        if !names.is_empty() {
            let wanted = |row: &ListedSync| {
                names
                    .iter()
                    .any(|n| n.name == row.sync.name && n.variant == row.sync.variant)
            };
            found.retain(wanted);
        }
        Ok(found)
    }
}
