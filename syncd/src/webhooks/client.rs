//! One request to a receiver, and what it comes to.

use std::time::Duration;

use chrono::Utc;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use rustls::{ClientConfig, RootCertStore};
use secrecy::SecretString;

use super::message::Message;
use crate::signature;

const LONGEST_REQUEST: Duration = Duration::from_secs(10);
const LONGEST_CONNECT: Duration = Duration::from_secs(5);
/// What is read of an answer; what comes after it costs a connection.
const LARGEST_ANSWER: usize = 16 * 1024;
const LONGEST_REASON: usize = 200;

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("no usable TLS for webhooks: {0}")]
    Tls(#[from] rustls::Error),
    #[error("no HTTP client for webhooks: {0}")]
    Client(#[from] reqwest::Error),
}

/// Where to send to, and how.
#[derive(Debug, Clone)]
pub struct Target {
    pub url: Url,
    pub secret: Option<SecretString>,
}

#[derive(Debug)]
pub enum Answer {
    Taken {
        status: u16,
    },
    Refused {
        status: u16,
        reason: String,
        pause: Option<Duration>,
    },
    /// Nobody is there.
    Unreachable {
        reason: String,
    },
    /// Somebody is there and did not answer.
    Silent {
        reason: String,
    },
}

pub fn client() -> Result<Client, ClientError> {
    let mut roots = RootCertStore::empty();
    // A system may carry some certificates that cannot be used: the others still count. SSL_CERT_FILE names others.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = Client::builder()
        .use_preconfigured_tls(tls)
        .redirect(Policy::none())
        .referer(false)
        .timeout(LONGEST_REQUEST)
        .connect_timeout(LONGEST_CONNECT)
        .user_agent(concat!("pg_roster-syncd/", env!("CARGO_PKG_VERSION")))
        .build()?;
    Ok(client)
}

pub async fn send(client: &Client, target: &Target, message: Message) -> Answer {
    let timestamp = Utc::now().timestamp();
    let mut request = client
        .post(target.url.clone())
        .header(CONTENT_TYPE, "application/cloudevents+json; charset=utf-8")
        .header(signature::ID, &message.id)
        .header(signature::TIMESTAMP, timestamp);
    if let Some(secret) = &target.secret {
        match signature::sign(secret, &message.id, timestamp, &message.body) {
            Ok(signed) => request = request.header(signature::SIGNATURE, signed),
            Err(error) => return Answer::Silent { reason: error.to_string() },
        }
    }
    match request.body(message.body).send().await {
        Ok(response) => judge(response).await,
        Err(error) if error.is_connect() => Answer::Unreachable { reason: told(error) },
        Err(error) => Answer::Silent { reason: told(error) },
    }
}

/// Only 2xx takes a delivery; redirects are not followed.
async fn judge(response: Response) -> Answer {
    let status = response.status();
    let pause = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let text = beginning(response).await;
    if status.is_success() {
        return Answer::Taken { status: status.as_u16() };
    }
    let mut reason = status.to_string();
    if status.is_redirection() {
        reason.push_str("; redirects are not followed");
    }
    if !text.is_empty() {
        reason.push_str(": ");
        reason.push_str(&text);
    }
    Answer::Refused { status: status.as_u16(), reason, pause: pause.map(Duration::from_secs) }
}

/// Of the answer, on one line.
async fn beginning(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < LARGEST_ANSWER
        && let Ok(Some(chunk)) = response.chunk().await
    {
        bytes.extend_from_slice(&chunk[..chunk.len().min(LARGEST_ANSWER)]);
    }
    let text = String::from_utf8_lossy(&bytes);
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").chars().take(LONGEST_REASON).collect()
}

/// Without the address, whose parameters may be credentials.
fn told(error: reqwest::Error) -> String {
    let error = error.without_url();
    if error.is_timeout() && !error.is_connect() {
        return format!("no answer within {} s", LONGEST_REQUEST.as_secs());
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    text
}
