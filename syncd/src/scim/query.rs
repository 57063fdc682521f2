//! What a client asks of a list or of the shape of an answer: query parameters (RFC 7644 section 3.4.2, RFC 9865) or a search
//! request, which says the same in a body (section 3.4.3).

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use roster_scim::error::{ScimError, ScimType};
use roster_scim::projection::Projection;
use roster_scim::schema::{Registry, ResourceKind};
use serde_json::Value;
use url::form_urlencoded;

use crate::http::Refusal;

/// The URN of a search request.
const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

pub const PAGE: i64 = 100;
pub const LARGEST_PAGE: i64 = 1000;

/// Parameters as they came; empty ones were not given. Unknown ones do not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    pub filter: Option<String>,
    pub sort_by: Option<String>,
    pub sort_order: Option<String>,
    pub start_index: Option<String>,
    pub count: Option<String>,
    /// Given, even if empty: the client wants to page by cursor.
    pub cursor: Option<String>,
    pub attributes: Option<String>,
    pub excluded: Option<String>,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// 1-based.
    Index(i64),
    /// The empty cursor is the beginning.
    Cursor(String),
}

impl Query {
    pub fn parse(text: &str) -> Self {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            query.set(&name, value.into_owned());
        }
        query
    }

    fn set(&mut self, name: &str, value: String) {
        let slot = match name.to_ascii_lowercase().as_str() {
            "filter" => &mut self.filter,
            "sortby" => &mut self.sort_by,
            "sortorder" => &mut self.sort_order,
            "startindex" => &mut self.start_index,
            "count" => &mut self.count,
            "attributes" => &mut self.attributes,
            "excludedattributes" => &mut self.excluded,
            "cursor" => {
                self.cursor = Some(value);
                return;
            }
            _ => return,
        };
        if !value.trim().is_empty() {
            *slot = Some(value);
        }
    }

    /// The body of `POST .../.search`.
    pub fn from_search(body: Value) -> Result<Self, ScimError> {
        let Value::Object(fields) = body else {
            return Err(ScimError::bad(ScimType::InvalidSyntax, "the body of a search is a JSON object"));
        };
        let mut query = Self::default();
        for (name, value) in fields {
            if name.eq_ignore_ascii_case("schemas") {
                check_schemas(&value)?;
            } else if let Some(text) = parameter(&name, value)? {
                query.set(&name, text);
            }
        }
        Ok(query)
    }

    pub fn projection(&self, registry: &Registry, kind: ResourceKind) -> Result<Projection, ScimError> {
        Projection::parse(registry, kind, self.attributes.as_deref(), self.excluded.as_deref())
    }

    pub fn descending(&self) -> Result<bool, ScimError> {
        match self.sort_order.as_deref().map(str::trim) {
            None => Ok(false),
            Some(order) if order.eq_ignore_ascii_case("ascending") => Ok(false),
            Some(order) if order.eq_ignore_ascii_case("descending") => Ok(true),
            Some(_) => {
                Err(ScimError::bad(ScimType::InvalidValue, "sortOrder is neither ascending nor descending"))
            }
        }
    }

    pub fn start(&self) -> Result<Start, ScimError> {
        if let Some(cursor) = &self.cursor {
            return Ok(Start::Cursor(cursor.clone()));
        }
        let index = match &self.start_index {
            None => 1,
            Some(text) => number(text).ok_or_else(|| {
                ScimError::bad(
                    ScimType::InvalidValue,
                    "startIndex is not a whole number; the first resource is 1",
                )
            })?,
        };
        Ok(Start::Index(index.max(1)))
    }

    /// How many resources the page may have.
    pub fn page_size(&self) -> Result<i64, ScimError> {
        let scim_type = match self.cursor {
            Some(_) => ScimType::InvalidCount,
            None => ScimType::InvalidValue,
        };
        let Some(text) = &self.count else {
            return Ok(PAGE);
        };
        let count = number(text).ok_or_else(|| ScimError::bad(scim_type, "count is not a whole number"))?;
        Ok(count.clamp(0, LARGEST_PAGE))
    }
}

/// Numbers that no integer holds are as good as the largest one.
fn number(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let extreme = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Some(text.parse().unwrap_or(extreme))
}

fn check_schemas(schemas: &Value) -> Result<(), ScimError> {
    let named = schemas.as_array().is_some_and(|urns| {
        urns.iter().filter_map(Value::as_str).any(|urn| urn.eq_ignore_ascii_case(SEARCH_REQUEST))
    });
    if named {
        return Ok(());
    }
    Err(ScimError::bad(ScimType::InvalidSyntax, format!("schemas of a search must name {SEARCH_REQUEST}")))
}

fn parameter(name: &str, value: Value) -> Result<Option<String>, ScimError> {
    let text = match value {
        Value::Null => return Ok(None),
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        Value::Bool(_) | Value::Object(_) => {
            let detail = format!("{name} of a search is neither text nor a number nor a list of names");
            return Err(ScimError::bad(ScimType::InvalidSyntax, detail));
        }
    };
    Ok(Some(text))
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn stray_and_empty_parameters_do_not_matter() {
        let query = Query::parse("filter=userName+eq+%22x%22&&x=1&count=&StartIndex=2&");
        assert_eq!(query.filter.as_deref(), Some("userName eq \"x\""));
        assert_eq!((query.count, query.start_index.as_deref()), (None, Some("2")));
        assert_eq!(Query::parse(""), Query::default());
    }

    #[test]
    fn pages_begin_at_one() {
        let start = |text: &str| Query::parse(text).start().unwrap();
        assert_eq!(start(""), Start::Index(1));
        assert_eq!(start("startIndex=0"), Start::Index(1));
        assert_eq!(start("startIndex=-7"), Start::Index(1));
        assert_eq!(start("startIndex=99999999999999999999"), Start::Index(i64::MAX));
        assert_eq!(start("startIndex=5&cursor="), Start::Cursor(String::new()));
        assert!(Query::parse("startIndex=x").start().is_err());
    }

    #[test]
    fn pages_are_neither_negative_nor_huge() {
        let size = |text: &str| Query::parse(text).page_size().unwrap();
        assert_eq!(size(""), PAGE);
        assert_eq!(size("count=0"), 0);
        assert_eq!(size("count=-3"), 0);
        assert_eq!(size("count=-99999999999999999999"), 0);
        assert_eq!(size("count=7"), 7);
        assert_eq!(size("count=99999999999999999999"), LARGEST_PAGE);
        let error = Query::parse("cursor&count=many").page_size().unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidCount));
    }

    #[test]
    fn a_search_says_the_same_in_a_body() {
        let body = json!({"schemas": [SEARCH_REQUEST], "attributes": ["userName", "emails.value"], "filter": "title pr",
                          "startIndex": 3, "count": 10, "sortBy": null, "sortOrder": "descending"});
        let query = Query::from_search(body).unwrap();
        assert_eq!(query.attributes.as_deref(), Some("userName,emails.value"));
        assert_eq!((query.start().unwrap(), query.page_size().unwrap()), (Start::Index(3), 10));
        assert!(query.descending().unwrap() && query.sort_by.is_none() && query.cursor.is_none());
        assert!(Query::from_search(json!({"schemas": ["x"]})).is_err());
        assert!(Query::from_search(json!([])).is_err());
        assert!(Query::from_search(json!({"filter": {}})).is_err());
    }
}
