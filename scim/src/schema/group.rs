//! The core schema of groups (RFC 7643 sections 4.2 and 8.7.1).

use super::{Attribute, Mutability::*, Returned};

pub(super) fn attributes() -> Vec<Attribute> {
    vec![
        Attribute::text("displayName", "Name of the group, unique in the identity manager")
            .required()
            .unique(),
        members(),
    ]
}

/// `display` is read only where it is asked for: it costs a look-up per member, and a client that compares what it wrote with
/// what it reads would find a difference.
fn members() -> Attribute {
    let fields = vec![
        Attribute::text("value", "Identifier of the member").exact().mutable(Immutable),
        Attribute::reference("$ref", &["User", "Group"], "URI of the member").mutable(Immutable),
        Attribute::text("type", "Kind of the member").suggesting(&["User", "Group"]).mutable(Immutable),
        Attribute::text("display", "Name of the member, if it is asked for")
            .mutable(ReadOnly)
            .returned(Returned::Request),
    ];
    Attribute::list("members", "Users and groups in the group", fields)
}
