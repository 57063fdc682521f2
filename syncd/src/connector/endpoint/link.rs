//! `Link: <...>; rel="next"` (RFC 8288): where the next page is.

use reqwest::header::{HeaderMap, LINK};

pub(super) fn next(headers: &HeaderMap) -> Option<String> {
    headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()).find_map(next_in)
}

fn next_in(mut text: &str) -> Option<String> {
    loop {
        let start = text.find('<')?;
        let end = start + text[start..].find('>')?;
        let target = &text[start + 1..end];
        let (parameters, rest) = until_comma(&text[end + 1..]);
        if parameters.iter().any(|parameter| is_next(parameter)) {
            return Some(target.to_owned());
        }
        text = rest;
    }
}

/// The parameters of one link, and what follows it. Commas and semicolons within quotes are text.
fn until_comma(text: &str) -> (Vec<&str>, &str) {
    let (mut parameters, mut from, mut quoted) = (Vec::new(), 0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b';' | b',' if !quoted => {
                parameters.push(&text[from..at]);
                from = at + 1;
                if byte == b',' {
                    return (parameters, &text[from..]);
                }
            }
            _ => {}
        }
    }
    parameters.push(&text[from..]);
    (parameters, "")
}

fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    name.trim().eq_ignore_ascii_case("rel")
        && value.trim().trim_matches('"').split_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_link_is_found_among_others() {
        let next = |text| next_in(text).unwrap_or_default();
        assert_eq!(next("</a?p=2>; rel=\"next\""), "/a?p=2");
        assert_eq!(
            next("<https://x/1>; rel=prev, <https://x/3>; title=\"a, b; rel=next\"; rel=\"last next\""),
            "https://x/3"
        );
        assert_eq!(next("<a>; REL=Next"), "a");
        assert_eq!(next("<a,b>; rel=next"), "a,b");
        for text in ["", "<a>; rel=prev", "<a>", "a; rel=next", "<a; rel=next", "<a>; title=\"rel=next\""] {
            assert_eq!(next(text), "", "{text}");
        }
    }
}
