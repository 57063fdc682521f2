//! Getting through to a server and proving who we are.

use std::sync::Arc;
use std::time::Duration;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapResult};
use secrecy::{ExposeSecret, SecretString};

use super::error::{Failure, LdapSourceError, diagnostic, is_tls, rc_name, reason};
use super::root_dse::RootDse;
use crate::config::ldap::{Bind, LdapConfig};
use crate::connector::tls;
use crate::secret::{SecretError, Secrets};

/// Everything needed to connect, secrets resolved once.
pub(super) struct Access<'a> {
    config: &'a LdapConfig,
    settings: LdapConnSettings,
    credentials: Credentials,
}

enum Credentials {
    Anonymous,
    Simple { dn: String, password: SecretString },
    External,
}

/// A server that was reached, and that nothing was asked for yet.
pub(super) struct Link {
    pub url: String,
    ldap: Ldap,
}

/// Bound, and who the server is.
pub(super) struct Connection {
    pub url: String,
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
        Ok(Self { config, settings, credentials: credentials(&config.bind, secrets)? })
    }

    /// The first server that answers and is able to serve, bound.
    pub(super) async fn open(&self) -> Result<Connection, LdapSourceError> {
        let mut failures = Vec::new();
        for url in &self.config.urls {
            match self.connect(url).await {
                Err(failure) => failures.push(failure),
                Ok(link) => match self.bind(link).await {
                    Ok(connection) => return Ok(connection),
                    // Busy or unavailable: the next server may do better.
                    Err(LdapSourceError::BindRefused { rc: rc @ (51 | 52), .. }) => {
                        let message = format!("it answered rc {rc} ({})", rc_name(rc));
                        failures.push(Failure { url: url.clone(), message, tls: false });
                    }
                    Err(LdapSourceError::BindBroken { url, message, .. }) => {
                        failures.push(Failure { url, message, tls: false });
                    }
                    Err(error) => return Err(error),
                },
            }
        }
        Err(LdapSourceError::Unreachable(failures))
    }

    /// The first server that can be reached, not bound yet.
    pub(super) async fn reach(&self) -> Result<Link, LdapSourceError> {
        let mut failures = Vec::new();
        for url in &self.config.urls {
            match self.connect(url).await {
                Ok(link) => return Ok(link),
                Err(failure) => failures.push(failure),
            }
        }
        Err(LdapSourceError::Unreachable(failures))
    }

    /// Another connection to a server that has been serving already.
    pub(super) async fn again(&self, url: &str) -> Result<Connection, LdapSourceError> {
        let link = self.connect(url).await.map_err(|failure| LdapSourceError::Unreachable(vec![failure]))?;
        self.bind(link).await
    }

    async fn connect(&self, url: &str) -> Result<Link, Failure> {
        let (driver, ldap) =
            LdapConnAsync::with_settings(self.settings.clone(), url).await.map_err(|error| Failure {
                url: url.to_owned(),
                message: reason(&error, self.config.timeout),
                tls: is_tls(&error),
            })?;
        tokio::spawn(async move {
            // The operation in flight learns of it too, and reports it with more to say.
            if let Err(error) = driver.drive().await {
                tracing::debug!(%error, "LDAP connection ended");
            }
        });
        Ok(Link { url: url.to_owned(), ldap })
    }

    pub(super) async fn bind(&self, link: Link) -> Result<Connection, LdapSourceError> {
        let Link { url, mut ldap } = link;
        let timeout = self.config.timeout;
        ldap.with_timeout(timeout);
        let outcome = match &self.credentials {
            Credentials::Anonymous => ldap.simple_bind("", "").await,
            Credentials::Simple { dn, password } => ldap.simple_bind(dn, password.expose_secret()).await,
            Credentials::External => ldap.sasl_external_bind().await,
        };
        let who = self.identity();
        match outcome {
            Ok(LdapResult { rc: 0, .. }) => {}
            Ok(result) => {
                let text = diagnostic(&result);
                return Err(LdapSourceError::BindRefused { url, who, rc: result.rc, text });
            }
            Err(error) => {
                return Err(LdapSourceError::BindBroken { url, who, message: reason(&error, timeout) });
            }
        }
        let mut dse = RootDse::read(&mut ldap, timeout).await?;
        dse.kind = self.config.server.unwrap_or(dse.kind);
        Ok(Connection { url, ldap, dse, timeout })
    }

    pub(super) fn identity(&self) -> String {
        match &self.credentials {
            Credentials::Anonymous => "anonymous".to_owned(),
            Credentials::Simple { dn, .. } => dn.clone(),
            Credentials::External => "the client certificate".to_owned(),
        }
    }
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
