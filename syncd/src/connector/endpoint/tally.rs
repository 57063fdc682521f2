//! How the questions of a read went, and when it makes no sense to go on asking.

use std::collections::BTreeMap;

use super::error::{EndpointError, Reason};
use super::failure::Failure;

/// So many failures one after the other, and the endpoint is taken for broken.
const IN_A_ROW: u64 = 50;
/// After so many questions, nearly all of which failed, too.
const ENOUGH: u64 = 200;

#[derive(Debug, Default)]
pub(super) struct Tally {
    asked: u64,
    answered: u64,
    /// Failures of the endpoint; that it does not know a user is none.
    failed: u64,
    in_a_row: u64,
    kinds: BTreeMap<String, u64>,
    last: Option<Failure>,
}

impl Tally {
    pub(super) fn asked(&self) -> u64 {
        self.asked
    }

    pub(super) fn answered(&mut self) {
        self.asked += 1;
        self.answered += 1;
        self.in_a_row = 0;
    }

    /// `Err` when the others need not be asked any more.
    pub(super) fn failed(&mut self, failure: &Failure) -> Result<(), EndpointError> {
        self.asked += 1;
        *self.kinds.entry(failure.kind()).or_default() += 1;
        self.last = Some(failure.clone());
        if failure.is_unauthorized() && self.answered == 0 {
            return Err(EndpointError::Refused(Reason(failure.clone())));
        }
        if failure.is_about_the_user() {
            return Ok(());
        }
        self.failed += 1;
        self.in_a_row += 1;
        let nearly_all = self.asked >= ENOUGH && self.failed * 10 > self.asked * 9;
        if self.in_a_row < IN_A_ROW && !nearly_all {
            return Ok(());
        }
        let last = Reason(failure.clone());
        Err(EndpointError::TooManyFailures { failed: self.failed, asked: self.asked, last })
    }

    /// What people should know at the end: somebody must have been read.
    pub(super) fn finish(self) -> Result<Option<String>, EndpointError> {
        let kinds: Vec<_> = self.kinds.iter().map(|(kind, count)| format!("{kind} ({count})")).collect();
        let reasons = kinds.join(", ");
        match self.last {
            None => Ok(None),
            Some(last) if self.answered == 0 => {
                Err(EndpointError::NobodyAnswered { asked: self.asked, reasons, last: Reason(last) })
            }
            Some(_) => Ok(Some(format!(
                "{} of {} users could not be read and keep what was known: {reasons}",
                self.asked - self.answered,
                self.asked
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16) -> Failure {
        Failure::Status { code, retry_after: None }
    }

    #[test]
    fn fifty_in_a_row_are_enough() {
        let mut tally = Tally::default();
        tally.answered();
        for _ in 1..IN_A_ROW {
            tally.failed(&status(500)).unwrap();
        }
        let error = tally.failed(&status(500)).unwrap_err().to_string();
        assert!(error.contains("50 of 51"), "{error}");
    }

    #[test]
    fn a_growing_share_is_enough() {
        let mut tally = Tally::default();
        let stopped = (1..1000).find(|n| {
            if n % 40 == 0 {
                tally.answered();
                return false;
            }
            tally.failed(&status(503)).is_err()
        });
        assert_eq!(stopped, Some(201));
    }

    #[test]
    fn unknown_users_do_not_stop_a_read() {
        let mut tally = Tally::default();
        for _ in 0..1000 {
            tally.failed(&status(404)).unwrap();
        }
        tally.answered();
        let note = tally.finish().unwrap().unwrap();
        assert_eq!(note, "1000 of 1001 users could not be read and keep what was known: status 404 (1000)");
    }

    #[test]
    fn wrong_credentials_are_tried_no_more() {
        let mut tally = Tally::default();
        assert!(tally.failed(&status(401)).is_err());
        let mut tally = Tally::default();
        tally.answered();
        tally.failed(&status(401)).unwrap();
    }

    #[test]
    fn nobody_is_an_error_and_nothing_asked_is_none() {
        let mut tally = Tally::default();
        tally.failed(&status(404)).unwrap();
        assert!(tally.finish().is_err());
        assert_eq!(Tally::default().finish().unwrap(), None);
    }
}
