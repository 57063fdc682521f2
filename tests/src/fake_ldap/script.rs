//! What a fake server holds and how it misbehaves.

use crate::directory::Directory;

/// What Active Directory says of a wrong password; `data 775` is an account that is locked.
pub const AD_WRONG_PASSWORD: &str =
    "80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data 52e, v2580";

/// Where the entries of `Script::active_directory` are.
pub const AD_BASE: &str = "DC=fake,DC=test";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    OpenLdap,
    ActiveDirectory,
    Ds389,
    Other,
}

/// What is done with a bind that has the right password (`ADMIN_PASSWORD`; any other is refused with 49).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bind {
    Accept,
    Refuse(u16, &'static str),
    Silent,
}

/// Pages, ranges and entries are counted from 0. A search without paging is one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trick {
    /// Half of the page, then nothing, connection open.
    Silence { page: usize },
    /// Half of the page, then the connection is closed.
    Cut { page: usize },
    /// Half of the page, then half of a message, then the connection is closed.
    HalfMessage { page: usize },
    /// Half of the page, then the end of the search with this code (4: size limit) and no cookie.
    End { page: usize, code: u16 },
    /// Success, and no entries.
    Empty,
    /// The result is a referral (code 10).
    Referral,
    /// A SearchResultReference before each entry.
    References,
    /// The last page again and again, with the same cookie each time.
    SameCookie,
    /// The last page again and again, with ever new cookies.
    FreshCookies,
    /// Pages without entries after the last, with ever new cookies.
    EmptyPages,
    /// Values in ranges of so many, by this name: `Ranges { step: 3, name: "MEMBER;Range=" }`.
    Ranges { step: usize, name: &'static str },
    /// The connection is closed when a client asks for this range (1 is the second, the first that is asked for).
    CloseAtRange(usize),
    /// Whatever range is asked for: the first.
    FirstRangeOnly,
    /// Whatever range is asked for is there, but one value further on.
    RangeGap,
    /// So many answers about a single entry have another uSNChanged each, as if it changed in between.
    Restless { times: usize },
    /// Who comes with a cookie of syncrepl is answered with this code (53: from the future, 4096: refresh required).
    RefuseCookie(u16),
    /// Who comes with a cookie of syncrepl is told that all who were present are gone.
    EmptyPresentPhase,
}

#[derive(Debug, Clone)]
pub struct Script {
    pub kind: Kind,
    pub bind: Bind,
    pub entries: Vec<Entry>,
    /// Tricks are played on searches whose text (`base scope filter`, see `FakeLdap::searches`) contains this text.
    pub tricks: Vec<(String, Trick)>,
    /// The rootDSE.
    pub root: Entry,
    /// What syncrepl gives as its cookie.
    pub cookie: String,
}

impl Script {
    pub fn of(kind: Kind, base: &str) -> Script {
        Script {
            kind,
            bind: Bind::Accept,
            entries: Vec::new(),
            tricks: Vec::new(),
            root: super::root_dse::root_dse(kind, base),
            cookie: "rid=000,csn=20300101000000.000000Z#000000#000#000000".into(),
        }
    }

    /// An OpenLDAP with these entries; the entryUUID of the n-th is `uuid(n)`.
    pub fn openldap(directory: &Directory) -> Script {
        let mut script = Script::of(Kind::OpenLdap, crate::BASE);
        script.entries = entries(&directory.ldif);
        script
    }

    /// An Active Directory with these users in `OU=Staff` and groups of some of them in `OU=Groups`.
    pub fn active_directory(users: &[&str], groups: &[(&str, &[&str])]) -> Script {
        let mut script = Script::of(Kind::ActiveDirectory, AD_BASE);
        script.entries = super::root_dse::active_directory();
        for (n, user) in users.iter().enumerate() {
            script.entries.push(ad_user(user, n));
        }
        for (n, (group, members)) in groups.iter().enumerate() {
            script.entries.push(ad_group(group, 10000 + n, members));
        }
        script
    }

    #[must_use]
    pub fn trick(self, trick: Trick) -> Script {
        self.trick_on("", trick)
    }

    /// A trick for the searches whose text contains this, such as `(objectClass=group)`.
    #[must_use]
    pub fn trick_on(mut self, search: &str, trick: Trick) -> Script {
        self.tricks.push((search.into(), trick));
        self
    }

    pub(super) fn calm_down(&mut self) {
        for (_, trick) in &mut self.tricks {
            if let Trick::Restless { times } = trick {
                *times = times.saturating_sub(1);
            }
        }
    }

    /// The entry of that name, to be changed.
    #[track_caller]
    pub fn entry(&mut self, dn: &str) -> &mut Entry {
        let found = self.entries.iter_mut().find(|entry| entry.dn.eq_ignore_ascii_case(dn));
        found.unwrap_or_else(|| panic!("there is no {dn}"))
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    pub dn: String,
    pub attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    pub fn new(dn: &str) -> Entry {
        Entry { dn: dn.into(), attributes: Vec::new() }
    }

    #[must_use]
    pub fn with(self, name: &str, values: &[&str]) -> Entry {
        self.bytes(name, values.iter().map(|value| value.as_bytes().to_vec()).collect())
    }

    /// Sets an attribute to any bytes.
    #[must_use]
    pub fn bytes(mut self, name: &str, values: Vec<Vec<u8>>) -> Entry {
        self.set(name, values);
        self
    }

    /// Sets an attribute (no values: it is there and empty).
    pub fn set(&mut self, name: &str, values: Vec<Vec<u8>>) {
        self.attributes.retain(|(old, _)| !old.eq_ignore_ascii_case(name));
        self.attributes.push((name.into(), values));
    }

    pub fn values(&self, name: &str) -> Option<&Vec<Vec<u8>>> {
        self.attributes.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, values)| values)
    }
}

/// An id that is the n-th of the tests.
pub fn uuid(n: usize) -> String {
    format!("00000000-0000-4000-8000-{n:012x}")
}

/// The same as Active Directory keeps it: the first three fields turned round.
pub fn guid(n: usize) -> Vec<u8> {
    let mut bytes = vec![0, 0, 0, 0, 0, 0, 0x00, 0x40, 0x80, 0];
    bytes.extend(&n.to_be_bytes()[2..]);
    bytes
}

pub fn ad_user_dn(name: &str) -> String {
    format!("CN={name},OU=Staff,{AD_BASE}")
}

/// A user with the id `uuid(n)`.
pub fn ad_user(name: &str, n: usize) -> Entry {
    Entry::new(&ad_user_dn(name))
        .with("objectClass", &["top", "person", "organizationalPerson", "user"])
        .with("objectCategory", &["person"])
        .with("cn", &[name])
        .with("sAMAccountName", &[name])
        .with("userAccountControl", &["512"])
        .with("primaryGroupID", &["513"])
        .bytes("objectGUID", vec![guid(n)])
        .bytes("objectSid", vec![sid(1000 + n)])
        .with("uSNChanged", &[&n.to_string()])
}

/// A group with the id `uuid(n)`.
pub fn ad_group(name: &str, n: usize, members: &[&str]) -> Entry {
    let members: Vec<_> = members.iter().map(|member| ad_user_dn(member)).collect();
    let members: Vec<_> = members.iter().map(String::as_str).collect();
    Entry::new(&format!("CN={name},OU=Groups,{AD_BASE}"))
        .with("objectClass", &["top", "group"])
        .with("cn", &[name])
        .with("sAMAccountName", &[name])
        .with("member", &members)
        .bytes("objectGUID", vec![guid(n)])
        .bytes("objectSid", vec![sid(1000 + n)])
        .with("uSNChanged", &[&n.to_string()])
}

/// S-1-5-21-1-2-3-rid.
fn sid(rid: usize) -> Vec<u8> {
    let mut bytes = vec![1, 5, 0, 0, 0, 0, 0, 5];
    for part in [21, 1, 2, 3, u32::try_from(rid).expect("a small number")] {
        bytes.extend(part.to_le_bytes());
    }
    bytes
}

fn entries(ldif: &str) -> Vec<Entry> {
    let blocks = ldif.split("\n\n").filter(|block| !block.trim().is_empty());
    blocks.enumerate().map(|(n, block)| entry(block.trim(), n)).collect()
}

fn entry(block: &str, n: usize) -> Entry {
    let mut entry = Entry::default();
    for line in block.lines() {
        let (name, value) = line.split_once(": ").expect("name: value; no base64 here");
        if name == "dn" {
            entry.dn = value.into();
            continue;
        }
        let mut values = entry.values(name).cloned().unwrap_or_default();
        values.push(value.as_bytes().to_vec());
        entry.set(name, values);
    }
    entry.with("entryUUID", &[&uuid(n)])
}
