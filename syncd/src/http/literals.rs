//! Filters and paths as they are shown in the log of refusals: everything but the values that are compared with.

use super::shape::masked;

/// Values that stand for themselves and for nobody.
const HARMLESS: [&str; 15] = [
    "work",
    "home",
    "other",
    "mobile",
    "fax",
    "pager",
    "photo",
    "thumbnail",
    "direct",
    "indirect",
    "user",
    "group",
    "true",
    "false",
    "null",
];
const OPERATORS: [&str; 9] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];

pub fn is_harmless(literal: &str) -> bool {
    HARMLESS.iter().any(|word| literal.eq_ignore_ascii_case(word))
}

/// Masks quoted literals, and what follows an operator without quotes.
pub fn mask_filter(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    let mut follows_operator = false;
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            let (literal, tail, is_closed) = quoted(rest);
            shown.push('"');
            shown.push_str(&if is_harmless(literal) { literal.to_owned() } else { masked(&plain(literal)) });
            shown.push_str(if is_closed { "\"" } else { "" });
            (rest, follows_operator) = (tail, false);
        } else if is_separator(first) {
            shown.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            let end = rest.find(|c| is_separator(c) || c == '"').unwrap_or(rest.len());
            let (word, tail) = rest.split_at(end);
            let is_value = follows_operator && !is_harmless(word) && word.parse::<i64>().is_err();
            shown.push_str(&if is_value {
                format!("unquoted({})", word.chars().count())
            } else {
                word.to_owned()
            });
            // Without quotes nobody knows where a value ends: `userName eq John Doe`.
            follows_operator = is_value && !is_logical(tail)
                || OPERATORS.iter().any(|operator| word.eq_ignore_ascii_case(operator));
            rest = tail;
        }
    }
    shown
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | ',')
}

/// Whether the next word combines conditions.
fn is_logical(text: &str) -> bool {
    let mut words = text.trim_start_matches(|c: char| is_separator(c)).split(is_separator);
    let next = words.next().unwrap_or_default();
    ["and", "or", "not"].iter().any(|word| next.eq_ignore_ascii_case(word))
}

/// What is between the quotes, what comes behind, and whether there was a second quote.
fn quoted(text: &str) -> (&str, &str, bool) {
    let inner = &text[1..];
    let mut is_escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return (&inner[..at], &inner[at + 1..], true),
            _ => {}
        }
    }
    (inner, "", false)
}

/// Without backslashes, for its length.
fn plain(literal: &str) -> String {
    serde_json::from_str(&format!("\"{literal}\"")).unwrap_or_else(|_| literal.to_owned())
}
