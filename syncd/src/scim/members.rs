//! Members of groups: read from one stream of rows and written piece by piece, however many there are.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::{Stream, StreamExt, TryStreamExt};
use roster_scim::projection::Projection;
use roster_scim::schema::ResourceKind;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, RowStream};
use tracing::warn;
use uuid::Uuid;

use super::statements;
use super::stored::location;
use crate::database::{Client, DatabaseError};
use crate::http::Refusal;

/// A piece of a body.
const PIECE: usize = 64 * 1024;
/// A client that takes nothing for so long is gone: the connection to the database is needed.
const LONGEST_STALL: Duration = Duration::from_secs(60);
/// Answers to a PATCH leave members out when there are more; the statement reads one more than that.
pub const MOST_IN_AN_ANSWER: usize = 100;

/// One member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub group_rid: i64,
    pub kind: ResourceKind,
    pub value: Uuid,
    pub display: Option<String>,
}

impl Member {
    /// The columns group_rid, kind, value, display, in this order.
    fn from_row(row: &Row) -> Result<Self, tokio_postgres::Error> {
        let kind: &str = row.try_get(1)?;
        Ok(Self {
            group_rid: row.try_get(0)?,
            kind: if kind == "Group" { ResourceKind::Group } else { ResourceKind::User },
            value: row.try_get(2)?,
            display: row.try_get(3)?,
        })
    }
}

/// Which fields of a member the client wants to see.
#[derive(Debug, Clone)]
pub struct MemberShape {
    base: String,
    value: bool,
    reference: bool,
    display: bool,
    kind: bool,
}

impl MemberShape {
    pub fn new(base: &str, projection: &Projection) -> Self {
        Self {
            base: base.to_owned(),
            value: projection.wants("members.value"),
            reference: projection.wants("members.$ref"),
            display: projection.wants("members.display"),
            kind: projection.wants("members.type"),
        }
    }

    /// The members of a small group.
    pub fn list(&self, members: &[Member]) -> serde_json::Result<Value> {
        let mut text = vec![b'['];
        for member in members {
            if text.len() > 1 {
                text.push(b',');
            }
            self.write(member, &mut text)?;
        }
        text.push(b']');
        serde_json::from_slice(&text)
    }

    fn write(&self, member: &Member, out: &mut Vec<u8>) -> serde_json::Result<()> {
        let mut buffer = Uuid::encode_buffer();
        let id: &str = member.value.hyphenated().encode_lower(&mut buffer);
        out.push(b'{');
        if self.value {
            field(out, "value", id)?;
        }
        if self.reference {
            field(out, "$ref", &location(&self.base, member.kind, id))?;
        }
        if let Some(display) = member.display.as_deref().filter(|_| self.display) {
            field(out, "display", display)?;
        }
        if self.kind {
            field(out, "type", member.kind.name())?;
        }
        out.push(b'}');
        Ok(())
    }
}

fn field(out: &mut Vec<u8>, name: &str, value: &str) -> serde_json::Result<()> {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    serde_json::to_writer(&mut *out, name)?;
    out.push(b':');
    serde_json::to_writer(out, value)
}

/// Groups whose members are still to be filled in, and the text around them.
#[derive(Debug)]
pub struct Frame {
    /// In the order of the answer: rid and what is fixed.
    pub groups: Vec<(i64, Map<String, Value>)>,
    pub before: Vec<u8>,
    pub after: Vec<u8>,
}

/// Writes a frame as the members arrive, which come in the order of its groups.
struct Writer {
    shape: MemberShape,
    groups: std::vec::IntoIter<(i64, Map<String, Value>)>,
    current: Option<i64>,
    has_members: bool,
    out: Vec<u8>,
    after: Vec<u8>,
}

impl Writer {
    fn new(frame: Frame, shape: MemberShape) -> Self {
        Self {
            shape,
            groups: frame.groups.into_iter(),
            current: None,
            has_members: false,
            out: frame.before,
            after: frame.after,
        }
    }

    fn member(&mut self, member: &Member) -> io::Result<()> {
        while self.current != Some(member.group_rid) {
            if !self.next_group()? {
                return Err(io::Error::other("a member of a group that was not asked for"));
            }
        }
        self.out.extend_from_slice(if self.has_members { b"," } else { b",\"members\":[" });
        self.has_members = true;
        Ok(self.shape.write(member, &mut self.out)?)
    }

    fn next_group(&mut self) -> io::Result<bool> {
        let is_first = self.current.is_none();
        self.end_group();
        let Some((rid, fixed)) = self.groups.next() else {
            return Ok(false);
        };
        if !is_first {
            self.out.push(b',');
        }
        serde_json::to_writer(&mut self.out, &fixed)?;
        // Open again: id and schemas are always there, so members follow a comma.
        self.out.pop();
        self.current = Some(rid);
        Ok(true)
    }

    fn end_group(&mut self) {
        if self.current.is_some() {
            self.out.extend_from_slice(if self.has_members { b"]}" } else { b"}" });
        }
        self.has_members = false;
    }

    fn finish(&mut self) -> io::Result<()> {
        while self.next_group()? {}
        self.out.append(&mut self.after);
        Ok(())
    }
}

/// The answer with all members. Small ones are complete when this returns; of large ones the rest follows while the
/// client reads, from a connection that goes back to the pool at the end or when the client is gone.
pub async fn body(client: Client, source_id: i32, frame: Frame, shape: MemberShape) -> Result<Body, Refusal> {
    let rids: Vec<i64> = frame.groups.iter().map(|(rid, _)| *rid).collect();
    let mut writer = Writer::new(frame, shape);
    if rids.is_empty() {
        return complete(writer);
    }
    let mut rows = stream(&client, source_id, rids).await?;
    while writer.out.len() < PIECE {
        let Some(row) = rows.try_next().await? else {
            return complete(writer);
        };
        writer.member(&Member::from_row(&row)?).map_err(cannot_write)?;
    }
    let (sender, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        if let Err(error) = send(rows, writer, &sender).await {
            warn!(%error, "an answer with members was broken off");
        }
        drop(client);
    });
    Ok(Body::from_stream(pieces(receiver)))
}

/// The answer to a client that does not want to see members: they are not read.
pub fn body_without(frame: Frame, shape: MemberShape) -> Result<Body, Refusal> {
    complete(Writer::new(frame, shape))
}

fn complete(mut writer: Writer) -> Result<Body, Refusal> {
    writer.finish().map_err(cannot_write)?;
    Ok(Body::from(writer.out))
}

async fn stream(client: &Client, source_id: i32, rids: Vec<i64>) -> Result<Pin<Box<RowStream>>, Refusal> {
    let statement = client.prepare_cached(statements::MEMBERS).await?;
    let parameters: [&(dyn ToSql + Sync); 2] = [&source_id, &rids];
    Ok(Box::pin(client.query_raw(&statement, parameters).await?))
}

fn cannot_write(error: io::Error) -> Refusal {
    warn!(%error, "an answer with members cannot be written");
    Refusal::fault()
}

#[derive(Debug)]
enum Piece {
    Part(Bytes),
    End,
}

#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("{0}")]
    Database(DatabaseError),
    #[error("{0}")]
    Write(#[from] io::Error),
    #[error("the client took nothing for {} s", LONGEST_STALL.as_secs())]
    Stalled,
}

impl From<tokio_postgres::Error> for Broken {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error.into())
    }
}

async fn send(
    mut rows: Pin<Box<RowStream>>,
    mut writer: Writer,
    sender: &mpsc::Sender<Piece>,
) -> Result<(), Broken> {
    loop {
        let row = rows.next().await.transpose()?;
        match &row {
            Some(row) => writer.member(&Member::from_row(row)?)?,
            None => writer.finish()?,
        }
        if (row.is_none() || writer.out.len() >= PIECE)
            && !pass(sender, Piece::Part(std::mem::take(&mut writer.out).into())).await?
        {
            return Ok(());
        }
        if row.is_none() {
            pass(sender, Piece::End).await?;
            return Ok(());
        }
    }
}

/// False: nobody listens any more.
async fn pass(sender: &mpsc::Sender<Piece>, piece: Piece) -> Result<bool, Broken> {
    match tokio::time::timeout(LONGEST_STALL, sender.send(piece)).await {
        Ok(sent) => Ok(sent.is_ok()),
        Err(_) => Err(Broken::Stalled),
    }
}

/// Without its end the body is an error, which cuts the connection: a shorter list must not look like a whole one.
fn pieces(receiver: mpsc::Receiver<Piece>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    futures_util::stream::unfold(Some(receiver), async |receiver| {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Piece::Part(part)) => Some((Ok(part), Some(receiver))),
            Some(Piece::End) => None,
            None => Some((Err(io::Error::other("the answer was broken off")), None)),
        }
    })
}

/// The members for the answer to a PATCH: None if there are many.
pub async fn few(
    client: &Client,
    source_id: i32,
    group: Uuid,
) -> Result<Option<Vec<Member>>, tokio_postgres::Error> {
    let statement = client.prepare_cached(statements::FEW_MEMBERS).await?;
    let rows = client.query(&statement, &[&source_id, &group]).await?;
    if rows.len() > MOST_IN_AN_ANSWER {
        return Ok(None);
    }
    let mut members = rows.iter().map(Member::from_row).collect::<Result<Vec<_>, _>>()?;
    members.sort_by_key(|member| (member.kind, member.value));
    Ok(Some(members))
}
