//! The operations log. Routes of our own: the public contract has none.

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use tenon_app::Error;
use tenon_app::operations::LogQuery;
use tenon_app::validate::Fields;

use crate::{ApiResult, ApiState, Authed, Input, Path};

/// Routes of this module.
pub fn router() -> Router<ApiState> {
    Router::new()
        .route("/logs/operations", get(list))
        .route("/logs/operations/{id}", get(read))
}

async fn list(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:logs:read")?;
    let query = LogQuery::parse(&input.query)?;
    Ok(Json(state.app.list_operations(&caller, &query).await?).into_response())
}

async fn read(State(state): State<ApiState>, Path(id): Path<String>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:logs:read")?;
    let mut fields =
        Fields::root(Some(&input.query)).map_err(|issues| Error::invalid("invalid_query_params", issues))?;
    let after = fields.opt_integer("after", 0, i64::from(u32::MAX), true);
    fields.strict();
    fields.finish("invalid_query_params")?;
    Ok(Json(state.app.read_operation(&caller, &id, after).await?).into_response())
}
