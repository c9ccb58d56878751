//! Switching functions off and on again without removing them.
//!
//! A function that is off starts no run: calls of an action are refused, syncs skip their turns, messages and connection
//! events pass it by. Runs under way go on, records and checkpoints stay, and a deploy leaves the switch as it is.

use serde_json::{Value, json};
use tenon_store::tables::functions as table;

use super::manage::{ambiguous, no_function};
use super::{Function, FunctionKind, ListQuery};
use crate::caller::Caller;
use crate::operations::{Kind, Outcome, Subject};
use crate::validate::{Fields, wrong_type};
use crate::{App, Result};

/// Body of `PATCH /integrations/:key/functions/:name`.
#[derive(Debug, Clone, Copy)]
pub struct SwitchInput {
    enabled: bool,
    kind: Option<FunctionKind>,
}

impl SwitchInput {
    /// Reads `enabled`, and `type` when several functions have the name.
    pub fn parse(body: Option<&Value>) -> Result<Self> {
        let mut fields = Fields::body(body)?;
        if fields.raw("enabled").is_none() {
            fields.complain("invalid_type", wrong_type("boolean", None), "enabled");
        }
        let enabled = fields.opt_boolean("enabled").unwrap_or_default();
        let kind = ListQuery::kind_of(&mut fields);
        fields.strict();
        fields.finish("invalid_body")?;
        Ok(Self { enabled, kind })
    }
}

impl App {
    /// Switches a function off or on; one that follows several events of connections, for all of them.
    #[tenon_model::boxed]
    pub async fn switch_function(&self, caller: &Caller, key: &str, name: &str, input: SwitchInput) -> Result<Value> {
        caller.require("environment:deploy")?;
        let environment = caller.environment()?;
        let rows = self.functions_named(environment, key, name, input.kind).await?;
        let first = rows.first().ok_or_else(|| no_function(key, name))?;
        if rows.iter().any(|row| row.kind != first.kind) {
            return Err(ambiguous(name, &rows));
        }
        let (verb, title) = if input.enabled {
            ("enable", "Switching on")
        } else {
            ("disable", "Switching off")
        };
        let subject = Subject::titled(format!("{title} {name}"))
            .integration(key, &first.provider)
            .function(name);
        let operation = self.operations().start(environment.id, Kind::Deploy, verb, subject);
        let result = async {
            let mut tx = self.store().begin().await?;
            for row in &rows {
                table::set_enabled(&mut tx, environment.id, row.id, input.enabled, self.clock().now()).await?;
            }
            tx.signal("functions", "");
            Ok(tx.commit().await?)
        }
        .await;
        operation.finish(Outcome::of(&result));
        result?;
        self.forget("functions");
        let mut row = first.clone();
        row.enabled = input.enabled;
        Ok(json!({ "data": Function::from_row(row)?.to_wire() }))
    }
}
