//! Deploying functions made by `createFunction`: `POST /functions/deployments/bundle` and its preview.
//!
//! A bundle is the whole truth about its scope, an environment or one integration: functions of the scope that it does
//! not name are removed. Functions made by the other helpers are not its business and stay.

mod apply;
mod input;

#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use input::BundleFunction;
pub use input::BundleInput;

use super::Function;

/// Whose functions the bundle is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Scope {
    Environment,
    Integration(String),
}

impl Scope {
    fn covers(&self, integration: &str) -> bool {
        match self {
            Self::Environment => true,
            Self::Integration(key) => key == integration,
        }
    }
}

/// What a bundle does to each function, as `(integration, name)` in the order of the bundle.
#[derive(Debug, Default)]
struct Changes {
    created: Vec<(String, String)>,
    updated: Vec<(String, String)>,
    unchanged: Vec<(String, String)>,
    deleted: Vec<(String, String)>,
}

impl Changes {
    /// Compares what is wanted with the functions that are there and were made by bundles.
    fn of(input: &BundleInput, wanted: &[(&BundleFunction, String)], present: &[Function]) -> Self {
        let mut changes = Self::default();
        for (function, hash) in wanted {
            let name = (function.integration.clone(), function.name.clone());
            let rows: Vec<&Function> = present.iter().filter(|row| is(row, &name)).collect();
            if rows.is_empty() {
                changes.created.push(name);
            } else if function.is_stored(hash, &rows) {
                changes.unchanged.push(name);
            } else {
                changes.updated.push(name);
            }
        }
        for row in present.iter().filter(|row| input.scope.covers(&row.unique_key)) {
            let name = (row.unique_key.clone(), row.name.clone());
            let named = wanted
                .iter()
                .any(|(function, _)| function.integration == name.0 && function.name == name.1);
            if !named && !changes.deleted.contains(&name) {
                changes.deleted.push(name);
            }
        }
        changes
    }

    fn wire(&self) -> Value {
        let list = |names: &[(String, String)]| -> Value {
            names
                .iter()
                .map(|(integration, name)| json!({ "integrationId": integration, "name": name }))
                .collect()
        };
        json!({
            "created": list(&self.created),
            "updated": list(&self.updated),
            "unchanged": list(&self.unchanged),
            "deleted": list(&self.deleted),
        })
    }
}

fn is(function: &Function, name: &(String, String)) -> bool {
    function.unique_key == name.0 && function.name == name.1
}
