//! Tokens of filters and paths.

use super::invalid;
use crate::error::ScimError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'t> {
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    /// A name, an operator, or a literal without quotes.
    Word(&'t str),
    Text(String),
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, ScimError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '[' => (Token::OpenBracket, 1),
            ']' => (Token::CloseBracket, 1),
            '"' => string(rest)?,
            _ => word(rest),
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn word(rest: &str) -> (Token<'_>, usize) {
    let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '"');
    let length = rest.find(ends).unwrap_or(rest.len());
    (Token::Word(&rest[..length]), length)
}

fn string(rest: &str) -> Result<(Token<'_>, usize), ScimError> {
    let length = string_length(rest).ok_or_else(|| invalid("a string in the filter has no closing quote"))?;
    let text: String = serde_json::from_str(&rest[..length]).map_err(|_| {
        invalid("a string in the filter is no JSON string: escape \" and \\ with a backslash")
    })?;
    // PostgreSQL has no NUL in jsonb, so no document can have it either.
    if text.contains('\0') {
        return Err(invalid("a string in the filter has the character U+0000: leave it out"));
    }
    Ok((Token::Text(text), length))
}

fn string_length(rest: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}
