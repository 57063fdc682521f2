//! The enterprise extension of users (RFC 7643 sections 4.3 and 8.7.1).

use super::{Attribute, Mutability};

pub(super) fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::text("employeeNumber", "Number or code of the employee"),
        Attribute::text("costCenter", "Cost center"),
        Attribute::text("organization", "Organization"),
        Attribute::text("division", "Division"),
        Attribute::text("department", "Department"),
        manager(),
    ]
}

/// The manager may not exist here yet, so `value` is kept as it comes and not looked up.
fn manager() -> Attribute {
    let fields = vec![
        Attribute::text("value", "Identifier of the manager").exact(),
        Attribute::reference("$ref", &["User"], "URI of the manager"),
        Attribute::text("displayName", "Name of the manager").mutable(Mutability::ReadOnly),
    ];
    Attribute::complex("manager", "Manager of the user", fields)
}
