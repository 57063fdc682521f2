//! Tables of another PostgreSQL, and the daemon's runs of local ones.

mod broken;
mod check;
mod formats;
mod incremental;
mod local;
mod schema;
mod tls;

use roster_tests::{Daemon, Db, Finished};
use serde_json::{Value, json};

/// Users in `corp`; another database with a table `hr.facts`, which an account may read.
#[derive(Debug)]
pub struct Lab {
    pub db: Db,
    pub other: Db,
    pub reader: String,
    pub daemon: Daemon,
}

impl Lab {
    /// The table is made and filled by these statements; the source reads it in this way.
    pub fn with(table: &str, keys: Value) -> Lab {
        let (db, other) = (Db::fresh(), Db::empty());
        db.run("SELECT roster.create_identity_manager('corp')");
        for user in ["sam", "sara", "steve"] {
            db.call("SELECT roster.create_user($1, iam => 'corp', email => $1 || '@example.org')", &[&user]);
        }
        other.run(&format!("CREATE SCHEMA hr; {table}"));
        let reader = other.new_role(&[]);
        other.run(&format!(
            "GRANT USAGE ON SCHEMA hr TO {reader}; GRANT SELECT ON ALL TABLES IN SCHEMA hr TO {reader}"
        ));
        let daemon = db.daemon().with("HR_URL", &other.url(&reader));
        let lab = Lab { db, other, reader, daemon };
        lab.db.call(
            "SELECT roster.create_source('hr', iam => 'corp', kind => 'table', config => $1)",
            &[&config(keys)],
        );
        lab
    }

    pub fn configure(&self, keys: Value) {
        self.db.call("SELECT roster.alter_source('hr', config => $1)", &[&config(keys)]);
    }

    #[track_caller]
    pub fn sync(&self) -> Finished {
        self.daemon.sync("hr")
    }

    /// A sync that must fail and change nothing; what the run says.
    #[track_caller]
    pub fn sync_fails(&self) -> String {
        let before = self.db.line("SELECT roster.snapshot_hash('corp')");
        let done = self.daemon.run(&["sync", "hr"]);
        assert_eq!(done.code, Some(1), "the sync fails: {done:?}");
        assert_eq!(self.last_run("state"), "failed");
        assert_eq!(self.db.line("SELECT roster.snapshot_hash('corp')"), before, "nothing changed");
        self.last_run("message")
    }

    /// `user|name|value` of what the table stated.
    pub fn attributes(&self) -> Vec<String> {
        self.db.lines(
            r#"SELECT owner, name, value FROM roster.user_attributes WHERE source = 'hr'
               ORDER BY owner COLLATE "C", name COLLATE "C", value COLLATE "C""#,
        )
    }

    /// `key|reason`.
    pub fn quarantine(&self) -> Vec<String> {
        self.db.lines(
            r#"SELECT key, reason FROM roster.quarantine WHERE source = 'hr' ORDER BY key COLLATE "C""#,
        )
    }

    #[track_caller]
    pub fn last_run(&self, column: &str) -> String {
        self.db.line(&format!("SELECT {column} FROM roster.sync_runs ORDER BY run_id DESC LIMIT 1"))
    }
}

fn config(keys: Value) -> Value {
    let mut config = json!({"connection": {"env": "HR_URL"}});
    for (key, value) in keys.as_object().expect("an object") {
        config[key] = value.clone();
    }
    config.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    config
}

pub fn long() -> Value {
    json!({"relation": "hr.facts", "format": "long", "user_column": "username", "name_column": "attribute", "value_column": "value"})
}

pub const LONG: &str = "CREATE TABLE hr.facts (username text, attribute text, value text);
    INSERT INTO hr.facts VALUES ('sam', 'country', 'USA'), ('sam', 'country', 'France'), ('sara', 'role', 'admin');";
