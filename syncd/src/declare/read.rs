//! What the database has at present.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Row};

use super::DeclareError;
use super::file::{Declaration, Declared, FileError, Guard, IdentityManager, Platform, Source};
use super::values::Object;
use crate::database::DatabaseError;

pub async fn read(client: &Client) -> Result<Declaration, DatabaseError> {
    let mut found = Declaration::default();
    for row in client.query(include_str!("../../sql/declare/identity_managers.sql"), &[]).await? {
        found.identity_managers.insert(row.try_get("iam")?, identity_manager(&row)?);
    }
    for row in client.query(include_str!("../../sql/declare/group_permissions.sql"), &[]).await? {
        let iam: String = row.try_get("iam")?;
        if let Some(iam) = found.identity_managers.get_mut(&iam) {
            let permissions = iam.group_permissions.entry(row.try_get("group_name")?).or_default();
            permissions.insert(row.try_get("permission")?);
        }
    }
    for row in client.query(include_str!("../../sql/declare/sources.sql"), &[]).await? {
        found.sources.insert(row.try_get("source")?, source(&row)?);
    }
    for row in client.query(include_str!("../../sql/declare/guards.sql"), &[]).await? {
        let name: String = row.try_get("source")?;
        if let Some(source) = found.sources.get_mut(&name) {
            let guard =
                Guard { max_count: row.try_get("max_count")?, max_percent: row.try_get("max_percent")? };
            source.guards.insert(row.try_get("kind")?, guard);
        }
    }
    for row in client.query(include_str!("../../sql/declare/merge_rules.sql"), &[]).await? {
        found.merge_rules.insert(row.try_get("name")?, row.try_get("rule")?);
    }
    for row in client.query(include_str!("../../sql/declare/platforms.sql"), &[]).await? {
        let platform =
            Platform { case_rule: row.try_get("case_rule")?, fallback_iams: row.try_get("fallback_iams")? };
        found.platforms.insert(row.try_get("platform")?, platform);
    }
    Ok(found)
}

/// Times as the database writes them, so that "4 hours" equals "04:00:00".
pub async fn normalise_times(client: &Client, declared: &mut Declared) -> Result<(), DeclareError> {
    let mut told = BTreeMap::new();
    for (name, source) in &declared.declaration.sources {
        let Some(time) = &source.run_timeout else { continue };
        let row = client.query_one(include_str!("../../sql/declare/interval.sql"), &[time]).await;
        let row = row.map_err(|error| FileError::Wrong {
            place: declared.place("source", name),
            message: format!("run_timeout of source {name}: {}", DatabaseError::from(error)),
        })?;
        told.insert(name.clone(), row.try_get::<_, String>("told").map_err(DatabaseError::from)?);
    }
    for (name, time) in told {
        if let Some(source) = declared.declaration.sources.get_mut(&name) {
            source.run_timeout = Some(time);
        }
    }
    Ok(())
}

fn identity_manager(row: &Row) -> Result<IdentityManager, tokio_postgres::Error> {
    let name: String = row.try_get("iam")?;
    let permissions: Vec<String> = row.try_get("default_permissions")?;
    // Of the built-in one everything else is given.
    let is_ours = name == "builtin";
    Ok(IdentityManager {
        kind: row.try_get("kind")?,
        display_name: row.try_get::<_, Option<String>>("display_name")?.filter(|_| !is_ours),
        case_sensitive: Some(row.try_get("case_sensitive")?).filter(|_| !is_ours),
        default_permissions: (!permissions.is_empty()).then(|| permissions.into_iter().collect()),
        options: Object::of(row.try_get("options")?),
        group_permissions: BTreeMap::new(),
    })
}

fn source(row: &Row) -> Result<Source, tokio_postgres::Error> {
    let kind: String = row.try_get("kind")?;
    Ok(Source {
        iam: row.try_get("iam")?,
        schedule: Source::written_schedule(&kind, row.try_get("schedule")?),
        kind,
        time_zone: row.try_get("time_zone")?,
        priority: row.try_get("priority")?,
        enabled: row.try_get("enabled")?,
        run_timeout: row.try_get("run_timeout")?,
        config: Object::of(row.try_get("config")?),
        guards: BTreeMap::new(),
    })
}
