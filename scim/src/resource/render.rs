//! A document as clients see it (RFC 7643 section 3).

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::document::Document;
use crate::schema::{Registry, ResourceKind, urns};

/// A document and what the server knows about it.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'a> {
    pub kind: ResourceKind,
    pub id: &'a str,
    pub document: &'a Document,
    pub version: i64,
    pub created: DateTime<Utc>,
    pub modified: DateTime<Utc>,
    /// `https://host/scim/iam/v2`.
    pub base: &'a str,
}

impl Resource<'_> {
    /// `meta.location` and the Location header (RFC 7644 section 3.3).
    pub fn location(&self) -> String {
        format!("{}{}/{}", self.base, self.kind.endpoint(), self.id)
    }

    /// `meta.version` and the ETag header (RFC 7644 section 3.14).
    pub fn etag(&self) -> String {
        etag(self.version)
    }
}

/// A weak entity tag: the body also depends on `attributes` and on what others see of the groups.
pub fn etag(version: i64) -> String {
    format!("W/\"{version}\"")
}

/// The resource without groups and members, which are read from elsewhere.
pub fn render(registry: &Registry, resource: &Resource<'_>) -> Map<String, Value> {
    let mut rendered = resource.document.clone();
    rendered.insert("schemas".to_owned(), schemas(registry, resource.kind, resource.document));
    rendered.insert("id".to_owned(), json!(resource.id));
    let meta = json!({
        "resourceType": resource.kind.name(),
        "created": time(resource.created),
        "lastModified": time(resource.modified),
        "location": resource.location(),
        "version": resource.etag(),
    });
    rendered.insert("meta".to_owned(), meta);
    rendered
}

/// The core URN, then those of the extensions that the document has.
fn schemas(registry: &Registry, kind: ResourceKind, document: &Document) -> Value {
    let extensions = document.iter().filter(|(key, value)| {
        registry.extension(kind, key).is_some() || (urns::is_urn(key) && value.is_object())
    });
    let urns = std::iter::once(kind.urn()).chain(extensions.map(|(key, _)| key.as_str()));
    urns.map(Value::from).collect()
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::RegistryOptions;

    #[test]
    fn adds_schemas_id_and_meta() {
        let document = json!({
            "userName": "sam",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "x"},
        });
        let resource = Resource {
            kind: ResourceKind::User,
            id: "42",
            document: document.as_object().unwrap(),
            version: 7,
            created: "2026-01-02T03:04:05Z".parse().unwrap(),
            modified: "2026-01-02T03:04:05.5Z".parse().unwrap(),
            base: "https://h/scim/okta/v2",
        };
        let rendered = Value::Object(render(&Registry::new(RegistryOptions::default()), &resource));
        assert_eq!(
            rendered,
            json!({
                "schemas": [urns::USER, urns::ENTERPRISE_USER], "id": "42", "userName": "sam",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "x"},
                "meta": {
                    "resourceType": "User", "created": "2026-01-02T03:04:05.000000Z",
                    "lastModified": "2026-01-02T03:04:05.500000Z", "version": "W/\"7\"",
                    "location": "https://h/scim/okta/v2/Users/42",
                },
            })
        );
    }
}
