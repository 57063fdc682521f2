//! `syncd check` of a table, here or in another database: read as a run would read it, and nothing staged.

use serde_json::Value;
use tokio_postgres::Client;

use super::{failed, ok, skipped, warning};
use crate::connector::table::{Account, Column, OpenTable, Survey, TableError, TableSource, describe};
use crate::connector::{CheckState, CheckStep};
use crate::database::DatabaseError;
use crate::lease::Source;
use crate::pipeline::facts::by_name;

const THERE: [&str; 8] =
    ["secrets", "connection", "tls", "rights", "columns", "rows", "users", "sample user"];
const HERE: [&str; 4] = ["columns", "rows", "users", "sample user"];

pub async fn elsewhere(client: &Client, source: &Source, table: &TableSource) -> Vec<CheckStep> {
    let mut steps = Vec::new();
    // `None` is the first step that failed: the ones after it make no sense.
    if let Some(open) = connect(&mut steps, table).await {
        let _ = look(&mut steps, client, source, &Place::There(&open)).await;
    }
    skipped(steps, &THERE)
}

pub async fn here(client: &Client, source: &Source) -> Vec<CheckStep> {
    let mut steps = Vec::new();
    match client.batch_execute(include_str!("../../sql/foreign_begin.sql")).await {
        Ok(()) => drop(look(&mut steps, client, source, &Place::Here(client)).await),
        Err(error) => steps.push(failed("columns", DatabaseError::from(error).to_string(), None)),
    }
    // Whatever became of it, the session goes on.
    let _ = client.batch_execute(include_str!("../../sql/foreign_end.sql")).await;
    skipped(steps, &HERE)
}

async fn connect(steps: &mut Vec<CheckStep>, table: &TableSource) -> Option<OpenTable> {
    let opened = async {
        let open = table.open().await?;
        let account = open.account(table.relation()).await?;
        Ok((open, account))
    };
    let (open, account) = match opened.await {
        Ok(opened) => opened,
        Err(error) => {
            unreached(steps, &error);
            return None;
        }
    };
    steps.push(ok("secrets", "the connection that the configuration refers to is there".to_owned()));
    let message = format!("{} (PostgreSQL {}) as {}", open.place(), account.server, account.name);
    steps.push(ok("connection", message));
    steps.push(encryption(&open, &account));
    steps.push(rights(&account));
    Some(open)
}

fn unreached(steps: &mut Vec<CheckStep>, error: &TableError) {
    let step = match error {
        TableError::Secret(_) | TableError::Address { .. } => "secrets",
        _ => {
            steps.push(ok("secrets", "the connection that the configuration refers to is there".to_owned()));
            "connection"
        }
    };
    steps.push(failed(step, error.to_string(), error.remedy()));
}

fn encryption(open: &OpenTable, account: &Account) -> CheckStep {
    match (account.is_encrypted, open.is_verified()) {
        (true, true) => ok("tls", "encrypted, certificate and host name verified".to_owned()),
        (true, false) => warning(
            "tls",
            "encrypted, but nobody checked who the server is".to_owned(),
            "write sslmode=verify-full into the connection, and sslrootcert where it needs one",
        ),
        (false, _) => warning(
            "tls",
            "not encrypted".to_owned(),
            "write sslmode=verify-full into the connection, unless the network in between is safe",
        ),
    }
}

fn rights(account: &Account) -> CheckStep {
    let remedy = "use an account that may SELECT and nothing else";
    match account {
        Account { is_superuser: true, .. } => {
            warning("rights", format!("{} is a superuser there", account.name), remedy)
        }
        Account { may_write: true, .. } => {
            warning("rights", format!("{} could write to the relation", account.name), remedy)
        }
        _ => ok("rights", format!("{} reads and could not write", account.name)),
    }
}

enum Place<'a> {
    There(&'a OpenTable),
    Here(&'a Client),
}

impl Place<'_> {
    async fn describe(&self, probe: &str) -> Result<Vec<Column>, String> {
        match self {
            Self::There(open) => open.describe(probe).await.map_err(|error| error.to_string()),
            Self::Here(client) => {
                describe(client, probe).await.map_err(|error| DatabaseError::from(error).to_string())
            }
        }
    }

    async fn survey(&self, statement: &str) -> Result<Survey, String> {
        match self {
            Self::There(open) => open.survey(statement).await.map_err(|error| error.to_string()),
            Self::Here(client) => {
                Survey::of(client, statement).await.map_err(|error| DatabaseError::from(error).to_string())
            }
        }
    }
}

async fn look(steps: &mut Vec<CheckStep>, client: &Client, source: &Source, place: &Place<'_>) -> Option<()> {
    let statement = match columns(steps, client, source, place).await {
        Ok(statement) => statement,
        Err(message) => {
            steps.push(failed("columns", message, Some("check relation or query, and that it may be read")));
            return None;
        }
    }?;
    let survey = match place.survey(&statement).await {
        Ok(survey) => survey,
        Err(message) => {
            steps.push(failed("rows", message, None));
            return None;
        }
    };
    steps.push(rows(source, &survey));
    steps.push(match unknown(client, source, &survey).await {
        Ok(step) => step,
        Err(error) => failed("users", error.to_string(), None),
    });
    steps.push(sample(&survey));
    Some(())
}

/// The statement that reads the table, unless a column does not fit.
async fn columns(
    steps: &mut Vec<CheckStep>,
    client: &Client,
    source: &Source,
    place: &Place<'_>,
) -> Result<Option<String>, String> {
    let told = |error: tokio_postgres::Error| DatabaseError::from(error).to_string();
    let probe = include_str!("../../sql/check_table_probe.sql");
    let row = client.query_one(probe, &[&source.source]).await.map_err(told)?;
    let columns = place.describe(row.try_get("probe").map_err(told)?).await?;
    let names = match by_name(&columns) {
        Ok(names) => names,
        Err(errors) => {
            steps.extend(errors.into_iter().map(|error| failed("columns", error, None)));
            return Ok(None);
        }
    };
    let statement = include_str!("../../sql/check_table_statement.sql");
    let row = client.query_one(statement, &[&source.source, &names]).await.map_err(told)?;
    let errors: Option<Vec<String>> = row.try_get("errors").map_err(told)?;
    if let Some(errors) = errors {
        // One step for each, so that all are seen at once.
        steps.extend(errors.into_iter().map(|error| failed("columns", error, None)));
        return Ok(None);
    }
    let listed: Vec<_> = columns.iter().map(|one| format!("{} {}", one.name, one.type_name)).collect();
    steps.push(ok("columns", listed.join(", ")));
    row.try_get("statement").map_err(told)
}

fn rows(source: &Source, survey: &Survey) -> CheckStep {
    let column = |key: &'static str| source.config.get(key).and_then(Value::as_str).unwrap_or(key);
    let mut wrong = Vec::new();
    let counted = [
        (survey.without_user, format!("NULL in {} (the user)", column("user_column"))),
        (survey.without_name, format!("NULL in {} (the name)", column("name_column"))),
        (survey.duplicates, format!("with a user in {} whom another row has already", column("user_column"))),
    ];
    let problems = survey.problems.iter().map(|(reason, count)| (*count, format!("where {reason}")));
    for (count, what) in counted.into_iter().chain(problems) {
        if count > 0 {
            wrong.push(format!("{count} {what}"));
        }
    }
    let message = format!("{} statements about {} users", survey.rows, survey.users);
    if wrong.is_empty() {
        return ok("rows", message);
    }
    let message = format!("{message}; rows that would be quarantined: {}", wrong.join(", "));
    warning("rows", message, "correct the table, or leave these rows out with a query")
}

async fn unknown(client: &Client, source: &Source, survey: &Survey) -> Result<CheckStep, DatabaseError> {
    let statement = include_str!("../../sql/unknown_users.sql");
    let row = client.query_one(statement, &[&source.source, &survey.whos]).await?;
    let (unknown, looked_up): (i64, usize) = (row.try_get("unknown")?, survey.whos.len());
    if unknown == 0 {
        return Ok(ok("users", format!("all of {looked_up} users are known")));
    }
    let creates = source.config.get("create_users").and_then(Value::as_bool).unwrap_or(false);
    let message = format!("{unknown} of {looked_up} users are not known in the identity manager");
    Ok(match creates {
        true => ok("users", format!("{message} and would be created")),
        false => warning("users", message, "check match_by, or let the source create users"),
    })
}

fn sample(survey: &Survey) -> CheckStep {
    match survey.sample() {
        None => ok("sample user", "there is none to show".to_owned()),
        Some((who, sample)) => CheckStep {
            step: "sample user".to_owned(),
            state: CheckState::Ok,
            message: format!("{who} comes first"),
            remedy: None,
            sample: Some(sample),
        },
    }
}
