use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

/// A client of `/v1/changes` with its key. It may be cloned and used by several threads.
#[derive(Debug, Clone)]
pub struct Follower {
    agent: Agent,
    port: u16,
    authorization: String,
}

/// What came back; `json` is null when it was none.
#[derive(Debug, Clone)]
pub struct Told {
    pub status: u16,
    pub content_type: String,
    pub text: String,
    pub json: Value,
}

impl Told {
    #[track_caller]
    pub fn expect(self, status: u16) -> Told {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    pub fn changes(&self) -> &[Value] {
        self.json["changes"].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    #[track_caller]
    pub fn next(&self) -> i64 {
        self.json["next"].as_i64().unwrap_or_else(|| panic!("a place to go on expected of {self:#?}"))
    }
}

impl Follower {
    pub fn new(port: u16, key: &str) -> Follower {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(90)))
            .build()
            .into();
        Follower { agent, port, authorization: format!("Bearer {key}") }
    }

    pub fn on_port(&self, port: u16) -> Follower {
        Follower { port, ..self.clone() }
    }

    /// With these parameters, as they stand in the address.
    #[track_caller]
    pub fn get(&self, query: &str) -> Told {
        self.accepting(query, "application/json")
    }

    #[track_caller]
    pub fn accepting(&self, query: &str, accept: &str) -> Told {
        self.try_get(query, accept).unwrap_or_else(|e| panic!("GET /v1/changes?{query}: {e}"))
    }

    /// An error when the connection ended without an answer.
    pub fn try_get(&self, query: &str, accept: &str) -> Result<Told, String> {
        let url = format!("http://127.0.0.1:{}/v1/changes?{query}", self.port);
        let mut request = self.agent.get(url).header("accept", accept);
        if self.authorization != "Bearer " {
            request = request.header("authorization", &self.authorization);
        }
        let mut response = request.call().map_err(|e| e.to_string())?;
        let status = response.status().as_u16();
        let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let body =
            response.body_mut().with_config().limit(1 << 30).read_to_vec().map_err(|e| e.to_string())?;
        let text = String::from_utf8_lossy(&body).into_owned();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Ok(Told { status, content_type, text, json })
    }
}
