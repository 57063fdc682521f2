//! DirSync of Active Directory: the server keeps track, by a cookie that every domain controller understands.
//!
//! Only at the top of a naming context, and with the right to replicate it. The server sends what changed
//! of an object and no more, so that even whether it is a container must be known from before.

use std::collections::{BTreeMap, HashMap};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::BytesMut;
use ldap3::asn1::{ASNTag, Integer, OctetString, PL, Sequence, Tag, parse_tag, parse_uint, write};
use ldap3::controls::{Control, RawControl};
use ldap3::{LdapResult, Scope};

use super::cursor::{self, Cursor};
use super::tree::id_of;
use super::{Answer, Changes, Found, MOST_CHANGES, Question, containers, too_many, usn};
use crate::connector::Containers;
use crate::connector::ldap::entry::Entry;
use crate::connector::ldap::error::{LdapSourceError, diagnostic, rc_name, reason};
use crate::connector::ldap::modes::DIRSYNC;
use crate::record::{Key, Reference};

const WHAT: &str = "DirSync search";
/// Of groups only the members that changed.
const INCREMENTAL_VALUES: i64 = 0x8000_0000;
const LARGEST_ANSWER: i64 = 1 << 20;
/// Nothing matches: what is wanted is the cookie of now.
const NOTHING: &str = "(!(objectClass=*))";
const ANYTHING: &str = "(objectClass=*)";

pub(super) async fn start(question: &Question<'_>) -> Result<Option<Cursor>, LdapSourceError> {
    let expired_until = usn::expired_until(question, 0).await?;
    let mut cookies = BTreeMap::new();
    for top in question.tops() {
        let mut cookie = Vec::new();
        loop {
            let page = page(question, &top, NOTHING, cookie).await?;
            cookie = page.cookie;
            if !page.more {
                break;
            }
        }
        cookies.insert(top, BASE64_STANDARD.encode(cookie));
    }
    Ok(Some(Cursor::DirSync(cursor::DirSync { cookies, expired_until })))
}

pub(super) async fn changes(
    question: &Question<'_>,
    since: &cursor::DirSync,
    known: &HashMap<Key, Reference>,
) -> Result<Answer, LdapSourceError> {
    let everything = |why: String| Ok(Answer::Everything(why));
    let until = usn::expired_until(question, since.expired_until).await?;
    let mut cookies = BTreeMap::new();
    let mut changes = Changes {
        users: Found::default(),
        groups: Found::default(),
        containers: Containers::default(),
        cursor: Cursor::DirSync(since.clone()),
    };
    for top in question.tops() {
        let stored = since.cookies.get(&top).and_then(|cookie| BASE64_STANDARD.decode(cookie).ok());
        let Some(mut cookie) = stored else {
            return everything(format!("the last run left no cookie for {top}"));
        };
        loop {
            let page = match page(question, &top, ANYTHING, cookie).await {
                // A cookie that the server cannot read (any more).
                Err(LdapSourceError::SearchRefused { rc: rc @ (1 | 2 | 53), text, .. }) => {
                    let name = rc_name(rc);
                    return everything(format!(
                        "the server refused the DirSync cookie with rc {rc} ({name}){text}"
                    ));
                }
                page => page?,
            };
            for entry in &page.entries {
                take(question, entry, known, &mut changes);
            }
            if changes.users.changed.len() > MOST_CHANGES {
                return Ok(too_many());
            }
            cookie = page.cookie;
            if !page.more {
                break;
            }
        }
        cookies.insert(top, BASE64_STANDARD.encode(cookie));
    }
    usn::expired(question, since.expired_until, until, &mut changes.users).await?;
    changes.cursor = Cursor::DirSync(cursor::DirSync { cookies, expired_until: until });
    Ok(Answer::Changes(Box::new(changes)))
}

fn take(question: &Question<'_>, entry: &Entry, known: &HashMap<Key, Reference>, changes: &mut Changes) {
    let was_container = id_of(question, entry).is_some_and(|id| known.contains_key(&Key::of(&id)));
    usn::take(question, entry, changes);
    if was_container
        && !usn::is_deleted(entry)
        && let Some(id) = id_of(question, entry)
    {
        containers::add(&mut changes.containers, &id, &entry.dn);
    }
}

struct Page {
    entries: Vec<Entry>,
    cookie: Vec<u8>,
    more: bool,
}

async fn page(
    question: &Question<'_>,
    top: &str,
    filter: &str,
    cookie: Vec<u8>,
) -> Result<Page, LdapSourceError> {
    let timeout = question.timeout;
    let broken = |message: String| LdapSourceError::SearchBroken {
        search: WHAT,
        base: top.to_owned(),
        read: 0,
        message,
    };
    let mut ldap = question.connection.ldap.clone();
    ldap.with_timeout(timeout).with_controls(vec![control(cookie)]);
    let every: [&str; 0] = [];
    let mut stream = ldap
        .streaming_search(top, Scope::Subtree, filter, every)
        .await
        .map_err(|error| broken(reason(&error, timeout)))?;
    let mut entries = Vec::new();
    while let Some(item) = stream.next().await.map_err(|error| broken(reason(&error, timeout)))? {
        if item.is_ref() || item.is_intermediate() {
            continue;
        }
        let mut entry = Entry::decode(item.0)
            .ok_or_else(|| broken("the server sent something that is no entry".to_owned()))?;
        strip(&mut entry.dn);
        entries.push(entry);
    }
    let result = stream.finish().await;
    if result.rc != 0 {
        return Err(refused(top, &result));
    }
    let (more, cookie) =
        answer(&result.ctrls).ok_or_else(|| broken("the server sent no cookie".to_owned()))?;
    Ok(Page { entries, cookie, more })
}

fn refused(top: &str, result: &LdapResult) -> LdapSourceError {
    let right = match result.rc {
        8 | 50 => {
            "; DirSync needs the right Replicating Directory Changes on the domain: grant it, or set incremental to usn"
        }
        _ => "",
    };
    let text = format!("{}{right}", diagnostic(result));
    LdapSourceError::SearchRefused { search: WHAT, base: top.to_owned(), rc: result.rc, text }
}

/// SEQUENCE { flags, largest answer, cookie }
fn control(cookie: Vec<u8>) -> RawControl {
    let number = |inner| Tag::Integer(Integer { inner, ..Default::default() });
    // The flag is the sign bit of 32.
    let flags = INCREMENTAL_VALUES - (1 << 32);
    let value = Tag::Sequence(Sequence {
        inner: vec![
            number(flags),
            number(LARGEST_ANSWER),
            Tag::OctetString(OctetString { inner: cookie, ..Default::default() }),
        ],
        ..Default::default()
    });
    let mut bytes = BytesMut::new();
    // Memory takes everything.
    let _ = write::encode_into(&mut bytes, value.into_structure());
    RawControl { ctype: DIRSYNC.to_owned(), crit: true, val: Some(bytes.to_vec()) }
}

/// Whether there is more, and the cookie to get it with.
fn answer(controls: &[Control]) -> Option<(bool, Vec<u8>)> {
    let raw = controls.iter().find(|Control(_, raw)| raw.ctype == DIRSYNC)?;
    let PL::C(parts) = parse_tag(raw.1.val.as_deref()?).ok()?.1.payload else { return None };
    let [more, _, cookie] = <[_; 3]>::try_from(parts).ok()?;
    let (PL::P(more), PL::P(cookie)) = (more.payload, cookie.payload) else { return None };
    Some((parse_uint(&more).ok()?.1 != 0, cookie))
}

/// Names come with ids in front: `<GUID=..>;<SID=..>;CN=..`.
fn strip(dn: &mut Vec<u8>) {
    while dn.starts_with(b"<")
        && let Some(end) = dn.windows(2).position(|two| two == b">;")
    {
        dn.drain(..end + 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_three_values() {
        let value = control(b"c".to_vec()).val.unwrap();
        let flags: &[u8] = &value[2..8];
        assert_eq!(flags, [2, 4, 0x80, 0, 0, 0], "{value:02x?}");
        assert_eq!(value[value.len() - 3..], [4, 1, b'c']);
    }

    #[test]
    fn the_answer_says_whether_there_is_more() {
        let told = |value: &[u8]| {
            let raw = RawControl { ctype: DIRSYNC.to_owned(), crit: false, val: Some(value.to_vec()) };
            answer(&[Control(None, raw)])
        };
        assert_eq!(told(&[0x30, 9, 2, 1, 1, 2, 1, 0, 4, 1, 7]), Some((true, vec![7])));
        assert_eq!(told(&[0x30, 8, 2, 1, 0, 2, 1, 0, 4, 0]), Some((false, vec![])));
        assert_eq!(told(&[0x30, 3, 2, 1, 0]), None);
    }

    #[test]
    fn names_are_freed_of_their_ids() {
        let mut dn = b"<GUID=1>;<SID=2>;CN=a,DC=b".to_vec();
        strip(&mut dn);
        assert_eq!(dn, b"CN=a,DC=b");
    }
}
