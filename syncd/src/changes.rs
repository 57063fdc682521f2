//! `GET /v1/changes`: the change feed of the key's identity manager, for whoever wants to follow it.

mod query;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::time::{Instant, timeout_at};

use crate::http::{ApiCaller, HttpState, Problem};
use query::Query;

const NDJSON: &str = "application/x-ndjson";

pub fn router() -> Router<HttpState> {
    Router::new().route("/v1/changes", get(changes))
}

/// A stretch of the feed: one JSON object per change, and where to go on.
struct Page {
    lines: Vec<String>,
    next: i64,
    is_end: bool,
}

async fn changes(
    State(state): State<HttpState>,
    caller: ApiCaller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::parse(query.as_deref().unwrap_or_default()).map_err(Problem::bad)?;
    let page = wait_for_page(&state, caller.iam_id, query).await?;
    let wants_lines =
        headers.get_all(ACCEPT).iter().any(|accept| accept.as_bytes().starts_with(NDJSON.as_bytes()));
    Ok(if wants_lines { as_lines(&page) } else { as_document(&page) })
}

/// Whoever waits holds no connection to the database.
async fn wait_for_page(state: &HttpState, iam_id: i32, mut query: Query) -> Result<Page, Problem> {
    let until = Instant::now() + query.wait;
    let mut interest = None;
    loop {
        let page = read(state, iam_id, &query).await?;
        if !page.lines.is_empty() {
            return Ok(page);
        }
        query.after = page.next;
        // Nothing but changes of others was found, and there is more.
        if !page.is_end && Instant::now() < until {
            continue;
        }
        let interest = interest.get_or_insert_with(|| state.feed.watch());
        match timeout_at(until, interest.beyond(page.next)).await {
            Ok(true) => {}
            _ => return Ok(page),
        }
    }
}

async fn read(state: &HttpState, iam_id: i32, query: &Query) -> Result<Page, Problem> {
    // All who wait wake at once.
    let _turn = state.working.acquire().await.map_err(|_| crate::http::Refusal::fault())?;
    let client = state.pool.get().await?;
    let statement = client.prepare_cached(include_str!("../sql/feed_page.sql")).await?;
    let row = client.query_one(&statement, &[&iam_id, &query.after, &query.limit, &query.kinds]).await?;
    Ok(Page { lines: row.try_get("lines")?, next: row.try_get("next")?, is_end: row.try_get("is_end")? })
}

fn as_document(page: &Page) -> Response {
    let body = format!("{{\"changes\":[{}],\"next\":{}}}", page.lines.join(","), page.next);
    answer("application/json", body)
}

/// The last line says where to go on.
fn as_lines(page: &Page) -> Response {
    let mut body = page.lines.join("\n");
    if !body.is_empty() {
        body.push('\n');
    }
    body.push_str(&format!("{{\"next\":{}}}\n", page.next));
    answer(NDJSON, body)
}

fn answer(content_type: &'static str, body: String) -> Response {
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-store")], Body::from(body)).into_response()
}
