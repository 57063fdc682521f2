//! Parsed configurations of sources, kept until the database has another one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tracing::error;

use super::limiter::Limiter;
use crate::scim::Source;

#[derive(Debug, Clone, Default)]
pub struct Sources(Arc<Mutex<HashMap<i32, Arc<Known>>>>);

/// A source as it is configured now.
#[derive(Debug)]
pub struct Known {
    config: Value,
    case_sensitive: bool,
    /// Or why it cannot be used.
    pub source: Result<Arc<Source>, String>,
    pub limiter: Limiter,
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
        let limiter = Limiter::of(&config);
        Self { config, case_sensitive, source, limiter }
    }
}
