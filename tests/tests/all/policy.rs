//! Policy helpers: right under every trick, for the current user and nobody else.

mod answers;
mod assumed;
mod cookbook;
mod forgery;
mod freshness;
mod identity;
mod mine;
mod plans;
mod pool;
mod security;

use roster_tests::{Db, Session};

/// A user with a role of the same name, and a session of that role.
#[derive(Debug)]
struct Person {
    name: String,
    session: Session,
}

impl std::ops::Deref for Person {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

fn person(db: &Db) -> Person {
    person_with(db, &[])
}

fn person_with(db: &Db, roles: &[&str]) -> Person {
    let session = db.login(roles);
    let name = session.line("SELECT session_user");
    db.run(&format!("SELECT roster.create_user('{name}')"));
    Person { name, session }
}

/// States the values of attribute `territory`.
fn may_see(db: &Db, person: &Person, territories: &[&str]) {
    let name = &person.name;
    let list = territories.iter().map(|t| format!("'{t}'")).collect::<Vec<_>>().join(", ");
    db.run(&format!("SELECT roster.set_user_attribute('{name}', 'territory', ARRAY[{list}]::text[])"));
}

/// A table with 10 rows in each of 100 territories, `t0` to `t99`, readable by everybody.
fn sales(db: &Db) {
    db.run(
        "CREATE TABLE sales AS SELECT i AS id, 't' || i % 100 AS territory FROM generate_series(1, 1000) i;
         GRANT SELECT, DELETE, UPDATE ON sales TO PUBLIC",
    );
}

/// The answers to expressions, NULL spelt out.
#[track_caller]
fn answers(session: &Session, expressions: &str) -> String {
    let columns: Vec<_> =
        expressions.split("; ").map(|one| format!("coalesce(({one})::text, 'NULL')")).collect();
    session.line(&format!("SELECT {}", columns.join(", ")))
}

/// Plans go parallel wherever they can, and the leader leaves all rows to workers.
const PARALLEL: &str = "
    SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
    SET min_parallel_index_scan_size = 0; SET max_parallel_workers_per_gather = 2; SET parallel_leader_participation = off;
    DO $$ BEGIN
        PERFORM set_config(name, 'on', false) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
    END $$";
const SERIAL: &str = "SET max_parallel_workers_per_gather = 0; SET parallel_leader_participation = on;
    DO $$ BEGIN
        PERFORM set_config(name, 'off', false) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
    END $$";
