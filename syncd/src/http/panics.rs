//! A fault of ours in one request must not end the connection without an answer.

use std::panic::AssertUnwindSafe;

use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tracing::error;

use super::answer::Refusal;

pub async fn caught(response: impl Future<Output = Response>) -> Response {
    match AssertUnwindSafe(response).catch_unwind().await {
        Ok(response) => response,
        // The panic itself was printed where it happened.
        Err(_) => {
            error!("a request was given up because of a fault in syncd");
            Refusal::fault().into_response()
        }
    }
}
