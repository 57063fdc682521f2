//! The gate of everything for machines beside /scim: who calls, how often, with how much. A key acts in its own identity
//! manager and source only, so no address names either.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tracing::{Span, debug};

use super::credentials::credentials;
use super::intake::{discard_body, original_uri, place, with_whole_body};
use super::key;
use super::limiter::Limiter;
use super::panics::caught;
use super::problem::{Problem, as_problem};
use super::state::HttpState;
use crate::database::{DatabaseError, Pool};

/// What a key must be good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Push,
    UserInfo,
    Changes,
}

impl Scope {
    fn name(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::UserInfo => "user-info",
            Self::Changes => "changes",
        }
    }

    /// Whether requests may wait for something to happen: then they take no place from those that work.
    fn waits(self) -> bool {
        self == Self::Changes
    }
}

/// Who calls, once the key has been accepted. Handlers take it as an argument.
#[derive(Debug, Clone)]
pub struct ApiCaller {
    /// The label of the key: the actor of every change.
    pub label: String,
    pub iam_id: i32,
    pub iam: String,
    /// None: the scope needs no source, and the key names none.
    pub source_id: Option<i32>,
    pub source: Option<String>,
    /// Whether usernames differ by case.
    pub case_sensitive: bool,
    /// Of the source; an empty object without one.
    pub config: Arc<Value>,
}

impl<S: Sync> FromRequestParts<S> for ApiCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        // Only a route that `guarded` has not seen has none.
        parts.extensions.get::<Self>().cloned().ok_or_else(|| super::Refusal::fault().into())
    }
}

/// The routes, for keys with that scope.
pub fn guarded(router: Router<HttpState>, state: &HttpState, scope: Scope) -> Router<HttpState> {
    // The gate has a limit of its own, with its own answer.
    router
        .route_layer(DefaultBodyLimit::disable())
        .route_layer(from_fn_with_state((state.clone(), scope), enter))
}

async fn enter(State((state, scope)): State<(HttpState, Scope)>, request: Request, next: Next) -> Response {
    let (method, uri) = (request.method().clone(), original_uri(&request));
    match serve(&state, scope, request, next).await {
        Ok(response) => as_problem(response, &method, uri.path()),
        Err(problem) => {
            debug!(status = problem.status().as_u16(), reason = problem.detail(), "not let in");
            problem.into_response()
        }
    }
}

async fn serve(state: &HttpState, scope: Scope, request: Request, next: Next) -> Result<Response, Problem> {
    let caller = match admit(state, request.headers(), scope).await {
        Ok(caller) => caller,
        Err(problem) => {
            discard_body(request).await;
            return Err(problem);
        }
    };
    Span::current().record("key", caller.label.as_str());
    let mut taken = with_whole_body(state, request).await?;
    let _memory = taken.memory;
    taken.request.extensions_mut().insert(caller);
    let _turn = match scope.waits() {
        true => None,
        false => Some(place(&state.working, 1).await?),
    };
    Ok(caught(next.run(taken.request)).await?)
}

async fn admit(state: &HttpState, headers: &HeaderMap, scope: Scope) -> Result<ApiCaller, Problem> {
    let credentials = credentials(headers).ok_or_else(key::missing)?;
    let verdict = match ask(&state.pool, &credentials.key, scope).await {
        // A connection may have broken while nobody used it: then another one is asked.
        Err(DatabaseError::Statement { closed: true, .. }) => {
            state.pool.weed();
            ask(&state.pool, &credentials.key, scope).await
        }
        answered => answered,
    }?;
    match verdict {
        Ok(caller) => {
            key::check_label(credentials.label.as_deref(), &caller.label)?;
            let limiter = state.limiters.of(caller.source_id, &caller.config);
            limiter.admit(&caller.label).map_err(key::too_often)?;
            Ok(caller)
        }
        Err(refusal) => Err(refused(&refusal, scope)),
    }
}

/// Inner error: why the key is not good.
async fn ask(pool: &Pool, key: &str, scope: Scope) -> Result<Result<ApiCaller, String>, DatabaseError> {
    let client = pool.get().await?;
    let statement = client.prepare_cached(include_str!("../../sql/api_enter.sql")).await?;
    let row = client.query_one(&statement, &[&key, &scope.name()]).await?;
    if let Some(refusal) = row.try_get("refusal")? {
        return Ok(Err(refusal));
    }
    Ok(Ok(ApiCaller {
        label: row.try_get("label")?,
        iam_id: row.try_get("iam_id")?,
        iam: row.try_get("iam")?,
        source_id: row.try_get("source_id")?,
        source: row.try_get("source")?,
        case_sensitive: row.try_get("case_sensitive")?,
        config: Arc::new(row.try_get("config")?),
    }))
}

fn refused(refusal: &str, scope: Scope) -> Problem {
    let forbidden = |detail: String| Problem::new(StatusCode::FORBIDDEN, detail);
    let scope = scope.name();
    match refusal {
        "scope" => forbidden(format!("the API key is not good for this: it needs the scope \"{scope}\"")),
        "inactive" => {
            forbidden("the identity manager or source of the API key is disabled or dropped".to_owned())
        }
        "source" => forbidden(format!(
            "it is not clear which source is meant: the identity manager of the API key has no source of kind {scope}, or several and the key names none"
        )),
        other => key::unusable(other).into(),
    }
}

/// One limiter per source, and one for keys without; another one when the configuration changes.
#[derive(Debug, Clone, Default)]
pub struct Limiters(Arc<Mutex<HashMap<Option<i32>, Configured>>>);

type Configured = (Arc<Value>, Arc<Limiter>);

impl Limiters {
    fn of(&self, source_id: Option<i32>, config: &Arc<Value>) -> Arc<Limiter> {
        let mut limiters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, limiter)) = limiters.get(&source_id)
            && known == config
        {
            return Arc::clone(limiter);
        }
        let limiter = Arc::new(Limiter::of(config));
        limiters.insert(source_id, (Arc::clone(config), Arc::clone(&limiter)));
        limiter
    }
}
