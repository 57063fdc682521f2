//! Reading resources.

use roster_scim::filter::LinkCondition;
use roster_scim::schema::ResourceKind;
use uuid::Uuid;

use super::sql::{Parameter, Parameters, fill};
use super::stored::Stored;
use super::{condition, statements};
use crate::database::Client;
use crate::http::Refusal;

pub async fn one(
    client: &Client,
    source_id: i32,
    kind: ResourceKind,
    id: Uuid,
    with_groups: bool,
) -> Result<Option<Stored>, Refusal> {
    let statement = client.prepare_cached(statements::one(kind, with_groups)).await?;
    let row = client.query_opt(&statement, &[&source_id, &id]).await?;
    Ok(row.as_ref().map(Stored::from_row).transpose()?)
}

/// The ids of the members of a group for whom a filter holds.
pub async fn members_matching(
    client: &Client,
    source_id: i32,
    group: Uuid,
    filter: &LinkCondition,
) -> Result<Vec<String>, Refusal> {
    let mut parameters = Parameters::of_source(source_id);
    let condition = condition::of_members(filter, &mut parameters);
    let group = parameters.add(Parameter::Id(group));
    let statement = fill(statements::MEMBERS_MATCHING, &[("condition", &condition), ("group", &group)]);
    let rows = parameters.query(client, &statement).await?;
    let ids = rows.iter().map(|row| row.try_get::<_, Uuid>(0).map(|id| id.to_string()));
    Ok(ids.collect::<Result<_, _>>()?)
}
