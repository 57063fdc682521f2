//! Parsed configurations of sources, kept until the database has another one.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use serde_json::Value;
use tracing::error;

use crate::scim::Source;

/// Requests per second and key when the source does not say.
const DEFAULT_RATE: NonZeroU32 = NonZeroU32::new(2000).expect("not zero");

#[derive(Debug, Clone, Default)]
pub struct Sources(Arc<Mutex<HashMap<i32, Arc<Known>>>>);

/// A source as it is configured now.
#[derive(Debug)]
pub struct Known {
    config: Value,
    case_sensitive: bool,
    /// Or why it cannot be used.
    pub source: Result<Arc<Source>, String>,
    /// By label of the key.
    limiter: DefaultKeyedRateLimiter<String>,
}

impl Sources {
    pub fn known(&self, source_id: i32, config: Value, case_sensitive: bool) -> Arc<Known> {
        let mut sources = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = sources.get(&source_id)
            && known.config == config
            && known.case_sensitive == case_sensitive
        {
            return Arc::clone(known);
        }
        let known = Arc::new(Known::parse(source_id, config, case_sensitive));
        sources.insert(source_id, Arc::clone(&known));
        known
    }
}

impl Known {
    fn parse(source_id: i32, config: Value, case_sensitive: bool) -> Self {
        let source = Source::parse(&config, case_sensitive).map(Arc::new).map_err(|error| {
            error!(source_id, %error, "the source cannot be used");
            error.to_string()
        });
        let rate = config.get("rate_limit").and_then(Value::as_u64).and_then(|rate| u32::try_from(rate).ok());
        let rate = rate.and_then(NonZeroU32::new).unwrap_or(DEFAULT_RATE);
        let limiter = DefaultKeyedRateLimiter::keyed(Quota::per_second(rate));
        Self { config, case_sensitive, source, limiter }
    }

    /// An error is the time after which the key may try again.
    pub fn admit(&self, label: &str) -> Result<(), Duration> {
        let until = self.limiter.check_key(&label.to_owned());
        until.map_err(|until| until.wait_time_from(DefaultClock::default().now()))
    }
}
