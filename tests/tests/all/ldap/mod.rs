//! Synchronising from a real OpenLDAP with the real daemon.

mod active_directory;
mod checks;
mod concurrency;
mod connections;
mod directory;
mod discover;
mod examples;
mod failover;
mod flow;
mod guard;
mod incremental;
mod interrupted;
mod kills;
mod mapping;
mod memberships;
mod plan;
mod quarantine;
mod ranges;
mod safety;
mod scheduling;
mod unchanged;
mod users;

use roster_tests::fake_ldap::{FakeLdap, Script};
use roster_tests::{ADMIN_DN, ADMIN_PASSWORD, BASE, Daemon, Db, Directory, Finished, Proxy, Slapd};
use serde_json::{Value, json};

use crate::dump::assert_same;

/// A directory server, a database with the source `corp-ldap` of the iam `corp`, and the daemon between them.
#[derive(Debug)]
pub struct Lab<S = Slapd> {
    pub db: Db,
    pub slapd: S,
    pub daemon: Daemon,
}

impl Lab {
    pub fn with(directory: &Directory) -> Lab {
        let slapd = Slapd::start(directory);
        let url = slapd.url();
        Lab::of(Db::fresh(), slapd, &url)
    }

    /// The daemon reaches the server through a proxy.
    pub fn behind_proxy(directory: &Directory) -> (Lab, Proxy) {
        let slapd = Slapd::start(directory);
        let proxy = Proxy::before(slapd.port);
        (Lab::of(Db::fresh(), slapd, &proxy.url()), proxy)
    }
}

impl Lab<FakeLdap> {
    pub fn faked(script: Script) -> Lab<FakeLdap> {
        let fake = FakeLdap::start(script);
        let url = fake.url();
        let lab = Lab::of(Db::fresh(), fake, &url);
        // Not much is waited for here, and some answers never come.
        lab.configure(json!({"timeout_seconds": 2, "incremental": "off"}));
        lab
    }

    pub fn fake(&self) -> &FakeLdap {
        &self.slapd
    }
}

impl<S> Lab<S> {
    pub fn of(db: Db, slapd: S, url: &str) -> Lab<S> {
        db.run("SELECT roster.create_identity_manager('corp', kind => 'ldap')");
        let daemon = daemon_of(&db);
        let lab = Lab { db, slapd, daemon };
        lab.db.call(
            "SELECT roster.create_source('corp-ldap', iam => 'corp', kind => 'ldap', config => $1)",
            &[&config(url)],
        );
        lab
    }

    /// Changes some keys of the source's configuration (null removes one).
    pub fn configure(&self, keys: Value) {
        let text = self.db.line("SELECT config FROM roster.sources WHERE source = 'corp-ldap'");
        let mut config: Value = serde_json::from_str(&text).expect("config is jsonb");
        let all = config.as_object_mut().expect("an object");
        for (key, value) in keys.as_object().expect("an object") {
            all.insert(key.clone(), value.clone());
        }
        all.retain(|_, value| !value.is_null());
        self.db.call("SELECT roster.alter_source('corp-ldap', config => $1)", &[&config]);
    }

    /// A sync that must succeed.
    #[track_caller]
    pub fn sync(&self) -> Finished {
        self.daemon.sync("corp-ldap")
    }

    /// A sync that must fail, and change nothing but the record of the run; what it said.
    #[track_caller]
    pub fn sync_fails(&self) -> String {
        let before = self.facts();
        let done = self.daemon.run(&["sync", "corp-ldap"]);
        self.assert_failed(&done, &before);
        done.said()
    }

    #[track_caller]
    pub fn assert_failed(&self, done: &Finished, before: &[String]) {
        assert_eq!(done.code, Some(1), "the sync fails: {done:?}");
        assert_same(&self.facts(), before);
        assert_eq!(self.last_run("state"), "failed", "{done:?}");
        assert_ne!(self.last_run("coalesce(message, '')"), "", "a failed run says why");
        assert!(!done.said().contains(ADMIN_PASSWORD), "a password is never shown: {done:?}");
    }

    /// Everything stated and effective, and the whole feed.
    pub fn facts(&self) -> Vec<String> {
        let mut facts = self.db.lines(
            "SELECT 'user', u::text FROM roster.users u UNION ALL SELECT 'group', g::text FROM roster.groups g
             UNION ALL SELECT 'edge', m::text FROM roster.memberships m
             UNION ALL SELECT 'of user', a::text FROM roster.user_attributes a
             UNION ALL SELECT 'of group', a::text FROM roster.group_attributes a
             UNION ALL SELECT 'effective', e::text FROM roster.effective_attributes e
             UNION ALL SELECT 'change', change_id::text FROM roster.read_changes(0, 1000000) ORDER BY 1, 2",
        );
        facts.push(self.hash());
        facts
    }

    pub fn hash(&self) -> String {
        self.db.line("SELECT roster.snapshot_hash('corp')")
    }

    /// A column of the newest run.
    #[track_caller]
    pub fn last_run(&self, column: &str) -> String {
        self.db.line(&format!("SELECT {column} FROM roster.sync_runs ORDER BY run_id DESC LIMIT 1"))
    }

    pub fn health(&self) -> String {
        self.db.line("SELECT health FROM roster.sources WHERE source = 'corp-ldap'")
    }

    /// A sync that the guard must stop; what it said.
    #[track_caller]
    pub fn sync_is_blocked(&self) -> String {
        let before = self.facts();
        let done = self.daemon.run(&["sync", "corp-ldap"]);
        assert_eq!(done.code, Some(3), "the sync is blocked: {done:?}");
        assert_same(&self.facts(), &before);
        done.said()
    }

    /// `child|parent` of all direct nestings.
    pub fn nestings(&self) -> Vec<String> {
        self.db.lines(
            r#"SELECT member_name, group_name FROM roster.memberships WHERE member_kind = 'group'
               ORDER BY member_name COLLATE "C", group_name COLLATE "C""#,
        )
    }

    /// Why entries of the last run could not be taken, `key: reason`.
    pub fn quarantined(&self) -> Vec<String> {
        self.db.lines(
            "SELECT key || ': ' || reason FROM roster.quarantine WHERE source = 'corp-ldap' ORDER BY 1",
        )
    }

    /// `username|group` of all direct memberships.
    pub fn members(&self) -> Vec<String> {
        self.db.lines(
            r#"SELECT member_name, group_name FROM roster.memberships WHERE member_kind = 'user'
               ORDER BY member_name COLLATE "C", group_name COLLATE "C""#,
        )
    }

    pub fn active_users(&self) -> Vec<String> {
        self.db.lines(r#"SELECT username FROM roster.users WHERE active ORDER BY username COLLATE "C""#)
    }

    pub fn user_id(&self, username: &str) -> i64 {
        self.db.number(&format!("SELECT user_id FROM roster.users WHERE username = '{username}' AND active"))
    }
}

/// The daemon with the variable that the sources' configuration refers to.
pub fn daemon_of(db: &Db) -> Daemon {
    db.daemon().with("LDAP_PASSWORD", ADMIN_PASSWORD)
}

pub fn config(url: &str) -> Value {
    json!({
        "urls": [url],
        "bind_dn": ADMIN_DN,
        "bind_password": {"env": "LDAP_PASSWORD"},
        "user_base": format!("ou=people,{BASE}"),
        "user_filter": "(objectClass=inetOrgPerson)",
        "username_attribute": "uid",
        "group_base": format!("ou=groups,{BASE}"),
        "group_filter": "(objectClass=labGroup)",
        "group_name_attribute": "cn",
        "membership": "member",
        "profile": {"display_name": "cn", "email": "mail"},
        "attributes": {"country": "labCountry", "role": "labRole", "sales_region": "labSalesRegion"},
        "group_attributes": {"organization": "labOrganization", "territories": "labTerritories"},
        "page_size": 10,
        "timeout_seconds": 20
    })
}
