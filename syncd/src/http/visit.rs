//! One request as the log of refusals sees it.

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;

use super::answer::Noted;
use super::refusals::{Entry, RefusalLog};
use super::shape;

const LONGEST_PATH: usize = 500;
const LONGEST_REASON: usize = 1000;
/// Larger bodies are looked at beside the answer.
const LARGE: usize = 64 * 1024;

#[derive(Debug)]
pub struct Visit {
    pub method: Method,
    pub path: String,
    query: Option<String>,
    content_type: Option<String>,
    iam: String,
    pub label: Option<String>,
    pub source_id: Option<i32>,
    pub body: Option<Bytes>,
}

impl Visit {
    pub fn of(request: &Request, uri: &Uri, iam: &str) -> Self {
        let content_type = request.headers().get(CONTENT_TYPE);
        Self {
            method: request.method().clone(),
            path: uri.path().to_owned(),
            query: uri.query().map(str::to_owned),
            content_type: content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
            iam: iam.to_owned(),
            label: None,
            source_id: None,
            body: None,
        }
    }

    pub fn note(self, log: &RefusalLog, response: &Response) {
        let status = response.status();
        let Some(noted) = response.extensions().get::<Noted>() else { return };
        // Not the client's doing, and there is nobody to tell.
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return;
        }
        let entry = Entry {
            source_id: self.source_id,
            iam: self.iam.clone(),
            label: self.label.clone(),
            method: None,
            path: None,
            status: i32::from(status.as_u16()),
            scim_type: noted.scim_type.clone(),
            reason: noted.reason.chars().filter(|c| *c != '\0').take(LONGEST_REASON).collect(),
            shape: None,
        };
        match status {
            // Many requests for one reason: which of them they were says nothing.
            StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS => log.note(entry),
            _ if noted.is_left_out() => log.note(self.of_kind(entry)),
            _ => self.note_with_shape(log.clone(), entry),
        }
    }

    /// Taken in part: the same for every resource.
    fn of_kind(&self, entry: Entry) -> Entry {
        let mut segments: Vec<&str> = self.path.split('/').collect();
        if let Some(id) = segments.get_mut(5) {
            *id = "{id}";
        }
        let path = segments.iter().take(6).copied().collect::<Vec<_>>().join("/");
        Entry { method: Some(self.method.to_string()), path: Some(short(&path)), ..entry }
    }

    fn note_with_shape(self, log: RefusalLog, entry: Entry) {
        let is_large = self.body.as_ref().is_some_and(|body| body.len() > LARGE);
        let note = move || {
            let shape =
                shape::of_request(self.query.as_deref(), self.content_type.as_deref(), self.body.as_deref());
            log.note(Entry {
                method: Some(self.method.to_string()),
                path: Some(short(&self.path)),
                shape,
                ..entry
            });
        };
        if is_large {
            tokio::task::spawn_blocking(note);
        } else {
            note();
        }
    }
}

fn short(path: &str) -> String {
    path.chars().take(LONGEST_PATH).collect()
}
