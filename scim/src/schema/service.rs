//! Definitions of the discovery resources themselves (RFC 7643 sections 5, 6, 7 and 8.7.2, RFC 9865 section 4).

use super::{Attribute, DataType, Mutability, urns};

/// A schema that describes the server and not what it serves.
#[derive(Debug)]
pub struct ServiceSchema {
    pub urn: &'static str,
    pub name: &'static str,
    pub description: &'static str,
    pub attributes: Vec<Attribute>,
}

/// ServiceProviderConfig, ResourceType and Schema. Clients can only read them.
pub fn service_schemas() -> [ServiceSchema; 3] {
    [
        ServiceSchema {
            urn: urns::SERVICE_PROVIDER_CONFIG,
            name: "ServiceProviderConfig",
            description: "What the server supports",
            attributes: read_only(service_provider_config()),
        },
        ServiceSchema {
            urn: urns::RESOURCE_TYPE,
            name: "ResourceType",
            description: "A kind of resource that the server has",
            attributes: read_only(resource_type()),
        },
        ServiceSchema {
            urn: urns::SCHEMA,
            name: "Schema",
            description: "A definition of attributes",
            attributes: read_only(schema()),
        },
    ]
}

fn read_only(attributes: Vec<Attribute>) -> Vec<Attribute> {
    let freeze = |attribute: Attribute| Attribute {
        mutability: Mutability::ReadOnly,
        sub_attributes: read_only(attribute.sub_attributes),
        ..attribute
    };
    attributes.into_iter().map(freeze).collect()
}

fn service_provider_config() -> Vec<Attribute> {
    let supported = || flag("supported", "True if the server supports it").required();
    vec![
        Attribute::reference("documentationUri", &["external"], "Documentation of the server"),
        Attribute::complex("patch", "Changes of single attributes", vec![supported()]).required(),
        Attribute::complex(
            "bulk",
            "Several operations in one request",
            vec![
                supported(),
                count("maxOperations", "Most operations in one request").required(),
                count("maxPayloadSize", "Most bytes in one request").required(),
            ],
        )
        .required(),
        Attribute::complex(
            "filter",
            "Filters in queries",
            vec![supported(), count("maxResults", "Most resources in one response").required()],
        )
        .required(),
        Attribute::complex("changePassword", "Changes of passwords", vec![supported()]).required(),
        Attribute::complex("sort", "Sorted responses", vec![supported()]).required(),
        Attribute::complex("etag", "Versions of resources", vec![supported()]).required(),
        Attribute::complex("pagination", "Responses in pages", pagination()),
        Attribute::list("authenticationSchemes", "How clients authenticate", authentication_scheme())
            .required(),
    ]
}

fn pagination() -> Vec<Attribute> {
    vec![
        flag("cursor", "True if pages can be continued at a cursor").required(),
        flag("index", "True if pages can be continued at an index").required(),
        Attribute::text("defaultPaginationMethod", "Method of a request that names none")
            .suggesting(&["cursor", "index"]),
        count("defaultPageSize", "Resources on a page of a request without a count"),
        count("maxPageSize", "Most resources on a page"),
        count("cursorTimeout", "Seconds for which a cursor is good"),
    ]
}

fn authentication_scheme() -> Vec<Attribute> {
    vec![
        Attribute::text("type", "The scheme").required().suggesting(&[
            "oauth",
            "oauth2",
            "oauthbearertoken",
            "httpbasic",
            "httpdigest",
        ]),
        Attribute::text("name", "Common name of the scheme").required(),
        Attribute::text("description", "What to send").required(),
        Attribute::reference("specUri", &["external"], "Specification of the scheme"),
        Attribute::reference("documentationUri", &["external"], "Documentation of the scheme"),
        flag("primary", "True for the preferred scheme"),
    ]
}

fn resource_type() -> Vec<Attribute> {
    let extension = vec![
        Attribute::reference("schema", &["uri"], "URN of the extension").required(),
        flag("required", "True if every resource must have it").required(),
    ];
    vec![
        Attribute::text("name", "Name of the resource type").exact().required(),
        Attribute::text("description", "Description of the resource type"),
        Attribute::reference("endpoint", &["uri"], "Path below the base URL").required(),
        Attribute::reference("schema", &["uri"], "URN of the core schema").required(),
        Attribute::list("schemaExtensions", "Extensions of the resource type", extension),
    ]
}

fn schema() -> Vec<Attribute> {
    let mut attribute = characteristics();
    attribute.push(Attribute::list("subAttributes", "Attributes of a complex attribute", characteristics()));
    vec![
        Attribute::text("name", "Name of the schema").required(),
        Attribute::text("description", "Description of the schema"),
        Attribute::list("attributes", "Attributes of the schema", attribute).required(),
    ]
}

fn characteristics() -> Vec<Attribute> {
    let words =
        |name, description| Attribute { multi_valued: true, ..Attribute::text(name, description).exact() };
    vec![
        Attribute::text("name", "Name of the attribute").exact().required(),
        Attribute::text("type", "Data type").required().suggesting(&[
            "string",
            "complex",
            "boolean",
            "decimal",
            "integer",
            "dateTime",
            "reference",
            "binary",
        ]),
        flag("multiValued", "True if there can be several values").required(),
        Attribute::text("description", "What the attribute is").exact(),
        flag("required", "True if there must be a value"),
        words("canonicalValues", "Suggested values"),
        flag("caseExact", "True if values differ by case"),
        Attribute::text("mutability", "When clients can set it").exact().suggesting(&[
            "readOnly",
            "readWrite",
            "immutable",
            "writeOnly",
        ]),
        Attribute::text("returned", "When responses have it")
            .exact()
            .suggesting(&["always", "never", "default", "request"]),
        Attribute::text("uniqueness", "Where values are unique")
            .exact()
            .suggesting(&["none", "server", "global"]),
        words("referenceTypes", "What a reference can point to"),
    ]
}

fn flag(name: &'static str, description: &'static str) -> Attribute {
    Attribute::new(name, DataType::Boolean, description)
}

fn count(name: &'static str, description: &'static str) -> Attribute {
    Attribute::new(name, DataType::Integer, description)
}
