//! The part of a path that says whose SCIM it is.

use percent_encoding::percent_decode_str;

#[derive(Debug, PartialEq, Eq)]
pub struct Address {
    /// As the database knows it.
    pub iam: String,
    /// As the client wrote it: /scim/okta/v2
    pub base: String,
}

impl Address {
    /// Of `/scim/{iam}/v2` and what is below it.
    pub fn of(path: &str) -> Option<Self> {
        let mut segments = path.strip_prefix("/scim/")?.split('/');
        let (written, version) = (segments.next()?, segments.next()?);
        let iam = percent_decode_str(written).decode_utf8().ok()?;
        let is_usable = version == "v2" && !iam.is_empty() && !iam.contains('\0');
        is_usable.then(|| Self { base: format!("/scim/{written}/v2"), iam: iam.into_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn identity_managers_are_decoded_and_addresses_kept() {
        let address = Address::of("/scim/Okta%20EU/v2/Users/1").unwrap();
        assert_eq!((address.iam.as_str(), address.base.as_str()), ("Okta EU", "/scim/Okta%20EU/v2"));
        assert!(Address::of("/scim/okta/v2").is_some());
        for wrong in [
            "/scim",
            "/scim/",
            "/scim/okta",
            "/scim/okta/v1/Users",
            "/scim//v2/Users",
            "/scim/a%00/v2",
            "/scim/%ff/v2",
        ] {
            assert_eq!(Address::of(wrong), None, "{wrong}");
        }
    }
}
