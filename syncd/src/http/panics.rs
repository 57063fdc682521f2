//! A fault of ours in one request must not end the connection without an answer.

use std::panic::AssertUnwindSafe;

use axum::response::Response;
use futures_util::FutureExt;
use tracing::error;

use super::answer::Refusal;

pub async fn caught(response: impl Future<Output = Response>) -> Result<Response, Refusal> {
    AssertUnwindSafe(response).catch_unwind().await.map_err(|_| {
        // The panic itself was printed where it happened.
        error!("a request was given up because of a fault in syncd");
        Refusal::fault()
    })
}
