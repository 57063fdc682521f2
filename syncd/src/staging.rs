//! The staging tables, the only tables that the daemon writes. Rows are gathered into batches, and a
//! task of its own copies full batches while the next ones are filled.

mod binary;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::SinkExt;
use tokio::sync::mpsc;
use tokio_postgres::Client;

use crate::database::DatabaseError;
use crate::record::{Entity, Fact, Key, Kind, Reference};
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
    Pending,
    Quarantine,
    Fact,
}

const TABLES: [Table; 6] =
    [Table::Entity, Table::Value, Table::Edge, Table::Pending, Table::Quarantine, Table::Fact];

const ENTITY_COLUMNS: i16 = 15;
/// What is NULL of an entity that is absent: all after its key.
const COLUMNS_AFTER_KEY: i16 = 10;
const PLATFORM: &str = "platform";

impl Table {
    fn copy_statement(self) -> &'static str {
        match self {
            Table::Entity => include_str!("../sql/copy_entity.sql"),
            Table::Value => include_str!("../sql/copy_value.sql"),
            Table::Edge => include_str!("../sql/copy_edge.sql"),
            Table::Pending => include_str!("../sql/copy_pending.sql"),
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
    pub pending: i64,
    /// Those that are fine again included.
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

    /// An entity that is new or changed, with all that it has.
    pub async fn put_entity(&mut self, entity: &Entity, fingerprint: &[u8; 16]) -> Result<(), DatabaseError> {
        self.row(Table::Entity, ENTITY_COLUMNS)
            .text(entity.kind.as_str())
            .bool(true)
            .uuid(entity.key.as_bytes())
            .text(&entity.external_id)
            .text(&entity.name)
            .optional(entity.display_name.as_deref())
            .optional(entity.email.as_deref())
            .jsonb(&entity.profile)
            .bool(entity.active)
            .uuid(fingerprint)
            .optional_uuid(entity.references.name.as_ref().map(Reference::as_bytes))
            .optional_uuid(entity.references.uid.as_ref().map(Reference::as_bytes))
            .optional_uuid(entity.primary_group.as_ref().map(Key::as_bytes));
        self.counts.entities += 1;
        self.flush_if_full(Table::Entity).await?;
        for (name, value) in &entity.values {
            self.put_value(entity.kind.as_str(), entity.key, name, value).await?;
        }
        for (platform, name) in &entity.platforms {
            self.put_value(PLATFORM, entity.key, platform, name).await?;
        }
        self.put_members(entity).await
    }

    /// An entity that was known and is not in the source any more, as the source says or because it
    /// was read to its end.
    pub async fn put_absent(&mut self, kind: Kind, key: Key) -> Result<(), DatabaseError> {
        let row =
            self.row(Table::Entity, ENTITY_COLUMNS).text(kind.as_str()).bool(false).uuid(key.as_bytes());
        for _ in 0..COLUMNS_AFTER_KEY {
            row.null();
        }
        self.counts.entities += 1;
        self.flush_if_full(Table::Entity).await
    }

    /// An entry that cannot be taken; its key where its id is known.
    pub async fn put_quarantined(
        &mut self,
        kind: Kind,
        key: Option<Key>,
        shown: &str,
        reason: &str,
        entry: &serde_json::Value,
    ) -> Result<(), DatabaseError> {
        self.row(Table::Quarantine, 7)
            .text(kind.as_str())
            .text(shown)
            .text(reason)
            .jsonb(entry)
            .optional_uuid(key.as_ref().map(Key::as_bytes));
        self.counts.quarantined += 1;
        self.flush_if_full(Table::Quarantine).await
    }

    /// An entry that may be in quarantine from before and is fine again, or gone.
    pub async fn put_cleared(&mut self, kind: Kind, key: Key) -> Result<(), DatabaseError> {
        // What it was called in quarantine is not known; the key tells.
        let called = uuid::Uuid::from_bytes(*key.as_bytes()).to_string();
        self.row(Table::Quarantine, 7).text(kind.as_str()).text(&called).null().null().uuid(key.as_bytes());
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

    async fn put_value(
        &mut self,
        kind: &str,
        key: Key,
        name: &str,
        value: &str,
    ) -> Result<(), DatabaseError> {
        self.row(Table::Value, 6).text(kind).uuid(key.as_bytes()).text(name).text(value);
        self.counts.values += 1;
        self.flush_if_full(Table::Value).await
    }

    async fn put_members(&mut self, group: &Entity) -> Result<(), DatabaseError> {
        for member in &group.members {
            self.row(Table::Edge, 5)
                .uuid(group.key.as_bytes())
                .text(member.kind.as_str())
                .uuid(member.key.as_bytes());
            self.counts.edges += 1;
            self.flush_if_full(Table::Edge).await?;
        }
        for reference in &group.pending {
            self.row(Table::Pending, 4).uuid(group.key.as_bytes()).uuid(reference.as_bytes());
            self.counts.pending += 1;
            self.flush_if_full(Table::Pending).await?;
        }
        Ok(())
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
