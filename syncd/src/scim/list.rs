//! Lists: GET of a collection and searches. Filter, order and page become one statement; how many there are in all needs a
//! second one only when the page does not tell.

mod everything;
mod order;
mod page;

use axum::http::StatusCode;
use roster_scim::schema::ResourceKind;
use serde_json::{Map, Value, json};

use super::members::{self, Frame, MemberShape};
use super::query::Query;
use crate::http::{Answer, Caller, HttpState, Refusal};
pub use everything::everything;
use page::{Page, Request};

const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

pub async fn answer(
    kind: ResourceKind,
    state: &HttpState,
    caller: &Caller,
    query: &Query,
) -> Result<Answer, Refusal> {
    let projection = query.projection(&caller.source.registry, kind)?;
    let request = Request::new(kind, caller, query, projection.wants("groups"))?;
    let client = state.pool.get().await?;
    let page = request.page(&client).await?;

    let around = around(&page, request.start_index());
    let listed = page.resources.into_iter();
    if kind == ResourceKind::Group && projection.wants("members") {
        let (before, after) = frame(&around)?;
        let groups = listed.map(|stored| (stored.rid, stored.shown(caller, kind, &projection))).collect();
        let shape = MemberShape::new(&caller.base, &projection);
        let body = members::body(client, caller.source_id, Frame { groups, before, after }, shape).await?;
        return Ok(Answer::streamed(StatusCode::OK, body));
    }
    drop(client);
    let resources = listed.map(|stored| Value::Object(stored.shown(caller, kind, &projection))).collect();
    Ok(Answer::ok(&with_resources(around, resources)))
}

/// A list of resources that fit into memory anyway.
pub fn of_values(resources: Vec<Value>) -> Value {
    let count = resources.len();
    let around =
        json!({"schemas": [LIST_RESPONSE], "totalResults": count, "itemsPerPage": count, "startIndex": 1});
    match around {
        Value::Object(around) => with_resources(around, resources),
        other => other,
    }
}

/// All of the answer but its resources.
fn around(page: &Page, start_index: Option<i64>) -> Map<String, Value> {
    let mut around = Map::new();
    around.insert("schemas".to_owned(), json!([LIST_RESPONSE]));
    around.insert("totalResults".to_owned(), json!(page.total));
    around.insert("itemsPerPage".to_owned(), json!(page.resources.len()));
    if let Some(index) = start_index {
        around.insert("startIndex".to_owned(), json!(index));
    }
    if let Some(cursor) = &page.next_cursor {
        around.insert("nextCursor".to_owned(), json!(cursor));
    }
    around
}

fn with_resources(mut around: Map<String, Value>, resources: Vec<Value>) -> Value {
    around.insert("Resources".to_owned(), Value::Array(resources));
    Value::Object(around)
}

/// The text before and behind the resources.
fn frame(around: &Map<String, Value>) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
    let mut before = serde_json::to_vec(around).map_err(|_| Refusal::fault())?;
    before.pop();
    before.extend_from_slice(b",\"Resources\":[");
    Ok((before, b"]}".to_vec()))
}
