//! A SCIM client as plain as can be: it sends what a test says and shows all that comes back.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::http::{Method, Request, Response};
use ureq::{Agent, AsSendBody, Body};

use crate::wait::PATIENCE;

pub const SCIM_JSON: &str = "application/scim+json";
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// What came back. `json` is null when there was no body.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub json: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    /// The `scimType` of an error.
    pub fn scim_type(&self) -> &str {
        self.json["scimType"].as_str().unwrap_or_default()
    }

    #[track_caller]
    pub fn id(&self) -> String {
        self.json["id"].as_str().unwrap_or_else(|| panic!("an id expected of {self:#?}")).to_owned()
    }

    /// The entity tag.
    #[track_caller]
    pub fn etag(&self) -> String {
        self.header("etag").unwrap_or_else(|| panic!("an ETag expected of {self:#?}")).to_owned()
    }

    pub fn total(&self) -> i64 {
        self.json["totalResults"].as_i64().unwrap_or_else(|| panic!("a list expected of {self:#?}"))
    }

    #[track_caller]
    pub fn resources(&self) -> &[Value] {
        match &self.json["Resources"] {
            Value::Array(resources) => resources,
            Value::Null => &[],
            other => panic!("a list expected: {other}"),
        }
    }

    /// One attribute of all resources of a list.
    #[track_caller]
    pub fn each(&self, attribute: &str) -> Vec<String> {
        self.resources().iter().map(|r| r[attribute].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// An identity provider with its key. It may be cloned and used by several threads.
#[derive(Debug, Clone)]
pub struct Scim {
    agent: Agent,
    pub port: u16,
    /// `/scim/{iam}/v2`
    pub prefix: String,
    pub authorization: String,
}

impl Scim {
    pub fn new(port: u16, iam: &str, key: &str) -> Scim {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .max_response_header_size(1 << 20)
            .build()
            .into();
        let authorization = format!("Bearer {key}");
        Scim { agent, port, prefix: format!("/scim/{}/v2", encoded(iam)), authorization }
    }

    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.port, self.prefix)
    }

    /// The same provider at another port.
    pub fn on_port(&self, port: u16) -> Scim {
        Scim { port, ..self.clone() }
    }

    /// The same key used for another identity manager.
    pub fn aimed_at(&self, iam: &str) -> Scim {
        Scim { prefix: format!("/scim/{}/v2", encoded(iam)), ..self.clone() }
    }

    /// The same provider with another `Authorization` (empty: none).
    pub fn authorized(&self, authorization: &str) -> Scim {
        Scim { authorization: authorization.to_owned(), ..self.clone() }
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], None)
    }

    /// With parameters, which are encoded.
    #[track_caller]
    pub fn query(&self, path: &str, parameters: &[(&str, &str)]) -> Answer {
        let pairs: Vec<_> =
            parameters.iter().map(|(k, v)| format!("{}={}", encoded(k), encoded(v))).collect();
        self.get(&format!("{path}?{}", pairs.join("&")))
    }

    #[track_caller]
    pub fn find(&self, path: &str, filter: &str) -> Answer {
        self.query(path, &[("filter", filter)])
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.request("POST", path, &[], Some(&body.to_string()))
    }

    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.request("PUT", path, &[], Some(&body.to_string()))
    }

    /// PATCH with these operations.
    #[track_caller]
    pub fn patch(&self, path: &str, operations: &Value) -> Answer {
        self.request("PATCH", path, &[], Some(&patch_body(operations)))
    }

    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.request("DELETE", path, &[], None)
    }

    /// Creates a resource and returns its id.
    #[track_caller]
    pub fn create(&self, path: &str, body: &Value) -> String {
        self.post(path, body).expect(201).id()
    }

    /// Any request. Whatever the answer, it must have the form that the protocol demands.
    #[track_caller]
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
        let answer = self.try_request(method, path, headers, body);
        let answer = answer.unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        assert_well_formed(&answer, &format!("{method} {path}"));
        answer
    }

    /// Any request; an error when the connection ended without an answer.
    pub fn try_request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Result<Answer, String> {
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).expect("a method"));
        request = request.uri(format!("{}{path}", self.base()));
        if !self.authorization.is_empty() {
            request = request.header("authorization", &self.authorization);
        }
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", SCIM_JSON);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match body {
            Some(text) => self.send(request.body(text.to_owned())),
            None => self.send(request.body(())),
        }?;
        answer(&mut response)
    }

    fn send(
        &self,
        request: Result<Request<impl AsSendBody>, ureq::http::Error>,
    ) -> Result<Response<Body>, String> {
        let request = request.map_err(|e| e.to_string())?;
        let request = self.agent.configure_request(request).allow_non_standard_methods(true).build();
        self.agent.run(request).map_err(|e| e.to_string())
    }

    /// Bytes as they are, for what no client library would send; all that the server says until it closes.
    pub fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("syncd listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(request);
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        String::from_utf8_lossy(&all).into_owned()
    }
}

fn answer(response: &mut Response<Body>) -> Result<Answer, String> {
    let status = response.status().as_u16();
    let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let body = response.body_mut().with_config().limit(1 << 30).read_to_vec().map_err(|e| e.to_string())?;
    let json = match body.as_slice() {
        [] => Value::Null,
        some => serde_json::from_slice(some)
            .map_err(|e| format!("{status}: no JSON ({e}): {}", String::from_utf8_lossy(some)))?,
    };
    Ok(Answer { status, headers, json })
}

/// RFC 7644 3.1, 3.12: what holds for every answer.
#[track_caller]
fn assert_well_formed(answer: &Answer, what: &str) {
    let Answer { status, json, .. } = answer;
    if json.is_null() {
        assert!(matches!(status, 204 | 304), "{what}: an answer without a body: {answer:#?}");
        return;
    }
    assert_eq!(answer.header("content-type"), Some(SCIM_JSON), "{what}: {answer:#?}");
    if *status >= 400 {
        assert_eq!(json["schemas"], json!([ERROR]), "{what}: {answer:#?}");
        assert_eq!(json["status"], json!(status.to_string()), "{what}: {answer:#?}");
        assert!(json["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{what}: {answer:#?}");
    }
}

pub fn patch_body(operations: &Value) -> String {
    json!({"schemas": [PATCH_OP], "Operations": operations}).to_string()
}

/// Percent-encoded, all but letters, digits and `-._~`.
pub fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
