//! TLS towards a source: own or system authorities, host names always verified.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use secrecy::ExposeSecret;

use crate::config::ClientCertificate;
use crate::secret::{SecretError, Secrets};

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("certificates cannot be read from {path}: {message}")]
    Certificates { path: PathBuf, message: String },
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

impl TlsError {
    pub(super) fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Secret(_) => None,
            Self::Certificates { .. } | Self::Setup(_) => Some("check ca_file, client_cert and client_key"),
        }
    }
}

/// Trusts `ca_file`, or the system's authorities.
pub(super) fn client_config(
    ca_file: Option<&Path>,
    client: Option<&ClientCertificate>,
    secrets: &Secrets,
) -> Result<ClientConfig, TlsError> {
    // Named here rather than taken from the process, where another library may have chosen.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Setup(error.to_string()))?
        .with_root_certificates(authorities(ca_file)?);
    let Some(client) = client else { return Ok(builder.with_no_client_auth()) };
    let key = secrets.resolve(&client.key)?;
    let key = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes())
        .map_err(|_| TlsError::Setup(format!("{} holds no private key in PEM", client.key)))?;
    builder
        .with_client_auth_cert(certificates(&client.chain_file)?, key)
        .map_err(|error| TlsError::Setup(error.to_string()))
}

fn authorities(ca_file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            for certificate in certificates(path)? {
                store.add(certificate).map_err(|error| TlsError::Certificates {
                    path: path.to_owned(),
                    message: error.to_string(),
                })?;
            }
        }
        None => {
            // A system may carry some certificates that cannot be used: the others still count.
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(store)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let error = |message: String| TlsError::Certificates { path: path.to_owned(), message };
    let found = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|cause| error(cause.to_string()))?;
    if found.is_empty() {
        return Err(error("it holds no certificate in PEM".to_owned()));
    }
    Ok(found)
}
