//! The steps, each a call of a public function.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use super::compare::{Change, changed_config};
use super::file::{Guard, IdentityManager, Platform, Source, usual_schedule};
use crate::database::DatabaseError;

#[derive(Debug)]
pub enum Step {
    CreateIdentityManager {
        iam: String,
        kind: String,
        display_name: Option<String>,
        case_sensitive: bool,
        options: Value,
    },
    AlterIdentityManager {
        iam: String,
        display_name: String,
        case_sensitive: bool,
        options: Value,
    },
    DefaultPermissions {
        iam: String,
        permissions: BTreeSet<String>,
    },
    GroupPermission {
        is_granted: bool,
        iam: String,
        group: String,
        permission: String,
    },
    Platform {
        name: String,
        platform: Platform,
    },
    MergeRule {
        name: String,
        rule: String,
    },
    CreateSource {
        name: String,
        source: Box<Source>,
    },
    AlterSource {
        name: String,
        changed: Box<ChangedSource>,
    },
    RunTimeout {
        source: String,
        time: String,
    },
    Unschedule {
        source: String,
    },
    Guard {
        source: String,
        kind: String,
        guard: Guard,
    },
    DropSource {
        source: String,
    },
}

/// None: as it is.
#[derive(Debug, Default)]
pub struct ChangedSource {
    config: Option<Value>,
    schedule: Option<String>,
    priority: Option<i32>,
    time_zone: Option<String>,
    enabled: Option<bool>,
}

/// A source whose end the guard does not let through.
#[derive(Debug, Serialize)]
pub struct Blocked {
    pub source: String,
    pub reason: String,
    pub release: String,
}

#[derive(Debug, thiserror::Error)]
pub enum PerformError {
    #[error("{place}: {kind} {name}: {reason}")]
    Refused { place: String, kind: &'static str, name: String, reason: DatabaseError },
    #[error(
        "this role may not configure pg_roster: {0}; what is applied needs the rights of roster_admin: GRANT roster_admin TO the role"
    )]
    Denied(DatabaseError),
}

pub async fn perform(client: &Client, changes: &[Change]) -> Result<Vec<Blocked>, PerformError> {
    let mut blocked = Vec::new();
    for change in changes {
        for step in &change.steps {
            match step.perform(client).await {
                Ok(None) => {}
                Ok(Some(verdict)) => blocked.push(verdict),
                Err(denied) if denied.is_denied() => return Err(PerformError::Denied(denied)),
                Err(reason) => {
                    let (place, name) = (change.place.clone(), change.name.clone());
                    return Err(PerformError::Refused { place, kind: change.kind, name, reason });
                }
            }
        }
    }
    Ok(blocked)
}

impl Step {
    pub fn create_identity_manager(name: &str, new: &IdentityManager) -> Self {
        Self::CreateIdentityManager {
            iam: name.to_owned(),
            kind: new.kind.clone(),
            display_name: new.display_name.clone().filter(|name| !name.is_empty()),
            case_sensitive: new.is_case_sensitive(),
            options: new.options.to_value(),
        }
    }

    pub fn alter_identity_manager(name: &str, new: &IdentityManager) -> Self {
        Self::AlterIdentityManager {
            iam: name.to_owned(),
            display_name: new.display_name.clone().unwrap_or_default(),
            case_sensitive: new.is_case_sensitive(),
            options: new.options.to_value(),
        }
    }

    pub fn create_source(name: &str, new: &Source) -> Vec<Self> {
        let mut steps = vec![Self::CreateSource { name: name.to_owned(), source: Box::new(new.clone()) }];
        if usual_schedule(&new.kind).is_some() && new.effective_schedule().is_none() {
            steps.push(Self::Unschedule { source: name.to_owned() });
        }
        if !new.enabled {
            let changed = Box::new(ChangedSource { enabled: Some(false), ..ChangedSource::default() });
            steps.push(Self::AlterSource { name: name.to_owned(), changed });
        }
        steps.extend(Self::run_timeout(name, new));
        steps
    }

    pub fn alter_source(name: &str, old: &Source, new: &Source) -> Vec<Self> {
        let (had, has) = (old.effective_schedule(), new.effective_schedule());
        let changed = ChangedSource {
            config: changed_config(old, new),
            schedule: has.filter(|_| had != has).map(str::to_owned),
            priority: (old.priority != new.priority).then_some(new.priority),
            time_zone: (old.time_zone != new.time_zone).then(|| new.time_zone.clone()),
            enabled: (old.enabled != new.enabled).then_some(new.enabled),
        };
        let mut steps = vec![Self::AlterSource { name: name.to_owned(), changed: Box::new(changed) }];
        if had.is_some() && has.is_none() {
            steps.push(Self::Unschedule { source: name.to_owned() });
        }
        if new.run_timeout != old.run_timeout {
            steps.extend(Self::run_timeout(name, new));
        }
        steps
    }

    fn run_timeout(name: &str, source: &Source) -> Option<Self> {
        let time = source.run_timeout.clone()?;
        Some(Self::RunTimeout { source: name.to_owned(), time })
    }

    /// Blocked, if it is.
    async fn perform(&self, client: &Client) -> Result<Option<Blocked>, DatabaseError> {
        if let Self::DropSource { source } = self {
            return drop_source(client, source).await;
        }
        let permissions: Vec<&String>;
        let (statement, arguments): (&str, Vec<&(dyn ToSql + Sync)>) = match self {
            Self::CreateIdentityManager { iam, kind, display_name, case_sensitive, options } => (
                include_str!("../../sql/declare/create_identity_manager.sql"),
                vec![iam, kind, display_name, case_sensitive, options],
            ),
            Self::AlterIdentityManager { iam, display_name, case_sensitive, options } => (
                include_str!("../../sql/declare/alter_identity_manager.sql"),
                vec![iam, display_name, case_sensitive, options],
            ),
            Self::DefaultPermissions { iam, permissions: wanted } => {
                permissions = wanted.iter().collect();
                (include_str!("../../sql/declare/set_default_permissions.sql"), vec![iam, &permissions])
            }
            Self::GroupPermission { is_granted: true, iam, group, permission } => {
                (include_str!("../../sql/declare/grant_permission.sql"), vec![permission, group, iam])
            }
            Self::GroupPermission { is_granted: false, iam, group, permission } => {
                (include_str!("../../sql/declare/revoke_permission.sql"), vec![permission, group, iam])
            }
            Self::Platform { name, platform } => (
                include_str!("../../sql/declare/set_platform_rule.sql"),
                vec![name, &platform.case_rule, &platform.fallback_iams],
            ),
            Self::MergeRule { name, rule } => {
                (include_str!("../../sql/declare/set_merge_rule.sql"), vec![name, rule])
            }
            Self::CreateSource { name, source } => {
                return create_source(client, name, source).await.map(|()| None);
            }
            Self::AlterSource { name, changed: new } => (
                include_str!("../../sql/declare/alter_source.sql"),
                vec![name, &new.config, &new.schedule, &new.priority, &new.time_zone, &new.enabled],
            ),
            Self::RunTimeout { source, time } => {
                (include_str!("../../sql/declare/set_run_timeout.sql"), vec![source, time])
            }
            Self::Unschedule { source } => (include_str!("../../sql/declare/unschedule.sql"), vec![source]),
            Self::Guard { source, kind, guard } => (
                include_str!("../../sql/declare/set_guard.sql"),
                vec![source, kind, &guard.max_count, &guard.max_percent],
            ),
            Self::DropSource { .. } => return Ok(None),
        };
        client.execute(statement, &arguments).await?;
        Ok(None)
    }
}

async fn create_source(client: &Client, name: &String, source: &Source) -> Result<(), DatabaseError> {
    let config = source.config.to_value();
    let schedule = source.effective_schedule();
    let statement = include_str!("../../sql/declare/create_source.sql");
    let arguments: [&(dyn ToSql + Sync); 7] =
        [name, &source.iam, &source.kind, &config, &schedule, &source.priority, &source.time_zone];
    client.execute(statement, &arguments).await?;
    Ok(())
}

async fn drop_source(client: &Client, source: &String) -> Result<Option<Blocked>, DatabaseError> {
    let row = client.query_one(include_str!("../../sql/declare/drop_source.sql"), &[source]).await?;
    let run_id: i64 = row.try_get("run_id")?;
    let row = client.query_one(include_str!("../../sql/declare/drop_verdict.sql"), &[&run_id]).await?;
    if row.try_get::<_, String>("state")? != "blocked" {
        return Ok(None);
    }
    let reason: Option<String> = row.try_get("message")?;
    let quoted = format!("'{}'", source.replace('\'', "''"));
    Ok(Some(Blocked {
        source: source.clone(),
        reason: reason.unwrap_or_default(),
        release: include_str!("../../sql/declare/told_drop.sql").trim_end().replace("$1", &quoted),
    }))
}
