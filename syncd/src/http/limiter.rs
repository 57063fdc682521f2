//! How many requests per second each key of a source may send.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use serde_json::Value;

/// When the source does not say.
const DEFAULT_RATE: NonZeroU32 = NonZeroU32::new(2000).expect("not zero");

#[derive(Debug)]
pub struct Limiter {
    /// By label of the key.
    limiter: DefaultKeyedRateLimiter<String>,
}

impl Limiter {
    /// As `rate_limit` of the source's configuration says.
    pub fn of(config: &Value) -> Self {
        let rate = config.get("rate_limit").and_then(Value::as_u64).and_then(|rate| u32::try_from(rate).ok());
        let rate = rate.and_then(NonZeroU32::new).unwrap_or(DEFAULT_RATE);
        Self { limiter: DefaultKeyedRateLimiter::keyed(Quota::per_second(rate)) }
    }

    /// An error is the time after which the key may try again.
    pub fn admit(&self, label: &str) -> Result<(), Duration> {
        let until = self.limiter.check_key(&label.to_owned());
        until.map_err(|until| until.wait_time_from(DefaultClock::default().now()))
    }
}
