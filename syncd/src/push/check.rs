//! `syncd check` of a source that services push to: nothing is read, so it tells what would become of what arrives.

use crate::config::push::{MatchBy, PushConfig};
use crate::connector::{CheckState, CheckStep};
use crate::secret::Secrets;

pub fn check(config: &PushConfig, secrets: &Secrets) -> Vec<CheckStep> {
    let mut steps = vec![ok("configuration", said(config))];
    steps.push(match &config.signing_secret {
        None => ok("signatures", "not demanded: the API key is enough".to_owned()),
        Some(reference) => match secrets.resolve(reference) {
            Ok(_) => ok("signatures", format!("demanded; the secret is in {reference}")),
            Err(error) => CheckStep {
                step: "signatures".to_owned(),
                state: CheckState::Failed,
                message: error.to_string(),
                remedy: Some("until then every request is answered 503".to_owned()),
                sample: None,
            },
        },
    });
    steps
}

fn said(config: &PushConfig) -> String {
    let by = match config.match_by {
        MatchBy::Username => "username",
        MatchBy::ExternalId => "external id",
        MatchBy::Email => "e-mail address",
    };
    let unknown = if config.create_users { "created" } else { "waited for" };
    let prefix = match &config.prefix {
        Some(prefix) => format!("attribute x becomes {prefix}.x"),
        None => "attributes keep their names".to_owned(),
    };
    format!("users are found by {by}, those whom nobody knows are {unknown}; {prefix}")
}

fn ok(step: &str, message: String) -> CheckStep {
    CheckStep { step: step.to_owned(), state: CheckState::Ok, message, remedy: None, sample: None }
}
