//! What ends a read of an endpoint, and what to do about it.

use super::failure::Failure;
use crate::connector::tls::TlsError;
use crate::secret::{SecretError, SecretRef};

#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("{0} holds neither user:password nor Bearer TOKEN")]
    Auth(SecretRef),
    #[error("HTTP cannot be set up: {0}")]
    Setup(String),
    #[error("the endpoint refuses the credentials: {0}")]
    Refused(Reason),
    #[error("stopped after {failed} of {asked} questions had failed, the last with {last}")]
    TooManyFailures { failed: u64, asked: u64, last: Reason },
    #[error("nobody could be read, {asked} asked: {reasons}, the last with {last}")]
    NobodyAnswered { asked: u64, reasons: String, last: Reason },
    #[error("page {page} could not be read to its end: {reason}")]
    Page { page: u64, reason: Reason },
    #[error("page {page} leads back to a page that was read already")]
    Circle { page: u64 },
    #[error("{pages} pages in a row brought nothing after {read} users")]
    Endless { pages: u64, read: u64 },
    #[error("page {page} leads to another server")]
    Elsewhere { page: u64 },
    #[error("none of {items} items has a userid")]
    NoUserIds { items: u64 },
}

/// A failure within the sentence that tells what it ended.
#[derive(Debug)]
pub struct Reason(pub(super) Failure);

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl EndpointError {
    /// The whole sentence for a run that failed because of this.
    pub fn in_a_run(&self) -> String {
        let remedy = self.remedy().map(|remedy| format!(": {remedy}")).unwrap_or_default();
        format!("{self}; nothing was changed{remedy}")
    }

    pub(super) fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Secret(_) => None,
            Self::Tls(error) => error.remedy(),
            Self::Auth(_) => Some("write it as user:password, or as the word Bearer and a token"),
            Self::Setup(_) => Some("check ca_file, client_cert and client_key"),
            Self::Refused(reason)
            | Self::TooManyFailures { last: reason, .. }
            | Self::NobodyAnswered { last: reason, .. }
            | Self::Page { reason, .. } => Some(reason.0.remedy()),
            Self::Circle { .. } | Self::Endless { .. } => Some("the endpoint's paging is broken"),
            Self::Elsewhere { .. } => Some("credentials are sent to the server in url only"),
            Self::NoUserIds { .. } => {
                Some("the format is {\"userid\": \"...\", \"groups\": [...], \"authorizations\": {...}}")
            }
        }
    }
}
