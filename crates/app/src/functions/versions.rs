//! Versions of a function: what was deployed before, and going back to it.
//!
//! Every deploy leaves a version, fifty of a function are kept with their code. Going back deploys an old version again:
//! it becomes the newest one, so what happened stays readable, and going back twice is going forward.
//!
//! A version is named by its name or by the beginning of its code's hash. Projects that write their versions down give many
//! codes one name; only the hash tells those apart.

use serde_json::{Value, json};
use tenon_model::Timestamp;
use tenon_store::Tx;
use tenon_store::tables::deployments::{self, DeploymentRow};
use tenon_store::tables::functions::{self as table, FunctionInput, VersionRow};

use super::deploy::Exclusive;
use super::manage::{ambiguous, no_function};
use super::{ConnectionEvent, Function, FunctionKind, ListQuery};
use crate::caller::Caller;
use crate::operations::{Kind, Outcome, Subject};
use crate::validate::{Fields, Text};
use crate::{App, Error, Result};

/// Body of a rollback.
#[derive(Debug, Clone, Default)]
pub struct RollbackInput {
    version: Option<String>,
    kind: Option<FunctionKind>,
}

impl RollbackInput {
    /// Reads `version` and `type`, both optional.
    pub fn parse(body: Option<&Value>) -> Result<Self> {
        let empty = json!({});
        let mut fields = Fields::body(Some(body.unwrap_or(&empty)))?;
        let version = fields.opt_text("version", Text::any().min(1).max(255));
        let kind = ListQuery::kind_of(&mut fields);
        fields.strict();
        fields.finish("invalid_body")?;
        Ok(Self { version, kind })
    }
}

/// Digits of a hash that name a version at the least, as abbreviated commits have them.
const HASH_DIGITS_MIN: usize = 7;
/// Digits of a hash that messages show.
const HASH_DIGITS_SHOWN: usize = 12;
/// Versions that a message lists; the payload has them all.
const LISTED_MAX: usize = 10;

fn wire(row: &VersionRow, current: bool) -> Value {
    json!({
        "version": row.version,
        "hash": row.hash,
        "deployed_at": row.deployed_at.iso_millis(),
        "current": current,
    })
}

impl App {
    /// The one function with this name; several kinds or events of one name must be told apart.
    async fn one_function(
        &self,
        caller: &Caller,
        key: &str,
        name: &str,
        kind: Option<FunctionKind>,
    ) -> Result<Function> {
        let rows = self.functions_named(caller.environment()?, key, name, kind).await?;
        if rows.len() > 1 {
            return Err(ambiguous(name, &rows));
        }
        Function::from_row(rows.into_iter().next().ok_or_else(|| no_function(key, name))?)
    }

    /// `GET /integrations/:key/functions/:name/versions`: newest first.
    pub async fn function_versions(
        &self,
        caller: &Caller,
        key: &str,
        name: &str,
        kind: Option<FunctionKind>,
    ) -> Result<Value> {
        caller.require("environment:functions:read")?;
        let function = self.one_function(caller, key, name, kind).await?;
        let mut conn = self.store().read().await?;
        let rows = table::versions(&mut conn, function.environment_id, function.id).await?;
        drop(conn);
        let data: Vec<Value> = rows.iter().enumerate().map(|(at, row)| wire(row, at == 0)).collect();
        Ok(json!({ "data": data }))
    }

    /// The version that is named, by its name or the beginning of its hash.
    pub(super) async fn version_of(&self, function: &Function, wanted: &str) -> Result<VersionRow> {
        let mut conn = self.store().read().await?;
        let rows = table::versions(&mut conn, function.environment_id, function.id).await?;
        drop(conn);
        Ok(named(function, &rows, wanted)?.clone())
    }

    /// `POST /integrations/:key/functions/:name/rollback`: deploys an earlier version again, the one before the present
    /// code unless another is named.
    pub async fn roll_back_function(
        &self,
        caller: &Caller,
        key: &str,
        name: &str,
        input: &RollbackInput,
    ) -> Result<Value> {
        caller.require("environment:deploy")?;
        let environment = caller.environment()?;
        let function = self.one_function(caller, key, name, input.kind).await?;
        let subject = Subject::titled(format!("Rollback of {name}"))
            .integration(key, &function.provider)
            .function(name)
            .meta(json!({ "from": function.version, "wanted": input.version }));
        let operation = self
            .operations()
            .start(environment.id, Kind::Deploy, "rollback", subject);
        let result = self
            .roll_back(&function, input.version.as_deref(), operation.id().0.clone())
            .await;
        operation.finish(Outcome::of(&result));
        let version = result?;
        let row = self
            .find_function_by_id(environment.id, function.id)
            .await?
            .ok_or_else(|| Error::not_found("Function does not exist"))?;
        Ok(json!({ "data": {
            "from": function.version,
            "from_hash": function.hash,
            "version": version.version,
            "hash": version.hash,
            "function": row.to_wire(),
        } }))
    }

    async fn roll_back(&self, function: &Function, wanted: Option<&str>, operation: String) -> Result<VersionRow> {
        let mut deploy = Exclusive::begin(self, function.environment_id).await?;
        let outcome = self.deploy_again(&mut deploy.tx, function, wanted, operation).await;
        deploy.end(outcome).await
    }

    async fn deploy_again(
        &self,
        tx: &mut Tx,
        function: &Function,
        wanted: Option<&str>,
        operation: String,
    ) -> Result<VersionRow> {
        let environment = function.environment_id;
        let rows = table::versions(tx, environment, function.id).await?;
        let differs = |row: &VersionRow| {
            rows.first()
                .is_none_or(|present| present.hash != row.hash || present.definition != row.definition)
        };
        let row = match wanted {
            Some(wanted) => {
                let row = named(function, &rows, wanted)?;
                if !differs(row) {
                    return Err(deployed_already(function, row));
                }
                row
            }
            None => rows.iter().find(|row| differs(row)).ok_or_else(|| {
                Error::refuse(400, "invalid_request").message(format!(
                    "There is no earlier version of \"{}\" with other code to go back to",
                    function.name
                ))
            })?,
        };
        let row = row.clone();
        let now = self.clock().now();
        let event = function.event.map_or("", ConnectionEvent::as_str);
        let again = FunctionInput {
            kind: function.kind.as_str(),
            name: &function.name,
            event,
            source: function.source.as_str(),
            version: &row.version,
            hash: &row.hash,
            definition: &row.definition,
            now,
        };
        table::upsert(tx, environment, function.integration_id, &again).await?;
        let stored = table::find_by_id(tx, environment, function.id).await?;
        let stored: Vec<Function> = stored.into_iter().map(Function::from_row).collect::<Result<_>>()?;
        let owner = self.environment(environment).await?;
        self.after_deploy(tx, &owner, &stored).await?;
        deployments::insert(tx, &self.rollback_row(function, &row, operation, now)).await?;
        Ok(row)
    }

    fn rollback_row(&self, function: &Function, row: &VersionRow, operation: String, now: Timestamp) -> DeploymentRow {
        let deployed = json!([{
            "integration": function.unique_key,
            "kind": function.kind.as_str(),
            "name": function.name,
            "version": row.version,
        }]);
        DeploymentRow {
            id: self.rng().uuid_v7(now),
            environment_id: function.environment_id,
            mode: "single".to_owned(),
            source: function.source.as_str().to_owned(),
            sdk_version: None,
            deployed: deployed.to_string(),
            removed: "[]".to_owned(),
            operation_id: Some(operation),
            created_at: now,
        }
    }
}

/// The newest of the versions that are called `wanted`, or whose hash begins with it. `rows` are the newest first.
fn named<'r>(function: &Function, rows: &'r [VersionRow], wanted: &str) -> Result<&'r VersionRow> {
    let mut fits: Vec<&VersionRow> = rows.iter().filter(|row| row.version == wanted).collect();
    let is_hash = wanted.len() >= HASH_DIGITS_MIN && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
    if fits.is_empty() && is_hash {
        let beginning = wanted.to_ascii_lowercase();
        fits = rows.iter().filter(|row| row.hash.starts_with(&beginning)).collect();
    }
    let newest = *fits.first().ok_or_else(|| unknown_version(function, wanted))?;
    if fits.iter().any(|row| row.hash != newest.hash) {
        return Err(ambiguous_version(function, wanted, &fits));
    }
    Ok(newest)
}

fn short(row: &VersionRow) -> &str {
    row.hash.get(..HASH_DIGITS_SHOWN).unwrap_or(&row.hash)
}

fn unknown_version(function: &Function, version: &str) -> Error {
    Error::refuse(404, "version_not_found").message(format!(
        "Version \"{version}\" of \"{}\" is not kept; its versions are listed at /integrations/{}/functions/{}/versions, \
         and named by their name or at least {HASH_DIGITS_MIN} digits of their hash",
        function.name, function.unique_key, function.name
    ))
}

/// Codes in the order of their newest deployment, each once.
fn ambiguous_version(function: &Function, wanted: &str, fits: &[&VersionRow]) -> Error {
    let mut codes: Vec<&VersionRow> = Vec::new();
    for row in fits {
        if !codes.iter().any(|known| known.hash == row.hash) {
            codes.push(row);
        }
    }
    let mut listed: Vec<String> = codes
        .iter()
        .take(LISTED_MAX)
        .map(|row| format!("{} of {}", short(row), row.deployed_at.iso_millis()))
        .collect();
    if codes.len() > LISTED_MAX {
        listed.push(format!("{} more", codes.len() - LISTED_MAX));
    }
    let versions: Vec<Value> = codes
        .iter()
        .map(|row| json!({ "version": row.version, "hash": row.hash, "deployed_at": row.deployed_at.iso_millis() }))
        .collect();
    Error::refuse(409, "version_ambiguous")
        .message(format!(
            "{} versions of \"{}\" with different code are named \"{wanted}\"; name one by its hash: {}",
            codes.len(),
            function.name,
            listed.join(", ")
        ))
        .payload(json!({ "versions": versions }))
}

fn deployed_already(function: &Function, row: &VersionRow) -> Error {
    Error::refuse(409, "version_deployed_already").message(format!(
        "The code of version \"{}\" ({}) of \"{}\" is what is deployed now; there is nothing to go back to",
        row.version,
        short(row),
        function.name
    ))
}
