//! Errors as SCIM clients see them (RFC 7644 section 3.12, RFC 9865 section 2).

use serde_json::{Value, json};

/// URN of an error message (RFC 7644 section 3.12).
pub const ERROR_URN: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// `scimType`: RFC 7644 table 9, and the last three from RFC 9865 section 2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScimType {
    InvalidFilter,
    TooMany,
    Uniqueness,
    Mutability,
    InvalidSyntax,
    InvalidPath,
    NoTarget,
    InvalidValue,
    InvalidVers,
    Sensitive,
    InvalidCursor,
    ExpiredCursor,
    InvalidCount,
}

impl ScimType {
    /// The keyword on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ScimType::InvalidFilter => "invalidFilter",
            ScimType::TooMany => "tooMany",
            ScimType::Uniqueness => "uniqueness",
            ScimType::Mutability => "mutability",
            ScimType::InvalidSyntax => "invalidSyntax",
            ScimType::InvalidPath => "invalidPath",
            ScimType::NoTarget => "noTarget",
            ScimType::InvalidValue => "invalidValue",
            ScimType::InvalidVers => "invalidVers",
            ScimType::Sensitive => "sensitive",
            ScimType::InvalidCursor => "invalidCursor",
            ScimType::ExpiredCursor => "expiredCursor",
            ScimType::InvalidCount => "invalidCount",
        }
    }
}

/// A refused request. `detail` is for the administrator of the provider: it names the attribute or the operation and the
/// remedy, and never repeats a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ScimError {
    pub status: u16,
    pub scim_type: Option<ScimType>,
    pub detail: String,
}

impl ScimError {
    /// A 400 with its keyword.
    pub fn bad(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self { status: 400, scim_type: Some(scim_type), detail: detail.into() }
    }

    /// Any other status, which has no keyword.
    pub fn with_status(status: u16, detail: impl Into<String>) -> Self {
        Self { status, scim_type: None, detail: detail.into() }
    }

    /// 409 for a value that is taken (RFC 7644 section 3.3).
    pub fn taken(detail: impl Into<String>) -> Self {
        Self { status: 409, scim_type: Some(ScimType::Uniqueness), detail: detail.into() }
    }

    /// The body of the answer; `status` is a string there (RFC 7644 section 3.12).
    pub fn to_value(&self) -> Value {
        let mut body =
            json!({ "schemas": [ERROR_URN], "status": self.status.to_string(), "detail": self.detail });
        if let Some(scim_type) = self.scim_type {
            body["scimType"] = json!(scim_type.as_str());
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_request_names_its_type() {
        let error = ScimError::bad(ScimType::InvalidPath, "path \"a[\" has no closing bracket");
        assert_eq!(error.to_string(), "path \"a[\" has no closing bracket");
        assert_eq!(
            error.to_value(),
            json!({"schemas": [ERROR_URN], "status": "400", "scimType": "invalidPath",
                   "detail": "path \"a[\" has no closing bracket"})
        );
    }

    #[test]
    fn other_statuses_have_no_type() {
        let body = ScimError::with_status(404, "no such user").to_value();
        assert_eq!(body["status"], json!("404"));
        assert!(body.get("scimType").is_none());
        assert_eq!(ScimError::taken("x").to_value()["scimType"], json!("uniqueness"));
    }
}
