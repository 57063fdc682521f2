//! How lenient a source is with its provider: one row of decisions per profile.

use serde::{Deserialize, Serialize};

/// The behaviour of a source towards its provider; `strict` is RFC 7643 and RFC 7644 to the letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    #[default]
    Default,
    Strict,
    Entra,
    Okta,
    Onelogin,
}

/// What happens to an attribute that no schema of the source defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownAttribute {
    /// Left out and counted.
    Drop,
    /// 400 invalidSyntax.
    Refuse,
    /// Kept as it is, so that the provider reads back what it wrote.
    Keep,
}

impl Profile {
    /// Every profile, in the order of the documentation.
    pub const ALL: [Profile; 5] =
        [Profile::Default, Profile::Strict, Profile::Entra, Profile::Okta, Profile::Onelogin];

    /// True: RFC to the letter, nothing is coerced.
    pub fn is_strict(self) -> bool {
        self == Profile::Strict
    }

    /// A value path that selects nothing creates the element (`emails[type eq "work"].value`). RFC 7644 section 3.5.2.3
    /// demands 400 noTarget, Entra never sends anything else to create one.
    pub fn creates_missing_targets(self) -> bool {
        !self.is_strict()
    }

    /// Keys like `name.givenName` or `urn:...:User:department` in a PATCH value without path are paths. A dot is no part of
    /// an attribute name (RFC 7643 section 2.1), so nothing else can be meant.
    pub fn reads_keys_as_paths(self) -> bool {
        !self.is_strict()
    }

    /// `"True"` for true, a number or boolean for a string, a single value for a list and the other way round.
    pub fn coerces_values(self) -> bool {
        !self.is_strict()
    }

    /// An empty string unassigns the attribute, like null (RFC 7643 section 2.5 knows null and [] only).
    pub fn empty_string_unassigns(self) -> bool {
        !self.is_strict()
    }

    /// `remove` of `members` with a value array removes the listed ones. Strict answers 400, since RFC 7644 section 3.5.2.2
    /// gives `value` no meaning there and a literal reading would empty the group.
    pub fn removes_listed_members(self) -> bool {
        !self.is_strict()
    }

    /// URNs of SCIM 1.x stand for their successors.
    pub fn accepts_legacy_urns(self) -> bool {
        !self.is_strict()
    }

    /// `schemas` may be absent or lack the core URN (RFC 7643 section 3 requires it).
    pub fn accepts_missing_schemas(self) -> bool {
        !self.is_strict()
    }

    /// A member may be named by externalId instead of id.
    pub fn finds_members_by_external_id(self) -> bool {
        !self.is_strict()
    }

    /// PATCH is answered with 200 and the resource; false: 204 without a body (both RFC 7644 section 3.5.2).
    pub fn answers_patch_with_body(self) -> bool {
        self != Profile::Entra
    }

    /// The fate of unknown attributes.
    pub fn unknown_attribute(self) -> UnknownAttribute {
        match self {
            Profile::Strict => UnknownAttribute::Refuse,
            Profile::Okta => UnknownAttribute::Keep,
            Profile::Default | Profile::Entra | Profile::Onelogin => UnknownAttribute::Drop,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_configured_by_its_lower_case_name() {
        let names: Vec<String> = Profile::ALL
            .iter()
            .map(|p| serde_json::to_value(p).unwrap().as_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["default", "strict", "entra", "okta", "onelogin"]);
        assert_eq!(serde_json::from_str::<Profile>("\"okta\"").unwrap(), Profile::Okta);
        assert!(serde_json::from_str::<Profile>("\"Okta\"").is_err());
    }

    #[test]
    fn only_entra_wants_no_body() {
        let silent: Vec<_> = Profile::ALL.into_iter().filter(|p| !p.answers_patch_with_body()).collect();
        assert_eq!(silent, [Profile::Entra]);
    }

    #[test]
    fn unknown_attributes_follow_the_profile() {
        assert_eq!(Profile::Strict.unknown_attribute(), UnknownAttribute::Refuse);
        assert_eq!(Profile::Okta.unknown_attribute(), UnknownAttribute::Keep);
        assert_eq!(Profile::Entra.unknown_attribute(), UnknownAttribute::Drop);
    }
}
