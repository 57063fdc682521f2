//! Signed requests: with `signing_secret`, nothing is taken that is not signed, and nothing twice.

use axum::http::{HeaderMap, StatusCode};
use chrono::Utc;
use tracing::error;

use crate::config::push::PushConfig;
use crate::http::{ApiCaller, HttpState, Problem, Refusal};
use crate::secret::SecretRef;
use crate::signature::{self, SignatureError};

const LONGEST_ID: usize = 1000;
/// Until somebody has put the secret where it belongs.
const RETRY_SECONDS: u64 = 60;

/// The `webhook-id`, when the source demands signatures.
pub fn check(
    state: &HttpState,
    caller: &ApiCaller,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Option<String>, Problem> {
    let config = PushConfig::parse(&caller.config).map_err(|error| {
        error!(source = caller.source, %error, "the source cannot be used");
        let detail = format!("the source of the API key cannot be used: {error}");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    })?;
    let Some(reference) = config.signing_secret else { return Ok(None) };
    let secret =
        state.secrets.resolve(&reference).map_err(|error| without_secret(caller, &error.to_string()))?;
    let id = header(headers, signature::ID)?;
    if id.len() > LONGEST_ID {
        return Err(unsigned(format!("{} is longer than {LONGEST_ID} bytes", signature::ID)));
    }
    let timestamp = header(headers, signature::TIMESTAMP)?;
    let signatures = header(headers, signature::SIGNATURE)?;
    let now = Utc::now().timestamp();
    match signature::verify(&secret, id, timestamp, signatures, body, now) {
        Ok(()) => Ok(Some(id.to_owned())),
        Err(SignatureError::Secret) => Err(without_secret(caller, &in_words(&reference))),
        Err(error) => Err(unsigned(error.to_string())),
    }
}

fn in_words(reference: &SecretRef) -> String {
    format!("{reference}: {}", SignatureError::Secret)
}

/// Not the client's doing: whoever runs the daemon finds the name of the secret in its log.
fn without_secret(caller: &ApiCaller, reason: &str) -> Problem {
    error!(source = caller.source, reason, "requests cannot be checked without the signing secret");
    let detail =
        "syncd has no signing secret for this source at present; its log says which; try again later";
    Refusal::unavailable(detail, RETRY_SECONDS).into()
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Result<&'h str, Problem> {
    let value = headers.get(name).and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty());
    value.ok_or_else(|| {
        unsigned(format!(
            "the source takes signed requests only, and the header {name} is missing or no ASCII"
        ))
    })
}

fn unsigned(detail: String) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, detail)
}
