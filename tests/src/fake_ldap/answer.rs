//! The answer to one search, tricks included.

use super::Then;
use super::entries::{View, entry_uuid, found};
use super::message::{
    Request, SEARCH_DONE, Search, control, integer, intermediate, message, number, octets, reference, result,
    sequence, text, tlv,
};
use super::root_dse::{PAGING, SYNC};
use super::script::{Entry, Script, Trick};

const SYNC_STATE: &str = "1.3.6.1.4.1.4203.1.9.1.2";
const SYNC_DONE: &str = "1.3.6.1.4.1.4203.1.9.1.3";
const SYNC_INFO: &str = "1.3.6.1.4.1.4203.1.9.1.4";

const REFRESH_AND_PERSIST: usize = 3;

impl Search {
    pub(super) fn text(&self) -> String {
        let scope = ["base", "one", "sub"].get(usize::from(self.scope)).unwrap_or(&"?");
        format!("{} {scope} {}", self.base, self.filter)
    }
}

pub(super) fn answer(script: &Script, request: &Request, search: &Search, text: &str) -> (Vec<u8>, Then) {
    let id = &request.id;
    if search.base.is_empty() && search.scope == 0 {
        let root = View::of(script, request, search, Vec::new()).entry(&script.root);
        return (finished(message(id, &root, &[]), id, 0, &[]), Then::GoOn);
    }
    let tricks: Vec<_> = script.tricks.iter().filter(|(on, _)| text.contains(on)).map(|(_, t)| t).collect();
    if tricks.contains(&&Trick::Referral) {
        let referral = result(SEARCH_DONE, 10, "", &["ldap://elsewhere.example.org/"]);
        return (message(id, &referral, &[]), Then::GoOn);
    }
    let view = View::of(script, request, search, tricks.clone());
    if closes_at_range(&view, &tricks) {
        return (Vec::new(), Then::Close);
    }
    let Some(mut entries) = found(script, search) else {
        return (finished(Vec::new(), id, 32, &[]), Then::GoOn);
    };
    if tricks.contains(&&Trick::Empty) {
        entries.clear();
    }
    match request.controls.iter().find(|control| control.oid == SYNC) {
        Some(asked) => sync(script, id, &sequence(&asked.value), &entries, &view, &tricks),
        None => page(request, &entries, &view, &tricks),
    }
}

fn finished(mut before: Vec<u8>, id: &[u8], code: u16, controls: &[Vec<u8>]) -> Vec<u8> {
    before.extend(message(id, &result(SEARCH_DONE, code, "", &[]), controls));
    before
}

fn closes_at_range(view: &View<'_>, tricks: &[&Trick]) -> bool {
    let Some((_, start)) = view.asked_range() else { return false };
    let asked = start / view.step().map_or(1, |(step, _)| step);
    tricks.iter().any(|trick| matches!(trick, Trick::CloseAtRange(range) if *range == asked))
}

/// Where a page begins, and how many came before it. A cookie is these two numbers.
fn position(cookie: &[u8]) -> (usize, usize) {
    let cookie = text(cookie);
    let (start, page) = cookie.split_once('/').unwrap_or(("0", "0"));
    (start.parse().unwrap_or(0), page.parse().unwrap_or(0))
}

fn page(request: &Request, entries: &[&Entry], view: &View<'_>, tricks: &[&Trick]) -> (Vec<u8>, Then) {
    let paging = request.controls.iter().find(|control| control.oid == PAGING);
    let asked = paging.map(|control| sequence(&control.value)).unwrap_or_default();
    let size = asked.first().map_or(usize::MAX, |(_, size)| number(size));
    let (start, page) = asked.get(1).map_or((0, 0), |(_, cookie)| position(cookie));
    let end = entries.len().min(start.saturating_add(size));
    let mut messages: Vec<Vec<u8>> = Vec::new();
    for entry in entries.get(start..end).unwrap_or_default() {
        messages.push(one(&request.id, view, tricks, entry, &[]));
    }
    // A page of no size is how a client gives up.
    let cookie = if size == 0 { String::new() } else { next(start, end, page, entries.len(), tricks) };
    let value = tlv(0x30, &[integer(0x02, 0), octets(cookie.as_bytes())].concat());
    let controls: Vec<_> = paging.map(|_| control(PAGING, &value)).into_iter().collect();
    let done = message(&request.id, &result(SEARCH_DONE, 0, "", &[]), &controls);
    play(&request.id, page, &messages, done, tricks)
}

/// The cookie behind a page; none behind the last, unless a trick wants it.
fn next(start: usize, end: usize, page: usize, all: usize, tricks: &[&Trick]) -> String {
    if end < all {
        format!("{end}/{}", page + 1)
    } else if tricks.contains(&&Trick::SameCookie) {
        format!("{start}/{page}")
    } else if tricks.contains(&&Trick::FreshCookies) {
        format!("{start}/{}", page + 1)
    } else if tricks.contains(&&Trick::EmptyPages) {
        format!("{all}/{}", page + 1)
    } else {
        String::new()
    }
}

fn one(id: &[u8], view: &View<'_>, tricks: &[&Trick], entry: &Entry, controls: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if tricks.contains(&&Trick::References) {
        bytes = message(id, &reference("ldap://elsewhere.example.org/dc=elsewhere??sub"), &[]);
    }
    bytes.extend(message(id, &view.entry(entry), controls));
    bytes
}

/// The messages of a page and its end, or what a trick makes of them.
fn play(id: &[u8], page: usize, entries: &[Vec<u8>], done: Vec<u8>, tricks: &[&Trick]) -> (Vec<u8>, Then) {
    let half = entries.len() / 2;
    let some = entries[..half].concat();
    for trick in tricks {
        match **trick {
            Trick::Silence { page: at } if at == page => return (some, Then::GoOn),
            Trick::Cut { page: at } if at == page => return (some, Then::Close),
            Trick::HalfMessage { page: at } if at == page => {
                let next = entries.get(half).unwrap_or(&done);
                return ([some, next[..next.len() / 2].to_vec()].concat(), Then::Close);
            }
            Trick::End { page: at, code } if at == page => {
                return (finished(some, id, code, &[]), Then::GoOn);
            }
            _ => {}
        }
    }
    ([entries.concat(), done].concat(), Then::GoOn)
}

/// Everything to who comes without a cookie; nothing new to who has one, unless a trick wants it.
fn sync(
    script: &Script,
    id: &[u8],
    asked: &[(u8, Vec<u8>)],
    entries: &[&Entry],
    view: &View<'_>,
    tricks: &[&Trick],
) -> (Vec<u8>, Then) {
    let mode = asked.first().map_or(1, |(_, mode)| number(mode));
    let has_cookie = asked.iter().any(|(tag, cookie)| *tag == 0x04 && !cookie.is_empty());
    let refused = tricks.iter().find_map(|trick| match trick {
        Trick::RefuseCookie(code) if has_cookie => Some(*code),
        _ => None,
    });
    if let Some(code) = refused {
        return (finished(Vec::new(), id, code, &[]), Then::GoOn);
    }
    let states: Vec<_> = entries
        .iter()
        .filter(|_| !has_cookie)
        .map(|entry| {
            let state = [integer(0x0a, 1), octets(&entry_uuid(entry))].concat();
            one(id, view, tricks, entry, &[control(SYNC_STATE, &tlv(0x30, &state))])
        })
        .collect();
    let deletes = has_cookie && !tricks.contains(&&Trick::EmptyPresentPhase);
    let cookie = octets(script.cookie.as_bytes());
    let end = if mode == REFRESH_AND_PERSIST {
        let phase = if deletes { 0xa1 } else { 0xa2 };
        message(id, &intermediate(SYNC_INFO, &tlv(phase, &cookie)), &[])
    } else {
        let value = [cookie, tlv(0x01, &[if deletes { 0xff } else { 0 }])].concat();
        finished(Vec::new(), id, 0, &[control(SYNC_DONE, &tlv(0x30, &value))])
    };
    play(id, 0, &states, end, tricks)
}
