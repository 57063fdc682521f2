//! TLS towards the directory: own or system authorities, host names always verified.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use secrecy::ExposeSecret;

use super::error::LdapSourceError;
use crate::config::ldap::Tls;
use crate::secret::Secrets;

pub(super) fn client_config(tls: &Tls, secrets: &Secrets) -> Result<Arc<ClientConfig>, LdapSourceError> {
    // Named here rather than taken from the process, where another library may have chosen.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| LdapSourceError::Tls(error.to_string()))?
        .with_root_certificates(authorities(tls)?);
    let config = match &tls.client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let key = secrets.resolve(&client.key)?;
            let key = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes())
                .map_err(|_| LdapSourceError::Tls(format!("{} holds no private key in PEM", client.key)))?;
            builder
                .with_client_auth_cert(certificates(&client.chain_file)?, key)
                .map_err(|error| LdapSourceError::Tls(error.to_string()))?
        }
    };
    Ok(Arc::new(config))
}

fn authorities(tls: &Tls) -> Result<RootCertStore, LdapSourceError> {
    let mut store = RootCertStore::empty();
    match &tls.ca_file {
        Some(path) => {
            for certificate in certificates(path)? {
                store.add(certificate).map_err(|error| LdapSourceError::Certificates {
                    path: path.clone(),
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

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, LdapSourceError> {
    let error = |message: String| LdapSourceError::Certificates { path: path.to_owned(), message };
    let found = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|cause| error(cause.to_string()))?;
    if found.is_empty() {
        return Err(error("it holds no certificate in PEM".to_owned()));
    }
    Ok(found)
}
