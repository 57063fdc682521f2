//! The form in which names are compared, the same on every machine: no locale is asked.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Unicode NFC; unless `case_sensitive`, lower case as well.
pub fn name_key(name: &str, case_sensitive: bool) -> Cow<'_, str> {
    if case_sensitive { composed(name) } else { Cow::Owned(folded(name)) }
}

fn composed(name: &str) -> Cow<'_, str> {
    match is_nfc_quick(name.chars()) {
        IsNormalized::Yes => Cow::Borrowed(name),
        _ => Cow::Owned(name.nfc().collect()),
    }
}

/// Character by character: the Greek final sigma and other rules of context would make the key of a
/// name depend on what stands next to it. Lower case can leave NFC, so the result is composed again.
fn folded(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    name.nfc().flat_map(char::to_lowercase).nfc().collect()
}
