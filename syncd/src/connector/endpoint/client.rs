//! Questions and answers over HTTP, each tried a few times.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures_util::StreamExt;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{ACCEPT, AUTHORIZATION, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode, Url};

use super::answer;
use super::auth;
use super::error::EndpointError;
use super::failure::{Failure, of_transport};
use super::items::LARGEST_ITEM;
use super::subjects::Subject;
use crate::config::endpoint::{EndpointConfig, Mode, Wanted};
use crate::connector::tls;
use crate::record::Statement;
use crate::secret::Secrets;

const LONGEST_CONNECT: Duration = Duration::from_secs(10);
const ATTEMPTS: usize = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_TAG: usize = 1000;
/// What RFC 3986 calls unreserved stays as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) struct Client {
    http: reqwest::Client,
    url: Url,
    wanted: Wanted,
    timeout: Duration,
    /// Stands in front of every tag that is remembered, so that another configuration asks anew.
    digest: String,
    /// The endpoint asked to be left alone until then.
    quiet_until: Mutex<Option<Instant>>,
}

pub(super) enum Reply {
    /// What it said last time still holds.
    Same,
    Stated {
        etag: Option<String>,
        statements: Vec<Statement>,
    },
}

impl Client {
    pub(super) fn new(config: &EndpointConfig, secrets: &Secrets) -> Result<Self, EndpointError> {
        let mut tls = tls::client_config(config.ca_file.as_deref(), config.client.as_ref(), secrets)?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut builder = reqwest::Client::builder()
            .use_preconfigured_tls(tls)
            .default_headers(headers(config, secrets)?)
            .user_agent(concat!("syncd/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(LONGEST_CONNECT.min(config.timeout));
        builder = match config.mode {
            Mode::PerUser => builder.timeout(config.timeout),
            // Pages may be long: each piece has its time. What is compressed does not tell its length.
            Mode::Bulk => builder.read_timeout(config.timeout).gzip(false),
        };
        let http = builder.build().map_err(|error| EndpointError::Setup(error.to_string()))?;
        Ok(Self {
            http,
            url: config.url.clone(),
            wanted: config.wanted,
            timeout: config.timeout,
            digest: config.digest.clone(),
            quiet_until: Mutex::new(None),
        })
    }

    /// What the endpoint says about one user.
    pub(super) async fn ask(&self, subject: &Subject) -> Result<Reply, Failure> {
        let url = url_about(&self.url, &subject.who);
        let known =
            subject.etag.as_deref().and_then(|tag| tag.strip_prefix(&self.digest)).map(str::trim_start);
        let mut pauses = pauses();
        loop {
            self.wait_until_welcome().await;
            match self.ask_once(&url, known).await {
                Err(failure) if self.may_try_again(&failure, &mut pauses).await => {}
                result => return result,
            }
        }
    }

    /// The beginning of an answer about many, its body still to be read.
    pub(super) async fn page(&self, url: &Url) -> Result<Response, Failure> {
        let mut pauses = pauses();
        loop {
            self.wait_until_welcome().await;
            match self.page_once(url).await {
                Err(failure) if self.may_try_again(&failure, &mut pauses).await => {}
                result => return result,
            }
        }
    }

    pub(super) fn broken(&self, error: reqwest::Error) -> Failure {
        of_transport(error, self.timeout)
    }

    /// Waits as long as is decent, unless it was tried often enough.
    async fn may_try_again(&self, failure: &Failure, pauses: &mut ExponentialBackoff) -> bool {
        if !failure.is_passing() {
            return false;
        }
        let Some(pause) = pauses.next() else { return false };
        match failure.pause() {
            // All others are held up as well: they ask the same endpoint.
            Some(wanted) => self.be_quiet(wanted),
            None => tokio::time::sleep(pause).await,
        }
        true
    }

    async fn page_once(&self, url: &Url) -> Result<Response, Failure> {
        let response = self.send(url, None).await?;
        expect_ok(&response)?;
        Ok(response)
    }

    async fn ask_once(&self, url: &Url, etag: Option<&str>) -> Result<Reply, Failure> {
        let response = self.send(url, etag).await?;
        if response.status() == StatusCode::NOT_MODIFIED && etag.is_some() {
            return Ok(Reply::Same);
        }
        expect_ok(&response)?;
        let etag = tag(response.headers()).map(|tag| format!("{} {tag}", self.digest));
        let body = self.body(response).await?;
        Ok(Reply::Stated { etag, statements: answer::of_user(&body, self.wanted)? })
    }

    async fn send(&self, url: &Url, etag: Option<&str>) -> Result<Response, Failure> {
        let mut request = self.http.get(url.clone());
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        request.send().await.map_err(|error| self.broken(error))
    }

    async fn body(&self, response: Response) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        let mut pieces = response.bytes_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| self.broken(error))?;
            if body.len() + piece.len() > LARGEST_ITEM {
                return Err(Failure::TooLarge(LARGEST_ITEM));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    async fn wait_until_welcome(&self) {
        while let Some(until) = self.quiet_until()
            && until > Instant::now()
        {
            tokio::time::sleep_until(until.into()).await;
        }
    }

    fn be_quiet(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut quiet = self.quiet_until.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *quiet = Some(quiet.map_or(until, |known| known.max(until)));
    }

    fn quiet_until(&self) -> Option<Instant> {
        *self.quiet_until.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn pauses() -> ExponentialBackoff {
    let pauses = ExponentialBuilder::default().with_min_delay(FIRST_PAUSE).with_max_times(ATTEMPTS - 1);
    pauses.with_jitter().build()
}

fn headers(config: &EndpointConfig, secrets: &Secrets) -> Result<HeaderMap, EndpointError> {
    let mut headers = HeaderMap::new();
    let accept = match config.mode {
        Mode::PerUser => "application/json",
        Mode::Bulk => "application/json, application/x-ndjson",
    };
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    if let Some(auth) = &config.auth {
        headers.insert(AUTHORIZATION, auth::header(auth, secrets)?);
    }
    Ok(headers)
}

/// A query that the address has already stays in front.
fn url_about(base: &Url, who: &str) -> Url {
    let mut url = base.clone();
    let userid = format!("userid={}", utf8_percent_encode(who, ESCAPED));
    let query = match base.query() {
        None | Some("") => userid,
        Some(query) => format!("{query}&{userid}"),
    };
    url.set_query(Some(&query));
    url
}

fn expect_ok(response: &Response) -> Result<(), Failure> {
    match response.status() {
        StatusCode::OK => Ok(()),
        status => {
            Err(Failure::Status { code: status.as_u16(), retry_after: retry_after(response.headers()) })
        }
    }
}

/// Seconds; the date that HTTP allows as well is hardly ever sent.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn tag(headers: &HeaderMap) -> Option<String> {
    let tag = headers.get(ETAG)?.to_str().ok()?;
    (!tag.is_empty() && tag.len() <= LONGEST_TAG).then(|| tag.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_named_in_the_query() {
        let about = |url: &str, who| url_about(&Url::parse(url).unwrap(), who).to_string();
        assert_eq!(about("https://x/u", "sam"), "https://x/u?userid=sam");
        assert_eq!(
            about("https://x/u?a=b%20c", "s&m+ä @x"),
            "https://x/u?a=b%20c&userid=s%26m%2B%C3%A4%20%40x"
        );
        assert_eq!(about("https://x/?", "a.b-c_d~e"), "https://x/?userid=a.b-c_d~e");
    }
}
