//! The function that `tenon functions` is about, and what is asked about it.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};

use crate::authoring::DEPLOY_FAILED;
use crate::authoring::client::{Client, ClientError};
use crate::authoring::function_name::FunctionName;
use crate::failure::{Failure, code_of};

/// Which function.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct NamedArgs {
    /// Integration that it belongs to; or INTEGRATION/NAME in one word.
    integration: String,
    /// Its name.
    name: Option<String>,
    /// What it is, when several have the name.
    #[arg(long = "type", value_name = "TYPE", value_parser = ["sync", "action", "on-event"])]
    kind: Option<String>,
}

/// The function that they name.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) function: FunctionName,
    kind: Option<String>,
}

impl NamedArgs {
    pub(super) fn find(self) -> Result<Named> {
        Ok(Named {
            function: FunctionName::parse(&self.integration, self.name.as_deref())?,
            kind: self.kind,
        })
    }

    /// The same for a command with two more words behind the name: with both parts in one word, they come earlier.
    pub(super) fn find_before(mut self, more: [Option<String>; 2]) -> Result<(Named, [Option<String>; 2])> {
        let [first, second] = more;
        if self.integration.contains('/') && second.is_none() {
            let shifted = [self.name.take(), first];
            return Ok((self.find()?, shifted));
        }
        Ok((self.find()?, [first, second]))
    }
}

impl Named {
    pub(super) async fn get(&self, client: &Client, rest: &str, version: Option<&str>) -> Result<Value> {
        let query = [("type", self.kind.as_deref()), ("version", version)];
        let path = self.function.path(rest, &query)?;
        let answer = client.json(Method::GET, &path, None).await;
        answer.map_err(|error| self.function.explain(error))
    }

    /// A change that the server may refuse.
    pub(super) async fn change(&self, client: &Client, method: Method, rest: &str, mut body: Value) -> Result<Value> {
        if let Some(kind) = &self.kind {
            body["type"] = json!(kind);
        }
        let answer = client.json(method, &self.function.path(rest, &[])?, Some(&body)).await;
        answer.map_err(|error| {
            let is_nothing =
                error.code() != "version_not_found" && matches!(error, ClientError::Refused { status: 404, .. });
            let exit = if error.is_about_the_server() || is_nothing {
                1
            } else {
                DEPLOY_FAILED
            };
            let error = self.function.explain(error);
            unchanged(&code_of(&error), error.to_string()).exit(exit).into()
        })
    }

    pub(super) fn title(&self) -> String {
        self.function.title()
    }
}

pub(super) fn unchanged(code: &str, message: impl Into<String>) -> Failure {
    Failure::new(code, message)
        .lead("Nothing was changed")
        .exit(DEPLOY_FAILED)
}
