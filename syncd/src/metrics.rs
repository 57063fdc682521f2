//! What `/metrics` tells Prometheus. Anybody may ask, so there are names of sources and of routes in it, and nothing
//! about people. What the database knows is read when somebody asks, and every daemon tells the same of it.

mod database;
mod labels;
mod pool;
mod process;
mod requests;
mod values;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tracing::error;

use crate::database::Pool;
use crate::http::HttpState;
use database::Database;
use requests::Requests;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Requests,
    database: Database,
}

impl Metrics {
    pub fn new(pool: &Pool) -> Self {
        let mut registry = Registry::default();
        let requests = Requests::new(&mut registry);
        let database = Database::new(pool.clone(), &mut registry);
        registry.register_collector(Box::new(pool::InUse(pool.clone())));
        registry.register_collector(Box::new(process::Process::new()));
        Self { registry: Arc::new(registry), requests, database }
    }
}

/// `GET /metrics`
pub async fn metrics(State(state): State<HttpState>) -> Response {
    let metrics = &state.metrics;
    metrics.database.look().await;
    let mut text = String::new();
    match encode(&mut text, &metrics.registry) {
        Ok(()) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            error!(%error, "the metrics cannot be written");
            axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Around every route.
pub async fn measure(State(state): State<HttpState>, request: Request, next: Next) -> Response {
    state.metrics.requests.measured(request, next).await
}
