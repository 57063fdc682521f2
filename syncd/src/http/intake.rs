//! What every gate does with a request before a handler sees it: the whole body is read, and there is a bound on how
//! much is in memory and how many are worked on.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{OriginalUri, Request};
use axum::http::Uri;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::Refusal;
use super::body;
use super::state::{BODIES_AT_ONCE_KIB, HttpState};

const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A request whose body has arrived.
#[derive(Debug)]
pub struct Taken {
    pub request: Request,
    pub body: Bytes,
    /// For the memory that the body takes.
    pub memory: OwnedSemaphorePermit,
}

pub fn original_uri(request: &Request) -> Uri {
    let original = request.extensions().get::<OriginalUri>();
    original.map_or_else(|| request.uri().clone(), |original| original.0.clone())
}

pub async fn with_whole_body(state: &HttpState, request: Request) -> Result<Taken, Refusal> {
    let (parts, body) = request.into_parts();
    let memory = place(&state.bodies, room(&body)).await?;
    let body: Bytes = body::read(body).await?;
    Ok(Taken { request: Request::from_parts(parts, Body::from(body.clone())), body, memory })
}

/// Of a request that is refused before its body is looked at.
pub async fn discard_body(request: Request) {
    let (parts, body) = request.into_parts();
    body::discard(body, &parts.headers).await;
}

/// In KiB; a body that does not tell its size may become as large as any.
fn room(body: &Body) -> u32 {
    let announced = body.size_hint().exact().unwrap_or(u64::MAX);
    let bytes = announced.min(body::LARGEST as u64);
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(BODIES_AT_ONCE_KIB)
}

pub async fn place(places: &Arc<Semaphore>, count: u32) -> Result<OwnedSemaphorePermit, Refusal> {
    let taken = tokio::time::timeout(LONGEST_WAIT, Arc::clone(places).acquire_many_owned(count)).await;
    match taken {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(Refusal::unavailable("too many requests are being worked on; try again", 1)),
    }
}
