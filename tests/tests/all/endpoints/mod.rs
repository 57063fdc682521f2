//! Endpoints that are asked about users, by the real daemon.

mod bulk;
mod check;
mod connections;
mod errors;
mod fresh;
mod many;
mod one_by_one;

use roster_tests::{Daemon, Db, Finished, Reply, Web};
use serde_json::{Value, json};

pub const PASSWORD: &str = "s3cret-of-the-endpoint";

/// Users in `corp`, whom an endpoint (source `facts`) knows something about.
#[derive(Debug)]
pub struct Lab {
    pub db: Db,
    pub web: Web,
    pub daemon: Daemon,
}

impl Lab {
    /// With these users, about whom the endpoint knows nothing yet.
    pub fn with(users: &[&str]) -> Lab {
        Lab::configured(users, json!({}))
    }

    pub fn configured(users: &[&str], keys: Value) -> Lab {
        let (db, web) = (Db::fresh(), Web::start());
        db.run("SELECT roster.create_identity_manager('corp')");
        for user in users {
            db.call("SELECT roster.create_user($1, iam => 'corp')", &[user]);
        }
        let daemon = db.daemon().with("FACTS", &format!("syncd:{PASSWORD}"));
        let lab = Lab { db, web, daemon };
        let config = lab.config(keys);
        lab.db.call(
            "SELECT roster.create_source('facts', iam => 'corp', kind => 'endpoint', config => $1)",
            &[&config],
        );
        lab
    }

    /// Replaces the configuration by the usual one with these keys.
    pub fn configure(&self, keys: Value) {
        self.db.call("SELECT roster.alter_source('facts', config => $1)", &[&self.config(keys)]);
    }

    fn config(&self, keys: Value) -> Value {
        let mut config =
            json!({"url": self.web.url("/facts"), "auth": {"env": "FACTS"}, "timeout_seconds": 20});
        for (key, value) in keys.as_object().expect("an object") {
            config[key] = value.clone();
        }
        config
    }

    pub fn knows(&self, user: &str, groups: &[&str], attributes: Value) {
        self.web.answer(user, Reply::ok(&answer(groups, &attributes)));
    }

    #[track_caller]
    pub fn sync(&self) -> Finished {
        let done = self.daemon.sync("facts");
        assert!(!done.said().contains(PASSWORD), "a password is never shown: {done:?}");
        done
    }

    /// A sync that must fail and change nothing; what the run says.
    #[track_caller]
    pub fn sync_fails(&self) -> String {
        let before = self.db.line("SELECT roster.snapshot_hash('corp')");
        let done = self.daemon.run(&["sync", "facts"]);
        assert_eq!(done.code, Some(1), "the sync fails: {done:?}");
        assert_eq!(self.last_run("state"), "failed");
        assert_eq!(self.db.line("SELECT roster.snapshot_hash('corp')"), before, "nothing changed");
        assert!(!done.said().contains(PASSWORD), "a password is never shown: {done:?}");
        self.last_run("message")
    }

    /// `user|name|value` of what the endpoint stated.
    pub fn attributes(&self) -> Vec<String> {
        self.db.lines(
            r#"SELECT owner, name, value FROM roster.user_attributes WHERE source = 'facts'
               ORDER BY owner COLLATE "C", name COLLATE "C", value COLLATE "C""#,
        )
    }

    /// `user|group` of what the endpoint stated.
    pub fn groups(&self) -> Vec<String> {
        self.db.lines(
            r#"SELECT member_name, group_name FROM roster.memberships WHERE source = 'facts'
               ORDER BY member_name COLLATE "C", group_name COLLATE "C""#,
        )
    }

    /// `key|reason`.
    pub fn quarantine(&self) -> Vec<String> {
        self.db.lines(
            r#"SELECT key, reason FROM roster.quarantine WHERE source = 'facts' ORDER BY key COLLATE "C""#,
        )
    }

    #[track_caller]
    pub fn last_run(&self, column: &str) -> String {
        self.db.line(&format!("SELECT {column} FROM roster.sync_runs ORDER BY run_id DESC LIMIT 1"))
    }
}

/// The wire format.
pub fn answer(groups: &[&str], attributes: &Value) -> String {
    let groups: Vec<Value> = groups.iter().map(|name| json!({"name": name})).collect();
    json!({"groups": groups, "authorizations": attributes}).to_string()
}
