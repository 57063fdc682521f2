//! SCIM 2.0 over HTTP: what providers push is written by one call of the database per change and is effective when the
//! request is answered. The rules of the protocol are in the crate `roster_scim`, keys and limits in `crate::http`.

mod bulk;
mod check;
mod condition;
mod cursor;
mod discovery;
mod etag;
mod handlers;
mod list;
mod members;
mod query;
mod select;
mod source;
mod sql;
mod statements;
mod stored;
mod write;

use axum::Router;
use axum::routing::post;
use roster_scim::schema::ResourceKind;

use crate::http::HttpState;
pub use check::check;
pub use source::Source;

/// What is below `/scim/{iam}/v2`.
pub fn router() -> Router<HttpState> {
    Router::new()
        .merge(handlers::routes(ResourceKind::User))
        .merge(handlers::routes(ResourceKind::Group))
        .route("/.search", post(list::everything))
        .route("/Bulk", post(bulk::bulk))
        .merge(discovery::routes())
}
