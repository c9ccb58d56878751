//! Looking at and removing single functions: `/integrations/:key/functions`.

use serde_json::{Value, json};
use tenon_store::tables::functions::{self as table, FunctionFilter, FunctionRow};

use super::{Function, FunctionKind, Source};
use crate::caller::Caller;
use crate::environments::Environment;
use crate::integrations::Integration;
use crate::validate::{Fields, Text};
use crate::{App, Error, Result};

/// Query of the list.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    kind: Option<FunctionKind>,
    search: Option<String>,
    page: i64,
    limit: i64,
}

impl ListQuery {
    /// Reads `type`, `search`, `page` and `limit`.
    pub fn parse(query: &Value) -> Result<Self> {
        let mut fields = root(query)?;
        let kind = kind_field(&mut fields, &["sync", "action", "on-event"], false);
        let search = trimmed(&mut fields, "search");
        let page = fields.opt_integer("page", 0, i64::from(u32::MAX), true).unwrap_or(0);
        let limit = fields.opt_integer("limit", 1, 100, true).unwrap_or(20);
        fields.strict();
        fields.finish("invalid_query_params")?;
        Ok(Self {
            kind,
            search,
            page,
            limit,
        })
    }

    /// Reads the member `type` of a query or body.
    pub(super) fn kind_of(fields: &mut Fields<'_>) -> Option<FunctionKind> {
        kind_field(fields, &["sync", "action", "on-event"], false)
    }

    /// Reads the query of the code: `type`, and `version` for earlier code.
    pub fn parse_code(query: &Value) -> Result<(Option<FunctionKind>, Option<String>)> {
        let mut fields = root(query)?;
        let kind = Self::kind_of(&mut fields);
        let version = fields.opt_text("version", Text::any().min(1).max(255));
        fields.strict();
        fields.finish("invalid_query_params")?;
        Ok((kind, version))
    }

    /// Reads a query that may only have `type`.
    pub fn parse_kind(query: &Value) -> Result<Option<FunctionKind>> {
        let mut fields = root(query)?;
        let kind = kind_field(&mut fields, &["sync", "action", "on-event"], false);
        fields.strict();
        fields.finish("invalid_query_params")?;
        Ok(kind)
    }
}

/// Query of a removal: the kind, required, a sync or an action.
#[derive(Debug, Clone, Copy)]
pub struct DeleteQuery(FunctionKind);

impl DeleteQuery {
    /// Reads `type`.
    pub fn parse(query: &Value) -> Result<Self> {
        let mut fields = root(query)?;
        let kind = kind_field(&mut fields, &["sync", "action"], true);
        fields.strict();
        fields.finish("invalid_query_params")?;
        Ok(Self(kind.unwrap_or(FunctionKind::Action)))
    }
}

fn root(query: &Value) -> Result<Fields<'_>> {
    Fields::root(Some(query)).map_err(|issues| Error::invalid("invalid_query_params", issues))
}

/// Complains unless `value` is one of `options`.
pub(super) fn complain_options(fields: &mut Fields<'_>, key: &str, options: &[&str]) {
    let quoted: Vec<String> = options.iter().map(|option| format!("\"{option}\"")).collect();
    fields.complain(
        "invalid_value",
        format!("Invalid option: expected one of {}", quoted.join("|")),
        key,
    );
}

fn kind_field(fields: &mut Fields<'_>, options: &[&str], required: bool) -> Option<FunctionKind> {
    let value = fields.raw("type");
    if value.is_none() && !required {
        return None;
    }
    let kind = value
        .and_then(Value::as_str)
        .filter(|name| options.contains(name))
        .and_then(FunctionKind::parse);
    if kind.is_none() {
        complain_options(fields, "type", options);
    }
    kind
}

/// An optional text without blanks around it, 1 to 255 characters.
fn trimmed(fields: &mut Fields<'_>, key: &'static str) -> Option<String> {
    let value = fields.raw(key)?;
    let Some(text) = value.as_str() else {
        fields.complain("invalid_type", crate::validate::wrong_type("string", Some(value)), key);
        return None;
    };
    let text = text.trim();
    for (code, message) in Text::any().min(1).max(255).complaints(text) {
        fields.complain(code, message, key);
    }
    Some(text.to_owned())
}

/// No function of the integration has the name.
pub(super) fn no_function(key: &str, name: &str) -> Error {
    Error::not_found(format!("Function '{name}' not found for integration '{key}'"))
}

/// Functions of several kinds or events have the name, and only one can be meant.
pub(super) fn ambiguous(name: &str, rows: &[FunctionRow]) -> Error {
    let matches: Vec<Value> = rows
        .iter()
        .map(|row| json!({ "type": row.kind, "name": row.name, "event": row.event }))
        .collect();
    Error::refuse(409, "ambiguous_function")
        .message(format!("Several functions are named '{name}'; say which by its type"))
        .payload(json!({ "matches": matches }))
}

fn function_missing() -> Error {
    Error::not_found("Function does not exist")
}

impl App {
    async fn integration_of_functions(
        &self,
        environment: &Environment,
        key: &str,
    ) -> Result<std::sync::Arc<Integration>> {
        self.find_integration(environment.id, key)
            .await?
            .ok_or_else(|| Error::not_found("Integration does not exist"))
    }

    /// `GET /integrations/:key/functions`.
    #[tenon_model::boxed]
    pub async fn list_functions(&self, caller: &Caller, key: &str, query: &ListQuery) -> Result<Value> {
        caller.require("environment:functions:list")?;
        let environment = caller.environment()?;
        let integration = self.integration_of_functions(environment, key).await?;
        let filter = FunctionFilter {
            integration: Some(integration.id),
            kind: query.kind.map(FunctionKind::as_str),
            search: query.search.as_deref(),
        };
        let mut conn = self.store().read().await?;
        let total = table::count(&mut conn, environment.id, filter).await?;
        let offset = query.page.saturating_mul(query.limit);
        let rows = table::list(&mut conn, environment.id, filter, offset, query.limit).await?;
        drop(conn);
        let data: Vec<Value> = rows
            .into_iter()
            .map(|row| Ok(Function::from_row(row)?.to_wire()))
            .collect::<Result<_>>()?;
        Ok(json!({
            "data": data,
            "pagination": { "total": total, "page": query.page, "limit": query.limit },
        }))
    }

    pub(super) async fn functions_named(
        &self,
        environment: &Environment,
        key: &str,
        name: &str,
        kind: Option<FunctionKind>,
    ) -> Result<Vec<FunctionRow>> {
        let integration = self.integration_of_functions(environment, key).await?;
        let mut conn = self.store().read().await?;
        let mut rows = table::list_named(&mut conn, environment.id, integration.id, name).await?;
        rows.retain(|row| kind.is_none_or(|kind| row.kind == kind.as_str()));
        Ok(rows)
    }

    /// `GET /integrations/:key/functions/:name`.
    #[tenon_model::boxed]
    pub async fn read_function(
        &self,
        caller: &Caller,
        key: &str,
        name: &str,
        kind: Option<FunctionKind>,
    ) -> Result<Value> {
        caller.require("environment:functions:read")?;
        let rows = self.functions_named(caller.environment()?, key, name, kind).await?;
        let row = rows.into_iter().next().ok_or_else(function_missing)?;
        Ok(json!({ "data": Function::from_row(row)?.to_wire() }))
    }

    /// `GET /integrations/:key/functions/:name/code`.
    #[tenon_model::boxed]
    pub async fn read_function_code(
        &self,
        caller: &Caller,
        key: &str,
        name: &str,
        (kind, version): (Option<FunctionKind>, Option<String>),
    ) -> Result<Value> {
        caller.require("environment:functions:read")?;
        let rows = self.functions_named(caller.environment()?, key, name, kind).await?;
        if rows.len() > 1 {
            let matches: Vec<Value> = rows
                .iter()
                .map(|row| json!({ "type": row.kind, "name": row.name }))
                .collect();
            return Err(Error::refuse(409, "ambiguous_function")
                .message(format!(
                    "Several functions are named '{name}'; add the query parameter type"
                ))
                .payload(json!({ "matches": matches })));
        }
        let row = rows.into_iter().next().ok_or_else(|| no_function(key, name))?;
        let function = Function::from_row(row)?;
        let asked = match version {
            Some(version) => Some(self.version_of(&function, &version).await?),
            None => None,
        };
        let hash = asked.as_ref().map_or(&function.hash, |row| &row.hash);
        let source = self.source_of_hash(function.environment_id, hash).await?;
        let source =
            source.ok_or_else(|| Error::not_found(format!("Function '{name}' was deployed without its source")))?;
        let mut answer = json!({ "type": function.kind.as_str(), "code": source });
        // The public contract has these two members only; it does not know of versions.
        if let Some(row) = &asked {
            answer["version"] = json!(row.version);
            answer["hash"] = json!(row.hash);
        }
        Ok(answer)
    }

    /// `DELETE /integrations/:key/functions/:name`: with its schedules and records.
    #[tenon_model::boxed]
    pub async fn delete_function(&self, caller: &Caller, key: &str, name: &str, query: DeleteQuery) -> Result<()> {
        caller.require("environment:functions:delete")?;
        let environment = caller.environment()?;
        let rows = self.functions_named(environment, key, name, Some(query.0)).await?;
        let row = rows.into_iter().next().ok_or_else(function_missing)?;
        if row.source == Source::Repo.as_str() {
            return Err(Error::refuse(400, "function_managed_by_deploy")
                .message("repo functions are deleted through `nango deploy`, not this endpoint"));
        }
        let removed = [Function::from_row(row)?];
        let mut tx = self.store().begin().await?;
        self.remove_functions(&mut tx, environment, &removed).await?;
        tx.commit().await?;
        self.forget("functions");
        Ok(())
    }
}
