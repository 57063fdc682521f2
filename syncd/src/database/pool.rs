//! Connections for requests: opened on demand, used again, replaced when they break.

use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, Hook, HookError, ManagerConfig, PoolError, QueueMode, RecyclingMethod, Runtime,
    TimeoutType,
};

use super::{Database, DatabaseError};

/// A connection of the pool, to which it returns when dropped. Statements: `prepare_cached`.
pub use deadpool_postgres::Client;

const LONGEST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_CONNECT: Duration = Duration::from_secs(10);
/// A server that vanished without a word is noticed after this time.
const SILENCE: Duration = Duration::from_secs(30);

async fn prepare_session(client: &ClientWrapper) -> Result<(), HookError> {
    client.batch_execute(include_str!("../../sql/http_session.sql")).await.map_err(HookError::Backend)
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pool {
    pool: deadpool_postgres::Pool,
    place: String,
}

/// How many connections there are, and how many want one.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub most: usize,
    pub open: usize,
    pub in_use: usize,
    pub waiting: usize,
}

impl Pool {
    /// Connects to nothing yet.
    pub fn new(database: &Database, size: usize) -> Result<Self, DatabaseError> {
        let mut config = database.config.clone();
        config.application_name("syncd http").keepalives_idle(SILENCE).tcp_user_timeout(SILENCE);
        // Whether a connection is closed is known without asking the server.
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = deadpool_postgres::Manager::from_config(config, database.tls.clone(), recycling);
        let pool = deadpool_postgres::Pool::builder(manager)
            .max_size(size)
            .wait_timeout(Some(LONGEST_WAIT))
            .create_timeout(Some(LONGEST_CONNECT))
            .recycle_timeout(Some(LONGEST_WAIT))
            .runtime(Runtime::Tokio1)
            // Plans and caches of a connection that was just used are warm.
            .queue_mode(QueueMode::Lifo)
            .post_create(Hook::async_fn(|client, _| Box::pin(prepare_session(client))))
            .build()
            .map_err(|error| DatabaseError::Lost(error.to_string()))?;
        Ok(Self { pool, place: database.place.clone() })
    }

    pub async fn get(&self) -> Result<Client, DatabaseError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => DatabaseError::unreachable(&self.place, &error),
            PoolError::Timeout(TimeoutType::Wait) => DatabaseError::Busy,
            PoolError::Timeout(_) => DatabaseError::Unreachable {
                place: self.place.clone(),
                reason: format!("no answer within {} s", LONGEST_CONNECT.as_secs()),
            },
            other => DatabaseError::Unreachable { place: self.place.clone(), reason: other.to_string() },
        })
    }

    pub fn usage(&self) -> Usage {
        let status = self.pool.status();
        let in_use = status.size.saturating_sub(status.available);
        Usage { most: status.max_size, open: status.size, in_use, waiting: status.waiting }
    }

    /// Lets go of connections that broke, so that the next one is a good one.
    pub fn weed(&self) {
        self.pool.retain(|client, _| !client.is_closed());
    }
}
