//! The connection string. The driver knows `sslmode` `disable`, `prefer` and `require` and no
//! `sslrootcert`: both are taken out of the string here, so that strings written for libpq work.

use std::path::PathBuf;

use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::AddressError;
use super::tls;

const SOCKET_FOLDER: &str = "/var/run/postgresql";

#[derive(Debug)]
pub struct Target {
    pub config: tokio_postgres::Config,
    /// The server must prove who it is.
    pub verify: bool,
    pub root_certificates: Option<PathBuf>,
}

impl Target {
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (rest, ssl) = split_ssl(text)?;
        let mut config: tokio_postgres::Config = rest.parse().map_err(|error| {
            // The cause names the option, never its value.
            AddressError::ConnectionString(super::describe(&error))
        })?;
        config.ssl_mode(ssl.mode).application_name("syncd");
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(std::time::Duration::from_secs(10));
        }
        if config.get_hosts().is_empty() {
            config.host_path(SOCKET_FOLDER);
        }
        Ok(Self { config, verify: ssl.verify, root_certificates: ssl.root_certificates })
    }

    pub fn tls(&self) -> Result<MakeRustlsConnect, AddressError> {
        tls::connector(self)
    }

    pub fn place(&self) -> String {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(path)) => path.display().to_string(),
            None => "localhost".to_owned(),
        };
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        match self.config.get_dbname() {
            Some(database) => format!("{host}:{port}/{database}"),
            None => format!("{host}:{port}"),
        }
    }
}

struct Ssl {
    mode: SslMode,
    verify: bool,
    root_certificates: Option<PathBuf>,
}

fn split_ssl(text: &str) -> Result<(String, Ssl), AddressError> {
    let mut ssl = Ssl { mode: SslMode::Prefer, verify: false, root_certificates: None };
    let is_url = text.starts_with("postgres://") || text.starts_with("postgresql://");
    let (head, options, separator) = match is_url {
        true => match text.split_once('?') {
            Some((head, query)) => (head, query, '&'),
            None => (text, "", '&'),
        },
        false => ("", text, ' '),
    };
    let mut kept = Vec::new();
    for option in options.split(separator).filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("sslmode", mode)) => (ssl.mode, ssl.verify) = ssl_mode(mode)?,
            Some(("sslrootcert", "system")) => {}
            Some(("sslrootcert", path)) => ssl.root_certificates = Some(percent_decoded(path).into()),
            _ => kept.push(option),
        }
    }
    let options = kept.join(&separator.to_string());
    let rest = match (is_url, options.is_empty()) {
        (true, true) => head.to_owned(),
        (true, false) => format!("{head}?{options}"),
        (false, _) => options,
    };
    Ok((rest, ssl))
}

fn ssl_mode(mode: &str) -> Result<(SslMode, bool), AddressError> {
    match mode {
        "disable" => Ok((SslMode::Disable, false)),
        "allow" | "prefer" => Ok((SslMode::Prefer, false)),
        "require" | "verify-ca" | "verify-full" => Ok((SslMode::Require, true)),
        _ => Err(AddressError::ConnectionString(
            "sslmode is one of disable, prefer, require, verify-full".to_owned(),
        )),
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) if byte == b'%' => {
                bytes.push(decoded);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssl_options_are_taken_out_of_a_url() {
        let target =
            Target::parse("postgres://u:p@db:5433/x?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem")
                .unwrap();
        assert_eq!(target.config.get_ssl_mode(), SslMode::Require);
        assert!(target.verify);
        assert_eq!(target.root_certificates, Some("/etc/ca.pem".into()));
        assert_eq!(target.place(), "db:5433/x");
    }

    #[test]
    fn key_value_strings_and_sockets_work() {
        let target = Target::parse("host=/run/pg port=5499 dbname=x user=u sslmode=disable").unwrap();
        assert_eq!(target.config.get_ssl_mode(), SslMode::Disable);
        assert_eq!(target.place(), "/run/pg:5499/x");
    }

    #[test]
    fn a_password_is_never_part_of_a_message() {
        for text in [
            "postgres://u:hunter2@db:port/x",
            "postgres://u:hunter2@db/x?sslmode=maybe",
            "postgres://u:hunter2@db/x?nonsense=1",
            "user=u password=hunter2 nonsense=1",
            "password=hunter2 oops",
        ] {
            let error = Target::parse(text).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert!(!Target::parse("postgres://u:hunter2@db/x").unwrap().place().contains("hunter2"));
    }
}
