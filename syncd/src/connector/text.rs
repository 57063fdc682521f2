//! Bytes from a source as text: clean and in NFC, or shown to people with the bad bytes escaped.

use std::fmt::Write;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Longest text shown to people, in characters.
const SHOWN: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::connector) enum BadText {
    #[error("is not valid UTF-8")]
    InvalidUtf8,
    #[error("contains a NUL byte")]
    Nul,
}

pub(in crate::connector) fn clean(bytes: &[u8]) -> Result<String, BadText> {
    let text = std::str::from_utf8(bytes).map_err(|_| BadText::InvalidUtf8)?;
    if bytes.contains(&0) {
        return Err(BadText::Nul);
    }
    Ok(if is_nfc(text) { text.to_owned() } else { text.nfc().collect() })
}

pub(in crate::connector) fn nfc(text: String) -> String {
    if is_nfc(&text) { text } else { text.nfc().collect() }
}

/// Not sure means no.
fn is_nfc(text: &str) -> bool {
    text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes
}

/// Printable whatever the bytes, and short.
pub(in crate::connector) fn shown(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut room = SHOWN;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if room == 0 {
                return out + "…";
            }
            room -= 1;
            if c.is_control() {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            } else {
                out.push(c);
            }
        }
        for byte in chunk.invalid() {
            if room == 0 {
                return out + "…";
            }
            room -= 1;
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_text_is_nfc() {
        assert_eq!(clean("Zu\u{308}rich".as_bytes()).unwrap(), "Zürich");
        assert_eq!(clean(b"plain").unwrap(), "plain");
        assert_eq!(nfc("Zu\u{308}rich".to_owned()), "Zürich");
    }

    #[test]
    fn bad_bytes_are_refused() {
        assert_eq!(clean(b"a\0b"), Err(BadText::Nul));
        assert_eq!(clean(b"a\xffb"), Err(BadText::InvalidUtf8));
    }

    #[test]
    fn shown_text_is_escaped_and_short() {
        assert_eq!(shown(b"a\0b\xffc\n"), "a\\x00b\\xffc\\x0a");
        assert_eq!(shown("é".repeat(300).as_bytes()).chars().count(), SHOWN + 1);
    }
}
