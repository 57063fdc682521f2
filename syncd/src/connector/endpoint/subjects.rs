//! Whom to ask about, one small piece of one text each: there may be a million of them.

#[derive(Debug, Clone, Default)]
pub struct Subjects {
    /// Name and tag, each ended by a NUL, which neither can contain.
    text: String,
}

/// A user as the endpoint calls him, and the tag of what it said last time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub who: String,
    pub etag: Option<String>,
}

impl Subjects {
    pub fn push(&mut self, who: &str, etag: Option<&str>) {
        for part in [who, etag.unwrap_or_default()] {
            self.text.push_str(part);
            self.text.push('\0');
        }
    }

    fn at(&self, start: usize) -> Option<(Subject, usize)> {
        let mut parts = self.text[start..].split('\0');
        let (who, etag, _rest) = (parts.next()?, parts.next()?, parts.next()?);
        let next = start + who.len() + etag.len() + 2;
        let etag = (!etag.is_empty()).then(|| etag.to_owned());
        Some((Subject { who: who.to_owned(), etag }, next))
    }

    pub fn iter(&self) -> impl Iterator<Item = Subject> + '_ {
        walk(0, |at| self.at(at))
    }
}

impl IntoIterator for Subjects {
    type Item = Subject;
    type IntoIter = Box<dyn Iterator<Item = Subject> + Send>;

    fn into_iter(self) -> Self::IntoIter {
        Box::new(walk(0, move |at| self.at(at)))
    }
}

fn walk(mut at: usize, read: impl Fn(usize) -> Option<(Subject, usize)>) -> impl Iterator<Item = Subject> {
    std::iter::from_fn(move || {
        let (subject, next) = read(at)?;
        at = next;
        Some(subject)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let mut subjects = Subjects::default();
        subjects.push("sam", None);
        subjects.push("zoë", Some("\"v1\""));
        let all: Vec<_> = subjects.iter().map(|one| (one.who, one.etag)).collect();
        assert_eq!(all, [("sam".to_owned(), None), ("zoë".to_owned(), Some("\"v1\"".to_owned()))]);
        assert_eq!(subjects.into_iter().count(), 2);
        assert_eq!(Subjects::default().iter().count(), 0);
    }
}
