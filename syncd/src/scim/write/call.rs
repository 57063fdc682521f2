//! The calls themselves, with everything that follows from a document.

use std::collections::BTreeSet;

use roster_scim::document::Document;
use roster_scim::error::{ScimError, ScimType};
use roster_scim::profile::Profile;
use roster_scim::resource::fold;
use roster_scim::schema::ResourceKind;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use super::outcome::{Links, Outcome};
use super::{Changes, Echo, TRIES, Target};
use crate::database::DatabaseError;
use crate::http::Refusal;
use crate::scim::stored::{self, Stored};
use crate::scim::{members, select, statements};

/// What is stated about a user.
pub(super) struct UserChange<'c> {
    pub document: &'c Document,
    /// All of it is stated anew, so all of it is confirmed.
    pub full: bool,
}

/// What is stated about a group.
pub(super) struct GroupChange<'c> {
    /// None: only its members change.
    pub document: Option<&'c Document>,
    pub clear: bool,
    pub add: &'c [String],
    pub remove: &'c [String],
}

impl Changes<'_> {
    pub(super) async fn put_user(
        &self,
        target: &Target,
        change: &UserChange<'_>,
    ) -> Result<Outcome, Refusal> {
        let source = &self.caller.source;
        let facts = source.mapping.user(&source.registry, change.document);
        let search = fold(&source.registry, ResourceKind::User, change.document);
        let (names, values) = columns(&facts.attributes);
        let permissions: Vec<&str> = facts.permissions.iter().map(String::as_str).collect();
        let platforms: Vec<&str> = facts.platforms.keys().map(String::as_str).collect();
        let platform_usernames: Vec<&str> = facts.platforms.values().map(String::as_str).collect();
        let parameters: [&(dyn ToSql + Sync); 19] = [
            &self.caller.source_id,
            &self.caller.label,
            &target.id,
            &target.create,
            &target.expected,
            &change.full,
            &Json(change.document),
            &search,
            &facts.username,
            &facts.external_id,
            &facts.display_name,
            &facts.email,
            &Json(&facts.profile),
            &facts.active,
            &names,
            &values,
            &permissions,
            &platforms,
            &platform_usernames,
        ];
        if self.echo != Echo::All {
            return self.call(statements::PUT_USER, &parameters).await;
        }
        // Sent together: the second is answered after the first has been committed.
        let (outcome, links) =
            tokio::join!(self.call(statements::PUT_USER, &parameters), self.groups_of(target.id));
        Ok(outcome?.with_links(links?))
    }

    pub(super) async fn put_group(
        &self,
        target: &Target,
        change: &GroupChange<'_>,
    ) -> Result<Outcome, Refusal> {
        let source = &self.caller.source;
        let facts = change.document.map(|document| source.mapping.group(&source.registry, document));
        let search = change.document.map(|document| fold(&source.registry, ResourceKind::Group, document));
        let (names, values) = facts.as_ref().map(|facts| columns(&facts.attributes)).unwrap_or_default();
        let awaited = awaited_members(source.profile, change.add);
        let later = if awaited.is_empty() { self.later } else { &awaited };
        let parameters: [&(dyn ToSql + Sync); 17] = [
            &self.caller.source_id,
            &self.caller.label,
            &target.id,
            &target.create,
            &target.expected,
            &change.document.map(Json),
            &search,
            &facts.as_ref().map(|facts| facts.name.as_str()),
            &facts.as_ref().and_then(|facts| facts.external_id.as_deref()),
            &names,
            &values,
            &source.sync_groups,
            &change.clear,
            &change.add,
            &change.remove,
            &later,
            &source.profile.finds_members_by_external_id(),
        ];
        let reads_document = self.echo != Echo::Nothing && change.document.is_none();
        let (outcome, stored, links) = tokio::join!(
            self.call(statements::PUT_GROUP, &parameters),
            self.stored_if(reads_document, target.id),
            self.members_of(target.id)
        );
        let outcome = outcome?.with_links(links?);
        Ok(match stored? {
            Some(stored) => outcome.with_stored(stored),
            None => outcome,
        })
    }

    async fn stored_if(&self, wanted: bool, group: Uuid) -> Result<Option<Stored>, Refusal> {
        if !wanted {
            return Ok(None);
        }
        select::one(self.client, self.caller.source_id, ResourceKind::Group, group, false).await
    }

    async fn members_of(&self, group: Uuid) -> Result<Links, Refusal> {
        if self.echo != Echo::All {
            return Ok(Links::Unread);
        }
        Ok(Links::Members(members::few(self.client, self.caller.source_id, group).await?))
    }

    /// Another transaction in the way, as by a deadlock, is no reason to fail: nothing of the change has happened yet.
    pub(super) async fn call(
        &self,
        statement: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Outcome, Refusal> {
        let mut tries = 1;
        loop {
            let error = match self.call_once(statement, parameters).await {
                Ok(outcome) => return Ok(outcome),
                Err(error) => error,
            };
            let code = error.code().cloned();
            let is_text = code == Some(SqlState::UNTRANSLATABLE_CHARACTER)
                || code == Some(SqlState::CHARACTER_NOT_IN_REPERTOIRE);
            if code == Some(SqlState::UNIQUE_VIOLATION) {
                let detail = "userName, displayName or externalId has just been taken by another resource";
                return Err(ScimError::taken(detail).into());
            }
            if is_text {
                let detail = "a value contains the character U+0000, which no text can hold; remove it";
                return Err(Refusal::bad(ScimType::InvalidValue, detail));
            }
            if code == Some(SqlState::INVALID_PARAMETER_VALUE) {
                let detail = error.as_db_error().map(|said| said.message().to_owned());
                return Err(Refusal::bad(ScimType::InvalidValue, detail.unwrap_or_default()));
            }
            let error = DatabaseError::from(error);
            if !error.is_worth_repeating() || tries == TRIES {
                return Err(error.into());
            }
            tries += 1;
        }
    }

    async fn call_once(
        &self,
        statement: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Outcome, tokio_postgres::Error> {
        let statement = self.client.prepare_cached(statement).await?;
        let row = self.client.query_one(&statement, parameters).await?;
        Outcome::from_row(&row)
    }

    pub(super) async fn groups_of(&self, user: Uuid) -> Result<Links, Refusal> {
        let statement = self.client.prepare_cached(statements::USER_GROUPS).await?;
        let row = self.client.query_opt(&statement, &[&self.caller.source_id, &user]).await?;
        let groups = row.map(|row| row.try_get(0)).transpose()?;
        Ok(Links::Groups(groups.flatten()))
    }
}

/// Members that nobody has to know yet. RFC 7644 has no error for one that is not there: to the letter, it may come. By
/// default that holds for names that cannot be ids of ours, so must be those of a system that tells of the user later; an
/// id that was never given out is an error that the provider should see.
fn awaited_members(profile: Profile, add: &[String]) -> Vec<String> {
    let awaited =
        |value: &&String| profile.is_strict() || profile == Profile::Default && stored::id(value).is_none();
    add.iter().filter(awaited).cloned().collect()
}

fn columns(pairs: &BTreeSet<(String, String)>) -> (Vec<&str>, Vec<&str>) {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).unzip()
}
