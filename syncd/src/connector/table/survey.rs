//! What a table holds, looked at as a run would read it: how much, and what could not be taken.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashSet};
use std::hash::{Hash, Hasher};

use futures_util::TryStreamExt;
use serde_json::{Value, json};
use tokio_postgres::{Client, Error, Row};

/// So many users are looked up.
const LOOKED_UP: usize = 100_000;
/// Statements shown of one user.
const SHOWN: usize = 20;

#[derive(Debug, Default)]
pub struct Survey {
    pub rows: u64,
    pub users: u64,
    /// Rows that name nobody.
    pub without_user: u64,
    /// Rows of which nobody knows what they say.
    pub without_name: u64,
    /// Users whom several rows state where one is expected.
    pub duplicates: u64,
    /// Why rows could not be taken, and how many each.
    pub problems: BTreeMap<String, u64>,
    /// Some of the users, each once.
    pub whos: Vec<String>,
    sample: Option<(String, BTreeMap<String, Vec<String>>)>,
}

impl Survey {
    pub async fn of(client: &Client, statement: &str) -> Result<Self, Error> {
        let mut survey = Self::default();
        let (mut seen, mut stated) = (HashSet::new(), HashSet::new());
        let none: [&str; 0] = [];
        let mut rows = std::pin::pin!(client.query_raw(statement, none).await?);
        while let Some(row) = rows.try_next().await? {
            survey.look_at(&row, &mut seen, &mut stated)?;
        }
        survey.users = seen.len() as u64;
        Ok(survey)
    }

    /// The first user, with some of what is said.
    pub fn sample(&self) -> Option<(&str, Value)> {
        let (who, attributes) = self.sample.as_ref()?;
        Some((who, json!({"user": who, "attributes": attributes})))
    }

    /// A digest each of the users remains in memory.
    fn look_at(
        &mut self,
        row: &Row,
        seen: &mut HashSet<u64>,
        stated: &mut HashSet<u64>,
    ) -> Result<(), Error> {
        let (who, kind): (Option<&str>, &str) = (row.try_get(0)?, row.try_get(1)?);
        let (name, value): (Option<&str>, Option<&str>) = (row.try_get(2)?, row.try_get(3)?);
        self.rows += 1;
        if let Some(problem) = row.try_get::<_, Option<&str>>(4)? {
            *self.problems.entry(problem.to_owned()).or_default() += 1;
        }
        let Some(who) = who else {
            self.without_user += 1;
            return Ok(());
        };
        if seen.insert(digest(who)) && self.whos.len() < LOOKED_UP {
            self.whos.push(who.to_owned());
        }
        match (kind, name) {
            ("present", _) if !stated.insert(digest(who)) => self.duplicates += 1,
            ("attribute", None) => self.without_name += 1,
            ("attribute", Some(name)) => self.show(who, name, value),
            _ => {}
        }
        Ok(())
    }

    fn show(&mut self, who: &str, name: &str, value: Option<&str>) {
        let (shown, attributes) = self.sample.get_or_insert_with(|| (who.to_owned(), BTreeMap::new()));
        if shown == who && attributes.values().map(Vec::len).sum::<usize>() < SHOWN {
            attributes.entry(name.to_owned()).or_default().extend(value.map(str::to_owned));
        }
    }
}

fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
