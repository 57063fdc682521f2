//! The entry below which all of some entries are.

use super::super::dn::DnKeys;
use crate::record::Reference;

#[derive(Debug, Default)]
pub(super) struct Ancestor {
    keys: DnKeys,
    found: Option<(String, Reference)>,
    /// Entries that have nothing above them in common.
    none: bool,
}

impl Ancestor {
    /// A name that cannot be read tells nothing.
    pub(super) fn add(&mut self, dn: &str) {
        let Ok(line) = self.keys.line(dn.as_bytes()) else { return };
        let above = line.get(1..).unwrap_or_default();
        let mut candidate = match &self.found {
            None if self.none => return,
            Some((_, key)) if above.contains(key) => return,
            Some((text, _)) => parent(text),
            None => parent(dn),
        };
        while let Some(text) = candidate {
            if let Ok(key) = self.keys.key(text.as_bytes())
                && above.contains(&key)
            {
                self.found = Some((text.to_owned(), key));
                return;
            }
            candidate = parent(text);
        }
        self.found = None;
        self.none = true;
    }

    pub(super) fn dn(&self) -> Option<&str> {
        self.found.as_ref().map(|(text, _)| text.as_str())
    }
}

/// The name of the entry above.
fn parent(dn: &str) -> Option<&str> {
    let (mut escaped, mut quoted) = (false, false);
    for (at, c) in dn.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ',' | ';' if !quoted => return Some(dn[at + 1..].trim_start()).filter(|above| !above.is_empty()),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn above(dns: &[&str]) -> Option<String> {
        let mut ancestor = Ancestor::default();
        dns.iter().for_each(|dn| ancestor.add(dn));
        ancestor.dn().map(str::to_owned)
    }

    #[test]
    fn the_nearest_entry_above_all() {
        assert_eq!(above(&["uid=a,ou=p,dc=x", "uid=b,OU=P, dc=x"]).as_deref(), Some("ou=p,dc=x"));
        assert_eq!(above(&["uid=a,ou=p,dc=x", "uid=b,ou=q,dc=x"]).as_deref(), Some("dc=x"));
        assert_eq!(above(&["uid=a,ou=p,dc=x", "uid=b,ou=sub,ou=p,dc=x"]).as_deref(), Some("ou=p,dc=x"));
        assert_eq!(above(&["uid=b,ou=sub,ou=p,dc=x", "uid=a,ou=p,dc=x"]).as_deref(), Some("ou=p,dc=x"));
        assert_eq!(above(&["uid=a\\,b,ou=p\\2Cq,dc=x"]).as_deref(), Some("ou=p\\2Cq,dc=x"));
        assert_eq!(above(&["uid=a,ou=p", "uid=b,ou=q", "uid=c,ou=p"]), None, "nothing in common");
        assert_eq!(above(&["uid=a"]), None);
        assert_eq!(above(&[]), None);
    }

    #[test]
    fn an_entry_is_not_above_itself() {
        assert_eq!(above(&["ou=p,dc=x", "uid=a,ou=p,dc=x"]).as_deref(), Some("dc=x"));
    }
}
