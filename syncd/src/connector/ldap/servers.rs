//! From URLs to open sockets: every address of a name, and which to try first.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ldap3::StdStream;
use percent_encoding::percent_decode_str;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use url::{Host, Url};

use super::error::Failure;

/// A silent peer is asked after so long whether it is still there, then so many times more.
const IDLE: Duration = Duration::from_secs(30);
const PROBE_EVERY: Duration = Duration::from_secs(10);
const PROBES: u32 = 3;
/// A server that failed is tried after the others for so long: it may cost a timeout each time.
const DOUBTFUL_FOR: Duration = Duration::from_secs(60);

/// One address of one URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub url: String,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Address(SocketAddr),
    Socket(PathBuf),
}

impl Server {
    /// All that a URL leads to, in the order in which to try them: IPv6 before IPv4.
    pub(super) async fn behind(text: &str, timeout: Duration) -> Result<Vec<Self>, Failure> {
        let failed = |message: String| Failure { url: text.to_owned(), message, tls: false };
        let url = Url::parse(text).map_err(|error| failed(error.to_string()))?;
        let places = match url.scheme() {
            "ldapi" => vec![Place::Socket(socket(&url).map_err(|message| failed(message.to_owned()))?)],
            _ => addresses(&url, timeout).await.map_err(failed)?.into_iter().map(Place::Address).collect(),
        };
        let mut servers: Vec<_> =
            places.into_iter().map(|place| Self { url: text.to_owned(), place }).collect();
        doubtful_last(&mut servers);
        Ok(servers)
    }

    pub(super) async fn dial(&self, timeout: Duration) -> io::Result<StdStream> {
        let stream = async {
            match &self.place {
                Place::Address(address) => tcp(*address, timeout).await,
                Place::Socket(path) => UnixStream::connect(path).await?.into_std().map(StdStream::Unix),
            }
        };
        tokio::time::timeout(timeout, stream).await.unwrap_or_else(|_| {
            Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", timeout.as_secs())))
        })
    }

    pub(super) fn is_socket(&self) -> bool {
        matches!(self.place, Place::Socket(_))
    }

    pub(super) fn is_loopback(&self) -> bool {
        matches!(&self.place, Place::Address(address) if address.ip().to_canonical().is_loopback())
    }

    /// The URL, and which of its addresses where the URL does not say it.
    pub(super) fn shown(&self) -> String {
        match &self.place {
            Place::Address(address) if !self.url.contains(&address.ip().to_string()) => {
                format!("{} ({address})", self.url)
            }
            _ => self.url.clone(),
        }
    }
}

fn doubtful_last(servers: &mut [Server]) {
    servers.sort_by_key(|server| is_doubtful(&server.shown()));
}

async fn addresses(url: &Url, timeout: Duration) -> Result<Vec<SocketAddr>, String> {
    let port = url.port().unwrap_or(if url.scheme() == "ldaps" { 636 } else { 389 });
    let host = match url.host() {
        Some(Host::Ipv6(address)) => return Ok(vec![(address, port).into()]),
        Some(Host::Ipv4(address)) => return Ok(vec![(address, port).into()]),
        Some(Host::Domain(name)) => name,
        None => return Err("it names no host".to_owned()),
    };
    let found = match tokio::time::timeout(timeout, lookup_host((host, port))).await {
        Ok(found) => found.map_err(|error| error.to_string())?,
        Err(_) => return Err(format!("its name could not be looked up within {} s", timeout.as_secs())),
    };
    let mut addresses: Vec<_> = found.collect();
    addresses.sort_by_key(SocketAddr::is_ipv4);
    addresses.dedup();
    if addresses.is_empty() { Err("its name has no address".to_owned()) } else { Ok(addresses) }
}

fn socket(url: &Url) -> Result<PathBuf, &'static str> {
    let unnamed = "it names no socket: write its path with %2F for /, as in ldapi://%2Frun%2Fslapd%2Fldapi";
    let path = url.host_str().filter(|path| !path.is_empty()).ok_or(unnamed)?;
    let path = percent_decode_str(path).decode_utf8().map_err(|_| "the path of its socket is not UTF-8")?;
    if path.starts_with('/') { Ok(PathBuf::from(path.as_ref())) } else { Err(unnamed) }
}

async fn tcp(address: SocketAddr, timeout: Duration) -> io::Result<StdStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let socket = SockRef::from(&stream);
    socket.set_tcp_keepalive(
        &TcpKeepalive::new().with_time(IDLE).with_interval(PROBE_EVERY).with_retries(PROBES),
    )?;
    // What was sent and never acknowledged would keep the connection for a quarter of an hour.
    socket.set_tcp_user_timeout(Some(timeout))?;
    stream.into_std().map(StdStream::Tcp)
}

/// What failed lately, for the whole process: each run begins with the configuration alone.
static DOUBTFUL: LazyLock<Mutex<HashMap<String, Instant>>> = LazyLock::new(Mutex::default);

pub(super) fn is_doubtful(name: &str) -> bool {
    let doubts = DOUBTFUL.lock().unwrap_or_else(PoisonError::into_inner);
    doubts.get(name).is_some_and(|since| since.elapsed() < DOUBTFUL_FOR)
}

/// Notes how it went with a URL or one of its addresses.
pub(super) fn note(name: &str, works: bool) {
    let mut doubts = DOUBTFUL.lock().unwrap_or_else(PoisonError::into_inner);
    if works {
        doubts.remove(name);
    } else {
        doubts.insert(name.to_owned(), Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(5);

    async fn shown(url: &str) -> Vec<String> {
        let servers = Server::behind(url, TIMEOUT).await.unwrap();
        servers.iter().map(Server::shown).collect()
    }

    #[tokio::test]
    async fn urls_lead_to_addresses() {
        assert_eq!(shown("ldap://127.0.0.1").await, ["ldap://127.0.0.1"]);
        let servers = Server::behind("ldaps://[::1]", TIMEOUT).await.unwrap();
        assert_eq!(servers[0].place, Place::Address("[::1]:636".parse().unwrap()));
        let servers = Server::behind("ldap://127.0.0.1:3890", TIMEOUT).await.unwrap();
        assert_eq!(servers[0].place, Place::Address("127.0.0.1:3890".parse().unwrap()));
        assert!(
            shown("ldap://localhost:3891")
                .await
                .contains(&"ldap://localhost:3891 (127.0.0.1:3891)".to_owned())
        );
        let servers = Server::behind("ldapi://%2Frun%2Fslapd%2Fldapi", TIMEOUT).await.unwrap();
        assert_eq!(servers[0].place, Place::Socket("/run/slapd/ldapi".into()));
    }

    #[tokio::test]
    async fn sockets_are_named_by_whole_paths() {
        for url in ["ldapi:///", "ldapi://", "ldapi://slapd%2Fldapi", "ldapi:///run/slapd/ldapi"] {
            let failure = Server::behind(url, TIMEOUT).await.unwrap_err();
            assert!(failure.message.contains("%2F"), "{url}: {failure:?}");
        }
    }

    #[test]
    fn what_failed_comes_last() {
        let server = |address: &str| Server {
            url: "ldap://corp.example.org".to_owned(),
            place: Place::Address(address.parse().unwrap()),
        };
        let mut servers = ["[2001:db8::1]:389", "192.0.2.1:389", "192.0.2.2:389"].map(server);
        let as_found = servers.clone();
        note(&servers[0].shown(), false);
        doubtful_last(&mut servers);
        assert_eq!(servers, [as_found[1].clone(), as_found[2].clone(), as_found[0].clone()]);
        note(&as_found[0].shown(), true);
        let mut servers = as_found.clone();
        doubtful_last(&mut servers);
        assert_eq!(servers, as_found);
    }

    #[tokio::test]
    async fn a_dead_peer_is_noticed() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ldap://{}", listener.local_addr().unwrap());
        let servers = Server::behind(&url, TIMEOUT).await.unwrap();
        let Ok(StdStream::Tcp(stream)) = servers[0].dial(TIMEOUT).await else { panic!("a connection") };
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), IDLE);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(TIMEOUT));
    }
}
