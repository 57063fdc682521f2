//! Who calls, once the key has been accepted.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::answer::Refusal;
use crate::scim::Source;

/// A client with a valid key of the identity manager in the path. Handlers take it as an argument.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The label of the key: the actor of every change.
    pub label: String,
    pub source_id: i32,
    /// The parsed configuration of the source.
    pub source: Arc<Source>,
    /// As the client sees it: https://host/scim/iam/v2
    pub base: String,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        // Only a route outside of `router::scim` has none.
        parts.extensions.get::<Self>().cloned().ok_or_else(Refusal::fault)
    }
}
