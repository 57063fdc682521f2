//! Getting through to a server and proving who we are.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult};
use secrecy::{ExposeSecret, SecretString};

use super::error::{Failure, LdapSourceError, diagnostic, rc_name, reason, tls_reason};
use super::refusal;
use super::root_dse::RootDse;
use super::servers::{self, Server};
use crate::config::ldap::{Bind, LdapConfig};
use crate::connector::tls;
use crate::secret::{SecretError, Secrets};

/// Everything needed to connect, secrets resolved once.
pub(super) struct Access<'a> {
    config: &'a LdapConfig,
    settings: LdapConnSettings,
    credentials: Credentials,
    /// Which of the servers was opened last: further connections of a run go to the same.
    serving: Mutex<Option<Server>>,
}

enum Credentials {
    Anonymous,
    Simple { dn: String, password: SecretString },
    External,
}

/// A server that was reached, and that nothing was asked for yet.
pub(super) struct Link {
    pub server: Server,
    ldap: Ldap,
}

/// Bound, and who the server is.
pub(super) struct Connection {
    pub url: String,
    /// For messages: as whom.
    pub who: String,
    pub ldap: Ldap,
    pub dse: RootDse,
    timeout: Duration,
}

impl<'a> Access<'a> {
    pub(super) fn new(config: &'a LdapConfig, secrets: &Secrets) -> Result<Self, LdapSourceError> {
        let tls = tls::client_config(config.tls.ca_file.as_deref(), config.tls.client.as_ref(), secrets)?;
        let settings = LdapConnSettings::new()
            .set_conn_timeout(config.timeout)
            .set_starttls(config.tls.start_tls)
            .set_config(Arc::new(tls));
        let credentials = credentials(&config.bind, secrets)?;
        Ok(Self { config, settings, credentials, serving: Mutex::default() })
    }

    /// The first server that answers and is able to serve, bound. Refused credentials are not tried elsewhere:
    /// servers that share their accounts would lock the one of a wrong password all the sooner.
    pub(super) async fn open(&self) -> Result<Connection, LdapSourceError> {
        self.open_preferring(None).await
    }

    /// The same, with another URL tried first: the one where the last run was.
    pub(super) async fn open_preferring(&self, url: Option<&str>) -> Result<Connection, LdapSourceError> {
        let mut failures = Vec::new();
        for url in self.urls(url) {
            for server in self.behind(url, &mut failures).await {
                match self.try_out(server).await {
                    Ok(connection) => return Ok(connection),
                    Err(Attempt::Failed(failure)) => failures.push(failure),
                    Err(Attempt::Refused(error)) => return Err(error),
                }
            }
            servers::note(url, false);
        }
        Err(LdapSourceError::Unreachable(failures))
    }

    async fn try_out(&self, server: Server) -> Result<Connection, Attempt> {
        let link = match self.connect(server.clone()).await {
            Ok(link) => link,
            Err(failure) => {
                servers::note(&server.shown(), false);
                return Err(Attempt::Failed(failure));
            }
        };
        let failed = |message| Attempt::Failed(Failure { url: server.shown(), message, tls: false });
        let error = match self.bind(link).await {
            Ok(connection) => {
                servers::note(&server.url, true);
                servers::note(&server.shown(), true);
                return Ok(connection);
            }
            // Busy or unavailable: the next server may do better.
            Err(LdapSourceError::BindRefused { rc, text, .. }) if refusal::is_passing(rc) => {
                failed(format!("it answered rc {rc} ({}){text}", rc_name(rc)))
            }
            Err(LdapSourceError::BindBroken { message, .. }) => failed(format!("the bind failed: {message}")),
            Err(error @ LdapSourceError::SearchBroken { .. }) => failed(error.to_string()),
            Err(error) => return Err(Attempt::Refused(error)),
        };
        servers::note(&server.shown(), false);
        Err(error)
    }

    /// The first server that can be reached, not bound yet, and what was wrong with those before it.
    pub(super) async fn reach(&self) -> Result<(Link, Vec<Failure>), LdapSourceError> {
        let mut failures = Vec::new();
        for url in self.urls(None) {
            for server in self.behind(url, &mut failures).await {
                match self.connect(server).await {
                    Ok(link) => return Ok((link, failures)),
                    Err(failure) => failures.push(failure),
                }
            }
        }
        Err(LdapSourceError::Unreachable(failures))
    }

    /// Another connection to a server that has been serving already.
    pub(super) async fn again(&self, url: &str) -> Result<Connection, LdapSourceError> {
        let serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let server = match serving.filter(|server| server.url == url) {
            Some(server) => server,
            None => {
                let found = Server::behind(url, self.config.timeout).await;
                found.map_err(|failure| LdapSourceError::Unreachable(vec![failure]))?.swap_remove(0)
            }
        };
        let link =
            self.connect(server).await.map_err(|failure| LdapSourceError::Unreachable(vec![failure]))?;
        self.bind(link).await
    }

    /// As they are written, but those that failed lately last.
    fn urls(&self, preferred: Option<&str>) -> Vec<&'a str> {
        let mut urls: Vec<&str> = self.config.urls.iter().map(String::as_str).collect();
        urls.sort_by_key(|url| (servers::is_doubtful(url), preferred != Some(*url)));
        urls
    }

    async fn behind(&self, url: &str, failures: &mut Vec<Failure>) -> Vec<Server> {
        Server::behind(url, self.config.timeout).await.unwrap_or_else(|failure| {
            failures.push(failure);
            Vec::new()
        })
    }

    /// Encrypted where that was asked for, or not at all.
    async fn connect(&self, server: Server) -> Result<Link, Failure> {
        let timeout = self.config.timeout;
        let failed = |message, tls| Failure { url: server.shown(), message, tls };
        let stream = server.dial(timeout).await.map_err(|error| failed(error.to_string(), false))?;
        let settings = self.settings.clone().set_std_stream(stream);
        let opened = LdapConnAsync::with_settings(settings, &server.url).await;
        let (driver, ldap) = opened.map_err(|error| failed(tls_reason(&error, timeout), true))?;
        tokio::spawn(async move {
            // The operation in flight learns of it too, and reports it with more to say.
            if let Err(error) = driver.drive().await {
                tracing::debug!(%error, "LDAP connection ended");
            }
        });
        Ok(Link { server, ldap })
    }

    pub(super) async fn bind(&self, link: Link) -> Result<Connection, LdapSourceError> {
        let Link { server, mut ldap } = link;
        let timeout = self.config.timeout;
        match self.ask(ldap.with_timeout(timeout)).await {
            Ok(LdapResult { rc: 0, .. }) => {}
            Ok(result) => return Err(self.refused(&server, result)),
            Err(error) => {
                let (url, who) = (server.shown(), self.identity(&server));
                return Err(LdapSourceError::BindBroken { url, who, message: reason(&error, timeout) });
            }
        }
        let mut dse = RootDse::read(&mut ldap, timeout).await?;
        dse.kind = self.config.server.unwrap_or(dse.kind);
        let (url, who) = (server.url.clone(), self.identity(&server));
        *self.serving.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        Ok(Connection { url, who, ldap, dse, timeout })
    }

    async fn ask(&self, ldap: &mut Ldap) -> Result<LdapResult, LdapError> {
        match &self.credentials {
            Credentials::Anonymous => ldap.simple_bind("", "").await,
            Credentials::Simple { dn, password } => ldap.simple_bind(dn, password.expose_secret()).await,
            Credentials::External => ldap.sasl_external_bind().await,
        }
    }

    fn refused(&self, server: &Server, mut result: LdapResult) -> LdapSourceError {
        if let Credentials::Simple { password, .. } = &self.credentials
            && result.text.contains(password.expose_secret())
        {
            // A server may repeat what it was sent. To leave out that part only would show which it is.
            result.text = refusal::reduced(result.rc, &result.text);
        }
        LdapSourceError::BindRefused {
            url: server.shown(),
            who: self.identity(server),
            anonymous: matches!(self.credentials, Credentials::Anonymous),
            rc: result.rc,
            text: diagnostic(&result),
        }
    }

    fn identity(&self, server: &Server) -> String {
        match &self.credentials {
            Credentials::Anonymous => "anonymous".to_owned(),
            Credentials::Simple { dn, .. } => dn.clone(),
            Credentials::External if server.is_socket() => "the account of this process".to_owned(),
            Credentials::External => "the client certificate".to_owned(),
        }
    }
}

enum Attempt {
    Failed(Failure),
    Refused(LdapSourceError),
}

impl Connection {
    /// Says good-bye, and does not wait for long.
    pub(super) async fn close(mut self) {
        let _ = self.ldap.with_timeout(self.timeout).unbind().await;
    }
}

fn credentials(bind: &Bind, secrets: &Secrets) -> Result<Credentials, SecretError> {
    Ok(match bind {
        Bind::Anonymous => Credentials::Anonymous,
        Bind::External => Credentials::External,
        // An empty password is refused by `resolve`: with a name it would bind as nobody.
        Bind::Simple { dn, password } => {
            Credentials::Simple { dn: dn.clone(), password: secrets.resolve(password)? }
        }
    })
}
