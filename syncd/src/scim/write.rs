//! Changes: one call of the database each, which decides and writes in one transaction. What comes over HTTP and what
//! stands in a bulk request goes the same way.

mod call;
mod hold;
mod outcome;

use roster_scim::document::Document;
use roster_scim::error::ScimType;
use roster_scim::patch::Patch;
use roster_scim::resource::{Incoming, read_resource};
use roster_scim::schema::ResourceKind;
use serde_json::Value;
use uuid::Uuid;

use super::etag::{Conditions, Expected, changed_meanwhile};
use super::stored::{self, Stored};
use super::{select, statements};
use crate::database::Client;
use crate::http::{Caller, Refusal};
use call::{GroupChange, UserChange};
use hold::Hold;
use outcome::Outcome;
pub use outcome::{Links, Written};

/// How often a change is tried again that others came before.
const TRIES: usize = 10;
/// After so many the resource is held: those who only ever come second would never get to write.
const TRIES_WITHOUT_HOLD: usize = 2;

/// Who changes what, and what the answer will show.
#[derive(Debug)]
pub struct Changes<'c> {
    pub caller: &'c Caller,
    pub client: &'c Client,
    /// Ids of resources that this request is still going to create.
    pub later: &'c [String],
    pub echo: Echo,
}

/// What is read next to a change, for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    Nothing,
    /// What the change itself does not need to know: the document of a group whose members change.
    Document,
    /// The groups of the user or the members of the group as well.
    All,
}

impl Changes<'_> {
    pub async fn create(&self, kind: ResourceKind, id: Uuid, body: Value) -> Result<Written, Refusal> {
        let mut incoming = self.read(kind, body)?;
        if kind == ResourceKind::User {
            incoming.document.entry("active").or_insert(Value::Bool(true));
        }
        let target = Target { id, create: true, expected: None };
        // Who is new is in no group, unless one has waited: nothing has to be read for the answer.
        let silent = Changes { echo: Echo::Nothing, ..*self };
        let mut outcome = silent.put(kind, &target, &incoming).await?;
        if outcome.was_admitted() && self.echo == Echo::All {
            outcome = outcome.with_links(self.groups_of(id).await?);
        }
        let mut written = outcome.written(kind, &id.to_string())?.ok_or_else(Refusal::fault)?;
        written.document = Some(incoming.document);
        written.dropped = incoming.dropped;
        Ok(written)
    }

    pub async fn replace(
        &self,
        kind: ResourceKind,
        id: &str,
        body: Value,
        conditions: &Conditions,
    ) -> Result<Written, Refusal> {
        let mut incoming = self.read(kind, body)?;
        let uuid = stored::id(id).ok_or_else(|| stored::not_found(kind, id))?;
        let demanded = self.demanded(kind, uuid, conditions).await?;
        // A provider that does not mention it has not said that it changed.
        let keeps_active = kind == ResourceKind::User && !incoming.document.contains_key("active");
        for tried in 0..TRIES {
            let hold = self.hold(tried, kind, uuid).await?;
            let mut expected = demanded;
            if keeps_active {
                let stored = self.stored(kind, uuid).await?;
                incoming.document.remove("active");
                if let Some(active) = stored.document.get("active") {
                    incoming.document.insert("active".to_owned(), active.clone());
                }
                expected = expected.or(Some(stored.version));
            }
            let target = Target { id: uuid, create: false, expected };
            let outcome = self.put(kind, &target, &incoming).await?;
            if let Some(mut written) = outcome.written(kind, id)? {
                commit(hold).await?;
                written.document = Some(incoming.document);
                written.dropped = incoming.dropped;
                return Ok(written);
            }
            if demanded.is_some() {
                return Err(changed_meanwhile());
            }
        }
        Err(too_busy())
    }

    pub async fn patch(
        &self,
        kind: ResourceKind,
        id: &str,
        body: &Value,
        conditions: &Conditions,
    ) -> Result<Written, Refusal> {
        let source = &self.caller.source;
        let patch = Patch::parse(&source.registry, kind, source.profile, body)?;
        let uuid = stored::id(id).ok_or_else(|| stored::not_found(kind, id))?;
        let demanded = self.demanded(kind, uuid, conditions).await?;
        for tried in 0..TRIES {
            let hold = self.hold(tried, kind, uuid).await?;
            let attempt = match patch.touches_document() || kind == ResourceKind::User {
                true => self.patch_document(kind, uuid, &patch, demanded).await?,
                false => (self.patch_members(uuid, &patch, demanded).await?, None),
            };
            let (outcome, document) = attempt;
            if let Some(mut written) = outcome.written(kind, id)? {
                commit(hold).await?;
                written.document = document.or(written.document);
                written.dropped = patch.dropped().clone();
                return Ok(written);
            }
            if demanded.is_some() {
                return Err(changed_meanwhile());
            }
        }
        Err(too_busy())
    }

    pub async fn delete(&self, kind: ResourceKind, id: &str, conditions: &Conditions) -> Result<(), Refusal> {
        let uuid = stored::id(id).ok_or_else(|| stored::not_found(kind, id))?;
        let demanded = self.demanded(kind, uuid, conditions).await?;
        let statement = statements::delete(kind);
        let outcome =
            self.call(statement, &[&self.caller.source_id, &self.caller.label, &uuid, &demanded]).await?;
        outcome.written(kind, id)?.map(|_| ()).ok_or_else(changed_meanwhile)
    }

    async fn hold(&self, tried: usize, kind: ResourceKind, id: Uuid) -> Result<Option<Hold<'_>>, Refusal> {
        if tried < TRIES_WITHOUT_HOLD {
            return Ok(None);
        }
        Ok(Some(Hold::take(self.client, self.caller.source_id, kind, id).await?))
    }

    fn read(&self, kind: ResourceKind, body: Value) -> Result<Incoming, Refusal> {
        let source = &self.caller.source;
        Ok(read_resource(&source.registry, kind, source.profile, body)?)
    }

    /// The version that the client insists on.
    async fn demanded(
        &self,
        kind: ResourceKind,
        id: Uuid,
        conditions: &Conditions,
    ) -> Result<Option<i64>, Refusal> {
        match conditions.expected() {
            Expected::Any => Ok(None),
            Expected::Version(version) => Ok(Some(version)),
            Expected::Look => {
                let version = self.stored(kind, id).await?.version;
                conditions.check(version)?;
                Ok(Some(version))
            }
        }
    }

    async fn stored(&self, kind: ResourceKind, id: Uuid) -> Result<Stored, Refusal> {
        let found = select::one(self.client, self.caller.source_id, kind, id, false).await?;
        found.ok_or_else(|| stored::not_found(kind, &id.to_string()))
    }

    async fn put(
        &self,
        kind: ResourceKind,
        target: &Target,
        incoming: &Incoming,
    ) -> Result<Outcome, Refusal> {
        match kind {
            ResourceKind::User => {
                self.put_user(target, &UserChange { document: &incoming.document, full: true }).await
            }
            ResourceKind::Group => {
                let change = GroupChange {
                    document: Some(&incoming.document),
                    clear: incoming.members.is_some(),
                    add: incoming.members.as_deref().unwrap_or_default(),
                    remove: &[],
                };
                self.put_group(target, &change).await
            }
        }
    }

    async fn patch_document(
        &self,
        kind: ResourceKind,
        id: Uuid,
        patch: &Patch,
        demanded: Option<i64>,
    ) -> Result<(Outcome, Option<Document>), Refusal> {
        let stored = self.stored(kind, id).await?;
        if demanded.is_some_and(|version| version != stored.version) {
            return Err(changed_meanwhile());
        }
        let document = patch.apply(&self.caller.source.registry, &stored.document)?;
        let target = Target { id, create: false, expected: Some(stored.version) };
        let outcome = match kind {
            ResourceKind::User => {
                self.put_user(&target, &UserChange { document: &document, full: false }).await?
            }
            ResourceKind::Group => {
                let remove = self.removed(id, patch).await?;
                let members = patch.members();
                let change = GroupChange {
                    document: Some(&document),
                    clear: members.clear,
                    add: &members.add,
                    remove: &remove,
                };
                self.put_group(&target, &change).await?
            }
        };
        Ok((outcome, Some(document)))
    }

    /// What it costs does not depend on the size of the group: nothing is read.
    async fn patch_members(
        &self,
        id: Uuid,
        patch: &Patch,
        demanded: Option<i64>,
    ) -> Result<Outcome, Refusal> {
        let remove = self.removed(id, patch).await?;
        let members = patch.members();
        let change = GroupChange { document: None, clear: members.clear, add: &members.add, remove: &remove };
        self.put_group(&Target { id, create: false, expected: demanded }, &change).await
    }

    /// Those that are named, and those that a filter such as `members[display eq "x"]` finds.
    async fn removed(&self, group: Uuid, patch: &Patch) -> Result<Vec<String>, Refusal> {
        let members = patch.members();
        let mut remove = members.remove.clone();
        for filter in &members.matching {
            let found = select::members_matching(self.client, self.caller.source_id, group, filter).await?;
            remove.extend(found.into_iter().filter(|id| !members.add.contains(id)));
        }
        Ok(remove)
    }
}

async fn commit(hold: Option<Hold<'_>>) -> Result<(), Refusal> {
    match hold {
        Some(hold) => Ok(hold.commit().await?),
        None => Ok(()),
    }
}

/// The resource that is written.
#[derive(Debug)]
struct Target {
    id: Uuid,
    create: bool,
    /// None: any version.
    expected: Option<i64>,
}

fn too_busy() -> Refusal {
    Refusal::unavailable("others keep changing the resource; repeat the request", 1)
}

pub fn unknown_members(first: &str) -> Refusal {
    let first: String = first.chars().take(100).collect();
    let detail = format!(
        "none of the members is known here, \"{first}\" for one: create the users first and name them by their id"
    );
    Refusal::bad(ScimType::InvalidValue, detail)
}
