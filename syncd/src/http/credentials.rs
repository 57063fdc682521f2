//! The `Authorization` header: `Bearer KEY`, or `Basic` with the label of the key as user name.

use std::fmt;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Not every client pads.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub key: String,
    /// With Basic: the key must be the one of this label.
    pub label: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("label", &self.label).finish_non_exhaustive()
    }
}

/// None: there are none, or none that can be read.
pub fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    let (scheme, value) = header.split_once(char::is_whitespace)?;
    let value = value.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Credentials::new(value, None);
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64.decode(value).ok()?).ok()?;
    let (label, key) = decoded.split_once(':')?;
    Credentials::new(key, Some(label))
}

impl Credentials {
    /// PostgreSQL takes no NUL in a text.
    fn new(key: &str, label: Option<&str>) -> Option<Self> {
        let is_text = !key.is_empty() && !key.contains('\0');
        is_text.then(|| Self { key: key.to_owned(), label: label.map(str::to_owned) })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(value: &str) -> Option<(String, Option<String>)> {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(value).unwrap())]);
        credentials(&headers).map(|found| (found.key, found.label))
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text))
    }

    #[test]
    fn bearer_and_basic_are_read() {
        assert_eq!(read("Bearer rk_a_b"), Some(("rk_a_b".into(), None)));
        assert_eq!(read("bearer   rk_a_b "), Some(("rk_a_b".into(), None)));
        let expected = Some(("rk_a_b".into(), Some("okta provisioning".into())));
        assert_eq!(read(&basic("okta provisioning:rk_a_b")), expected);
        assert_eq!(read(basic("okta provisioning:rk_a_b").trim_end_matches('=')), expected);
        assert_eq!(read(&basic("übung:k:l")), Some(("k:l".into(), Some("übung".into()))));
    }

    #[test]
    fn nonsense_is_nobody() {
        for value in [
            "",
            "Bearer",
            "Bearer ",
            "Basic !!!",
            "Digest x",
            "Basic bm9jb2xvbg==",
            &basic("label:"),
            &basic("l:a\0b"),
        ] {
            assert_eq!(read(value), None, "{value}");
        }
        assert_eq!(credentials(&HeaderMap::new()), None);
    }

    #[test]
    fn a_key_is_not_printed() {
        let known = Credentials { key: "hunter2".into(), label: Some("l".into()) };
        assert!(!format!("{known:?}").contains("hunter2"));
    }
}
