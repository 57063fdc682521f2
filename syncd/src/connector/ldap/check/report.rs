//! The steps of a check, as they went.

use serde_json::Value;

use super::super::error::LdapSourceError;
use crate::connector::{CheckState, CheckStep};

#[derive(Default)]
pub(super) struct Report(pub Vec<CheckStep>);

impl Report {
    /// Notes a step that worked or did not; `None` if it failed.
    pub(super) fn take<T>(&mut self, step: &str, outcome: Result<T, LdapSourceError>) -> Option<T> {
        outcome.map_err(|error| self.fail(step, &error)).ok()
    }

    pub(super) fn ok(&mut self, step: &str, message: String) {
        self.add(step, CheckState::Ok, message, None, None);
    }

    pub(super) fn warn(&mut self, step: &str, message: String, remedy: &str) {
        self.add(step, CheckState::Warning, message, Some(remedy), None);
    }

    pub(super) fn fail(&mut self, step: &str, error: &LdapSourceError) {
        self.add(step, CheckState::Failed, error.to_string(), error.remedy(), None);
    }

    pub(super) fn add(
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

    pub(super) fn has(&self, step: &str) -> bool {
        self.0.iter().any(|done| done.step == step)
    }
}
