//! From the command line to a server that accepts, and to its end.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::ServiceExt;
use axum::http::Request;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use hyper::body::Incoming;
use hyper_util::rt::TokioTimer;
use tokio::task::JoinHandle;
use tower::util::MapRequest;
use tracing::{error, info, warn};

use super::connection::Gate;
use super::forwarded::Proxies;
use super::refusals::RefusalLog;
use super::state::HttpState;
use super::tls::{CertificateFiles, TlsError};
use super::{paths, router};
use crate::cli::ListenArgs;
use crate::database::{Database, DatabaseError, Pool};
use crate::feed::Feed;
use crate::secret::Secrets;
use crate::shutdown::Shutdown;
use crate::task::Owned;

const USUAL_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8480);
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// For the head of a request, and between two requests.
const LONGEST_IDLE: Duration = Duration::from_secs(30);
/// Less than the time that a stop of the daemon may take.
const FAREWELL: Duration = Duration::from_secs(3);
/// For the log of refused requests.
const LAST_WORDS: Duration = Duration::from_millis(500);

#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("cannot listen on {address}: {reason}; --listen names another address, port 0 takes a free one")]
    Listen { address: SocketAddr, reason: io::Error },
    #[error(
        "plain HTTP on {0} would show API keys to everybody on the way: give --tls-cert and --tls-key, listen on 127.0.0.1 behind a proxy that encrypts, or accept it with --insecure-http"
    )]
    ClearText(SocketAddr),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("cannot write the port to {}: {reason}", path.display())]
    PortFile { path: PathBuf, reason: io::Error },
    #[error("the HTTP server ended because of a fault of its own")]
    Ended,
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// A server that accepts connections.
#[derive(Debug)]
pub struct HttpServer {
    handle: Handle<SocketAddr>,
    serving: JoinHandle<()>,
    port_file: Option<PathBuf>,
    log_writer: Owned<()>,
    _certificate_watch: Option<Owned<()>>,
}

impl HttpServer {
    /// None: nobody has said where to listen, and another process has the usual address.
    pub fn start_if_free(
        database: &Database,
        secrets: &Secrets,
        feed: &Feed,
        args: &ListenArgs,
    ) -> Result<Option<Self>, ServerError> {
        match Self::start(database, secrets, feed, args) {
            Ok(server) => Ok(Some(server)),
            Err(ServerError::Listen { reason, .. })
                if args.listen.is_none() && reason.kind() == io::ErrorKind::AddrInUse =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A second daemon of a machine synchronises as any other; HTTP it serves when the first one has gone.
    pub async fn run_when_free(
        mut server: Option<Self>,
        database: &Database,
        secrets: &Secrets,
        feed: &Feed,
        shutdown: &Shutdown,
        args: &ListenArgs,
    ) -> Result<(), ServerError> {
        if server.is_none() {
            let address = listen_address(args);
            warn!(%address, "another process has this address: HTTP is not served until it is free; --listen names another");
        }
        loop {
            if let Some(server) = server {
                return server.run(shutdown).await;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = shutdown.requested() => return Ok(()),
            }
            server = Self::start_if_free(database, secrets, feed, args)?;
        }
    }

    /// Needs no database yet.
    pub fn start(
        database: &Database,
        secrets: &Secrets,
        feed: &Feed,
        args: &ListenArgs,
    ) -> Result<Self, ServerError> {
        let files = certificate_files(args);
        refuse_clear_text(args, files.is_some())?;
        let tls = files.as_ref().map(CertificateFiles::load).transpose()?.map(RustlsConfig::from_config);
        forget_port(args.port_file.as_deref());
        let (listener, address) = bind(args)?;
        let pool = Pool::new(database, usize::from(args.pool_size))?;
        let (log, writer) = RefusalLog::new(pool.clone());
        let log_writer = Owned::spawn(writer.run());
        let state = HttpState::new(
            pool,
            log,
            Proxies::new(args.trusted_proxy.clone()),
            feed.clone(),
            tls.is_some(),
            secrets.clone(),
        );
        let certificate_watch =
            files.zip(tls.clone()).map(|(files, tls)| Owned::spawn(files.keep_current(tls)));
        let handle = Handle::new();
        let is_tls = tls.is_some();
        let serving = tokio::spawn(serve(listener, handle.clone(), tls, state));
        if let Some(path) = &args.port_file {
            write_port(path, address.port())?;
        }
        info!(%address, tls = is_tls, "serving HTTP");
        Ok(Self {
            handle,
            serving,
            port_file: args.port_file.clone(),
            log_writer,
            _certificate_watch: certificate_watch,
        })
    }

    /// Until the daemon is to stop. Requests that are under way get to finish; what takes too long is cut off.
    pub async fn run(mut self, shutdown: &Shutdown) -> Result<(), ServerError> {
        tokio::select! {
            _ = &mut self.serving => return Err(ServerError::Ended),
            () = shutdown.requested() => {}
        }
        forget_port(self.port_file.as_deref());
        self.handle.graceful_shutdown(Some(FAREWELL));
        self.serving.await.map_err(|_| ServerError::Ended)?;
        // It ends by itself once there is nobody left to note anything.
        let _ = tokio::time::timeout(LAST_WORDS, self.log_writer.join()).await;
        Ok(())
    }
}

fn listen_address(args: &ListenArgs) -> SocketAddr {
    args.listen.unwrap_or(USUAL_ADDRESS)
}

fn certificate_files(args: &ListenArgs) -> Option<CertificateFiles> {
    let (certificate, key) = (args.tls_cert.clone()?, args.tls_key.clone()?);
    Some(CertificateFiles { certificate, key })
}

fn refuse_clear_text(args: &ListenArgs, is_tls: bool) -> Result<(), ServerError> {
    let address = listen_address(args);
    let is_safe = is_tls || args.insecure_http || address.ip().to_canonical().is_loopback();
    if is_safe { Ok(()) } else { Err(ServerError::ClearText(address)) }
}

/// Clients that connect from here on are served as soon as the server runs.
fn bind(args: &ListenArgs) -> Result<(TcpListener, SocketAddr), ServerError> {
    let address = listen_address(args);
    let refused = |reason| ServerError::Listen { address, reason };
    let listener = TcpListener::bind(address).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

async fn serve(
    listener: TcpListener,
    handle: Handle<SocketAddr>,
    tls: Option<RustlsConfig>,
    state: HttpState,
) {
    let app = MapRequest::new(router::router(&state), paths::tidied);
    let app = ServiceExt::<Request<Incoming>>::into_make_service_with_connect_info::<SocketAddr>(app);
    let server = match axum_server::from_tcp(listener) {
        Ok(server) => server.handle(handle),
        Err(error) => return error!(%error, "the HTTP server cannot use its socket"),
    };
    let gate = Gate::default();
    let ended = match tls {
        Some(tls) => configured(server.acceptor(RustlsAcceptor::new(tls).acceptor(gate))).serve(app).await,
        None => configured(server.acceptor(gate)).serve(app).await,
    };
    if let Err(error) = ended {
        error!(%error, "the HTTP server ended");
    }
}

/// HTTP/1.1 only: one connection is one request at a time, which is what limits and time-outs count.
fn configured<A>(server: Server<SocketAddr, A>) -> Server<SocketAddr, A> {
    let mut server = server.http1_only();
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(LONGEST_IDLE);
    server
}

/// Nobody is to connect to the port of a server that is gone.
fn forget_port(path: Option<&Path>) {
    if let Some(path) = path {
        let _ = std::fs::remove_file(path);
    }
}

/// Whoever sees the file sees all of it.
fn write_port(path: &Path, port: u16) -> Result<(), ServerError> {
    let mut new = path.as_os_str().to_owned();
    new.push(format!(".{}.new", std::process::id()));
    let written = std::fs::write(&new, port.to_string()).and_then(|()| std::fs::rename(&new, path));
    written.map_err(|reason| ServerError::PortFile { path: path.to_owned(), reason })
}
