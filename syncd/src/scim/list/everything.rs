//! Searches of all resources (RFC 7644 section 3.4.3): the users, then the groups.

use axum::extract::State;
use axum::http::StatusCode;
use roster_scim::error::ScimType;
use roster_scim::schema::ResourceKind;
use serde_json::{Map, Value};

use super::page::{Page, Request};
use super::{around, frame};
use crate::http::{Answer, Caller, HttpState, JsonBody, Refusal};
use crate::scim::members::{self, Frame, MemberShape};
use crate::scim::query::Query;

pub async fn everything(
    State(state): State<HttpState>,
    caller: Caller,
    JsonBody(body): JsonBody,
) -> Result<Answer, Refusal> {
    let query = Query::from_search(body)?;
    refuse_order(&query)?;
    let registry = &caller.source.registry;
    let of_users = query.projection(registry, ResourceKind::User)?;
    let of_groups = query.projection(registry, ResourceKind::Group)?;
    let users = Request::new(ResourceKind::User, &caller, &query, of_users.wants("groups"))?;
    let groups = Request::new(ResourceKind::Group, &caller, &query, false)?;
    let (start, size) = (users.start_index().unwrap_or(1), users.size());

    let client = state.pool.get().await?;
    let users = users.page(&client).await?;
    let found = i64::try_from(users.resources.len()).unwrap_or(size);
    let groups = groups.between((start - users.total).max(1), size - found).page(&client).await?;

    let (shown, total) = (users.resources.len(), users.total + groups.total);
    let mut resources = users.resources;
    resources.extend(groups.resources);
    let mut page = Page { resources, total, next_cursor: None };
    let (mut before, after) = frame(&around(&page, Some(start)))?;
    let groups = page.resources.split_off(shown);
    let users = page.resources.into_iter().map(|user| user.shown(&caller, ResourceKind::User, &of_users));
    write_users(users, &mut before)?;
    if shown > 0 && !groups.is_empty() {
        before.push(b',');
    }
    let groups =
        groups.into_iter().map(|group| (group.rid, group.shown(&caller, ResourceKind::Group, &of_groups)));
    let shape = MemberShape::new(&caller.base, &of_groups);
    let frame = Frame { groups: groups.collect(), before, after };
    let body = match of_groups.wants("members") {
        true => members::body(client, caller.source_id, frame, shape).await?,
        false => members::body_without(frame, shape)?,
    };
    Ok(Answer::streamed(StatusCode::OK, body))
}

fn write_users(users: impl Iterator<Item = Map<String, Value>>, out: &mut Vec<u8>) -> Result<(), Refusal> {
    for (at, user) in users.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        serde_json::to_writer(&mut *out, &user).map_err(|_| Refusal::fault())?;
    }
    Ok(())
}

/// One order of two kinds would need all of both.
fn refuse_order(query: &Query) -> Result<(), Refusal> {
    if query.sort_by.is_some() {
        let detail =
            "users and groups are not sorted together; leave sortBy out, or search /Users or /Groups";
        return Err(Refusal::bad(ScimType::InvalidValue, detail));
    }
    if query.cursor.is_some() {
        let detail =
            "a search of users and groups has no cursors; use startIndex, or search /Users or /Groups";
        return Err(Refusal::bad(ScimType::InvalidCursor, detail));
    }
    Ok(())
}
