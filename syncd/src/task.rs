//! Tasks that end with their owner: dropping a run drops everything that works for it.

use tokio::task::JoinHandle;
use tracing::Instrument;

#[derive(Debug)]
pub struct Owned<T>(JoinHandle<T>);

impl<T: Send + 'static> Owned<T> {
    pub fn spawn(future: impl Future<Output = T> + Send + 'static) -> Self {
        // What it logs belongs to whoever it works for.
        Self(tokio::spawn(future.in_current_span()))
    }

    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    pub async fn join(&mut self) -> T {
        match (&mut self.0).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Only dropping cancels it, and the dropped cannot be joined.
                Err(error) => unreachable!("an owned task ended early: {error}"),
            },
        }
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
