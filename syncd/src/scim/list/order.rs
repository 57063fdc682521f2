//! The order of a list, and what comes after a cursor in it.

use roster_scim::schema::{Registry, ResourceKind};
use roster_scim::sort::{Sort, sort};

use crate::http::Refusal;
use crate::scim::cursor::Position;
use crate::scim::query::Query;
use crate::scim::sql::{Parameter, Parameters, fill};

/// By what a list is sorted; without it by the time of creation.
#[derive(Debug)]
pub struct Order {
    by: Option<Sort>,
    descending: bool,
}

impl Order {
    pub fn new(registry: &Registry, kind: ResourceKind, query: &Query) -> Result<Self, Refusal> {
        let by = match &query.sort_by {
            None => None,
            Some(path) => sort(registry, kind, path)?,
        };
        Ok(Self { by, descending: query.descending()? })
    }

    /// What a resource is sorted by, as text: the cursor carries it.
    pub fn sort_key(&self, parameters: &mut Parameters) -> String {
        match &self.by {
            None => piece(include_str!("../../../sql/scim/list/sort_nothing.sql")),
            Some(Sort::Id) => piece(include_str!("../../../sql/scim/list/sort_id.sql")),
            Some(Sort::Created) => piece(include_str!("../../../sql/scim/list/sort_created.sql")),
            Some(Sort::Modified) => piece(include_str!("../../../sql/scim/list/sort_modified.sql")),
            Some(Sort::Search { preferred, any }) => {
                let preferred = parameters.add(Parameter::Text(preferred.clone()));
                let any = parameters.add(Parameter::Text(any.clone()));
                let gaps = [("preferred", preferred.as_str()), ("any", any.as_str())];
                fill(include_str!("../../../sql/scim/list/sort_search.sql"), &gaps)
            }
        }
    }

    /// The index that has the order is of use for whole lists only: where a filter finds a few, walking all of them in
    /// order is the slow way, and the planner cannot know.
    pub fn order(&self, is_filtered: bool) -> String {
        match (&self.by, self.descending) {
            (None, _) if is_filtered => piece(include_str!("../../../sql/scim/list/order_found.sql")),
            (None, _) => piece(include_str!("../../../sql/scim/list/order_rid.sql")),
            (Some(_), false) => piece(include_str!("../../../sql/scim/list/order_ascending.sql")),
            (Some(_), true) => piece(include_str!("../../../sql/scim/list/order_descending.sql")),
        }
    }

    /// Resources without the attribute come last in ascending order and first in descending (RFC 7644 section 3.4.2.3).
    pub fn after(&self, position: Option<&Position>, parameters: &mut Parameters) -> String {
        let Some(position) = position else {
            return piece(include_str!("../../../sql/scim/list/after_nothing.sql"));
        };
        let rid = parameters.add(Parameter::Number(position.rid));
        if self.by.is_none() {
            return fill(include_str!("../../../sql/scim/list/after_rid.sql"), &[("rid", &rid)]);
        }
        let Some(key) = &position.sort_key else {
            let template = match self.descending {
                false => include_str!("../../../sql/scim/list/after_null_ascending.sql"),
                true => include_str!("../../../sql/scim/list/after_null_descending.sql"),
            };
            return fill(template, &[("rid", &rid)]);
        };
        let key = parameters.add(Parameter::Text(key.clone()));
        let template = match self.descending {
            false => include_str!("../../../sql/scim/list/after_key_ascending.sql"),
            true => include_str!("../../../sql/scim/list/after_key_descending.sql"),
        };
        fill(template, &[("rid", &rid), ("key", &key)])
    }
}

fn piece(text: &str) -> String {
    fill(text, &[])
}
