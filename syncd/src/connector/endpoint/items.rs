//! Cuts a stream of bytes into the items of a JSON array, or of NDJSON, as they arrive: no more than one item is kept.
//! What is within an item is read by others; here only its end is found.

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadStream {
    #[error("the answer is neither a JSON array nor lines of JSON objects")]
    Neither,
    #[error("the answer ends in the middle")]
    Truncated,
    #[error("an item is larger than {} KiB", LARGEST_ITEM / 1024)]
    TooLarge,
}

/// Of one user.
pub(super) const LARGEST_ITEM: usize = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing but white space so far.
    Start,
    /// Between the items of NDJSON.
    Lines,
    /// After `[`: an item or the end.
    First,
    /// After an item of an array.
    Behind,
    /// After a comma.
    Next,
    /// After `]`.
    End,
}

#[derive(Debug)]
pub(super) struct Items {
    place: Place,
    /// Empty between two items.
    item: Vec<u8>,
    depth: usize,
    in_text: bool,
    escaped: bool,
    /// An empty body means that there is nothing.
    may_be_empty: bool,
}

impl Items {
    /// `lines`: the answer says of itself that it is NDJSON, of which nothing is a valid amount.
    pub(super) fn new(lines: bool) -> Self {
        let place = if lines { Place::Lines } else { Place::Start };
        Self { place, item: Vec::new(), depth: 0, in_text: false, escaped: false, may_be_empty: lines }
    }

    /// Whether the end of the answer was told by the answer itself.
    pub(super) fn is_closed(&self) -> bool {
        self.place == Place::End
    }

    pub(super) fn push(&mut self, bytes: &[u8], mut take: impl FnMut(&[u8])) -> Result<(), BadStream> {
        for byte in bytes {
            if self.item.is_empty() {
                self.between(*byte)?;
            } else if self.within(*byte)? {
                take(&self.item);
                self.item.clear();
                self.place = if self.place == Place::Lines { Place::Lines } else { Place::Behind };
            }
        }
        Ok(())
    }

    /// To be called at the end of the bytes.
    pub(super) fn finish(&self) -> Result<(), BadStream> {
        match self.place {
            _ if !self.item.is_empty() => Err(BadStream::Truncated),
            Place::End | Place::Lines => Ok(()),
            Place::Start if self.may_be_empty => Ok(()),
            _ => Err(BadStream::Truncated),
        }
    }

    fn between(&mut self, byte: u8) -> Result<(), BadStream> {
        if byte.is_ascii_whitespace() {
            return Ok(());
        }
        self.place = match (self.place, byte) {
            (Place::Start, b'[') => Place::First,
            (Place::Behind, b',') => Place::Next,
            (Place::First | Place::Behind, b']') => Place::End,
            (Place::Start | Place::Lines, b'{') => {
                self.begin();
                Place::Lines
            }
            (place @ (Place::First | Place::Next), b'{') => {
                self.begin();
                place
            }
            _ => return Err(BadStream::Neither),
        };
        Ok(())
    }

    fn begin(&mut self) {
        self.item.push(b'{');
        self.depth = 1;
    }

    /// Whether the item ends with this byte.
    fn within(&mut self, byte: u8) -> Result<bool, BadStream> {
        if self.item.len() >= LARGEST_ITEM {
            return Err(BadStream::TooLarge);
        }
        self.item.push(byte);
        if self.in_text {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_text = false,
                _ => {}
            }
            return Ok(false);
        }
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth -= 1,
            _ => {}
        }
        Ok(self.depth == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, lines: bool) -> Result<Vec<String>, BadStream> {
        let whole = cut_by(text, lines, usize::MAX);
        assert_eq!(whole, cut_by(text, lines, 1), "{text}");
        whole
    }

    fn cut_by(text: &str, lines: bool, size: usize) -> Result<Vec<String>, BadStream> {
        let mut items = Items::new(lines);
        let mut found = Vec::new();
        for piece in text.as_bytes().chunks(size.min(text.len().max(1))) {
            items.push(piece, |item| found.push(String::from_utf8_lossy(item).into_owned()))?;
        }
        items.finish()?;
        Ok(found)
    }

    #[test]
    fn arrays_are_cut_at_their_items() {
        let text = r#" [ {"a":"}]{\"\\"} , {"b":[{}]} ] "#;
        assert_eq!(cut(text, false).unwrap(), [r#"{"a":"}]{\"\\"}"#, r#"{"b":[{}]}"#]);
        assert_eq!(cut("[]", false).unwrap(), [""; 0]);
    }

    #[test]
    fn lines_are_known_by_their_first_byte_or_by_what_they_are_called() {
        assert_eq!(cut("{\"a\":1}\n\n{\"b\":2}\r\n", false).unwrap(), ["{\"a\":1}", "{\"b\":2}"]);
        assert_eq!(cut("{\"a\":1}", true).unwrap(), ["{\"a\":1}"]);
        assert_eq!(cut("", true).unwrap(), [""; 0]);
    }

    #[test]
    fn whatever_ends_early_is_an_error() {
        for text in ["", " ", "[", "[{\"a\":1}", "[{\"a\":1},", "[{\"a\":", "{\"a\":1}\n{\"b\"", "{\"a\":\"}"]
        {
            assert_eq!(cut(text, false), Err(BadStream::Truncated), "{text}");
        }
        assert_eq!(cut("{", true), Err(BadStream::Truncated));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["null", "<html>", "[1]", "[{}{}]", "[,{}]", "[{},]", "[] []", "{} ,", "\"x\""] {
            assert_eq!(cut(text, false), Err(BadStream::Neither), "{text}");
        }
    }

    #[test]
    fn an_item_has_a_size() {
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(LARGEST_ITEM));
        assert_eq!(cut_by(&long, false, 65536), Err(BadStream::TooLarge));
    }
}
