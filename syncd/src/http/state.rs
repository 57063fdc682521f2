//! What all requests share. Cheap to clone.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::api::Limiters;
use super::forwarded::Proxies;
use super::refusals::RefusalLog;
use super::sources::Sources;
use crate::database::Pool;
use crate::feed::Feed;
use crate::metrics::Metrics;
use crate::secret::Secrets;

/// Requests that are worked on at once; the others wait with their bodies read. More than connections, because part of
/// the work is done without one.
const REQUESTS_AT_ONCE: usize = 64;
/// Memory for bodies that were announced and are read or worked on, in KiB.
pub const BODIES_AT_ONCE_KIB: u32 = 256 * 1024;

#[derive(Debug, Clone)]
pub struct HttpState {
    pub pool: Pool,
    pub log: RefusalLog,
    pub proxies: Arc<Proxies>,
    pub sources: Sources,
    pub limiters: Limiters,
    pub feed: Feed,
    pub is_tls: bool,
    pub secrets: Secrets,
    pub working: Arc<Semaphore>,
    pub bodies: Arc<Semaphore>,
    pub metrics: Metrics,
}

impl HttpState {
    pub fn new(
        pool: Pool,
        log: RefusalLog,
        proxies: Proxies,
        feed: Feed,
        is_tls: bool,
        secrets: Secrets,
    ) -> Self {
        Self {
            metrics: Metrics::new(&pool),
            pool,
            log,
            proxies: Arc::new(proxies),
            sources: Sources::default(),
            limiters: Limiters::default(),
            feed,
            is_tls,
            secrets,
            working: Arc::new(Semaphore::new(REQUESTS_AT_ONCE)),
            bodies: Arc::new(Semaphore::new(BODIES_AT_ONCE_KIB as usize)),
        }
    }
}
