//! What can go wrong with an LDAP source, and what to do about it.

use ldap3::{LdapError, LdapResult};

use super::refusal;
use crate::connector::tls::TlsError;
use crate::secret::SecretError;

#[derive(Debug, thiserror::Error)]
pub enum LdapSourceError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("no LDAP server could be reached: {}", listed(.0))]
    Unreachable(Vec<Failure>),
    #[error("{url} refused the bind as {who}: rc {rc} ({name}){text}", name = bind_name(*.rc, .text))]
    BindRefused {
        url: String,
        who: String,
        /// Who says nobody is refused for other reasons.
        anonymous: bool,
        rc: u32,
        text: String,
    },
    #[error("the bind as {who} at {url} failed: {message}")]
    BindBroken { url: String, who: String, message: String },
    #[error("the {search} below {base} ended with rc {rc} ({name}){text}", name = rc_name(*.rc))]
    SearchRefused { search: &'static str, base: String, rc: u32, text: String },
    #[error("the {search} below {base} did not come to its end after {read} entries ({message})")]
    SearchBroken { search: &'static str, base: String, read: u64, message: String },
    /// The way of finding changes that was asked for.
    #[error("{0}")]
    Incremental(String),
    #[error(
        "the {search} below {base} goes in circles: {pages} pages in a row brought nothing new after {read} entries"
    )]
    SearchEndless { search: &'static str, base: String, read: u64, pages: u32 },
}

/// Why one of several servers could not be used.
#[derive(Debug)]
pub struct Failure {
    pub url: String,
    pub message: String,
    /// The server answered, but encryption could not be agreed upon.
    pub tls: bool,
}

fn listed(failures: &[Failure]) -> String {
    let listed: Vec<_> = failures.iter().map(|one| format!("{}: {}", one.url, one.message)).collect();
    listed.join("; ")
}

impl LdapSourceError {
    /// The whole sentence for a run that failed because of this.
    pub fn in_a_run(&self) -> String {
        let remedy = self.remedy().map(|remedy| format!(": {remedy}")).unwrap_or_default();
        format!("{self}; nothing was removed{remedy}")
    }

    /// A result in words.
    pub(super) fn outcome(result: &LdapResult) -> String {
        format!("rc {} ({}){}", result.rc, rc_name(result.rc), diagnostic(result))
    }

    /// The server does not want these credentials. More attempts would change nothing, and may lock the account.
    pub fn credentials_refused(&self) -> bool {
        matches!(self, Self::BindRefused { anonymous: false, rc, .. } if refusal::is_final(*rc))
    }

    pub(super) fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::BindRefused { rc, text, .. } => Some(refusal::remedy(*rc, text)),
            Self::SearchRefused { rc, .. } => Some(search_remedy(*rc)),
            Self::Unreachable(all) if all.iter().any(|one| one.tls) => Some(
                "check that this port speaks TLS, that ca_file holds the authority that signed the server's \
                 certificate, and that urls uses the host name in it",
            ),
            Self::Unreachable(_) => Some("check urls, the network, and that the servers run"),
            Self::Tls(error) => error.remedy(),
            Self::SearchEndless { .. } => {
                Some("the server's paging is broken: try without a proxy in between")
            }
            Self::Secret(_) | Self::Incremental(_) | Self::BindBroken { .. } | Self::SearchBroken { .. } => {
                None
            }
        }
    }
}

/// Why an operation got no result, in few words.
pub(super) fn reason(error: &LdapError, timeout: std::time::Duration) -> String {
    match error {
        LdapError::Timeout { .. } => format!("no answer within {} s", timeout.as_secs()),
        LdapError::EndOfStream
        | LdapError::OpSend { .. }
        | LdapError::ResultRecv { .. }
        | LdapError::IdScrubSend { .. } => "the connection was lost".to_owned(),
        LdapError::Io { source } => with_causes(source),
        LdapError::LdapResult { result } => LdapSourceError::outcome(result),
        other => other.to_string(),
    }
}

/// Why a server that was reached did not come to encrypt.
pub(super) fn tls_reason(error: &LdapError, timeout: std::time::Duration) -> String {
    match error {
        LdapError::LdapResult { result } => {
            format!("it refused StartTLS: {}", LdapSourceError::outcome(result))
        }
        LdapError::DNSName { .. } => {
            "a certificate cannot be for this host: use the name of the server".to_owned()
        }
        LdapError::Io { source } if speaks_no_tls(source) => {
            format!("it does not speak TLS on this port ({})", with_causes(source))
        }
        LdapError::Io { source } if source.kind() == std::io::ErrorKind::UnexpectedEof => {
            "it closed the connection instead of encrypting".to_owned()
        }
        other => format!("no encryption: {}", reason(other, timeout)),
    }
}

fn speaks_no_tls(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidMessage(_)))
}

fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_message = inner.to_string();
        if !message.contains(&inner_message) {
            message.push_str(": ");
            message.push_str(&inner_message);
        }
        cause = inner.source();
    }
    message
}

/// The server's own words, ready to be appended.
pub(super) fn diagnostic(result: &LdapResult) -> String {
    match result.text.trim() {
        "" => String::new(),
        text => format!(", \"{}\"", super::text::shown(text.as_bytes())),
    }
}

fn bind_name(rc: u32, text: &str) -> String {
    match refusal::words(rc, text) {
        Some(words) => format!("{}: {words}", rc_name(rc)),
        None => rc_name(rc).to_owned(),
    }
}

pub(super) fn rc_name(rc: u32) -> &'static str {
    match rc {
        0 => "success",
        1 => "operationsError",
        2 => "protocolError",
        3 => "timeLimitExceeded",
        4 => "sizeLimitExceeded",
        7 => "authMethodNotSupported",
        8 => "strongerAuthRequired",
        10 => "referral",
        11 => "adminLimitExceeded",
        12 => "unavailableCriticalExtension",
        13 => "confidentialityRequired",
        14 => "saslBindInProgress",
        18 => "inappropriateMatching",
        19 => "constraintViolation",
        21 => "invalidAttributeSyntax",
        32 => "noSuchObject",
        33 => "aliasProblem",
        34 => "invalidDNSyntax",
        48 => "inappropriateAuthentication",
        49 => "invalidCredentials",
        50 => "insufficientAccessRights",
        51 => "busy",
        52 => "unavailable",
        53 => "unwillingToPerform",
        54 => "loopDetect",
        80 => "other",
        88 => "abandoned",
        _ => "see RFC 4511",
    }
}

fn search_remedy(rc: u32) -> &'static str {
    match rc {
        1 => "Active Directory says so to who is not bound: give bind_dn and bind_password",
        32 => "the base does not exist or may not be seen by bind_dn",
        3 | 4 | 11 => "the server cut the answer short: raise its limits for bind_dn, or lower page_size",
        10 => "the server points elsewhere: put the server that holds this base into urls",
        8 | 13 => "the server wants encryption: use ldaps:// or start_tls",
        34 => "the base is not a distinguished name",
        50 => "bind_dn may not read here: grant it access",
        51 | 52 => "try again later",
        _ => "see the server's log",
    }
}
