//! The catalogue as callers see it.

use serde_json::{Map, Value, json};
use tenon_catalog::Provider;

use crate::caller::Caller;
use crate::integrations::logo_url;
use crate::{App, Error, Result};

impl App {
    fn provider_json(&self, provider: &Provider) -> Value {
        let mut value = provider.to_wire();
        if let Value::Object(object) = &mut value {
            object.insert("name".to_owned(), json!(provider.id));
            object.insert("logo_url".to_owned(), json!(logo_url(self.settings(), &provider.id)));
        }
        value
    }

    /// Every provider whose id matches the pattern `search`, in the order of the catalogue.
    pub fn list_providers(&self, caller: &Caller, search: Option<&str>) -> Result<Vec<Value>> {
        caller.environment()?;
        let catalog = self.catalog();
        let found = match search {
            Some(search) => catalog.search(search),
            None => catalog.iter().collect(),
        };
        Ok(found.into_iter().map(|provider| self.provider_json(provider)).collect())
    }

    /// One provider.
    pub fn read_provider(&self, caller: &Caller, id: &str) -> Result<Value> {
        caller.environment()?;
        let catalog = self.catalog();
        let provider = catalog
            .get(id)
            .ok_or_else(|| Error::not_found(format!("Unknown provider {id}")))?;
        Ok(self.provider_json(provider))
    }

    /// Every provider by id, without the fields that depend on this server.
    pub fn provider_map(&self) -> Value {
        let catalog = self.catalog();
        let map: Map<String, Value> = catalog
            .iter()
            .map(|provider| (provider.id.clone(), provider.to_wire()))
            .collect();
        Value::Object(map)
    }
}
