//! Signatures of Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature`, over the very bytes of the
//! body. What is received is checked, what is sent is signed.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

pub const ID: &str = "webhook-id";
pub const TIMESTAMP: &str = "webhook-timestamp";
pub const SIGNATURE: &str = "webhook-signature";
/// How far the clock of the sender may be off.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

const VERSION: &str = "v1,";
const ENCODED: &str = "whsec_";

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("the secret begins with whsec_ and what follows is not base64")]
    Secret,
    #[error("webhook-timestamp must be the time of sending in whole seconds since 1970-01-01 UTC")]
    Timestamp,
    #[error(
        "webhook-timestamp is more than 5 minutes off: sign the request again when it is repeated, and check the clock of the sender"
    )]
    Stale,
    #[error(
        "webhook-signature does not fit the request: it must be v1,BASE64(HMAC-SHA256(secret, \"id.timestamp.body\"))"
    )]
    Wrong,
}

/// The value of `webhook-signature`. Timestamps are seconds since 1970.
pub fn sign(secret: &SecretString, id: &str, timestamp: i64, body: &[u8]) -> Result<String, SignatureError> {
    let code = keyed(secret, id, &timestamp.to_string(), body)?.finalize().into_bytes();
    Ok(format!("{VERSION}{}", STANDARD.encode(code)))
}

/// `signatures` may name several, as a sender does while its secret is being rotated: one must fit.
pub fn verify(
    secret: &SecretString,
    id: &str,
    timestamp: &str,
    signatures: &str,
    body: &[u8],
    now: i64,
) -> Result<(), SignatureError> {
    let sent: i64 = timestamp.parse().map_err(|_| SignatureError::Timestamp)?;
    let keyed = keyed(secret, id, timestamp, body)?;
    let fits = |signature: &str| {
        let code = signature.strip_prefix(VERSION).and_then(|code| STANDARD.decode(code).ok());
        // Compared in a time that tells nothing about how much of it was right.
        code.is_some_and(|code| keyed.clone().verify_slice(&code).is_ok())
    };
    if !signatures.split_ascii_whitespace().any(fits) {
        return Err(SignatureError::Wrong);
    }
    if now.abs_diff(sent) > TOLERANCE.as_secs() {
        return Err(SignatureError::Stale);
    }
    Ok(())
}

fn keyed(
    secret: &SecretString,
    id: &str,
    timestamp: &str,
    body: &[u8],
) -> Result<Hmac<Sha256>, SignatureError> {
    let text = secret.expose_secret();
    let mut keyed = match text.strip_prefix(ENCODED) {
        Some(encoded) => new(&STANDARD.decode(encoded).map_err(|_| SignatureError::Secret)?)?,
        None => new(text.as_bytes())?,
    };
    keyed.update(id.as_bytes());
    keyed.update(b".");
    keyed.update(timestamp.as_bytes());
    keyed.update(b".");
    keyed.update(body);
    Ok(keyed)
}

fn new(key: &[u8]) -> Result<Hmac<Sha256>, SignatureError> {
    // HMAC takes keys of any length.
    Hmac::new_from_slice(key).map_err(|_| SignatureError::Secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    /// The example in the specification of Standard Webhooks.
    #[test]
    fn the_published_example_fits() {
        let secret = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let body = br#"{"test": 2432232314}"#;
        let signed = sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body).unwrap();
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_was_signed_is_accepted_and_nothing_else() {
        let key = secret("a plain secret");
        let signed = sign(&key, "id", 1000, b"body").unwrap();
        let check = |id: &str, timestamp: &str, signatures: &str, body: &[u8], now: i64| {
            verify(&key, id, timestamp, signatures, body, now)
        };
        assert_eq!(check("id", "1000", &signed, b"body", 1300), Ok(()));
        assert_eq!(check("id", "1000", &format!("v1,AAAA v2,x {signed}"), b"body", 700), Ok(()));
        assert_eq!(check("id", "1000", &signed, b"body", 1301), Err(SignatureError::Stale));
        assert_eq!(check("id", "1000", &signed, b"body", 699), Err(SignatureError::Stale));
        assert_eq!(check("id", "1000", &signed, b"bodY", 1000), Err(SignatureError::Wrong));
        assert_eq!(check("other", "1000", &signed, b"body", 1000), Err(SignatureError::Wrong));
        assert_eq!(check("id", "1001", &signed, b"body", 1000), Err(SignatureError::Wrong));
        assert_eq!(check("id", "1000", "", b"body", 1000), Err(SignatureError::Wrong));
        assert_eq!(check("id", "1000", &signed[3..], b"body", 1000), Err(SignatureError::Wrong));
        assert_eq!(check("id", "soon", &signed, b"body", 1000), Err(SignatureError::Timestamp));
        let other = verify(&secret("another"), "id", "1000", &signed, b"body", 1000);
        assert_eq!(other, Err(SignatureError::Wrong));
    }

    #[test]
    fn a_secret_that_cannot_be_decoded_is_told() {
        assert_eq!(sign(&secret("whsec_!"), "id", 1, b""), Err(SignatureError::Secret));
    }
}
