//! The gate of /scim/{iam}/v2: who calls, how often, with how much; and what is noted when something was refused.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, OriginalUri, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::Span;

use super::answer::{Refusal, as_scim};
use super::caller::Caller;
use super::key::{self, Admission};
use super::panics::caught;
use super::state::{BODIES_AT_ONCE_KIB, HttpState};
use super::visit::Visit;
use super::{address::Address, body};

const LONGEST_WAIT: Duration = Duration::from_secs(30);

pub async fn enter(State(state): State<HttpState>, request: Request, next: Next) -> Response {
    let uri = original_uri(&request);
    let Some(address) = Address::of(uri.path()) else {
        let detail = "there is nothing here; SCIM is at /scim/{identity manager}/v2";
        return Refusal::new(StatusCode::NOT_FOUND, detail).into_response();
    };
    let mut visit = Visit::of(&request, &uri, &address.iam);
    let response = match serve(&state, &mut visit, &address, request, next).await {
        Ok(response) => as_scim(response, &visit.method, &visit.path),
        Err(refusal) => refusal.into_response(),
    };
    visit.note(&state.log, &response);
    response
}

fn original_uri(request: &Request) -> axum::http::Uri {
    let original = request.extensions().get::<OriginalUri>();
    original.map_or_else(|| request.uri().clone(), |original| original.0.clone())
}

async fn serve(
    state: &HttpState,
    visit: &mut Visit,
    address: &Address,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let admission = match key::admit(state, request.headers(), &address.iam, visit).await {
        Ok(admission) => admission,
        Err(refusal) => {
            let (parts, body) = request.into_parts();
            body::discard(body, &parts.headers).await;
            return Err(refusal);
        }
    };
    Span::current().record("key", admission.label.as_str());
    let (mut request, _memory) = with_whole_body(state, visit, request).await?;
    let caller = caller(state, address, admission, &request)?;
    request.extensions_mut().insert(caller);
    let _turn = place(&state.working, 1).await?;
    Ok(caught(next.run(request)).await)
}

fn caller(
    state: &HttpState,
    address: &Address,
    admission: Admission,
    request: &Request,
) -> Result<Caller, Refusal> {
    let origin = state.proxies.origin(request.headers(), peer(request), state.is_tls);
    let source = admission.source.source.clone().map_err(|reason| {
        let detail = format!("the source of this identity manager cannot be used: {reason}");
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    })?;
    Ok(Caller {
        label: admission.label,
        source_id: admission.source_id,
        source,
        base: format!("{}://{}{}", origin.scheme, origin.host, address.base),
    })
}

pub fn peer(request: &Request) -> SocketAddr {
    let info = request.extensions().get::<ConnectInfo<SocketAddr>>();
    info.map_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0), |info| info.0)
}

/// The permit is for the memory that the body takes.
async fn with_whole_body(
    state: &HttpState,
    visit: &mut Visit,
    request: Request,
) -> Result<(Request, OwnedSemaphorePermit), Refusal> {
    let (parts, body) = request.into_parts();
    let memory = place(&state.bodies, room(&body)).await?;
    let bytes: Bytes = body::read(body).await?;
    visit.body = Some(bytes.clone());
    Ok((Request::from_parts(parts, Body::from(bytes)), memory))
}

/// In KiB; a body that does not tell its size may become as large as any.
fn room(body: &Body) -> u32 {
    let announced = body.size_hint().exact().unwrap_or(u64::MAX);
    let bytes = announced.min(body::LARGEST as u64);
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(BODIES_AT_ONCE_KIB)
}

async fn place(places: &Arc<Semaphore>, count: u32) -> Result<OwnedSemaphorePermit, Refusal> {
    let taken = tokio::time::timeout(LONGEST_WAIT, Arc::clone(places).acquire_many_owned(count)).await;
    match taken {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(Refusal::unavailable("too many requests are being worked on; try again", 1)),
    }
}
