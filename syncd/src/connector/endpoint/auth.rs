//! Who we are, from the one secret that `auth` names.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::HeaderValue;
use secrecy::ExposeSecret;

use super::error::EndpointError;
use crate::secret::{SecretRef, Secrets};

pub(super) fn header(auth: &SecretRef, secrets: &Secrets) -> Result<HeaderValue, EndpointError> {
    let secret = secrets.resolve(auth)?;
    let text = words(secret.expose_secret()).ok_or_else(|| EndpointError::Auth(auth.clone()))?;
    let mut header = HeaderValue::from_str(&text).map_err(|_| EndpointError::Auth(auth.clone()))?;
    // Never printed, whoever prints a request.
    header.set_sensitive(true);
    Ok(header)
}

fn words(secret: &str) -> Option<String> {
    let bearer = secret.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("bearer "));
    match bearer {
        Some(_) => {
            let token = secret[7..].trim();
            (!token.is_empty()).then(|| format!("Bearer {token}"))
        }
        None => secret.contains(':').then(|| format!("Basic {}", BASE64_STANDARD.encode(secret))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_says_which_scheme() {
        assert_eq!(words("sam:s3:cret").unwrap(), "Basic c2FtOnMzOmNyZXQ=");
        assert_eq!(words("Bearer abc").unwrap(), "Bearer abc");
        assert_eq!(words("bearer  a:c ").unwrap(), "Bearer a:c");
        assert_eq!(words("Bearer "), None);
        assert_eq!(words("password"), None);
    }
}
