//! What resources may look like: attributes with their characteristics (RFC 7643 section 2.2 and section 7).

mod enterprise;
mod group;
mod registry;
mod service;
pub mod urns;
mod user;

use std::borrow::Cow;

pub use registry::{Extension, Found, Registry, RegistryOptions};
pub use service::{ServiceSchema, service_schemas};

/// The two kinds of resources that providers push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ResourceKind {
    User,
    Group,
}

impl ResourceKind {
    /// `meta.resourceType` and the name of the resource type (RFC 7643 section 3.1).
    pub fn name(self) -> &'static str {
        match self {
            ResourceKind::User => "User",
            ResourceKind::Group => "Group",
        }
    }

    /// Path below the base URL (RFC 7644 section 3.2).
    pub fn endpoint(self) -> &'static str {
        match self {
            ResourceKind::User => "/Users",
            ResourceKind::Group => "/Groups",
        }
    }

    /// URN of the core schema.
    pub fn urn(self) -> &'static str {
        match self {
            ResourceKind::User => urns::USER,
            ResourceKind::Group => urns::GROUP,
        }
    }
}

/// RFC 7643 section 2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataType {
    String,
    Boolean,
    Decimal,
    Integer,
    DateTime,
    Binary,
    Reference,
    Complex,
}

impl DataType {
    pub fn as_str(self) -> &'static str {
        match self {
            DataType::String => "string",
            DataType::Boolean => "boolean",
            DataType::Decimal => "decimal",
            DataType::Integer => "integer",
            DataType::DateTime => "dateTime",
            DataType::Binary => "binary",
            DataType::Reference => "reference",
            DataType::Complex => "complex",
        }
    }

    /// True for everything that is a JSON string on the wire.
    pub fn is_text(self) -> bool {
        matches!(self, DataType::String | DataType::DateTime | DataType::Binary | DataType::Reference)
    }
}

/// RFC 7643 section 7, `mutability`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    ReadOnly,
    ReadWrite,
    Immutable,
    WriteOnly,
}

impl Mutability {
    pub fn as_str(self) -> &'static str {
        match self {
            Mutability::ReadOnly => "readOnly",
            Mutability::ReadWrite => "readWrite",
            Mutability::Immutable => "immutable",
            Mutability::WriteOnly => "writeOnly",
        }
    }
}

/// RFC 7643 section 7, `returned`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    Always,
    Never,
    Default,
    Request,
}

impl Returned {
    pub fn as_str(self) -> &'static str {
        match self {
            Returned::Always => "always",
            Returned::Never => "never",
            Returned::Default => "default",
            Returned::Request => "request",
        }
    }
}

/// RFC 7643 section 7, `uniqueness`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uniqueness {
    None,
    Server,
    Global,
}

impl Uniqueness {
    pub fn as_str(self) -> &'static str {
        match self {
            Uniqueness::None => "none",
            Uniqueness::Server => "server",
            Uniqueness::Global => "global",
        }
    }
}

/// One attribute with its characteristics (RFC 7643 section 7).
#[derive(Debug, Clone)]
pub struct Attribute {
    pub name: Cow<'static, str>,
    pub data_type: DataType,
    pub multi_valued: bool,
    pub required: bool,
    pub case_exact: bool,
    pub mutability: Mutability,
    pub returned: Returned,
    pub uniqueness: Uniqueness,
    pub canonical_values: &'static [&'static str],
    pub reference_types: &'static [&'static str],
    pub description: &'static str,
    pub sub_attributes: Vec<Attribute>,
}

impl Attribute {
    /// The defaults of RFC 7643 section 2.2.
    pub fn new(name: &'static str, data_type: DataType, description: &'static str) -> Self {
        Self {
            name: Cow::Borrowed(name),
            data_type,
            multi_valued: false,
            required: false,
            // Base64 and URIs differ by case (RFC 7643 sections 2.3.6 and 2.3.7).
            case_exact: matches!(data_type, DataType::Binary | DataType::Reference),
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            uniqueness: Uniqueness::None,
            canonical_values: &[],
            reference_types: &[],
            description,
            sub_attributes: Vec::new(),
        }
    }

    /// A single-valued string that is compared without case.
    pub fn text(name: &'static str, description: &'static str) -> Self {
        Self::new(name, DataType::String, description)
    }

    /// A URI of one of the given kinds.
    pub fn reference(name: &'static str, types: &'static [&'static str], description: &'static str) -> Self {
        Self { reference_types: types, ..Self::new(name, DataType::Reference, description) }
    }

    /// A single complex value.
    pub fn complex(name: &'static str, description: &'static str, sub_attributes: Vec<Attribute>) -> Self {
        Self { sub_attributes, ..Self::new(name, DataType::Complex, description) }
    }

    /// A list of complex values.
    pub fn list(name: &'static str, description: &'static str, sub_attributes: Vec<Attribute>) -> Self {
        Self { multi_valued: true, ..Self::complex(name, description, sub_attributes) }
    }

    pub fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub fn exact(self) -> Self {
        Self { case_exact: true, ..self }
    }

    pub fn unique(self) -> Self {
        Self { uniqueness: Uniqueness::Server, ..self }
    }

    pub fn mutable(self, mutability: Mutability) -> Self {
        Self { mutability, ..self }
    }

    pub fn returned(self, returned: Returned) -> Self {
        Self { returned, ..self }
    }

    pub fn suggesting(self, canonical_values: &'static [&'static str]) -> Self {
        Self { canonical_values, ..self }
    }

    /// The sub-attribute of that name in any case.
    pub fn sub(&self, name: &str) -> Option<&Attribute> {
        self.sub_attributes.iter().find(|sub| sub.name.eq_ignore_ascii_case(name))
    }

    /// True if clients cannot set it: read-only, so input is ignored (RFC 7644 section 3.5.1).
    pub fn is_read_only(&self) -> bool {
        self.mutability == Mutability::ReadOnly
    }
}
