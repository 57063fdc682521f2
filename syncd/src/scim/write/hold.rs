//! A transaction around reading and writing, for a change that others have overtaken again and again.

use futures_util::FutureExt;
use roster_scim::schema::ResourceKind;
use uuid::Uuid;

use crate::database::Client;
use crate::scim::statements;

/// Nobody else changes the resource until `commit`. Dropped before, everything is undone.
pub(super) struct Hold<'c> {
    client: &'c Client,
    open: bool,
}

impl<'c> Hold<'c> {
    pub(super) async fn take(
        client: &'c Client,
        source_id: i32,
        kind: ResourceKind,
        id: Uuid,
    ) -> Result<Self, tokio_postgres::Error> {
        // Before the first statement, so that it is undone also when this future is dropped in the middle.
        let hold = Self { client, open: true };
        client.batch_execute("BEGIN").await?;
        let statement = client.prepare_cached(statements::HOLD).await?;
        client.execute(&statement, &[&source_id, &(kind == ResourceKind::Group), &id]).await?;
        Ok(hold)
    }

    pub(super) async fn commit(mut self) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute("COMMIT").await?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        if self.open {
            // Sent at the first poll and not waited for: what comes next on this connection comes after it.
            let _ = self.client.batch_execute("ROLLBACK").now_or_never();
        }
    }
}
