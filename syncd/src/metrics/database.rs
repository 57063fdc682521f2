//! What the database knows: read when it is asked for, by one statement per group, and not more than once a second
//! whoever asks.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Registry;
use tokio::sync::Mutex;
use tracing::debug;

use super::values::{self, Values};
use crate::database::{DatabaseError, Pool};

/// Prometheus gives up after ten seconds unless it is told otherwise.
const LONGEST_LOOK: Duration = Duration::from_secs(5);
const GOOD_FOR: Duration = Duration::from_secs(1);

#[derive(Debug, Clone)]
pub struct Database {
    pool: Pool,
    /// Held while looking: whoever comes meanwhile gets what is found.
    looked: Arc<Mutex<Option<Instant>>>,
    found: Found,
}

/// None: the database could not be asked.
#[derive(Debug, Clone, Default)]
struct Found(Arc<RwLock<Option<Values>>>);

impl Database {
    pub fn new(pool: Pool, registry: &mut Registry) -> Self {
        let found = Found::default();
        registry.register_collector(Box::new(found.clone()));
        Self { pool, looked: Arc::default(), found }
    }

    pub async fn look(&self) {
        let mut looked = self.looked.lock().await;
        if looked.is_some_and(|at| at.elapsed() < GOOD_FOR) {
            return;
        }
        let values = match tokio::time::timeout(LONGEST_LOOK, read(&self.pool)).await {
            Ok(Ok(values)) => Some(values),
            Ok(Err(error)) => {
                debug!(%error, "the metrics of the database cannot be read");
                None
            }
            Err(_) => {
                debug!("the metrics of the database took too long");
                None
            }
        };
        *self.found.0.write().unwrap_or_else(PoisonError::into_inner) = values;
        *looked = Some(Instant::now());
    }
}

async fn read(pool: &Pool) -> Result<Values, DatabaseError> {
    let client = pool.get().await?;
    let sources = client.query(include_str!("../../sql/metrics_sources.sql"), &[]).await?;
    let runs = client.query(include_str!("../../sql/metrics_runs.sql"), &[]).await?;
    let feed = client.query_one(include_str!("../../sql/metrics_feed.sql"), &[]).await?;
    Ok(Values::of_rows(&sources, &runs, &feed)?)
}

impl Collector for Found {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let values = self.0.read().unwrap_or_else(PoisonError::into_inner);
        values::encode(&mut encoder, values.as_ref())
    }
}
