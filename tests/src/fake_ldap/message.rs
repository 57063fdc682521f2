//! Requests as they come in and answers as they go out, in BER.

use std::io::Read;
use std::net::TcpStream;

use super::filter::Filter;
use crate::ber::element;

pub(super) const BIND: u8 = 0x60;
pub(super) const UNBIND: u8 = 0x42;
pub(super) const SEARCH: u8 = 0x63;
pub(super) const ABANDON: u8 = 0x50;

pub(super) const BIND_DONE: u8 = 0x61;
pub(super) const SEARCH_DONE: u8 = 0x65;
pub(super) const EXTENDED_DONE: u8 = 0x78;

#[derive(Debug)]
pub(super) struct Request {
    pub id: Vec<u8>,
    pub tag: u8,
    pub content: Vec<u8>,
    pub controls: Vec<Control>,
}

#[derive(Debug)]
pub(super) struct Control {
    pub oid: String,
    pub value: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Search {
    pub base: String,
    pub scope: u8,
    pub filter: Filter,
    pub attributes: Vec<String>,
}

/// The next request of a client; none when it is gone.
pub(super) fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Request> {
    let mut piece = [0; 16384];
    loop {
        if let Some((_, body, length)) = element(buffer) {
            let request = request(body);
            buffer.drain(..length);
            return request;
        }
        match stream.read(&mut piece) {
            Ok(count @ 1..) => buffer.extend(&piece[..count]),
            _ => return None,
        }
    }
}

fn request(body: &[u8]) -> Option<Request> {
    let (_, id, first) = element(body)?;
    let (tag, content, second) = element(&body[first..])?;
    let controls = element(&body[first + second..]).map(|(_, list, _)| list).unwrap_or_default();
    let controls = parts(controls).into_iter().filter_map(|(_, control)| control_of(&control)).collect();
    Some(Request { id: id.to_vec(), tag, content: content.to_vec(), controls })
}

fn control_of(bytes: &[u8]) -> Option<Control> {
    let fields = parts(bytes);
    let oid = text(&fields.first()?.1);
    let value = fields.iter().skip(1).find(|(tag, _)| *tag == 0x04);
    Some(Control { oid, value: value.map(|(_, value)| value.clone()).unwrap_or_default() })
}

pub(super) fn search(content: &[u8]) -> Option<Search> {
    let fields = parts(content);
    Some(Search {
        base: text(&fields.first()?.1),
        scope: *fields.get(1)?.1.first()?,
        filter: Filter::read(&fields.get(6)?.clone())?,
        attributes: parts(&fields.get(7)?.1).iter().map(|(_, name)| text(name)).collect(),
    })
}

/// Name and password of a simple bind; no password for another method.
pub(super) fn bind(content: &[u8]) -> Option<(String, Option<String>)> {
    let fields = parts(content);
    let (method, password) = fields.get(2)?;
    Some((text(&fields.get(1)?.1), (*method == 0x80).then(|| text(password))))
}

/// The elements that follow each other in a content.
pub(super) fn parts(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while let Some((tag, content, length)) = element(bytes) {
        found.push((tag, content.to_vec()));
        bytes = &bytes[length..];
    }
    found
}

/// The elements within the one SEQUENCE that a control's value is.
pub(super) fn sequence(value: &[u8]) -> Vec<(u8, Vec<u8>)> {
    element(value).map(|(_, content, _)| parts(content)).unwrap_or_default()
}

pub(super) fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |n, &digit| n << 8 | usize::from(digit))
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(super) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut all = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short @ 0..=0x7f) => all.push(short),
        _ => {
            all.push(0x84);
            all.extend(u32::try_from(content.len()).expect("no message is that long").to_be_bytes());
        }
    }
    all.extend(content);
    all
}

pub(super) fn octets(value: &[u8]) -> Vec<u8> {
    tlv(0x04, value)
}

pub(super) fn integer(tag: u8, value: u16) -> Vec<u8> {
    match u8::try_from(value) {
        Ok(small @ 0..=0x7f) => tlv(tag, &[small]),
        // A leading zero byte keeps it positive.
        _ => tlv(tag, &[&[0], &value.to_be_bytes()[..]].concat()),
    }
}

pub(super) fn message(id: &[u8], operation: &[u8], controls: &[Vec<u8>]) -> Vec<u8> {
    let mut content = tlv(0x02, id);
    content.extend(operation);
    if !controls.is_empty() {
        content.extend(tlv(0xa0, &controls.concat()));
    }
    tlv(0x30, &content)
}

pub(super) fn control(oid: &str, value: &[u8]) -> Vec<u8> {
    tlv(0x30, &[octets(oid.as_bytes()), octets(value)].concat())
}

pub(super) fn result(tag: u8, code: u16, diagnostic: &str, referral: &[&str]) -> Vec<u8> {
    let mut content = [integer(0x0a, code), octets(b""), octets(diagnostic.as_bytes())].concat();
    if !referral.is_empty() {
        let urls: Vec<_> = referral.iter().map(|url| octets(url.as_bytes())).collect();
        content.extend(tlv(0xa3, &urls.concat()));
    }
    tlv(tag, &content)
}

pub(super) fn entry(dn: &str, attributes: &[(String, Vec<Vec<u8>>)]) -> Vec<u8> {
    let attributes: Vec<_> = attributes
        .iter()
        .map(|(name, values)| {
            let values: Vec<_> = values.iter().map(|value| octets(value)).collect();
            tlv(0x30, &[octets(name.as_bytes()), tlv(0x31, &values.concat())].concat())
        })
        .collect();
    tlv(0x64, &[octets(dn.as_bytes()), tlv(0x30, &attributes.concat())].concat())
}

pub(super) fn reference(url: &str) -> Vec<u8> {
    tlv(0x73, &octets(url.as_bytes()))
}

pub(super) fn intermediate(oid: &str, value: &[u8]) -> Vec<u8> {
    tlv(0x79, &[tlv(0x80, oid.as_bytes()), tlv(0x81, value)].concat())
}
