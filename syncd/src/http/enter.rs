//! The gate of /scim/{iam}/v2: who calls, how often, with how much; and what is noted when something was refused.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Span;

use super::address::Address;
use super::answer::{Refusal, as_scim};
use super::caller::Caller;
use super::intake::{discard_body, original_uri, place, with_whole_body};
use super::key::{self, Admission};
use super::panics::caught;
use super::state::HttpState;
use super::visit::Visit;

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
            discard_body(request).await;
            return Err(refusal);
        }
    };
    Span::current().record("key", admission.label.as_str());
    let mut taken = with_whole_body(state, request).await?;
    let _memory = taken.memory;
    visit.body = Some(taken.body);
    let caller = caller(state, address, admission, &taken.request)?;
    taken.request.extensions_mut().insert(caller);
    let _turn = place(&state.working, 1).await?;
    Ok(caught(next.run(taken.request)).await.unwrap_or_else(IntoResponse::into_response))
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
