//! What RFC 4533 puts into messages and controls. ldap3's own readers panic on anything unexpected.

use ldap3::ResultEntry;
use ldap3::asn1::{PL, StructureTag, TagClass, Types, parse_tag, parse_uint};
use ldap3::controls::Control;
use uuid::Uuid;

const SYNC_STATE: &str = "1.3.6.1.4.1.4203.1.9.1.2";
const SYNC_DONE: &str = "1.3.6.1.4.1.4203.1.9.1.3";
const SYNC_INFO: &[u8] = b"1.3.6.1.4.1.4203.1.9.1.4";

/// Of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct State {
    pub state: EntryState,
    pub id: Uuid,
    pub cookie: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryState {
    Present,
    Changed,
    Deleted,
}

/// Of the end of a search.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    pub cookie: Option<Vec<u8>>,
    /// What is gone was named. Otherwise what is left was named.
    pub deletes: bool,
}

/// Between entries.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Info {
    Cookie(Vec<u8>),
    DeletePhase(Option<Vec<u8>>),
    PresentPhase(Option<Vec<u8>>),
    Ids { cookie: Option<Vec<u8>>, deletes: bool, ids: Vec<Uuid> },
}

pub(super) fn state(controls: &[Control]) -> Option<State> {
    let mut parts = sequence(value(controls, SYNC_STATE)?)?.into_iter();
    let state = match parse_uint(&primitive(parts.next()?)?).ok()?.1 {
        0 => EntryState::Present,
        1 | 2 => EntryState::Changed,
        3 => EntryState::Deleted,
        _ => return None,
    };
    let id = uuid(parts.next()?)?;
    Some(State { state, id, cookie: parts.next().and_then(primitive) })
}

pub(super) fn done(controls: &[Control]) -> Option<Done> {
    let mut done = Done::default();
    for part in sequence(value(controls, SYNC_DONE)?)? {
        if is(&part, Types::OctetString) {
            done.cookie = primitive(part);
        } else if is(&part, Types::Boolean) {
            done.deletes = boolean(part)?;
        }
    }
    Some(done)
}

/// `Ok(None)` is a message about something else.
pub(super) fn info(message: ResultEntry) -> Result<Option<Info>, ()> {
    let PL::C(parts) = message.0.payload else { return Err(()) };
    let mut name = None;
    let mut value = None;
    for part in parts {
        match part.id {
            0 => name = primitive(part),
            1 => value = primitive(part),
            _ => {}
        }
    }
    if name.as_deref() != Some(SYNC_INFO) {
        return Ok(None);
    }
    value.and_then(|value| parse_info(&value)).map(Some).ok_or(())
}

fn parse_info(value: &[u8]) -> Option<Info> {
    let choice = parse_tag(value).ok()?.1;
    if choice.class != TagClass::Context {
        return None;
    }
    if choice.id == 0 {
        return primitive(choice).map(Info::Cookie);
    }
    let id = choice.id;
    let PL::C(parts) = choice.payload else { return None };
    let (mut cookie, mut deletes, mut ids) = (None, false, Vec::new());
    for part in parts {
        if is(&part, Types::OctetString) {
            cookie = primitive(part);
        } else if is(&part, Types::Boolean) {
            deletes = boolean(part)?;
        } else if is(&part, Types::Set) {
            let PL::C(set) = part.payload else { return None };
            ids = set.into_iter().map(uuid).collect::<Option<_>>()?;
        }
    }
    match id {
        1 => Some(Info::DeletePhase(cookie)),
        2 => Some(Info::PresentPhase(cookie)),
        3 => Some(Info::Ids { cookie, deletes, ids }),
        _ => None,
    }
}

fn value<'a>(controls: &'a [Control], oid: &str) -> Option<&'a [u8]> {
    controls.iter().find(|Control(_, raw)| raw.ctype == oid)?.1.val.as_deref()
}

fn sequence(value: &[u8]) -> Option<Vec<StructureTag>> {
    match parse_tag(value).ok()?.1.payload {
        PL::C(parts) => Some(parts),
        PL::P(_) => None,
    }
}

fn is(tag: &StructureTag, kind: Types) -> bool {
    tag.class == TagClass::Universal && tag.id == kind as u64
}

fn primitive(tag: StructureTag) -> Option<Vec<u8>> {
    match tag.payload {
        PL::P(bytes) => Some(bytes),
        PL::C(_) => None,
    }
}

fn boolean(tag: StructureTag) -> Option<bool> {
    primitive(tag)?.first().map(|byte| *byte != 0)
}

fn uuid(tag: StructureTag) -> Option<Uuid> {
    Uuid::from_slice(&primitive(tag)?).ok()
}

#[cfg(test)]
mod tests {
    use ldap3::controls::RawControl;

    use super::*;

    const ID: [u8; 16] = *b"0123456789abcdef";

    fn control(oid: &str, value: &[u8]) -> Vec<Control> {
        let raw = RawControl { ctype: oid.to_owned(), crit: false, val: Some(value.to_vec()) };
        vec![Control(None, raw)]
    }

    fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        [&[tag, u8::try_from(content.len()).unwrap()], content.as_slice()].concat()
    }

    #[test]
    fn the_state_of_an_entry() {
        let told = |state: u8| {
            let value = tlv(0x30, &[&[0x0a, 1, state], &tlv(0x04, &[&ID]), &tlv(0x04, &[b"c"])]);
            super::state(&control(SYNC_STATE, &value))
        };
        let id = Uuid::from_bytes(ID);
        let expected = State { state: EntryState::Deleted, id, cookie: Some(b"c".to_vec()) };
        assert_eq!(told(3), Some(expected));
        assert_eq!(told(1).unwrap().state, EntryState::Changed);
        assert_eq!(told(9), None);
        assert_eq!(super::state(&control(SYNC_STATE, &[0x30, 9])), None);
        assert_eq!(super::state(&[]), None);
    }

    #[test]
    fn the_end_of_a_refresh() {
        let value = tlv(0x30, &[&tlv(0x04, &[b"c"]), &[0x01, 1, 0xff]]);
        let told = done(&control(SYNC_DONE, &value)).unwrap();
        assert_eq!(told, Done { cookie: Some(b"c".to_vec()), deletes: true });
        assert_eq!(done(&control(SYNC_DONE, &tlv(0x30, &[]))), Some(Done::default()));
        assert_eq!(done(&control(SYNC_DONE, &[0x04, 0])), None);
    }

    #[test]
    fn messages_between_entries() {
        let ids = tlv(0xa3, &[&[0x01, 1, 0xff], &tlv(0x31, &[&tlv(0x04, &[&ID])])]);
        let expected = Info::Ids { cookie: None, deletes: true, ids: vec![Uuid::from_bytes(ID)] };
        assert_eq!(parse_info(&ids), Some(expected));
        assert_eq!(parse_info(&tlv(0x80, &[b"c"])), Some(Info::Cookie(b"c".to_vec())));
        assert_eq!(parse_info(&tlv(0xa2, &[])), Some(Info::PresentPhase(None)));
        let odd = tlv(0xa3, &[&tlv(0x31, &[&tlv(0x04, &[b"short"])])]);
        assert_eq!(parse_info(&odd), None, "an id has 16 bytes");
    }
}
