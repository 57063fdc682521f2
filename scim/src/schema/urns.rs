//! URNs of SCIM 2.0, and the older ones that some clients still send for them.

/// RFC 7643 section 4.1.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// RFC 7643 section 4.2.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// RFC 7643 section 4.3.
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// RFC 7643 section 5.
pub const SERVICE_PROVIDER_CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
/// RFC 7643 section 6.
pub const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
/// RFC 7643 section 7.
pub const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// Prefix of SCIM 1.x, which never was a registered URN namespace.
const LEGACY: &str = "urn:scim:schemas:";

/// Older URNs and what they stand for: None is the core schema of the kind at hand. Longer ones first among those that
/// begin alike, as the longest that fits is meant.
pub(super) const LEGACY_URNS: [(&str, Option<&str>); 10] = [
    ("urn:scim:schemas:core:1.0:User", None),
    ("urn:scim:schemas:core:1.0:Group", None),
    ("urn:scim:schemas:core:2.0:User", None),
    ("urn:scim:schemas:core:2.0:Group", None),
    ("urn:scim:schemas:core:1.0", None),
    ("urn:scim:schemas:core:2.0", None),
    ("urn:scim:schemas:extension:enterprise:1.0:User", Some(ENTERPRISE_USER)),
    ("urn:scim:schemas:extension:enterprise:2.0:User", Some(ENTERPRISE_USER)),
    ("urn:scim:schemas:extension:enterprise:1.0", Some(ENTERPRISE_USER)),
    ("urn:scim:schemas:extension:enterprise:2.0", Some(ENTERPRISE_USER)),
];

/// True for a URN, or an attribute path that begins with one, of SCIM 1.x: strict sources refuse it.
pub fn is_legacy(text: &str) -> bool {
    starts_with(text, LEGACY)
}

/// True for anything that claims to be a URN: an extension, known or not.
pub fn is_urn(text: &str) -> bool {
    starts_with(text, "urn:")
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

/// What follows `urn` in `path`: nothing, or the text behind the colon. None if `path` is something else.
pub(super) fn rest_after<'p>(path: &'p str, urn: &str) -> Option<&'p str> {
    if !starts_with(path, urn) {
        return None;
    }
    match &path[urn.len()..] {
        "" => Some(""),
        rest => rest.strip_prefix(':'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_old_urns_in_any_case() {
        assert!(is_legacy("URN:SCIM:Schemas:core:1.0"));
        assert!(!is_legacy(USER));
        assert!(is_urn("Urn:x") && !is_urn("ürn:x") && !is_urn("ur"));
    }

    #[test]
    fn a_rest_follows_a_colon_or_nothing() {
        assert_eq!(rest_after("urn:A:b", "urn:a"), Some("b"));
        assert_eq!(rest_after("urn:a", "urn:a"), Some(""));
        assert_eq!(rest_after("urn:ab", "urn:a"), None);
        assert_eq!(rest_after("urn", "urn:a"), None);
    }
}
