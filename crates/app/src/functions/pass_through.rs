//! The deprecated `ANY /v1/<endpoint>`: functions under the paths that their authors chose.

use http::Method;
use tenon_store::tables::functions::{self as table, FunctionFilter};

use super::{Function, FunctionKind};
use crate::caller::Caller;
use crate::{App, Result};

/// The most functions of one integration.
const FUNCTIONS_MAX: i64 = 5_000;

/// What an endpoint stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassThrough {
    /// `POST /action/trigger` with the body as input.
    Action {
        /// Name of the action.
        name: String,
    },
    /// `GET /records` of this model.
    Records {
        /// The model.
        model: String,
    },
}

impl App {
    /// The function that declared this method and path (below `/v1`) in the integration.
    #[tenon_model::boxed]
    pub async fn find_endpoint(
        &self,
        caller: &Caller,
        unique_key: &str,
        method: &Method,
        path: &str,
    ) -> Result<Option<PassThrough>> {
        let environment = caller.environment()?.id;
        let Some(integration) = self.find_integration(environment, unique_key).await? else {
            return Ok(None);
        };
        let filter = FunctionFilter {
            integration: Some(integration.id),
            kind: None,
            search: None,
        };
        let mut conn = self.store().read().await?;
        let rows = table::list(&mut conn, environment, filter, 0, FUNCTIONS_MAX).await?;
        drop(conn);
        let wanted = path.trim_matches('/');
        for function in rows.into_iter().map(Function::from_row) {
            let function = function?;
            let endpoints = &function.definition.endpoints;
            let Some(position) = endpoints
                .iter()
                .position(|endpoint| endpoint.method == method.as_str() && endpoint.path.trim_matches('/') == wanted)
            else {
                continue;
            };
            return Ok(match function.kind {
                FunctionKind::Action => Some(PassThrough::Action { name: function.name }),
                FunctionKind::Sync => function
                    .definition
                    .models
                    .get(position)
                    .map(|model| PassThrough::Records { model: model.clone() }),
                FunctionKind::OnEvent => None,
            });
        }
        Ok(None)
    }
}
