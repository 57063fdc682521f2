//! The staging tables, the only tables that the daemon writes. Rows are gathered into batches, and a
//! task of its own copies full batches while the next ones are filled.

mod binary;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::SinkExt;
use tokio::sync::mpsc;
use tokio_postgres::Client;

use crate::database::DatabaseError;
use crate::record::{Entity, Fact, Key, Kind};
use crate::task::Owned;
use binary::Batch;

/// Large enough to make the cost of a COPY command vanish, small enough to keep memory flat.
const BATCH_BYTES: usize = 1 << 20;
/// Full batches waiting for the copier.
const WAITING_BATCHES: usize = 2;

#[derive(Debug, Clone, Copy)]
enum Table {
    Entity,
    Value,
    Edge,
    Quarantine,
    Fact,
}

const TABLES: [Table; 5] = [Table::Entity, Table::Value, Table::Edge, Table::Quarantine, Table::Fact];

impl Table {
    fn copy_statement(self) -> &'static str {
        match self {
            Table::Entity => include_str!("../sql/copy_entity.sql"),
            Table::Value => include_str!("../sql/copy_value.sql"),
            Table::Edge => include_str!("../sql/copy_edge.sql"),
            Table::Quarantine => include_str!("../sql/copy_quarantine.sql"),
            Table::Fact => include_str!("../sql/copy_fact.sql"),
        }
    }
}

/// Rows staged so far. The database checks them against what it finds before it plans.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub entities: i64,
    pub values: i64,
    pub edges: i64,
    pub quarantined: i64,
    pub facts: i64,
}

#[derive(Debug)]
pub struct Staging {
    slot: i16,
    run_id: i64,
    batches: [Batch; TABLES.len()],
    counts: Counts,
    full: mpsc::Sender<(Table, Bytes)>,
    copier: Owned<Result<(), DatabaseError>>,
}

impl Staging {
    pub fn open(client: Arc<Client>, slot: i16, run_id: i64) -> Self {
        let (full, batches) = mpsc::channel(WAITING_BATCHES);
        let copier = Owned::spawn(copy_batches(client, batches));
        Self { slot, run_id, batches: Default::default(), counts: Counts::default(), full, copier }
    }

    /// An entity that is new or changed, with all its values and members.
    pub async fn put_entity(&mut self, entity: &Entity, fingerprint: &[u8; 16]) -> Result<(), DatabaseError> {
        self.row(Table::Entity, 12)
            .text(entity.kind.as_str())
            .bool(true)
            .uuid(entity.key.as_bytes())
            .text(&entity.external_id)
            .text(&entity.name)
            .optional(entity.display_name.as_deref())
            .optional(entity.email.as_deref())
            .jsonb(&entity.profile)
            .bool(entity.active)
            .uuid(fingerprint);
        self.counts.entities += 1;
        self.flush_if_full(Table::Entity).await?;
        for (name, value) in &entity.values {
            self.put_value(entity, name, value).await?;
        }
        for member in &entity.members {
            self.row(Table::Edge, 5)
                .uuid(entity.key.as_bytes())
                .text(member.kind.as_str())
                .uuid(member.key.as_bytes());
            self.counts.edges += 1;
            self.flush_if_full(Table::Edge).await?;
        }
        Ok(())
    }

    /// An entity that was known and is not in the source any more, which was read to its end.
    pub async fn put_absent(&mut self, kind: Kind, key: Key) -> Result<(), DatabaseError> {
        let row = self.row(Table::Entity, 12).text(kind.as_str()).bool(false).uuid(key.as_bytes());
        for _ in 0..7 {
            row.null();
        }
        self.counts.entities += 1;
        self.flush_if_full(Table::Entity).await
    }

    pub async fn put_quarantined(
        &mut self,
        kind: Kind,
        shown: &str,
        reason: &str,
        entry: &serde_json::Value,
    ) -> Result<(), DatabaseError> {
        self.row(Table::Quarantine, 6).text(kind.as_str()).text(shown).text(reason).jsonb(entry);
        self.counts.quarantined += 1;
        self.flush_if_full(Table::Quarantine).await
    }

    /// A statement about a user who is somebody else's.
    pub async fn put_fact(&mut self, fact: &Fact) -> Result<(), DatabaseError> {
        let (kind, name, value) = fact.statement.columns();
        self.row(Table::Fact, 7)
            .optional(fact.who.as_deref())
            .text(kind)
            .optional(name)
            .optional(value)
            .optional(fact.problem.as_deref());
        self.counts.facts += 1;
        self.flush_if_full(Table::Fact).await
    }

    /// Returns when every row is in the database.
    pub async fn finish(mut self) -> Result<Counts, DatabaseError> {
        for table in TABLES {
            self.flush(table).await?;
        }
        drop(self.full);
        self.copier.join().await?;
        Ok(self.counts)
    }

    async fn put_value(&mut self, entity: &Entity, name: &str, value: &str) -> Result<(), DatabaseError> {
        self.row(Table::Value, 6)
            .text(entity.kind.as_str())
            .uuid(entity.key.as_bytes())
            .text(name)
            .text(value);
        self.counts.values += 1;
        self.flush_if_full(Table::Value).await
    }

    fn row(&mut self, table: Table, columns: i16) -> &mut Batch {
        let (slot, run_id) = (self.slot, self.run_id);
        self.batches[table as usize].row(columns).int2(slot).int8(run_id)
    }

    async fn flush_if_full(&mut self, table: Table) -> Result<(), DatabaseError> {
        if self.batches[table as usize].len() < BATCH_BYTES {
            return Ok(());
        }
        self.flush(table).await
    }

    async fn flush(&mut self, table: Table) -> Result<(), DatabaseError> {
        let batch = &mut self.batches[table as usize];
        if batch.is_empty() {
            return Ok(());
        }
        if self.full.send((table, batch.take().into())).await.is_ok() {
            return Ok(());
        }
        // The copier gave up, and it alone knows why.
        self.copier.join().await
    }
}

async fn copy_batches(
    client: Arc<Client>,
    mut batches: mpsc::Receiver<(Table, Bytes)>,
) -> Result<(), DatabaseError> {
    let mut statements = [const { None }; TABLES.len()];
    while let Some((table, bytes)) = batches.recv().await {
        let statement = match &mut statements[table as usize] {
            Some(statement) => statement,
            unprepared => unprepared.insert(client.prepare(table.copy_statement()).await?),
        };
        let sink = client.copy_in::<_, Bytes>(&*statement).await?;
        let mut sink = std::pin::pin!(sink);
        sink.send(bytes).await?;
        sink.finish().await?;
    }
    Ok(())
}
