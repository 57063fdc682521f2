//! Proxies in front of the daemon: what they say about the client's request counts only when they are trusted.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::HeaderMap;
use axum::http::header::{FORWARDED, HOST};

/// The peers whose `Forwarded` and `X-Forwarded-*` headers are believed.
#[derive(Debug, Default)]
pub struct Proxies(Vec<Network>);

/// An address, or all that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// The request as the client sent it.
#[derive(Debug, PartialEq, Eq)]
pub struct Origin {
    pub scheme: &'static str,
    pub host: String,
    pub client: IpAddr,
}

impl Proxies {
    pub fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    pub fn origin(&self, headers: &HeaderMap, peer: SocketAddr, is_tls: bool) -> Origin {
        let peer_address = peer.ip().to_canonical();
        let own_scheme = if is_tls { "https" } else { "http" };
        let own_host = text(headers, HOST.as_str()).filter(|host| is_host(host));
        if !self.trusts(peer_address) {
            return origin(own_scheme, own_host, peer_address);
        }
        let hops = hops(headers);
        let client = self.client(&hops, peer_address);
        // The proxy next to the client is the first that tells: those behind it see only their predecessor.
        let scheme = hops.iter().find_map(|hop| hop.scheme).unwrap_or(own_scheme);
        let host = hops.into_iter().find_map(|hop| hop.host).or(own_host);
        origin(scheme, host, client)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// The nearest address that is no trusted proxy: whoever stands behind it may have invented the rest.
    fn client(&self, hops: &[Hop], peer: IpAddr) -> IpAddr {
        let mut client = peer;
        for hop in hops.iter().rev() {
            match hop.client {
                Some(address) if self.trusts(client) => client = address,
                _ => break,
            }
        }
        client
    }
}

fn origin(scheme: &'static str, host: Option<String>, client: IpAddr) -> Origin {
    Origin { scheme, host: host.unwrap_or_else(|| "localhost".to_owned()), client }
}

/// What one proxy says. They append, so the first is the one next to the client.
#[derive(Debug, Default, PartialEq, Eq)]
struct Hop {
    client: Option<IpAddr>,
    host: Option<String>,
    scheme: Option<&'static str>,
}

fn hops(headers: &HeaderMap) -> Vec<Hop> {
    let forwarded = list(headers, FORWARDED.as_str());
    if !forwarded.is_empty() {
        return forwarded.iter().map(|element| hop(element)).collect();
    }
    let (clients, hosts, schemes) = (
        list(headers, "x-forwarded-for"),
        list(headers, "x-forwarded-host"),
        list(headers, "x-forwarded-proto"),
    );
    let count = clients.len().max(hosts.len()).max(schemes.len());
    let hop = |at: usize| Hop {
        client: clients.get(at).and_then(|client| node(client)),
        host: hosts.get(at).filter(|host| is_host(host)).cloned(),
        scheme: schemes.get(at).and_then(|scheme| known_scheme(scheme)),
    };
    (0..count).map(hop).collect()
}

/// RFC 7239: `for=192.0.2.60;proto=https;host="id.example.org"`
fn hop(element: &str) -> Hop {
    let mut hop = Hop::default();
    for pair in split(element, ';') {
        let Some((name, value)) = pair.split_once('=') else { continue };
        let value = unquoted(value.trim());
        match name.trim().to_ascii_lowercase().as_str() {
            "for" => hop.client = node(&value),
            "host" => hop.host = Some(value).filter(|host| is_host(host)),
            "proto" => hop.scheme = known_scheme(&value),
            _ => {}
        }
    }
    hop
}

/// All values of a header that is a list, over its lines.
fn list(headers: &HeaderMap, name: &str) -> Vec<String> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| split(line, ','))
        .map(|value| value.trim().to_owned())
        .filter(|v| !v.is_empty())
        .collect()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Not within quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            c if c == separator && !is_quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        text.extend(if c == '\\' { characters.next() } else { Some(c) });
    }
    text
}

/// `192.0.2.1`, `192.0.2.1:8080`, `[2001:db8::1]:8080`; `unknown` and `_hidden` are nobody.
fn node(text: &str) -> Option<IpAddr> {
    let address = text.parse::<SocketAddr>().map(|address| address.ip());
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    address.or_else(|_| bare.parse()).ok().map(|address: IpAddr| address.to_canonical())
}

fn known_scheme(text: &str) -> Option<&'static str> {
    ["https", "http"].into_iter().find(|scheme| text.eq_ignore_ascii_case(scheme))
}

/// It becomes part of addresses that are handed out.
fn is_host(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    !text.is_empty() && text.len() <= 260 && text.chars().all(is_allowed)
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                u32::from(own).checked_shr(32 - u32::from(self.bits)).unwrap_or(0)
                    == u32::from(other).checked_shr(32 - u32::from(self.bits)).unwrap_or(0)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                u128::from(own).checked_shr(128 - u32::from(self.bits)).unwrap_or(0)
                    == u128::from(other).checked_shr(128 - u32::from(self.bits)).unwrap_or(0)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong =
            || format!("\"{text}\" is no address or network; write 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        match bits.unwrap_or(most) {
            bits if bits > most => Err(wrong()),
            bits => Ok(Self { address, bits }),
        }
    }
}

#[cfg(test)]
#[path = "forwarded_tests.rs"]
mod tests;
