//! Why one question got no answer that can be taken. Nothing of what was answered is repeated: it is people's data.

use std::time::Duration;

use reqwest::StatusCode;

/// The longest that an endpoint may make us wait; who asks for more is asked again in the next run.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    Status {
        code: u16,
        retry_after: Option<Duration>,
    },
    Timeout(Duration),
    /// Nothing was reached, or the connection broke.
    Connection {
        message: String,
        tls: bool,
    },
    TooLarge(usize),
    /// Something was answered that is not what was asked for.
    Content(String),
}

impl Failure {
    /// The same question may well be answered in a moment.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Status { code, .. } => *code == 429 || *code >= 500,
            Self::Connection { tls, .. } => !tls,
            Self::Timeout(_) | Self::TooLarge(_) | Self::Content(_) => false,
        }
    }

    /// Tells about this user only, not about the endpoint.
    pub(super) fn is_about_the_user(&self) -> bool {
        matches!(self, Self::Status { code: 404, .. })
    }

    pub(super) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Status { code: 401, .. })
    }

    /// How long the endpoint wants to be left alone.
    pub(super) fn pause(&self) -> Option<Duration> {
        match self {
            Self::Status { code: 429 | 503, retry_after } => retry_after.map(|wait| wait.min(LONGEST_PAUSE)),
            _ => None,
        }
    }

    /// In few words, the same for all failures of one kind.
    pub(super) fn kind(&self) -> String {
        match self {
            Self::Status { code, .. } => format!("status {code}"),
            Self::Timeout(time) => format!("no answer within {} s", time.as_secs()),
            Self::Connection { tls: true, .. } => "no TLS".to_owned(),
            Self::Connection { .. } => "the connection failed".to_owned(),
            Self::TooLarge(_) => "the answer is too large".to_owned(),
            Self::Content(_) => "the answer is not in the format".to_owned(),
        }
    }

    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::Status { code: 401 | 403, .. } => "check auth and client_cert, and that they may read",
            Self::Status { code: 404, .. } => "check url, and that the endpoint knows the user",
            Self::Status { code: 429, .. } => "the endpoint wants fewer questions: lower concurrency",
            Self::Status { code: 300..=399, .. } => {
                "redirects are not followed: put the final address into url"
            }
            Self::Status { code: 500.., .. } => "see the endpoint's log",
            Self::Status { .. } => "200 is expected: see the endpoint's log",
            Self::Timeout(_) => "raise timeout_seconds, or lower concurrency",
            Self::Connection { tls: true, .. } => {
                "check that ca_file holds the authority that signed the server's certificate, and that url uses the \
                 host name in it"
            }
            Self::Connection { .. } => "check url, the network, and that the endpoint runs",
            Self::TooLarge(_) => "have the endpoint send less",
            Self::Content(_) => {
                "the format is {\"groups\": [{\"name\": \"...\"}], \"authorizations\": {\"name\": [\"value\"]}}"
            }
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status { code, .. } => {
                let reason = StatusCode::from_u16(*code).ok().and_then(|code| code.canonical_reason());
                write!(f, "status {code}{}", reason.map(|text| format!(" ({text})")).unwrap_or_default())
            }
            Self::Connection { message, .. } => write!(f, "{}: {message}", self.kind()),
            Self::TooLarge(limit) => write!(f, "the answer is larger than {} KiB", limit / 1024),
            Self::Content(message) => f.write_str(message),
            Self::Timeout(_) => f.write_str(&self.kind()),
        }
    }
}

/// What the HTTP library reports, without the address: it may have been asked about a person.
pub(super) fn of_transport(error: reqwest::Error, timeout: Duration) -> Failure {
    if error.is_timeout() {
        return Failure::Timeout(timeout);
    }
    let error = error.without_url();
    let mut message = String::new();
    let mut tls = false;
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        tls |= is_tls(inner);
        message = inner.to_string();
        cause = inner.source();
    }
    if message.is_empty() {
        message = error.to_string();
    }
    Failure::Connection { message, tls }
}

/// An I/O error hides what it was made of from `source`.
fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let hidden = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>() || hidden.is_some_and(|inner| is_tls(inner))
}
