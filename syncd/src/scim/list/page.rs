//! One page of a list.

use roster_scim::filter::{self, Condition};
use roster_scim::schema::ResourceKind;
use tokio_postgres::Row;

use super::order::Order;
use crate::database::Client;
use crate::http::{Caller, Refusal};
use crate::scim::condition;
use crate::scim::cursor::{ListDigest, Position};
use crate::scim::query::{Query, Start};
use crate::scim::sql::{Parameter, Parameters, fill};
use crate::scim::stored::Stored;

/// What is asked for, understood.
#[derive(Debug)]
pub struct Request<'c> {
    kind: ResourceKind,
    caller: &'c Caller,
    condition: Option<Condition>,
    order: Order,
    start: Start,
    size: i64,
    with_groups: bool,
    digest: ListDigest,
}

#[derive(Debug)]
pub struct Page {
    pub resources: Vec<Stored>,
    /// Of the whole list.
    pub total: i64,
    pub next_cursor: Option<String>,
}

impl<'c> Request<'c> {
    pub fn new(
        kind: ResourceKind,
        caller: &'c Caller,
        query: &Query,
        with_groups: bool,
    ) -> Result<Self, Refusal> {
        let registry = &caller.source.registry;
        let condition = match &query.filter {
            None => None,
            Some(text) => Some(filter::compile(&filter::parse(text)?, registry, kind)?),
        };
        let parts = [
            Some(kind.name()),
            query.filter.as_deref(),
            query.sort_by.as_deref(),
            query.sort_order.as_deref(),
        ];
        Ok(Self {
            kind,
            caller,
            condition,
            order: Order::new(registry, kind, query)?,
            start: query.start()?,
            size: query.page_size()?,
            with_groups: with_groups && kind == ResourceKind::User,
            digest: ListDigest::of(caller.source_id, &parts),
        })
    }

    /// Another part of the list than the client named.
    pub fn between(self, start: i64, size: i64) -> Self {
        Self { start: Start::Index(start), size, ..self }
    }

    pub fn size(&self) -> i64 {
        self.size
    }

    /// None: the client pages by cursor.
    pub fn start_index(&self) -> Option<i64> {
        match self.start {
            Start::Index(index) => Some(index),
            Start::Cursor(_) => None,
        }
    }

    pub async fn page(&self, client: &Client) -> Result<Page, Refusal> {
        let position = match &self.start {
            Start::Cursor(cursor) if !cursor.is_empty() => Some(Position::from_cursor(cursor, self.digest)?),
            _ => None,
        };
        if self.size == 0 {
            return Ok(Page { resources: Vec::new(), total: self.count(client).await?, next_cursor: None });
        }
        let mut rows = self.rows(client, position.as_ref()).await?;
        let page_size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let goes_on = rows.len() > page_size;
        rows.truncate(page_size);
        let total = match self.known_total(rows.len(), goes_on, position.is_some()) {
            Some(total) => total,
            None => self.count(client).await?,
        };
        let next_cursor = match rows.last() {
            Some(last) if goes_on && self.start_index().is_none() => Some(self.cursor_after(last)?),
            _ => None,
        };
        let resources = rows.iter().map(Stored::from_row).collect::<Result<_, _>>()?;
        Ok(Page { resources, total, next_cursor })
    }

    /// The end of the list tells how long it is.
    fn known_total(&self, found: usize, goes_on: bool, is_behind_cursor: bool) -> Option<i64> {
        let before = self.start_index().unwrap_or(1) - 1;
        let is_end = !goes_on && !is_behind_cursor && (found > 0 || before == 0);
        is_end.then(|| before + i64::try_from(found).unwrap_or(i64::MAX))
    }

    fn cursor_after(&self, last: &Row) -> Result<String, Refusal> {
        let position = Position { rid: last.try_get(0)?, sort_key: last.try_get(7)? };
        Ok(position.cursor(self.digest))
    }

    async fn rows(&self, client: &Client, position: Option<&Position>) -> Result<Vec<Row>, Refusal> {
        let mut parameters = Parameters::of_source(self.caller.source_id);
        let condition = self.condition(&mut parameters);
        let sort_key = self.order.sort_key(&mut parameters);
        let after = self.order.after(position, &mut parameters);
        let limit = parameters.add(Parameter::Number(self.size + 1));
        let offset = parameters.add(Parameter::Number(self.start_index().unwrap_or(1) - 1));
        let groups = match self.with_groups {
            true => include_str!("../../../sql/scim/list/groups_of_user.sql"),
            false => include_str!("../../../sql/scim/list/no_groups.sql"),
        };
        let gaps = [
            ("groups", groups.trim_end()),
            ("sort_key", &sort_key),
            ("resources", self.resources()),
            ("condition", &condition),
            ("after", &after),
            ("order", &self.order.order(self.condition.is_some())),
            ("limit", &limit),
            ("offset", &offset),
        ];
        let statement = fill(include_str!("../../../sql/scim/list.sql"), &gaps);
        Ok(parameters.query(client, &statement).await?)
    }

    async fn count(&self, client: &Client) -> Result<i64, Refusal> {
        let mut parameters = Parameters::of_source(self.caller.source_id);
        let condition = self.condition(&mut parameters);
        let gaps = [("resources", self.resources()), ("condition", condition.as_str())];
        let statement = fill(include_str!("../../../sql/scim/count.sql"), &gaps);
        let rows = parameters.query(client, &statement).await?;
        Ok(rows.first().map(|row| row.try_get(0)).transpose()?.unwrap_or_default())
    }

    fn condition(&self, parameters: &mut Parameters) -> String {
        match &self.condition {
            None => condition::always(),
            Some(condition) => condition::of_resources(condition, parameters),
        }
    }

    fn resources(&self) -> &'static str {
        match self.kind {
            ResourceKind::User => include_str!("../../../sql/scim/list/users.sql").trim_end(),
            ResourceKind::Group => include_str!("../../../sql/scim/list/groups.sql").trim_end(),
        }
    }
}
