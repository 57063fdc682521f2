//! The core schema of users (RFC 7643 sections 3.1, 4.1 and 8.7.1).

use super::{Attribute, DataType, Mutability::*, Returned};

/// Attributes of every resource (RFC 7643 section 3.1). They are no part of a schema's definition.
pub(super) fn common_attributes() -> Vec<Attribute> {
    vec![
        Attribute::text("id", "Identifier that the server gave to the resource")
            .exact()
            .unique()
            .mutable(ReadOnly)
            .returned(Returned::Always),
        Attribute {
            multi_valued: true,
            ..Attribute::reference("schemas", &["uri"], "URNs of the schemas in use")
                .returned(Returned::Always)
                .mutable(ReadOnly)
        },
        Attribute::text("externalId", "Identifier that the provider gave to the resource").exact(),
        meta(),
    ]
}

fn meta() -> Attribute {
    let fields = vec![
        Attribute::text("resourceType", "Name of the resource type").exact().mutable(ReadOnly),
        Attribute::new("created", DataType::DateTime, "When the resource was added").mutable(ReadOnly),
        Attribute::new("lastModified", DataType::DateTime, "When the resource last changed")
            .mutable(ReadOnly),
        Attribute::reference("location", &["uri"], "URI of the resource").mutable(ReadOnly),
        Attribute::text("version", "Version of the resource, as in its ETag").exact().mutable(ReadOnly),
    ];
    Attribute::complex("meta", "What the server knows about the resource", fields).mutable(ReadOnly)
}

pub(super) fn attributes(case_sensitive_usernames: bool) -> Vec<Attribute> {
    let mut attributes = vec![
        Attribute {
            case_exact: case_sensitive_usernames,
            ..Attribute::text("userName", "Name with which the user signs in, unique in the identity manager")
        }
        .required()
        .unique(),
        name(),
        Attribute::text("displayName", "Name of the user as shown to others"),
        Attribute::text("nickName", "Casual name"),
        Attribute::reference("profileUrl", &["external"], "Page about the user"),
        Attribute::text("title", "Title, such as \"Vice President\""),
        Attribute::text("userType", "Relation to the organization, such as \"Contractor\""),
        Attribute::text("preferredLanguage", "Preferred languages, as in Accept-Language"),
        Attribute::text("locale", "Locale, such as \"en-US\""),
        Attribute::text("timezone", "Time zone, such as \"America/Los_Angeles\""),
        Attribute::new("active", DataType::Boolean, "False: the user is disabled"),
        Attribute::text("password", "Accepted and dropped; it is neither kept nor returned")
            .exact()
            .mutable(WriteOnly)
            .returned(Returned::Never),
    ];
    attributes.extend(contacts());
    attributes.extend(entitlements());
    attributes
}

fn name() -> Attribute {
    let fields = vec![
        Attribute::text("formatted", "Full name"),
        Attribute::text("familyName", "Family name"),
        Attribute::text("givenName", "Given name"),
        Attribute::text("middleName", "Middle names"),
        Attribute::text("honorificPrefix", "Title in front of the name"),
        Attribute::text("honorificSuffix", "Title behind the name"),
    ];
    Attribute::complex("name", "Components of the name", fields)
}

fn contacts() -> [Attribute; 5] {
    let address = vec![
        Attribute::text("formatted", "Full address"),
        Attribute::text("streetAddress", "Street, number, floor"),
        Attribute::text("locality", "City"),
        Attribute::text("region", "State or region"),
        Attribute::text("postalCode", "Postal code"),
        Attribute::text("country", "Country"),
        type_of(&["work", "home", "other"]),
        primary(),
    ];
    [
        plural(
            "emails",
            "E-mail addresses",
            Attribute::text("value", "E-mail address"),
            &["work", "home", "other"],
        ),
        plural(
            "phoneNumbers",
            "Phone numbers",
            Attribute::text("value", "Phone number"),
            &["work", "home", "mobile", "fax", "pager", "other"],
        ),
        plural(
            "ims",
            "Instant messaging addresses",
            Attribute::text("value", "Instant messaging address"),
            &["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"],
        ),
        plural(
            "photos",
            "Pictures",
            Attribute::reference("value", &["external"], "URI of the picture"),
            &["photo", "thumbnail"],
        ),
        Attribute::list("addresses", "Postal addresses", address),
    ]
}

fn entitlements() -> [Attribute; 4] {
    [
        groups(),
        plural("entitlements", "What the user is entitled to", Attribute::text("value", "Entitlement"), &[]),
        plural("roles", "Roles of the user", Attribute::text("value", "Role"), &[]),
        plural(
            "x509Certificates",
            "Certificates of the user",
            Attribute::new("value", DataType::Binary, "DER certificate, base64"),
            &[],
        ),
    ]
}

/// Memberships are changed at the group (RFC 7643 section 4.1.2).
fn groups() -> Attribute {
    let fields = vec![
        Attribute::text("value", "Identifier of the group").exact().mutable(ReadOnly),
        Attribute::reference("$ref", &["Group"], "URI of the group").mutable(ReadOnly),
        Attribute::text("display", "Name of the group").mutable(ReadOnly),
        Attribute::text("type", "Whether the user is a member itself or through another group")
            .suggesting(&["direct", "indirect"])
            .mutable(ReadOnly),
    ];
    Attribute::list("groups", "Groups of the user", fields).mutable(ReadOnly)
}

/// The usual shape of a multi-valued attribute (RFC 7643 section 2.4).
fn plural(
    name: &'static str,
    description: &'static str,
    value: Attribute,
    types: &'static [&'static str],
) -> Attribute {
    let fields =
        vec![value, Attribute::text("display", "Name of the value, for display"), type_of(types), primary()];
    Attribute::list(name, description, fields)
}

fn type_of(values: &'static [&'static str]) -> Attribute {
    Attribute::text("type", "What the value is for").suggesting(values)
}

fn primary() -> Attribute {
    Attribute::new("primary", DataType::Boolean, "True for the preferred value, at most one")
}
