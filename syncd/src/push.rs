//! What services push: events (CloudEvents 1.0) and attribute calls. Each is one call of the database, which is effective
//! when the request is answered. Keys and limits are in `crate::http`, the rules of order in `sql/51_push.sql`.

mod calls;
mod check;
mod event;
mod events;
mod outcome;
mod signed;
mod write;

use axum::Router;
use axum::routing::{post, put};

use crate::http::HttpState;
pub use check::check;

/// What is below `/v1`, for keys with the scope `push`.
pub fn router() -> Router<HttpState> {
    Router::new()
        .route("/events", post(events::take))
        .route("/users/{username}", put(calls::replace_user))
        .route(
            "/users/{username}/attributes/{name}",
            put(calls::set_attribute).post(calls::add_values).delete(calls::remove_values),
        )
}
