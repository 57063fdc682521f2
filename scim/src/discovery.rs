//! What the server tells about itself (RFC 7644 section 4). Only what survives a round trip is advertised: an open
//! extension accepts fields that nobody has defined, and does not appear.

use serde_json::{Map, Value, json};

use crate::schema::{Attribute, DataType, Extension, Registry, ResourceKind, service_schemas, urns};

/// What the server accepts and delivers at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Operations in one bulk request.
    pub max_operations: u64,
    /// Bytes of a request body.
    pub max_payload_size: u64,
    /// Resources in one response.
    pub max_page_size: u64,
    /// Resources in a response to a request without `count`.
    pub default_page_size: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_operations: 1000, max_payload_size: 16 << 20, max_page_size: 1000, default_page_size: 100 }
    }
}

const KINDS: [ResourceKind; 2] = [ResourceKind::User, ResourceKind::Group];

/// The answer of `/ServiceProviderConfig` (RFC 7643 section 5, RFC 9865 section 4).
pub fn service_provider_config(base: &str, limits: &Limits) -> Value {
    json!({
        "schemas": [urns::SERVICE_PROVIDER_CONFIG],
        "patch": {"supported": true},
        "bulk": {
            "supported": true,
            "maxOperations": limits.max_operations,
            "maxPayloadSize": limits.max_payload_size,
        },
        "filter": {"supported": true, "maxResults": limits.max_page_size},
        "changePassword": {"supported": false},
        "sort": {"supported": true},
        "etag": {"supported": true},
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": limits.default_page_size,
            "maxPageSize": limits.max_page_size,
        },
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "Authorization: Bearer with an API key of the scope scim",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": true,
            },
            {
                "type": "httpbasic",
                "name": "HTTP Basic",
                "description": "Authorization: Basic with the label of an API key as user and the key as password",
                "specUri": "https://www.rfc-editor.org/info/rfc7617",
            },
        ],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base}/ServiceProviderConfig"),
        },
    })
}

/// The resources of `/ResourceTypes` (RFC 7643 section 6); the id of each is its name.
pub fn resource_types(registry: &Registry, base: &str) -> Vec<Value> {
    KINDS.iter().map(|&kind| resource_type(registry, kind, base)).collect()
}

/// The resources of `/Schemas` (RFC 7643 section 7); the id of each is its URN.
pub fn schemas(registry: &Registry, base: &str) -> Vec<Value> {
    let core =
        KINDS.iter().map(|&kind| schema(kind.urn(), kind.name(), about(kind), registry.core(kind), base));
    let extensions =
        registry.all_extensions().iter().filter(|extension| is_advertised(extension)).map(|extension| {
            schema(&extension.urn, name_of(&extension.urn), "Extension", &extension.attributes, base)
        });
    let service = service_schemas()
        .into_iter()
        .map(|service| schema(service.urn, service.name, service.description, &service.attributes, base));
    core.chain(extensions).chain(service).collect()
}

fn resource_type(registry: &Registry, kind: ResourceKind, base: &str) -> Value {
    let extensions: Vec<Value> = registry
        .extensions(kind)
        .filter(|extension| is_advertised(extension))
        .map(|extension| json!({"schema": extension.urn, "required": false}))
        .collect();
    json!({
        "schemas": [urns::RESOURCE_TYPE],
        "id": kind.name(),
        "name": kind.name(),
        "description": about(kind),
        "endpoint": kind.endpoint(),
        "schema": kind.urn(),
        "schemaExtensions": extensions,
        "meta": {
            "resourceType": "ResourceType",
            "location": format!("{base}/ResourceTypes/{}", kind.name()),
        },
    })
}

fn schema(urn: &str, name: &str, description: &str, attributes: &[Attribute], base: &str) -> Value {
    json!({
        "schemas": [urns::SCHEMA],
        "id": urn,
        "name": name,
        "description": description,
        "attributes": attributes.iter().map(attribute).collect::<Vec<_>>(),
        "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{urn}")},
    })
}

fn attribute(attribute: &Attribute) -> Value {
    let mut shown = Map::from_iter([
        ("name".to_owned(), json!(attribute.name)),
        ("type".to_owned(), json!(attribute.data_type.as_str())),
        ("multiValued".to_owned(), json!(attribute.multi_valued)),
        ("description".to_owned(), json!(attribute.description)),
        ("required".to_owned(), json!(attribute.required)),
        ("mutability".to_owned(), json!(attribute.mutability.as_str())),
        ("returned".to_owned(), json!(attribute.returned.as_str())),
        ("uniqueness".to_owned(), json!(attribute.uniqueness.as_str())),
    ]);
    if attribute.data_type.is_text() {
        shown.insert("caseExact".to_owned(), json!(attribute.case_exact));
    }
    if !attribute.canonical_values.is_empty() {
        shown.insert("canonicalValues".to_owned(), json!(attribute.canonical_values));
    }
    if attribute.data_type == DataType::Reference {
        shown.insert("referenceTypes".to_owned(), json!(attribute.reference_types));
    }
    if attribute.data_type == DataType::Complex {
        shown.insert(
            "subAttributes".to_owned(),
            attribute.sub_attributes.iter().map(self::attribute).collect(),
        );
    }
    Value::Object(shown)
}

/// Without a definition there is nothing to tell.
fn is_advertised(extension: &Extension) -> bool {
    !extension.attributes.is_empty()
}

fn about(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::User => "User account",
        ResourceKind::Group => "Group of users and groups",
    }
}

/// RFC 7643 section 8.7.1 calls the enterprise extension so; all others are called by the end of their URN.
fn name_of(urn: &str) -> &str {
    if urn == urns::ENTERPRISE_USER { "EnterpriseUser" } else { urn.rsplit(':').next().unwrap_or(urn) }
}

#[cfg(test)]
mod tests;
