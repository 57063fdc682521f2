//! Keys: every request asks the database, so that what is revoked is refused at once.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use serde_json::Value;

use super::answer::Refusal;
use super::credentials::credentials;
use super::sources::Known;
use super::state::HttpState;
use super::visit::Visit;
use crate::database::{DatabaseError, Pool};

const CHALLENGE_BASIC: HeaderValue = HeaderValue::from_static(r#"Basic realm="roster", charset="UTF-8""#);
const CHALLENGE_BEARER: HeaderValue = HeaderValue::from_static(r#"Bearer realm="roster""#);
const CHALLENGE_BEARER_REFUSED: HeaderValue = HeaderValue::from_static(
    r#"Bearer realm="roster", error="invalid_token", error_description="the API key is not valid""#,
);
const NO_KEY: &str =
    "an API key is needed: Authorization: Bearer KEY, or Basic with the label of the key as user name";
const WRONG_LABEL: &str = "the user name of Basic must be the label of the API key";

/// A key that is good for this identity manager.
#[derive(Debug)]
pub struct Admission {
    pub label: String,
    pub source_id: i32,
    pub source: Arc<Known>,
}

/// What the database says of a key.
struct Verdict {
    label: Option<String>,
    source_id: Option<i32>,
    case_sensitive: Option<bool>,
    config: Option<Value>,
    refusal: Option<String>,
}

pub async fn admit(
    state: &HttpState,
    headers: &HeaderMap,
    iam: &str,
    visit: &mut Visit,
) -> Result<Admission, Refusal> {
    let credentials = credentials(headers).ok_or_else(missing)?;
    let verdict = ask(&state.pool, &credentials.key, iam).await?;
    visit.label.clone_from(&verdict.label);
    visit.source_id = verdict.source_id;
    if let Some(refusal) = verdict.refusal {
        return Err(refused(&refusal));
    }
    let label = verdict.label.unwrap_or_default();
    check_label(credentials.label.as_deref(), &label)?;
    let (Some(source_id), Some(config)) = (verdict.source_id, verdict.config) else {
        return Err(refused("source"));
    };
    let source = state.sources.known(source_id, config, verdict.case_sensitive.unwrap_or(false));
    source.limiter.admit(&label).map_err(too_often)?;
    Ok(Admission { label, source_id, source })
}

/// A connection may have broken while nobody used it: then another one is asked.
async fn ask(pool: &Pool, key: &str, iam: &str) -> Result<Verdict, DatabaseError> {
    match ask_once(pool, key, iam).await {
        Err(DatabaseError::Statement { closed: true, .. }) => {
            pool.weed();
            ask_once(pool, key, iam).await
        }
        answered => answered,
    }
}

async fn ask_once(pool: &Pool, key: &str, iam: &str) -> Result<Verdict, DatabaseError> {
    let client = pool.get().await?;
    let statement = client.prepare_cached(include_str!("../../sql/scim_enter.sql")).await?;
    let row = client.query_one(&statement, &[&key, &iam]).await?;
    Ok(Verdict {
        label: row.try_get("label")?,
        source_id: row.try_get("source_id")?,
        case_sensitive: row.try_get("case_sensitive")?,
        config: row.try_get("config")?,
        refusal: row.try_get("refusal")?,
    })
}

fn refused(refusal: &str) -> Refusal {
    let forbidden = |detail: &str| Refusal::new(StatusCode::FORBIDDEN, detail);
    match refusal {
        "scope" => forbidden("the API key is not good for provisioning: it needs the scope \"scim\""),
        "iam" => forbidden("the API key is of another identity manager than the one in the address"),
        "inactive" => forbidden("the identity manager or its SCIM source is disabled or dropped"),
        "source" => forbidden(
            "it is not clear which source is meant: the identity manager has no SCIM source, or several and the key names none",
        ),
        other => unusable(other),
    }
}

/// The request has no key.
pub fn missing() -> Refusal {
    unauthorized(NO_KEY, CHALLENGE_BEARER)
}

/// The key is good for nothing.
pub fn unusable(refusal: &str) -> Refusal {
    let detail = match refusal {
        "revoked" => "the API key was revoked; ask for another one",
        "expired" => "the API key has expired; ask for another one",
        _ => "the API key is not known",
    };
    unauthorized(detail, CHALLENGE_BEARER_REFUSED)
}

/// With Basic, the user name must be that of the key.
pub fn check_label(claimed: Option<&str>, label: &str) -> Result<(), Refusal> {
    match claimed {
        Some(claimed) if claimed != label => Err(unauthorized(WRONG_LABEL, CHALLENGE_BEARER_REFUSED)),
        _ => Ok(()),
    }
}

fn unauthorized(detail: &str, bearer: HeaderValue) -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, detail)
        .with_header(WWW_AUTHENTICATE, bearer)
        .with_header(WWW_AUTHENTICATE, CHALLENGE_BASIC)
}

pub fn too_often(wait: Duration) -> Refusal {
    let detail = "the API key sends more requests per second than its source allows; try again later";
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, detail).retry_after(seconds)
}
