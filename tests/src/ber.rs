//! As much of BER as it takes to cut a byte stream into LDAP messages and to see what they ask.

/// A tag-length-value at the beginning of `bytes`: its tag, its content and its whole length.
pub(crate) fn element(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (&tag, &first) = (bytes.first()?, bytes.get(1)?);
    let (length, header) = match first {
        0..=0x7f => (usize::from(first), 2),
        _ => {
            let count = usize::from(first & 0x7f);
            let digits = bytes.get(2..2 + count)?;
            (digits.iter().fold(0, |n, &d| n << 8 | usize::from(d)), 2 + count)
        }
    };
    Some((tag, bytes.get(header..header + length)?, header + length))
}

pub(crate) const SEARCH_REQUEST: u8 = 0x63;
pub(crate) const SEARCH_ENTRY: u8 = 0x64;
pub(crate) const SEARCH_DONE: u8 = 0x65;

/// The operation of an LDAPMessage (a SEQUENCE of message id, operation, controls).
pub(crate) fn operation(message: &[u8]) -> Option<(u8, &[u8])> {
    let (_, body, _) = element(message)?;
    let (_, _, id) = element(body)?;
    let (tag, content, _) = element(&body[id..])?;
    Some((tag, content))
}

/// The base of a SearchRequest, its first field.
pub(crate) fn search_base(request: &[u8]) -> Option<String> {
    let (_, base, _) = element(request)?;
    Some(String::from_utf8_lossy(base).into_owned())
}
