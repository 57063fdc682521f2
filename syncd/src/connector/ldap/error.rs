//! What can go wrong with an LDAP source, and what to do about it.

use ldap3::{LdapError, LdapResult};

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
    #[error("{url} refused the bind as {who}: rc {rc} ({name}){text}", name = rc_name(*.rc))]
    BindRefused { url: String, who: String, rc: u32, text: String },
    #[error("the bind as {who} at {url} failed: {message}")]
    BindBroken { url: String, who: String, message: String },
    #[error("the {search} below {base} ended with rc {rc} ({name}){text}", name = rc_name(*.rc))]
    SearchRefused { search: &'static str, base: String, rc: u32, text: String },
    #[error("the {search} below {base} did not come to its end after {read} entries ({message})")]
    SearchBroken { search: &'static str, base: String, read: u64, message: String },
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

    pub(super) fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::BindRefused { rc, .. } => Some(bind_remedy(*rc)),
            Self::SearchRefused { rc, .. } => Some(search_remedy(*rc)),
            Self::Unreachable(all) if all.iter().any(|one| one.tls) => Some(
                "check that ca_file holds the authority that signed the server's certificate, and that urls uses the \
                 host name in it",
            ),
            Self::Unreachable(_) => Some("check urls, the network, and that the server runs"),
            Self::Tls(error) => error.remedy(),
            Self::SearchEndless { .. } => {
                Some("the server's paging is broken: try without a proxy in between")
            }
            Self::Secret(_) | Self::BindBroken { .. } | Self::SearchBroken { .. } => None,
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
        LdapError::LdapResult { result } => {
            format!("rc {} ({}){}", result.rc, rc_name(result.rc), diagnostic(result))
        }
        other => other.to_string(),
    }
}

/// Whether a connection failed after the server was reached.
pub(super) fn is_tls(error: &LdapError) -> bool {
    match error {
        LdapError::Io { source } => source.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()),
        // While connecting only StartTLS has a result.
        LdapError::Rustls { .. } | LdapError::DNSName { .. } | LdapError::LdapResult { .. } => true,
        _ => false,
    }
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
        18 => "inappropriateMatching",
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

fn bind_remedy(rc: u32) -> &'static str {
    match rc {
        49 => "check bind_dn and bind_password",
        8 | 13 => "the server wants encryption: use ldaps:// or start_tls",
        34 => "bind_dn is not a distinguished name",
        48 | 53 => "the server does not accept this kind of bind: check bind_dn",
        51 | 52 => "try again later",
        _ => "see the server's log",
    }
}

fn search_remedy(rc: u32) -> &'static str {
    match rc {
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
