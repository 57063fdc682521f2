//! Users and groups over HTTP: what is asked, and what the answer looks like.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use roster_scim::projection::Projection;
use roster_scim::schema::ResourceKind;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::etag::Conditions;
use super::list;
use super::members::{self, Frame, MemberShape};
use super::query::Query;
use super::select;
use super::stored::{self, Stored, location};
use super::write::{Changes, Echo, Links, Written};
use crate::database::Client;
use crate::http::{Answer, Caller, HttpState, JsonBody, Refusal};

type Answered = Result<Answer, Refusal>;

#[derive(Debug, Deserialize)]
struct Id {
    id: String,
}

/// What every handler of this kind of resource is given.
struct Request {
    kind: ResourceKind,
    state: HttpState,
    caller: Caller,
    projection: Projection,
}

pub fn routes(kind: ResourceKind) -> Router<HttpState> {
    let request = move |state: HttpState, caller: Caller, query: &Query| {
        let projection = query.projection(&caller.source.registry, kind)?;
        Ok::<_, Refusal>(Request { kind, state, caller, projection })
    };
    let all = get(move |State(state): State<HttpState>, caller: Caller, query: Query| async move {
        list::answer(kind, &state, &caller, &query).await
    })
    .post(move |State(state): State<HttpState>, caller: Caller, query: Query, JsonBody(body): JsonBody| async move {
        request(state, caller, &query)?.create(body).await
    });
    let search =
        post(move |State(state): State<HttpState>, caller: Caller, JsonBody(body): JsonBody| async move {
            list::answer(kind, &state, &caller, &Query::from_search(body)?).await
        });
    let one = get(
        move |State(state): State<HttpState>,
              caller: Caller,
              query: Query,
              Path(id): Path<Id>,
              headers: HeaderMap| async move {
            request(state, caller, &query)?.read(&id.id, &headers).await
        },
    )
    .put(
        move |State(state): State<HttpState>,
              caller: Caller,
              query: Query,
              Path(id): Path<Id>,
              headers: HeaderMap,
              JsonBody(body): JsonBody| async move {
            request(state, caller, &query)?.replace(&id.id, &headers, body).await
        },
    )
    .patch(
        move |State(state): State<HttpState>,
              caller: Caller,
              query: Query,
              Path(id): Path<Id>,
              headers: HeaderMap,
              JsonBody(body): JsonBody| async move {
            let asks_for_body = query.attributes.is_some();
            request(state, caller, &query)?.patch(&id.id, &headers, &body, asks_for_body).await
        },
    )
    .delete(
        move |State(state): State<HttpState>,
              caller: Caller,
              query: Query,
              Path(id): Path<Id>,
              headers: HeaderMap| async move {
            request(state, caller, &query)?.delete(&id.id, &headers).await
        },
    );
    let endpoint = kind.endpoint();
    Router::new()
        .route(endpoint, all)
        .route(&format!("{endpoint}/.search"), search)
        .route(&format!("{endpoint}/{{id}}"), one)
}

impl Request {
    async fn read(self, id: &str, headers: &HeaderMap) -> Answered {
        let uuid = stored::id(id).ok_or_else(|| stored::not_found(self.kind, id))?;
        let with_groups = self.projection.wants("groups");
        let client = self.state.pool.get().await?;
        let found = select::one(&client, self.caller.source_id, self.kind, uuid, with_groups).await?;
        let stored = found.ok_or_else(|| stored::not_found(self.kind, id))?;
        if Conditions::from_headers(headers).is_known(stored.version) {
            return Ok(Answer::empty(StatusCode::NOT_MODIFIED).with_etag(stored.version));
        }
        self.show(StatusCode::OK, client, stored).await
    }

    async fn create(self, body: Value) -> Answered {
        let client = self.state.pool.get().await?;
        let id = Uuid::new_v4();
        let written = self.changes(&client, self.echo_of_put()).create(self.kind, id, body).await?;
        let location = location(&self.caller.base, self.kind, &id.to_string());
        Ok(self.show_put(StatusCode::CREATED, client, written).await?.with_location(&location))
    }

    async fn replace(self, id: &str, headers: &HeaderMap, body: Value) -> Answered {
        let client = self.state.pool.get().await?;
        let changes = self.changes(&client, self.echo_of_put());
        let written = changes.replace(self.kind, id, body, &Conditions::from_headers(headers)).await?;
        self.show_put(StatusCode::OK, client, written).await
    }

    async fn patch(self, id: &str, headers: &HeaderMap, body: &Value, asks_for_body: bool) -> Answered {
        let client = self.state.pool.get().await?;
        let shows = asks_for_body || self.caller.source.profile.answers_patch_with_body();
        let echo = match shows {
            false => Echo::Nothing,
            true if self.wants_links() => Echo::All,
            true => Echo::Document,
        };
        let conditions = Conditions::from_headers(headers);
        let written = self.changes(&client, echo).patch(self.kind, id, body, &conditions).await?;
        if shows {
            return self.show_written(StatusCode::OK, written);
        }
        let dropped = written.dropped;
        Ok(Answer::empty(StatusCode::NO_CONTENT).with_etag(written.version).with_dropped(dropped))
    }

    async fn delete(self, id: &str, headers: &HeaderMap) -> Answered {
        let client = self.state.pool.get().await?;
        let conditions = Conditions::from_headers(headers);
        self.changes(&client, Echo::Nothing).delete(self.kind, id, &conditions).await?;
        Ok(Answer::empty(StatusCode::NO_CONTENT))
    }

    fn changes<'c>(&'c self, client: &'c Client, echo: Echo) -> Changes<'c> {
        Changes { caller: &self.caller, client, later: &[], echo }
    }

    fn wants_links(&self) -> bool {
        match self.kind {
            ResourceKind::User => self.projection.wants("groups"),
            ResourceKind::Group => self.projection.wants("members"),
        }
    }

    /// The members of a new or replaced group may be many: they are streamed as in a GET.
    fn echo_of_put(&self) -> Echo {
        match self.kind {
            ResourceKind::User if self.wants_links() => Echo::All,
            _ => Echo::Nothing,
        }
    }

    async fn show_put(&self, status: StatusCode, client: Client, mut written: Written) -> Answered {
        if self.kind == ResourceKind::User || !self.wants_links() {
            return self.show_written(status, written);
        }
        let dropped = std::mem::take(&mut written.dropped);
        let found = select::one(&client, self.caller.source_id, self.kind, written.id, false).await?;
        let answer = match found {
            Some(stored) => self.show(status, client, stored).await?,
            // Somebody has deleted it already.
            None => self.show_written(status, written)?,
        };
        Ok(answer.with_dropped(dropped))
    }

    /// What is known from the change itself.
    fn show_written(&self, status: StatusCode, written: Written) -> Answered {
        let mut members = None;
        let groups = match written.links {
            Links::Groups(groups) => groups,
            Links::Members(few) => {
                members = few;
                None
            }
            Links::Unread => None,
        };
        let stored = Stored {
            rid: 0,
            id: written.id,
            version: written.version,
            created: written.created,
            modified: written.modified,
            document: written.document.unwrap_or_default(),
            groups,
        };
        let mut shown = stored.shown(&self.caller, self.kind, &self.projection);
        if let Some(members) = members.filter(|members| !members.is_empty()) {
            let list = MemberShape::new(&self.caller.base, &self.projection).list(&members);
            shown.insert("members".to_owned(), list.map_err(|_| Refusal::fault())?);
        }
        let answer = Answer::json(status, &shown);
        Ok(answer.with_etag(written.version).with_dropped(written.dropped))
    }

    async fn show(&self, status: StatusCode, client: Client, stored: Stored) -> Answered {
        let (rid, version) = (stored.rid, stored.version);
        let shown: Map<String, Value> = stored.shown(&self.caller, self.kind, &self.projection);
        if self.kind == ResourceKind::User || !self.projection.wants("members") {
            return Ok(Answer::json(status, &shown).with_etag(version));
        }
        let frame = Frame { groups: vec![(rid, shown)], before: Vec::new(), after: Vec::new() };
        let shape = MemberShape::new(&self.caller.base, &self.projection);
        let body = members::body(client, self.caller.source_id, frame, shape).await?;
        Ok(Answer::streamed(status, body).with_etag(version))
    }
}
