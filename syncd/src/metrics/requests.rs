//! HTTP requests by method, route and status. A route is a template: what people are called is not in it.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// From a look-up by id to a list of everybody.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
const NO_ROUTE: &str = "none";

type Answered = [(&'static str, String); 3];
type Routed = [(&'static str, String); 2];

#[derive(Debug, Clone)]
pub struct Requests {
    answered: Family<Answered, Counter>,
    seconds: Family<Routed, Histogram, fn() -> Histogram>,
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

impl Requests {
    pub fn new(registry: &mut Registry) -> Self {
        let answered = Family::<Answered, Counter>::default();
        let seconds = Family::new_with_constructor(histogram as fn() -> Histogram);
        registry.register("pg_roster_http_requests", "Requests that were answered", answered.clone());
        let help = "How long requests took, until the head of the answer was ready";
        registry.register("pg_roster_http_request_duration_seconds", help, seconds.clone());
        Self { answered, seconds }
    }

    pub async fn measured(&self, request: Request, next: Next) -> Response {
        let method = method(request.method()).to_owned();
        let route =
            request.extensions().get::<MatchedPath>().map_or(NO_ROUTE, |path| template(path.as_str()));
        let route = route.to_owned();
        let start = Instant::now();
        let response = next.run(request).await;
        let seconds = start.elapsed().as_secs_f64();
        self.seconds.get_or_create(&[("method", method.clone()), ("route", route.clone())]).observe(seconds);
        let status = response.status().as_u16().to_string();
        self.answered.get_or_create(&[("method", method), ("route", route), ("status", status)]).inc();
        response
    }
}

/// Anybody can make up a method, and each would be a series for ever.
fn method(method: &Method) -> &str {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known,
        _ => "other",
    }
}

/// What the router adds of its own for addresses below a nest that lead nowhere.
fn template(path: &str) -> &str {
    if path.contains("__private__") { NO_ROUTE } else { path }
}
