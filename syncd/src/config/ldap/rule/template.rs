//! `{givenName} {sn|unknown}`; `{{` and `}}` stand for the braces themselves.

use super::Piece;
use crate::config::ldap::values::check_attribute;

pub(super) fn parse(text: &str) -> Result<Vec<Piece>, String> {
    let wrong = |what: &str| format!("template {text:?} {what}");
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        plain.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            plain.push_str(brace);
            rest = after;
            continue;
        }
        if brace == "}" {
            return Err(wrong("has a } without its { (a brace itself is }})"));
        }
        let (inner, after) = rest.split_once('}').ok_or_else(|| wrong("has a { without its }"))?;
        push_text(&mut pieces, &mut plain);
        pieces.push(attribute(inner).map_err(|message| wrong(&format!("cannot be used: {message}")))?);
        rest = after;
    }
    plain.push_str(rest);
    if pieces.is_empty() {
        return Err(wrong("names no attribute, such as {cn}"));
    }
    push_text(&mut pieces, &mut plain);
    if text.contains('\0') {
        return Err(wrong("contains a NUL"));
    }
    Ok(pieces)
}

fn push_text(pieces: &mut Vec<Piece>, plain: &mut String) {
    if !plain.is_empty() {
        pieces.push(Piece::Text(std::mem::take(plain)));
    }
}

fn attribute(inner: &str) -> Result<Piece, String> {
    let (name, default) = match inner.split_once('|') {
        Some((name, default)) => (name, Some(default.to_owned())),
        None => (inner, None),
    };
    check_attribute(name)?;
    Ok(Piece::Attribute { name: name.to_owned(), default })
}
