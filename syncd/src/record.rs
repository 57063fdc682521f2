//! The one vocabulary between connectors and the pipeline: it knows neither protocol nor PostgreSQL.

use std::collections::BTreeMap;

/// 128 bits of BLAKE3 over an immutable external id: what identifies an entity between runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key([u8; 16]);

impl Key {
    pub fn of(external_id: &str) -> Self {
        Self(truncated(blake3::hash(external_id.as_bytes())))
    }

    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({:032x})", u128::from_be_bytes(self.0))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    User,
    Group,
}

impl Kind {
    /// The word used in the database and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::User => "user",
            Kind::Group => "group",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Member {
    pub kind: Kind,
    pub key: Key,
}

/// What groups call a member: a digest of its name, or its key where the directory lists keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference([u8; 16]);

impl Reference {
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Of a name that is none of the directory's: `uid:sam`.
    pub fn of(text: &str) -> Self {
        Self(truncated(blake3::hash(text.as_bytes())))
    }

    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl std::fmt::Debug for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reference({:032x})", u128::from_be_bytes(self.0))
    }
}

/// What groups may call an entity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct References {
    pub name: Option<Reference>,
    /// Where groups list user names.
    pub uid: Option<Reference>,
}

/// A user or a group as the source states it now. All text is in Unicode NFC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    pub kind: Kind,
    pub key: Key,
    pub external_id: String,
    pub name: String,
    pub display_name: Option<String>,
    pub email: Option<String>,
    pub profile: BTreeMap<String, String>,
    pub active: bool,
    /// Attribute values (name, value): sorted and unique.
    pub values: Vec<(String, String)>,
    /// How the user is called on platforms (platform, name): sorted, one name per platform.
    pub platforms: Vec<(String, String)>,
    /// Direct members of a group: sorted and unique. Always empty for a user.
    pub members: Vec<Member>,
    /// What the group lists and nobody is (yet), or whose entry cannot be taken: sorted and unique.
    pub pending: Vec<Reference>,
    pub references: References,
    /// The group that the user's own entry names.
    pub primary_group: Option<Key>,
}

impl Entity {
    /// With nothing but what every entity has.
    pub fn new(kind: Kind, external_id: String, name: String) -> Self {
        Self {
            kind,
            key: Key::of(&external_id),
            external_id,
            name,
            display_name: None,
            email: None,
            profile: BTreeMap::new(),
            active: true,
            values: Vec::new(),
            platforms: Vec::new(),
            members: Vec::new(),
            pending: Vec::new(),
            references: References::default(),
            primary_group: None,
        }
    }
}

impl Entity {
    /// What tells a changed entity from an unchanged one: a hash of everything but the key.
    ///
    /// Every field is preceded by its length or its count, so no two entities share a serialisation.
    /// Changing this serialisation makes the next run of every source compare all of its facts once.
    pub fn fingerprint(&self) -> [u8; 16] {
        let mut bytes = Vec::with_capacity(256 + 17 * self.members.len());
        bytes.push(tag(self.kind));
        put_text(&mut bytes, &self.external_id);
        put_text(&mut bytes, &self.name);
        put_optional(&mut bytes, self.display_name.as_deref());
        put_optional(&mut bytes, self.email.as_deref());
        bytes.push(u8::from(self.active));
        put_pairs(&mut bytes, self.profile.iter());
        put_pairs(&mut bytes, self.values.iter().map(|(name, value)| (name, value)));
        put_count(&mut bytes, self.members.len());
        for member in &self.members {
            bytes.push(tag(member.kind));
            bytes.extend_from_slice(member.key.as_bytes());
        }
        put_pairs(&mut bytes, self.platforms.iter().map(|(platform, name)| (platform, name)));
        put_count(&mut bytes, self.pending.len());
        self.pending.iter().for_each(|reference| bytes.extend_from_slice(reference.as_bytes()));
        put_digest(&mut bytes, self.references.name.as_ref().map(Reference::as_bytes));
        put_digest(&mut bytes, self.references.uid.as_ref().map(Reference::as_bytes));
        put_digest(&mut bytes, self.primary_group.as_ref().map(Key::as_bytes));
        truncated(blake3::hash(&bytes))
    }
}

/// One statement about a user who is somebody else's: the source knows the user by a name and adds facts. Everything that
/// is stated about one user in a run replaces what the source had stated before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What the source calls the user; `None` only with a problem.
    pub who: Option<String>,
    pub statement: Statement,
    /// Why it could not be taken: it is quarantined, and what was known of the user stays.
    pub problem: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// The user exists at the source; the tag asks next time whether anything changed.
    Present {
        etag: Option<String>,
    },
    /// Nothing changed since the last time.
    Same,
    /// Could not be read: counts as present, everything stays.
    Kept,
    Attribute {
        name: String,
        value: String,
    },
    Group {
        name: String,
    },
    /// A row that the database worded itself: kind, name and value as it staged them.
    Row {
        kind: String,
        name: Option<String>,
        value: Option<String>,
    },
}

impl Statement {
    /// Kind, name and value, as the database calls them.
    pub fn columns(&self) -> (&str, Option<&str>, Option<&str>) {
        match self {
            Self::Present { etag } => ("present", None, etag.as_deref()),
            Self::Same => ("same", None, None),
            Self::Kept => ("kept", None, None),
            Self::Attribute { name, value } => ("attribute", Some(name), Some(value)),
            Self::Group { name } => ("group", Some(name), None),
            Self::Row { kind, name, value } => (kind, name.as_deref(), value.as_deref()),
        }
    }
}

/// What a connector hands to the pipeline, one per entry that it read.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    Entity(Entity),
    /// Statements about users who are somebody else's, several at once.
    Facts(Vec<Fact>),
    /// The source says that it is gone.
    Gone {
        kind: Kind,
        key: Key,
    },
    /// It is there, and has not changed as far as the source says.
    Present {
        kind: Kind,
        key: Key,
    },
    /// An entry that could not be taken. With a key it counts as present: what was known of it stays.
    Quarantined {
        kind: Kind,
        /// `None` when the immutable id itself could not be read.
        key: Option<Key>,
        /// How people recognise the entry: its DN or external id.
        shown: String,
        reason: String,
        /// The mapped fields, bad bytes escaped, long values cut.
        entry: serde_json::Value,
    },
}

fn tag(kind: Kind) -> u8 {
    match kind {
        Kind::User => b'u',
        Kind::Group => b'g',
    }
}

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend_from_slice(&(count as u64).to_be_bytes());
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_count(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

fn put_optional(bytes: &mut Vec<u8>, text: Option<&str>) {
    match text {
        None => bytes.push(0),
        Some(text) => {
            bytes.push(1);
            put_text(bytes, text);
        }
    }
}

fn put_digest(bytes: &mut Vec<u8>, digest: Option<&[u8; 16]>) {
    bytes.push(u8::from(digest.is_some()));
    bytes.extend_from_slice(digest.map_or(&[][..], |digest| digest));
}

fn put_pairs<'a>(bytes: &mut Vec<u8>, pairs: impl ExactSizeIterator<Item = (&'a String, &'a String)>) {
    put_count(bytes, pairs.len());
    for (name, value) in pairs {
        put_text(bytes, name);
        put_text(bytes, value);
    }
}

fn truncated(hash: blake3::Hash) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sam() -> Entity {
        Entity {
            display_name: Some("Sam".into()),
            values: vec![("a".into(), "1".into())],
            ..Entity::new(Kind::User, "id-1".into(), "sam".into())
        }
    }

    #[test]
    fn keys_depend_on_the_external_id_only() {
        assert_eq!(Key::of("x"), Key::of("x"));
        assert_ne!(Key::of("x"), Key::of("X"));
        assert_eq!(Key::from_bytes(*Key::of("x").as_bytes()), Key::of("x"));
    }

    #[test]
    fn the_fingerprint_ignores_the_key() {
        let mut other = sam();
        other.key = Key::of("something else");
        assert_eq!(sam().fingerprint(), other.fingerprint());
    }

    #[test]
    fn every_field_changes_the_fingerprint() {
        let changes: [fn(&mut Entity); 14] = [
            |e| e.kind = Kind::Group,
            |e| e.external_id.push('x'),
            |e| e.name.push('x'),
            |e| e.display_name = None,
            |e| e.email = Some(String::new()),
            |e| e.active = false,
            |e| drop(e.profile.insert("title".into(), "Clerk".into())),
            |e| e.values.push(("b".into(), "2".into())),
            |e| e.members.push(Member { kind: Kind::User, key: Key::of("m") }),
            |e| e.platforms.push(("trino".into(), "sam".into())),
            |e| e.pending.push(Reference::of("x")),
            |e| e.references.name = Some(Reference::of("x")),
            |e| e.references.uid = Some(Reference::of("x")),
            |e| e.primary_group = Some(Key::of("g")),
        ];
        let mut seen = std::collections::BTreeSet::from([sam().fingerprint()]);
        for change in changes {
            let mut changed = sam();
            change(&mut changed);
            assert!(seen.insert(changed.fingerprint()), "{changed:?}");
        }
    }

    #[test]
    fn text_does_not_slide_between_fields() {
        let mut left = sam();
        left.values = vec![("ab".into(), "c".into())];
        let mut right = sam();
        right.values = vec![("a".into(), "bc".into())];
        assert_ne!(left.fingerprint(), right.fingerprint());

        let mut as_profile = sam();
        as_profile.values.clear();
        as_profile.profile.insert("a".into(), "1".into());
        assert_ne!(as_profile.fingerprint(), sam().fingerprint());
    }
}
