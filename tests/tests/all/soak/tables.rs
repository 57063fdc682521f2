//! Two tables: a long one in the same database, which is watched, and a wide one elsewhere, which says when a row changed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use roster_tests::{Rng, Session};

use super::world::{Values, World};
use super::{Signal, TABLE_WRITERS, USERS, username};

const LONGEST: Duration = Duration::from_secs(120);

#[derive(Debug, Default)]
pub struct TableModel {
    pub values: Values,
    /// `kind|subject|name|value`
    pub retracted: BTreeSet<String>,
    pub done: usize,
}

impl TableModel {
    pub fn sets(&mut self, user: &str, name: &str, values: BTreeSet<String>) {
        let old = self.values.insert((user.to_owned(), name.to_owned()), values.clone()).unwrap_or_default();
        self.retracted.extend(old.difference(&values).map(|v| format!("user_attribute|{user}|{name}|{v}")));
        self.done += 1;
    }
}

/// A client of a database that repeats what was not confirmed.
pub struct Client<'u> {
    url: &'u str,
    session: Option<Session>,
}

impl<'u> Client<'u> {
    pub fn new(url: &'u str) -> Client<'u> {
        Client { url, session: None }
    }

    /// One transaction, which may happen twice.
    pub fn insist(&mut self, sql: &str) {
        let begun = Instant::now();
        loop {
            self.session = self.session.take().or_else(|| Session::try_connect(self.url));
            if let Some(session) = &self.session {
                match session.try_lines(sql) {
                    Ok(_) => return,
                    // The server is gone, or says that it goes.
                    Err(told) if told.contains("Closed") || told.contains("Io") || told.contains("[57P0") => {
                        self.session = None;
                    }
                    Err(told) => panic!("{sql}\n{told}"),
                }
            }
            assert!(begun.elapsed() < LONGEST, "no database for {LONGEST:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Each writer has users of its own.
pub fn work(world: &World, n: usize, mut rng: Rng, signal: &Signal) -> TableModel {
    let url = world.url.clone();
    let mut client = Client::new(&url);
    let mut model = TableModel::default();
    while !signal.is_over() {
        let user = username(rng.below(USERS / TABLE_WRITERS) * TABLE_WRITERS + n);
        let name = *rng.pick(&["cost_center", "site", "language"]);
        let values: BTreeSet<String> =
            (0..rng.below(4)).map(|_| format!("{name} {}", rng.below(12))).collect();
        client.insist(&replacing(&user, name, &values));
        model.sets(&user, name, values);
        signal.pause(&mut rng, 200);
    }
    model
}

/// The values of one attribute of a user become these, in one transaction.
pub fn replacing(user: &str, name: &str, values: &BTreeSet<String>) -> String {
    let mut sql = format!("DELETE FROM hr.attributes WHERE username = '{user}' AND attribute = '{name}'");
    for value in values {
        sql += &format!("; INSERT INTO hr.attributes VALUES ('{user}', '{name}', '{value}')");
    }
    sql
}

pub fn work_elsewhere(world: &World, mut rng: Rng, signal: &Signal) -> TableModel {
    let url = world.badges_url.clone();
    let mut client = Client::new(&url);
    let mut model = TableModel::default();
    while !signal.is_over() {
        let user = username(rng.below(USERS));
        let (badge, floor) = (format!("badge {}", rng.below(1000)), format!("floor {}", rng.below(20)));
        if rng.one_in(6) {
            client.insist(&format!(
                "UPDATE badges.people SET gone = true, changed_at = clock_timestamp() WHERE login = '{user}'"
            ));
            model.sets(&user, "badges.badge", BTreeSet::new());
            model.sets(&user, "badges.floor", BTreeSet::new());
        } else {
            client.insist(&format!(
                "INSERT INTO badges.people VALUES ('{user}', '{badge}', '{floor}')
                 ON CONFLICT (login) DO UPDATE SET badge = excluded.badge, floor = excluded.floor, gone = false, changed_at = clock_timestamp()"
            ));
            model.sets(&user, "badges.badge", [badge].into());
            model.sets(&user, "badges.floor", [floor].into());
        }
        signal.pause(&mut rng, 400);
    }
    model
}
