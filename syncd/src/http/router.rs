//! Which address leads where.

use axum::extract::{DefaultBodyLimit, OriginalUri};
use axum::http::{StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use super::api::{Scope, guarded};
use super::enter::enter;
use super::health::{healthz, readyz};
use super::log::log;
use super::problem::Problem;
use super::state::HttpState;
use crate::metrics::{measure, metrics};

pub fn router(state: &HttpState) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .nest("/scim", scim(state))
        .nest("/v1", v1(state))
        .merge(guarded(crate::user_info::router(), state, Scope::UserInfo))
        .merge(guarded(crate::changes::router(), state, Scope::Changes))
        .fallback(nothing)
        .layer(from_fn_with_state(state.clone(), log))
        .layer(from_fn_with_state(state.clone(), measure))
        .with_state(state.clone())
}

fn scim(state: &HttpState) -> Router<HttpState> {
    Router::new()
        .nest("/{iam}/v2", crate::scim::router())
        // The gate puts it into the form that SCIM wants.
        .fallback(|| async { StatusCode::NOT_FOUND })
        // The gate has its own, with its own answer.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(state.clone(), enter))
}

/// Each part for keys of its own scope.
fn v1(state: &HttpState) -> Router<HttpState> {
    Router::new().merge(guarded(crate::push::router(), state, Scope::Push)).fallback(nothing_for_machines)
}

async fn nothing_for_machines(OriginalUri(uri): OriginalUri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is nothing at {}", uri.path()))
}

async fn nothing(uri: Uri) -> Response {
    let reason = format!("there is nothing at {}", uri.path());
    (StatusCode::NOT_FOUND, Json(json!({"status": "not found", "reason": reason}))).into_response()
}
