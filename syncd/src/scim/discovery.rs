//! What the server can do (RFC 7644 section 4), and addresses that lead nowhere on purpose.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{any, get};
use roster_scim::discovery::{Limits, resource_types, schemas, service_provider_config};
use serde::Deserialize;
use serde_json::Value;

use super::bulk::MOST_OPERATIONS;
use super::list;
use super::query::{LARGEST_PAGE, PAGE, Query};
use crate::http::body::LARGEST;
use crate::http::{Answer, Caller, HttpState, Refusal};

type Answered = Result<Answer, Refusal>;

#[derive(Debug, Deserialize)]
struct Id {
    id: String,
}

pub fn routes() -> Router<HttpState> {
    Router::new()
        .route("/ServiceProviderConfig", get(configuration))
        .route("/ResourceTypes", get(all_types))
        .route("/ResourceTypes/{id}", get(one_type))
        .route("/Schemas", get(all_schemas))
        .route("/Schemas/{id}", get(one_schema))
        .route("/Me", any(me))
}

async fn configuration(caller: Caller, query: Query) -> Answered {
    refuse_filter(&query)?;
    let limits = Limits {
        max_operations: MOST_OPERATIONS as u64,
        max_payload_size: LARGEST as u64,
        max_page_size: LARGEST_PAGE.unsigned_abs(),
        default_page_size: PAGE.unsigned_abs(),
    };
    Ok(Answer::ok(&service_provider_config(&caller.base, &limits)))
}

async fn all_types(caller: Caller, query: Query) -> Answered {
    refuse_filter(&query)?;
    Ok(Answer::ok(&list::of_values(resource_types(&caller.source.registry, &caller.base))))
}

async fn one_type(caller: Caller, query: Query, Path(id): Path<Id>) -> Answered {
    refuse_filter(&query)?;
    one_of(resource_types(&caller.source.registry, &caller.base), &id.id)
}

async fn all_schemas(caller: Caller, query: Query) -> Answered {
    refuse_filter(&query)?;
    Ok(Answer::ok(&list::of_values(schemas(&caller.source.registry, &caller.base))))
}

async fn one_schema(caller: Caller, query: Query, Path(id): Path<Id>) -> Answered {
    refuse_filter(&query)?;
    one_of(schemas(&caller.source.registry, &caller.base), &id.id)
}

/// RFC 7644 section 4: a filter must not seem to have been applied.
fn refuse_filter(query: &Query) -> Result<(), Refusal> {
    match query.filter {
        None => Ok(()),
        Some(_) => Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "what the server can do is not filtered; leave filter out",
        )),
    }
}

fn one_of(values: Vec<Value>, id: &str) -> Answered {
    let found = values.iter().find(|value| {
        value.get("id").and_then(Value::as_str).is_some_and(|own| own.eq_ignore_ascii_case(id))
    });
    match found {
        Some(value) => Ok(Answer::ok(value)),
        None => {
            let shown: String = id.chars().take(100).collect();
            Err(Refusal::new(
                StatusCode::NOT_FOUND,
                format!("there is no \"{shown}\" here; the list without it has all"),
            ))
        }
    }
}

async fn me() -> Refusal {
    let detail = "a key of the API is nobody's account, so there is no /Me; use /Users with a filter";
    Refusal::new(StatusCode::NOT_IMPLEMENTED, detail)
}
