//! The certificate of the server, read again when its files change: most are renewed every few weeks.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tracing::{info, warn};

const LOOK_EVERY: Duration = Duration::from_secs(30);

#[derive(Debug, Clone)]
pub struct CertificateFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read the certificate {}: {reason}; --tls-cert names a PEM file with the server's certificate first, then those of its issuers", path.display())]
    Certificate { path: PathBuf, reason: String },
    #[error("cannot read the key {}: {reason}; --tls-key names a PEM file with the private key, without a passphrase", path.display())]
    Key { path: PathBuf, reason: String },
    #[error("certificate and key cannot be used together: {0}")]
    Mismatch(rustls::Error),
}

impl CertificateFiles {
    pub fn load(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let unreadable = |reason: String| TlsError::Certificate { path: self.certificate.clone(), reason };
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unreadable(error.to_string()))?;
        if chain.is_empty() {
            return Err(unreadable("it has no certificate".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| TlsError::Key { path: self.key.clone(), reason: error.to_string() })?;
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
        let mut config = config.map_err(TlsError::Mismatch)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Never ends.
    pub async fn keep_current(self, current: RustlsConfig) {
        let mut loaded = self.changed_at();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = self.changed_at();
            if now == loaded {
                continue;
            }
            loaded = now;
            match self.load() {
                Ok(config) => {
                    current.reload_from_config(config);
                    info!("the certificate was read again");
                }
                Err(error) => warn!(%error, "the changed certificate cannot be used, the old one stays"),
            }
        }
    }

    fn changed_at(&self) -> [Option<SystemTime>; 2] {
        [&self.certificate, &self.key]
            .map(|path| std::fs::metadata(path).and_then(|data| data.modified()).ok())
    }
}
