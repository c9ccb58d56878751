//! Deploys from projects, and the remote builder's routes.

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use http::header::USER_AGENT;
use serde_json::Value;
use tenon_app::functions::Invoked;
use tenon_app::functions::deploy::{DeployInput, check_cli_version};
use tenon_app::validate::no_query;
use tenon_app::{Caller, Error};

use crate::{ApiResult, ApiState, Authed, Input, Path};

/// Routes of this module.
pub fn router() -> Router<ApiState> {
    Router::new()
        .route("/sync/deploy", post(deploy))
        .route("/sync/deploy/confirmation", post(confirmation))
        .route("/sync/deploy/internal", post(internal))
        .route("/cli/telemetry", post(telemetry))
        .route("/functions/compile", post(compile))
        .route("/functions/dryruns", post(dry_run))
        .route("/functions/dryruns/{id}", get(read_dry_run))
        .route("/functions/dryruns/{id}/result", post(result_refused))
        .route("/functions/deployments", post(deploy_function))
        .route("/functions/deployments/{id}", get(read_deployment))
        .route("/functions/deployments/{id}/result", post(result_refused))
        .route("/functions/deployments/bundle", post(bundle))
        .route("/functions/deployments/bundle/preview", post(plan_bundle))
        .route("/functions/invocations", post(invoke))
}

/// A caller of a route of the remote builder, none of which has parameters; what they need is checked by what they do.
async fn builder(state: &ApiState, input: &Input) -> ApiResult<Arc<Caller>> {
    let caller = Authed::check(&state.app, &input.headers).await?;
    no_query(&input.query)?;
    Ok(caller)
}

/// Key, scope, query and the version of the command line, in the order of the contract.
async fn allowed(state: &ApiState, input: &Input) -> ApiResult<Arc<Caller>> {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:deploy")?;
    no_query(&input.query)?;
    check_cli_version(input.header(USER_AGENT.as_str()))?;
    Ok(caller)
}

async fn deploy(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = allowed(&state, &input).await?;
    let wanted = DeployInput::parse(input.json(), false)?;
    Ok(Json(state.app.deploy(&caller, wanted).await?).into_response())
}

async fn confirmation(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = allowed(&state, &input).await?;
    let wanted = DeployInput::parse(input.json(), true)?;
    Ok(Json(state.app.plan_deploy(&caller, wanted).await?).into_response())
}

async fn internal(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:deploy")?;
    Err(Error::forbidden("This endpoint is only for the platform's own account; use /sync/deploy").into())
}

/// Accepted and forgotten: nothing phones home here.
async fn telemetry() -> StatusCode {
    StatusCode::NO_CONTENT
}

async fn compile(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = builder(&state, &input).await?;
    answer(state.app.compile_function(&caller, input.json()).await)
}

async fn dry_run(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = builder(&state, &input).await?;
    accepted(state.app.dry_run_function(&caller, input.json()).await)
}

async fn read_dry_run(State(state): State<ApiState>, Path(id): Path<String>, input: Input) -> ApiResult {
    let caller = builder(&state, &input).await?;
    answer(state.app.read_dry_run(&caller, &id).await)
}

async fn deploy_function(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = builder(&state, &input).await?;
    accepted(state.app.deploy_function(&caller, input.json()).await)
}

async fn read_deployment(State(state): State<ApiState>, Path(id): Path<String>, input: Input) -> ApiResult {
    let caller = builder(&state, &input).await?;
    answer(state.app.read_function_deployment(&caller, &id).await)
}

/// Results come from build sandboxes, which this server does not start.
async fn result_refused(State(state): State<ApiState>, input: Input) -> ApiResult {
    Authed::check(&state.app, &input.headers).await?;
    Err(Error::forbidden("This endpoint only accepts sandbox tokens").into())
}

async fn bundle(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = builder(&state, &input).await?;
    answer(state.app.deploy_bundle(&caller, input.json()).await)
}

async fn plan_bundle(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = builder(&state, &input).await?;
    answer(state.app.plan_bundle(&caller, input.json()).await)
}

async fn invoke(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = builder(&state, &input).await?;
    match state.app.invoke_function(&caller, input.json()).await? {
        Invoked::Done(answer) => Ok(Json(answer).into_response()),
        Invoked::Accepted(answer) => accepted(Ok(answer)),
    }
}

/// The answer to work that goes on.
fn accepted(result: tenon_app::Result<Value>) -> ApiResult {
    Ok((StatusCode::ACCEPTED, Json(result?)).into_response())
}

fn answer(result: tenon_app::Result<Value>) -> ApiResult {
    Ok(Json(result?).into_response())
}
