//! Clients that go to whichever daemon answers, and repeat what was not acknowledged.

use std::time::{Duration, Instant};

use serde_json::Value;

/// A daemon that stands still keeps its connections open: nobody waits for it for long.
const PATIENCE: Duration = Duration::from_secs(3);
/// After so long somebody ought to have answered: trouble lasts for half a minute at most.
const LONGEST: Duration = Duration::from_secs(180);

#[derive(Debug)]
pub struct Http {
    agent: ureq::Agent,
    ports: [u16; 2],
    /// Who answered last.
    turn: usize,
    authorization: String,
    /// Requests that were sent.
    pub sent: usize,
}

impl Http {
    pub fn new(ports: [u16; 2], key: &str) -> Http {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        Http { agent, ports, turn: 0, authorization: format!("Bearer {key}"), sent: 0 }
    }

    /// The next client begins with the other daemon.
    pub fn beginning_with(mut self, turn: usize) -> Http {
        self.turn = turn;
        self
    }

    /// The first answer that is none of "come again later", from whichever daemon.
    pub fn insist(&mut self, method: &str, path: &str, content_type: &str, body: &str) -> (u16, Value) {
        let begun = Instant::now();
        loop {
            match self.once(method, path, content_type, body) {
                Some((status, answer)) if status != 503 && status != 429 => return (status, answer),
                Some(_) => std::thread::sleep(Duration::from_millis(50)),
                None => {
                    self.turn += 1;
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
            assert!(begun.elapsed() < LONGEST, "{method} {path} was not answered for {LONGEST:?}: {body}");
        }
    }

    /// None: no answer.
    pub fn once(&mut self, method: &str, path: &str, content_type: &str, body: &str) -> Option<(u16, Value)> {
        self.sent += 1;
        let port = self.ports[self.turn % self.ports.len()];
        let mut request = ureq::http::Request::builder().method(method);
        request = request.uri(format!("http://127.0.0.1:{port}{path}"));
        request = request.header("authorization", &self.authorization);
        let mut answer = if body.is_empty() {
            self.agent.run(request.body(()).expect("a request")).ok()?
        } else {
            let request = request.header("content-type", content_type).body(body.to_owned());
            self.agent.run(request.expect("a request")).ok()?
        };
        let text = answer.body_mut().with_config().limit(1 << 26).read_to_string().ok()?;
        let json = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).ok()? };
        Some((answer.status().as_u16(), json))
    }
}

/// Where the provider finds its source.
pub fn prefix() -> &'static str {
    "/scim/idp/v2"
}
