//! Runs that read what changed: they come to the same as reading everything.

mod openldap;
mod phases;

use roster_tests::{Db, Directory, Slapd};

use super::{Lab, daemon_of};

/// A lab whose server remembers changes and names what was deleted.
fn lab(directory: &Directory) -> Lab {
    of(Slapd::options().session_log(10_000).start(directory))
}

/// A lab that has read everything once.
fn of(slapd: Slapd) -> Lab {
    let url = slapd.url();
    let lab = Lab::of(Db::fresh(), slapd, &url);
    lab.sync();
    assert_eq!(lab.mode(), "syncrepl", "{}", lab.last_run("message"));
    lab
}

impl Lab {
    /// How changes are found from here on.
    pub fn mode(&self) -> String {
        self.db.line("SELECT coalesce(cursor ->> 'mode', '') FROM roster_private.source_state")
    }

    pub fn cursor(&self) -> String {
        self.db.line("SELECT cursor FROM roster_private.source_state")
    }

    /// Whether the newest run read everything.
    fn complete(&self) -> String {
        self.db.line("SELECT complete FROM roster_private.sync_run ORDER BY run_id DESC LIMIT 1")
    }

    /// A sync that must succeed and read changes only.
    #[track_caller]
    pub fn sync_changes(&self) {
        self.sync();
        assert_eq!(self.complete(), "f", "{}", self.last_run("message"));
    }

    /// A sync that must read everything, and say that this is why.
    #[track_caller]
    pub fn sync_everything(&self, because: &str) {
        self.sync();
        let message = self.last_run("coalesce(message, '')");
        assert_eq!(self.complete(), "t", "{message}");
        let said = message.contains("everything was read, because") && message.contains(because);
        assert!(said, "{because}: {message}");
    }

    /// What a database holds that reads the directory as it is now for the first time.
    pub fn hash_of_a_first_read(&self) -> String {
        let other = Db::fresh();
        other.run("SELECT roster.create_identity_manager('corp', kind => 'ldap')");
        let text = self.db.line("SELECT config FROM roster.sources WHERE source = 'corp-ldap'");
        let config: serde_json::Value = serde_json::from_str(&text).expect("config is jsonb");
        other.call(
            "SELECT roster.create_source('corp-ldap', iam => 'corp', kind => 'ldap', config => $1)",
            &[&config],
        );
        daemon_of(&other).sync("corp-ldap");
        other.line("SELECT roster.snapshot_hash('corp')")
    }

    #[track_caller]
    pub fn agrees_with_a_first_read(&self) {
        assert_eq!(self.hash(), self.hash_of_a_first_read(), "{:#?}", self.facts());
    }
}
