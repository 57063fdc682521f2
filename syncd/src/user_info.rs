//! `GET /user-info?userid=`: the groups and attributes that a user effectively has, in the format of external
//! groups-and-attributes endpoints. Whoever asks keeps the last answer when the status is not 200, so users who are
//! inactive or unknown are answered 200 with nothing.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use tokio_postgres::types::Json;

use crate::database::DatabaseError;
use crate::http::{ApiCaller, HttpState, Problem, Refusal};

const USER: HeaderName = HeaderName::from_static("x-roster-user");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// It may be kept, and has to be asked for again each time.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("private, no-cache");

#[derive(Debug, Deserialize)]
struct Asked {
    userid: Option<String>,
}

/// The wire word for attributes is authorizations.
#[derive(Debug, Serialize)]
struct Information {
    groups: Vec<Group>,
    authorizations: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Serialize)]
struct Group {
    name: String,
}

/// For keys with the scope `user-info`.
pub fn router() -> Router<HttpState> {
    Router::new().route("/user-info", get(user_info))
}

async fn user_info(
    State(state): State<HttpState>,
    caller: ApiCaller,
    query: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = query.map_err(|error| Problem::bad(error.body_text()))?;
    let Some(userid) = query.0.userid.filter(|userid| !userid.is_empty()) else {
        return Err(Problem::bad("name the user: /user-info?userid=USERNAME"));
    };
    if userid.contains('\0') {
        return Err(Problem::bad("userid contains the character U+0000, which no username has"));
    }
    let (user, information) = read(&state, &caller, &userid).await?;
    let body = serde_json::to_vec(&information).map_err(|_| Problem::from(Refusal::fault()))?;
    let etag = format!("\"{}\"", blake3::hash(&body).to_hex());
    let mut response = match is_known(&headers, &etag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(CONTENT_TYPE, JSON)], body).into_response(),
    };
    let told = response.headers_mut();
    told.insert(CACHE_CONTROL, ASK_AGAIN);
    for (name, value) in [(ETAG, etag), (USER, user)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            told.insert(name, value);
        }
    }
    Ok(response)
}

async fn read(
    state: &HttpState,
    caller: &ApiCaller,
    userid: &str,
) -> Result<(String, Information), DatabaseError> {
    let client = state.pool.get().await?;
    let statement = client.prepare_cached(include_str!("../sql/user_info.sql")).await?;
    let row = client.query_one(&statement, &[&caller.iam_id, &userid]).await?;
    let groups: Vec<String> = row.try_get("groups")?;
    let Json(authorizations) = row.try_get("attributes")?;
    let groups = groups.into_iter().map(|name| Group { name }).collect();
    Ok((row.try_get("state")?, Information { groups, authorizations }))
}

/// Whether the client has what would be sent.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}
