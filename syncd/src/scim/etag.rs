//! Versions and conditional requests (RFC 7644 section 3.14).

use axum::http::{HeaderMap, HeaderName, StatusCode, header};

use crate::http::Refusal;

/// What a request demands of the version that it meets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    /// `*`: any version.
    Any,
    /// A tag that is none of ours is no version: it matches nothing.
    Versions(Vec<i64>),
}

/// What is to be asked before a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Any,
    Version(i64),
    /// The version that there is must be looked at first.
    Look,
}

impl Conditions {
    pub fn from_headers(headers: &HeaderMap) -> Self {
        Self {
            if_match: tags(headers, header::IF_MATCH),
            if_none_match: tags(headers, header::IF_NONE_MATCH),
        }
    }

    /// The `version` of an operation of a bulk request.
    pub fn matching(version: &str) -> Self {
        Self { if_match: Some(Tags::parse([version])), if_none_match: None }
    }

    pub fn expected(&self) -> Expected {
        match (&self.if_match, &self.if_none_match) {
            (None | Some(Tags::Any), None) => Expected::Any,
            (Some(Tags::Versions(versions)), None) if versions.len() == 1 => Expected::Version(versions[0]),
            _ => Expected::Look,
        }
    }

    /// Whether something of this version may be changed.
    pub fn check(&self, version: i64) -> Result<(), Refusal> {
        let unlike = self.if_match.as_ref().is_some_and(|tags| !tags.contain(version));
        let like = self.if_none_match.as_ref().is_some_and(|tags| tags.contain(version));
        if unlike || like { Err(changed_meanwhile()) } else { Ok(()) }
    }

    /// True if the reader has this version already.
    pub fn is_known(&self, version: i64) -> bool {
        self.if_none_match.as_ref().is_some_and(|tags| tags.contain(version))
    }
}

pub fn changed_meanwhile() -> Refusal {
    let detail = "the resource has another version than the one in If-Match; read it again and repeat";
    Refusal::new(StatusCode::PRECONDITION_FAILED, detail)
}

fn tags(headers: &HeaderMap, name: HeaderName) -> Option<Tags> {
    let mut values = headers.get_all(name).iter().peekable();
    values.peek()?;
    Some(Tags::parse(values.filter_map(|value| value.to_str().ok())))
}

impl Tags {
    fn parse<'v>(values: impl IntoIterator<Item = &'v str>) -> Self {
        let tags: Vec<&str> = values.into_iter().flat_map(|value| value.split(',')).map(str::trim).collect();
        match tags.contains(&"*") {
            true => Tags::Any,
            false => Tags::Versions(tags.into_iter().filter_map(version).collect()),
        }
    }

    fn contain(&self, version: i64) -> bool {
        match self {
            Tags::Any => true,
            Tags::Versions(versions) => versions.contains(&version),
        }
    }
}

/// Weak and strong tags compare alike: a version stands for the whole resource.
fn version(tag: &str) -> Option<i64> {
    let tag = tag.strip_prefix("W/").or_else(|| tag.strip_prefix("w/")).unwrap_or(tag);
    let digits = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or(tag);
    digits.parse().ok().filter(|version| *version > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(name: HeaderName, value: &'static str) -> Conditions {
        Conditions::from_headers(&HeaderMap::from_iter([(name, value.parse().unwrap())]))
    }

    #[test]
    fn one_version_is_compared_by_the_write() {
        assert_eq!(conditions(header::IF_MATCH, "W/\"3\"").expected(), Expected::Version(3));
        assert_eq!(conditions(header::IF_MATCH, "\"3\"").expected(), Expected::Version(3));
        assert_eq!(conditions(header::IF_MATCH, "*").expected(), Expected::Any);
        assert_eq!(Conditions::default().expected(), Expected::Any);
        assert_eq!(Conditions::matching("W/\"7\"").expected(), Expected::Version(7));
    }

    #[test]
    fn anything_else_is_looked_at() {
        for value in ["W/\"3\", W/\"4\"", "\"abc\"", ""] {
            assert_eq!(conditions(header::IF_MATCH, value).expected(), Expected::Look, "{value}");
        }
        assert!(conditions(header::IF_MATCH, "W/\"3\", W/\"4\"").check(4).is_ok());
        assert!(conditions(header::IF_MATCH, "\"abc\"").check(1).is_err());
        assert!(conditions(header::IF_NONE_MATCH, "*").check(1).is_err());
        assert!(conditions(header::IF_NONE_MATCH, "W/\"2\"").check(1).is_ok());
    }

    #[test]
    fn a_reader_may_have_it_already() {
        assert!(conditions(header::IF_NONE_MATCH, "W/\"1\", W/\"2\"").is_known(2));
        assert!(!conditions(header::IF_NONE_MATCH, "W/\"1\"").is_known(2));
        assert!(!Conditions::default().is_known(2));
    }
}
