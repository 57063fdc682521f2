//! Distinguished names: many spellings, one key.
//!
//! Servers spell the same name differently (`\2C` or `\,`, spaces, case, the order inside a
//! multi-valued RDN), and a group's `member` need not be spelt like the member's own entry. Every
//! name is therefore reduced to canonical bytes, and those to 128 bits of BLAKE3.
//!
//! Values are compared as caseIgnoreMatch does, whatever the attribute: NFC, lower case, trimmed,
//! inner spaces collapsed. That is right for every attribute commonly used for naming.

use unicode_normalization::UnicodeNormalization;

use crate::record::Reference;

mod parse;
pub mod types;

#[cfg(test)]
mod tests;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DnError {
    #[error("is not valid UTF-8")]
    InvalidUtf8,
    #[error("has no attribute type at byte {0}")]
    MissingType(usize),
    #[error("has no = after an attribute type at byte {0}")]
    MissingEquals(usize),
    #[error("has an invalid escape at byte {0}")]
    InvalidEscape(usize),
    #[error("has an invalid hexadecimal value at byte {0}")]
    InvalidHex(usize),
    #[error("has a quotation mark without its partner at byte {0}")]
    UnbalancedQuote(usize),
    #[error("has a character at byte {0} that must be escaped")]
    Unescaped(usize),
}

/// Turns names into keys; keeps its buffer, so that a plain name costs no allocation.
#[derive(Debug, Default)]
pub struct DnKeys {
    canonical: Vec<u8>,
}

impl DnKeys {
    pub fn key(&mut self, dn: &[u8]) -> Result<Reference, DnError> {
        self.canonicalize(dn)?;
        Ok(digest(&self.canonical))
    }

    /// The keys of a name and of everything above it, the nearest first. The empty name has none.
    pub fn line(&mut self, dn: &[u8]) -> Result<Vec<Reference>, DnError> {
        self.canonicalize(dn)?;
        let mut line = Vec::new();
        let mut rest = self.canonical.as_slice();
        while !rest.is_empty() {
            line.push(digest(rest));
            let end = rest.iter().position(|&byte| byte == END_OF_RDN).map_or(rest.len(), |end| end + 1);
            rest = &rest[end..];
        }
        Ok(line)
    }

    fn canonicalize(&mut self, dn: &[u8]) -> Result<(), DnError> {
        self.canonical.clear();
        if !write_plain(dn, &mut self.canonical) {
            self.canonical.clear();
            let text = std::str::from_utf8(dn).map_err(|_| DnError::InvalidUtf8)?;
            write_canonical(parse::parse(text)?, &mut self.canonical);
        }
        Ok(())
    }
}

fn digest(canonical: &[u8]) -> Reference {
    let mut key = [0; 16];
    key.copy_from_slice(&blake3::hash(canonical).as_bytes()[..16]);
    Reference::from_bytes(key)
}

// The canonical form is `type=value` with these between; inside values they are escaped.
const END_OF_RDN: u8 = 0;
const END_OF_PAIR: u8 = 1;
const ESCAPE: u8 = 2;

/// One `type=value` of an RDN, type and value already canonical.
struct Pair {
    attribute: String,
    value: Value,
}

enum Value {
    Text(String),
    /// The BER bytes of a `#` value that is no string.
    Ber(Vec<u8>),
}

fn write_canonical(rdns: Vec<Vec<Pair>>, out: &mut Vec<u8>) {
    for (index, pairs) in rdns.into_iter().enumerate() {
        if index > 0 {
            out.push(END_OF_RDN);
        }
        let mut written: Vec<Vec<u8>> = pairs.iter().map(canonical_pair).collect();
        written.sort_unstable();
        out.extend_from_slice(&written.join(&END_OF_PAIR));
    }
}

fn canonical_pair(pair: &Pair) -> Vec<u8> {
    let mut out = pair.attribute.clone().into_bytes();
    out.push(b'=');
    match &pair.value {
        Value::Text(text) => {
            for byte in text.bytes() {
                if byte <= ESCAPE {
                    out.extend_from_slice(&[ESCAPE, b'0' + byte]);
                } else {
                    out.push(byte);
                }
            }
        }
        Value::Ber(bytes) => {
            out.extend_from_slice(&[ESCAPE, b'#']);
            for byte in bytes {
                out.extend_from_slice(format!("{byte:02x}").as_bytes());
            }
        }
    }
    out
}

/// A value as caseIgnoreMatch sees it.
fn folded(text: &str) -> String {
    let lower: String = if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        // Character by character: the rule for a final sigma would make the result depend on case.
        text.nfc().flat_map(char::to_lowercase).map(|c| if c == 'ς' { 'σ' } else { c }).nfc().collect()
    };
    let mut out = String::with_capacity(lower.len());
    for word in lower.split(char::is_whitespace).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// The lower-case form of bytes that need no parser; 0 for all others.
const PLAIN: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0x20;
    while byte < 0x7f {
        table[byte] = (byte as u8).to_ascii_lowercase();
        byte += 1;
    }
    let special = b"\"+,;<>\\";
    let mut index = 0;
    while index < special.len() {
        table[special[index] as usize] = 0;
        index += 1;
    }
    table
};

/// The fast path for what servers nearly always send: ASCII, no escapes, no optional spaces, one
/// pair per RDN. Writes exactly what the parser would, or returns false.
fn write_plain(dn: &[u8], out: &mut Vec<u8>) -> bool {
    let mut rest = dn;
    loop {
        let Some(equals) = rest.iter().position(|&byte| byte == b'=') else {
            return false;
        };
        if !write_plain_type(&rest[..equals], out) {
            return false;
        }
        out.push(b'=');
        rest = &rest[equals + 1..];
        let end = rest.iter().position(|&byte| PLAIN[byte as usize] == 0).unwrap_or(rest.len());
        if !write_plain_value(&rest[..end], out) {
            return false;
        }
        match rest.get(end) {
            None => return true,
            Some(b',') => out.push(END_OF_RDN),
            Some(_) => return false,
        }
        rest = &rest[end + 1..];
    }
}

fn write_plain_type(attribute: &[u8], out: &mut Vec<u8>) -> bool {
    if !attribute.first().is_some_and(u8::is_ascii_alphabetic) {
        return false;
    }
    let start = out.len();
    for &byte in attribute {
        if !(byte.is_ascii_alphanumeric() || byte == b'-') {
            return false;
        }
        out.push(byte.to_ascii_lowercase());
    }
    if let Some(name) = types::name_of(&out[start..]) {
        out.truncate(start);
        out.extend_from_slice(name.as_bytes());
    }
    true
}

fn write_plain_value(value: &[u8], out: &mut Vec<u8>) -> bool {
    if matches!(value, [b' ' | b'#', ..] | [.., b' ']) {
        return false;
    }
    let mut previous = 0;
    for &byte in value {
        if byte == b' ' && previous == b' ' {
            return false;
        }
        out.push(PLAIN[byte as usize]);
        previous = byte;
    }
    true
}
