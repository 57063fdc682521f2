//! RFC 4514 names, and what RFC 2253 and RFC 1779 allowed before it.

use super::{DnError, Pair, Value, folded, types};

pub(super) fn parse(text: &str) -> Result<Vec<Vec<Pair>>, DnError> {
    let mut parser = Parser { text: text.as_bytes(), at: 0 };
    parser.skip_spaces();
    let mut rdns = Vec::new();
    if parser.peek().is_none() {
        return Ok(rdns);
    }
    loop {
        rdns.push(parser.rdn()?);
        match parser.peek() {
            None => return Ok(rdns),
            Some(_) => parser.at += 1,
        }
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_spaces(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Stops at the end or at the separator before the next RDN.
    fn rdn(&mut self) -> Result<Vec<Pair>, DnError> {
        let mut pairs = vec![self.pair()?];
        while self.peek() == Some(b'+') {
            self.at += 1;
            pairs.push(self.pair()?);
        }
        Ok(pairs)
    }

    fn pair(&mut self) -> Result<Pair, DnError> {
        let attribute = self.attribute_type()?;
        if self.peek() != Some(b'=') {
            return Err(DnError::MissingEquals(self.at));
        }
        self.at += 1;
        self.skip_spaces();
        let value = match self.peek() {
            Some(b'#') => self.hex_value()?,
            Some(b'"') => self.quoted_value()?,
            _ => self.string_value()?,
        };
        self.skip_spaces();
        match self.peek() {
            None | Some(b',' | b';' | b'+') => Ok(Pair { attribute, value }),
            Some(_) => Err(DnError::Unescaped(self.at)),
        }
    }

    fn attribute_type(&mut self) -> Result<String, DnError> {
        self.skip_spaces();
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || b"-._".contains(&c)) {
            self.at += 1;
        }
        let mut name = String::from_utf8_lossy(&self.text[start..self.at]).to_ascii_lowercase();
        if let Some(oid) = name.strip_prefix("oid.") {
            name = oid.to_owned();
        }
        if name.is_empty() {
            return Err(DnError::MissingType(start));
        }
        self.skip_spaces();
        Ok(types::name_of(name.as_bytes()).map_or(name, str::to_owned))
    }

    fn string_value(&mut self) -> Result<Value, DnError> {
        let start = self.at;
        let mut bytes = Vec::new();
        loop {
            match self.peek() {
                None | Some(b',' | b';' | b'+') => return text_value(bytes),
                Some(b'\\') => bytes.push(self.escaped()?),
                Some(b'"') => return Err(DnError::UnbalancedQuote(start)),
                Some(0 | b'<' | b'>') => return Err(DnError::Unescaped(self.at)),
                Some(byte) => {
                    bytes.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    fn quoted_value(&mut self) -> Result<Value, DnError> {
        let start = self.at;
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            match self.peek() {
                None => return Err(DnError::UnbalancedQuote(start)),
                Some(b'"') => {
                    self.at += 1;
                    return text_value(bytes);
                }
                Some(b'\\') => bytes.push(self.escaped()?),
                Some(byte) => {
                    bytes.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    /// `\` and two hexadecimal digits, or `\` and a special character.
    fn escaped(&mut self) -> Result<u8, DnError> {
        let error = DnError::InvalidEscape(self.at);
        let first = *self.text.get(self.at + 1).ok_or(error)?;
        if b" \"#+,;<=>\\".contains(&first) {
            self.at += 2;
            return Ok(first);
        }
        let second = *self.text.get(self.at + 2).ok_or(error)?;
        self.at += 3;
        hex_byte(first, second).ok_or(error)
    }

    fn hex_value(&mut self) -> Result<Value, DnError> {
        let start = self.at;
        self.at += 1;
        let mut bytes = Vec::new();
        while self.peek().is_some_and(|c| c.is_ascii_hexdigit()) {
            let second = self.text.get(self.at + 1).copied().unwrap_or_default();
            let first = self.text[self.at];
            bytes.push(hex_byte(first, second).ok_or(DnError::InvalidHex(start))?);
            self.at += 2;
        }
        if bytes.is_empty() {
            return Err(DnError::InvalidHex(start));
        }
        Ok(match ber_string(&bytes) {
            Some(text) => Value::Text(folded(&text)),
            None => Value::Ber(bytes),
        })
    }
}

// Spaces at the end of a value, escaped or not, do not count in the comparison: `folded` drops both.
fn text_value(bytes: Vec<u8>) -> Result<Value, DnError> {
    let text = String::from_utf8(bytes).map_err(|_| DnError::InvalidUtf8)?;
    Ok(Value::Text(folded(&text)))
}

fn hex_byte(first: u8, second: u8) -> Option<u8> {
    let digit = |c: u8| char::from(c).to_digit(16);
    Some((digit(first)? * 16 + digit(second)?) as u8)
}

/// The text of a BER-encoded string, when the bytes are exactly that.
fn ber_string(bytes: &[u8]) -> Option<String> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, content) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 || rest.len() < count {
            return None;
        }
        let (length, content) = rest.split_at(count);
        (length.iter().fold(0, |sum, &byte| (sum << 8) | usize::from(byte)), content)
    };
    if content.len() != length {
        return None;
    }
    match tag {
        // Octet, UTF-8, numeric, printable, teletex, IA5 and visible strings.
        0x04 | 0x0c | 0x12 | 0x13 | 0x14 | 0x16 | 0x1a => String::from_utf8(content.to_vec()).ok(),
        // BMPString: two bytes per character.
        0x1e if length % 2 == 0 => {
            let units = content.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).collect::<Result<_, _>>().ok()
        }
        _ => None,
    }
}
