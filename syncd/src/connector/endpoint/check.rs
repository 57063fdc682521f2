//! `syncd check`: one question, step by step.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use serde_json::{Value, json};

use super::answer::of_item;
use super::client::{Client, Reply};
use super::error::EndpointError;
use super::failure::Failure;
use super::items::Items;
use super::subjects::{Subject, Subjects};
use crate::config::endpoint::{EndpointConfig, Mode};
use crate::connector::{CheckState, CheckStep};
use crate::record::Statement;
use crate::secret::Secrets;

const STEPS: [&str; 5] = ["secrets", "connection", "tls", "credentials", "sample user"];
/// So many users are asked about for one who is known.
const SAMPLES: usize = 5;
/// Asked about where the identity manager has no user yet.
const NOBODY: &str = "syncd-check";

pub(super) async fn check(config: &EndpointConfig, secrets: &Secrets, subjects: &Subjects) -> Vec<CheckStep> {
    let mut report = Report::default();
    // `None` is the first step that failed: the ones after it make no sense.
    let _ = run(&mut report, config, secrets, subjects).await;
    for step in STEPS.into_iter().skip(report.0.len()) {
        report.add(step, CheckState::Skipped, "an earlier step failed".to_owned(), None, None);
    }
    report.0
}

async fn run(
    report: &mut Report,
    config: &EndpointConfig,
    secrets: &Secrets,
    subjects: &Subjects,
) -> Option<()> {
    let client = match Client::new(config, secrets) {
        Ok(client) => client,
        Err(error) => return report.fail_early(&error),
    };
    report.ok("secrets", "every secret that the configuration refers to is there".to_owned());
    let sample = match config.mode {
        Mode::PerUser => ask(&client, subjects).await,
        Mode::Bulk => first(&client, config).await,
    };
    report.reached(config, &sample)?;
    report.sample(config, sample)
}

enum Sample {
    User(String, Vec<Statement>),
    /// The endpoint answers, but there is nobody to show.
    Nobody(&'static str),
    Failed(Option<String>, Failure),
}

async fn ask(client: &Client, subjects: &Subjects) -> Sample {
    let mut outcome = None;
    for subject in subjects.iter().take(SAMPLES) {
        let plain = Subject { etag: None, ..subject };
        match client.ask(&plain).await {
            Ok(Reply::Stated { statements, .. }) => return Sample::User(plain.who, statements),
            Ok(Reply::Same) => {}
            Err(failure) => {
                let is_unknown = failure.is_about_the_user();
                outcome = Some(Sample::Failed(Some(plain.who), failure));
                if !is_unknown {
                    break;
                }
            }
        }
    }
    if let Some(outcome) = outcome {
        return outcome;
    }
    let nobody = Subject { who: NOBODY.to_owned(), etag: None };
    match client.ask(&nobody).await {
        Ok(_) => Sample::Nobody("the identity manager has no active user to ask about yet"),
        Err(failure) if failure.is_about_the_user() => {
            Sample::Nobody("the identity manager has no active user to ask about yet")
        }
        Err(failure) => Sample::Failed(None, failure),
    }
}

/// The first item that has a userid; the rest is not waited for.
async fn first(client: &Client, config: &EndpointConfig) -> Sample {
    let response = match client.page(&config.url).await {
        Ok(response) => response,
        Err(failure) => return Sample::Failed(None, failure),
    };
    let mut items = Items::new(false);
    let mut found = None;
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        let piece = match piece {
            Ok(piece) => piece,
            Err(error) => return Sample::Failed(None, client.broken(error)),
        };
        let pushed = items.push(&piece, |item| {
            found.get_or_insert_with(|| of_item(item, config.wanted));
        });
        match (found.take(), pushed) {
            (Some(item), _) => {
                return match (item.who, item.statements) {
                    (Some(who), Ok(statements)) => Sample::User(who, statements),
                    (None, Ok(_)) => {
                        let message = "the first item has no userid that could be read".to_owned();
                        Sample::Failed(None, Failure::Content(message))
                    }
                    (who, Err(failure)) => Sample::Failed(who, failure),
                };
            }
            (None, Err(bad)) => return Sample::Failed(None, Failure::Content(bad.to_string())),
            (None, Ok(())) => {}
        }
    }
    Sample::Nobody("the endpoint has nobody")
}

#[derive(Default)]
struct Report(Vec<CheckStep>);

impl Report {
    fn fail_early(&mut self, error: &EndpointError) -> Option<()> {
        self.add("secrets", CheckState::Failed, error.to_string(), error.remedy(), None);
        None
    }

    /// What one question says about the way there.
    fn reached(&mut self, config: &EndpointConfig, sample: &Sample) -> Option<()> {
        let place = match config.url.port() {
            Some(port) => format!("{}:{port}", config.url.host_str().unwrap_or_default()),
            None => config.url.host_str().unwrap_or_default().to_owned(),
        };
        match sample {
            Sample::Failed(_, failure @ Failure::Connection { tls: true, .. }) => {
                self.ok("connection", format!("{place} answers"));
                return self.fail("tls", failure);
            }
            Sample::Failed(_, failure @ (Failure::Connection { .. } | Failure::Timeout(_))) => {
                return self.fail("connection", failure);
            }
            _ => self.ok("connection", format!("{place} answers")),
        }
        let trust = if config.ca_file.is_some() { "ca_file" } else { "the system's authorities" };
        self.ok(
            "tls",
            match config.url.scheme() {
                "https" => format!("encrypted, certificate and host name verified against {trust}"),
                _ => "not encrypted, as the configuration allows".to_owned(),
            },
        );
        match sample {
            Sample::Failed(_, failure @ Failure::Status { code: 401 | 403, .. }) => {
                self.fail("credentials", failure)
            }
            _ => {
                let known = config.auth.is_some() || config.client.is_some();
                let message = if known { "not refused" } else { "none are given, and none are asked for" };
                self.ok("credentials", message.to_owned());
                Some(())
            }
        }
    }

    fn sample(&mut self, config: &EndpointConfig, sample: Sample) -> Option<()> {
        match sample {
            Sample::User(who, statements) => {
                let message = match config.mode {
                    Mode::PerUser => format!("{who} was asked about"),
                    Mode::Bulk => format!("{who} comes first"),
                };
                self.add("sample user", CheckState::Ok, message, None, Some(shown(&who, statements)));
            }
            Sample::Nobody(why) => self.ok("sample user", why.to_owned()),
            Sample::Failed(Some(who), failure) => {
                let message = format!("{who} could not be read: {failure}");
                self.add("sample user", CheckState::Failed, message, Some(failure.remedy()), None);
            }
            Sample::Failed(None, failure) => return self.fail("sample user", &failure),
        }
        Some(())
    }

    fn ok(&mut self, step: &str, message: String) {
        self.add(step, CheckState::Ok, message, None, None);
    }

    fn fail(&mut self, step: &str, failure: &Failure) -> Option<()> {
        self.add(step, CheckState::Failed, failure.to_string(), Some(failure.remedy()), None);
        None
    }

    fn add(
        &mut self,
        step: &str,
        state: CheckState,
        message: String,
        remedy: Option<&str>,
        sample: Option<Value>,
    ) {
        let remedy = remedy.map(str::to_owned);
        self.0.push(CheckStep { step: step.to_owned(), state, message, remedy, sample });
    }
}

fn shown(who: &str, statements: Vec<Statement>) -> Value {
    let mut groups = Vec::new();
    let mut attributes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for statement in statements {
        match statement {
            Statement::Group { name } => groups.push(name),
            Statement::Attribute { name, value } => attributes.entry(name).or_default().push(value),
            _ => {}
        }
    }
    json!({"user": who, "groups": groups, "attributes": attributes})
}
