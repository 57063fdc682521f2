//! Runs that read what changed: they come to the same as reading everything.

mod live;
mod openldap;
mod phases;
mod random;
mod samba;

use roster_tests::{ADMIN_DN, ADMIN_PASSWORD, Db, Directory, SAMBA_PASSWORD, Slapd};

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

impl<S> Lab<S> {
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

    /// A database that reads the directory as it is now for the first time.
    pub fn first_read(&self) -> Db {
        let other = Db::fresh();
        other.run("SELECT roster.create_identity_manager('corp', kind => 'ldap')");
        let text = self.db.line("SELECT config FROM roster.sources WHERE source = 'corp-ldap'");
        let config: serde_json::Value = serde_json::from_str(&text).expect("config is jsonb");
        other.call(
            "SELECT roster.create_source('corp-ldap', iam => 'corp', kind => 'ldap', config => $1)",
            &[&config],
        );
        let password = if config["bind_dn"] == ADMIN_DN { ADMIN_PASSWORD } else { SAMBA_PASSWORD };
        daemon_of(&other).with("LDAP_PASSWORD", password).sync("corp-ldap");
        other
    }

    #[track_caller]
    pub fn agrees_with_a_first_read(&self) {
        let other = self.first_read();
        if self.hash() != other.line("SELECT roster.snapshot_hash('corp')") {
            let (ours, theirs) = (stated(&self.db), stated(&other));
            let only = |one: &[String], other: &[String]| -> Vec<String> {
                one.iter().filter(|line| !other.contains(line)).cloned().collect()
            };
            panic!(
                "only after the changes: {:#?}\nonly after a first read: {:#?}\nin quarantine: {:?}",
                only(&ours, &theirs),
                only(&theirs, &ours),
                self.db.lines("SELECT * FROM roster.quarantine"),
            );
        }
        let name = other.name.clone();
        drop(other);
        self.db.session_in("postgres").run(&format!("DROP DATABASE {name} WITH (FORCE)"));
    }
}

/// What people see, without ids.
fn stated(db: &Db) -> Vec<String> {
    db.lines(
        "SELECT 'user', username, display_name, email, active FROM roster.users WHERE active
         UNION ALL SELECT 'group', group_name, NULL, NULL, NULL FROM roster.groups
         UNION ALL SELECT 'member', member_kind, member_name, group_name, NULL FROM roster.memberships
         UNION ALL SELECT 'value', owner, attribute, value, NULL FROM roster.user_attributes
         UNION ALL SELECT 'group value', owner, attribute, value, NULL FROM roster.group_attributes
         UNION ALL SELECT 'effective', username, attribute, value, NULL FROM roster.effective_attributes",
    )
}
