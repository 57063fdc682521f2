//! `syncd export` and `syncd apply`: the file and the database say the same, and what is refused changes nothing.

use std::fs;
use std::path::PathBuf;

use roster_tests::{Daemon, Db, Directory, Finished, repository};
use serde_json::Value;

use super::{scratch, syncd_as};
use crate::ldap::Lab;

/// A database and somebody who may configure it.
struct Desk {
    db: Db,
    admin: Daemon,
    files: Vec<PathBuf>,
}

impl Desk {
    fn new() -> Desk {
        Desk::of(Db::fresh())
    }

    fn of(db: Db) -> Desk {
        let admin = syncd_as(&db, &["roster_admin"]);
        Desk { db, admin, files: Vec::new() }
    }

    fn file(&mut self, text: &str) -> String {
        let path = scratch("roster.toml");
        fs::write(&path, text).expect("a file");
        self.files.push(path.clone());
        path.to_str().expect("UTF-8").to_owned()
    }

    fn apply(&mut self, text: &str, options: &[&str]) -> Finished {
        let file = self.file(text);
        self.admin.run(&[&["apply", &file], options].concat())
    }

    #[track_caller]
    fn applied(&mut self, text: &str, options: &[&str]) -> String {
        let done = self.apply(text, options);
        assert_eq!(done.code, Some(0), "{done:?}");
        done.out
    }

    #[track_caller]
    fn refused(&mut self, text: &str, options: &[&str]) -> String {
        let before = self.export();
        let done = self.apply(text, options);
        assert_eq!(done.code, Some(1), "{done:?}");
        assert_eq!(self.export(), before, "what is refused changes nothing");
        done.err
    }

    #[track_caller]
    fn export(&self) -> String {
        let done = self.admin.run(&["export"]);
        assert_eq!(done.code, Some(0), "{done:?}");
        done.out
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        for file in &self.files {
            let _ = fs::remove_file(file);
        }
    }
}

fn example() -> String {
    fs::read_to_string(repository().join("examples/roster.toml")).expect("the example")
}

#[test]
fn the_example_is_applied_once() {
    let mut desk = Desk::new();
    let told = desk.applied(&example(), &["--dry-run"]);
    assert!(told.contains("+ source corp-ldap") && told.contains("nothing was written"), "{told}");
    assert_eq!(desk.db.number("SELECT count(*) FROM roster.sources"), 1, "only manual");
    let told = desk.applied(&example(), &[]);
    assert!(told.contains("applied"), "{told}");
    assert_eq!(
        desk.db.lines("SELECT source, iam, kind, schedule, time_zone, priority, config ->> 'prefix' FROM roster.sources WHERE kind <> 'manual' ORDER BY source COLLATE \"C\""),
        [
            "corp-ldap|corp|ldap|*/15 6-20 * * mon-fri|Europe/Berlin|0|",
            "hr|corp|table|30 5 * * *|Europe/Berlin|10|hr",
            "partners-okta|partners|scim||UTC|0|",
        ]
    );
    assert_eq!(
        desk.db.lines("SELECT kind, max_count, max_percent FROM roster.guards WHERE source = 'corp-ldap' AND max_percent = 5 ORDER BY kind"),
        ["membership|1000|5", "user|100|5"]
    );
    assert_eq!(
        desk.db.lines("SELECT group_name, permission FROM roster.permission_grants ORDER BY permission"),
        ["data platform|administer", "data platform|audit"]
    );
    let changes = desk.db.number("SELECT count(*) FROM roster.changes");
    assert_eq!(desk.applied(&example(), &[]).trim_end(), "no changes");
    assert_eq!(desk.applied(&example(), &["--prune"]).trim_end(), "no changes");
    assert_eq!(desk.db.number("SELECT count(*) FROM roster.changes"), changes, "and nothing was written");
}

#[test]
fn an_export_is_what_was_applied() {
    let mut desk = Desk::new();
    desk.applied(&example(), &[]);
    desk.db.run(
        "SELECT roster.unschedule('corp-ldap'); SELECT roster.alter_source('hr', enabled => false);
                 SELECT roster.set_platform_rule('trino', fallback_iams => '{corp,partners}')",
    );
    let exported = desk.export();
    assert!(exported.contains("schedule = \"none\""), "{exported}");
    assert_eq!(desk.applied(&exported, &["--prune"]).trim_end(), "no changes");
    let mut other = Desk::new();
    other.applied(&exported, &[]);
    assert_eq!(other.export(), exported, "another database made from it says the same");
    // Into a file, and from standard output as JSON.
    let path = desk.file("");
    assert_eq!(desk.admin.run(&["export", &path]).code, Some(0));
    assert_eq!(fs::read_to_string(&path).expect("it was written"), exported);
    let json: Value = serde_json::from_str(&desk.admin.run(&["export", "--json"]).out).expect("JSON");
    assert_eq!(json["sources"]["hr"]["enabled"], false);
}

#[test]
fn the_difference_shows_old_and_new_and_is_applied() {
    let mut desk = Desk::new();
    desk.applied(&example(), &[]);
    let changed = example()
        .replace("page_size = 1000", "page_size = 500")
        .replace("priority = 10 ", "priority = 20 ")
        .replace("email = \"mail\"\n", "")
        .replace("\"administer\", \"audit\"", "\"audit\", \"approve\"")
        .replace("\"Corporate directory\"", "\"Directory\"")
        .replace("max_count = 100,", "max_count = 200,");
    let told = desk.applied(&changed, &[]);
    for line in [
        "~ source corp-ldap",
        "1000 -> 500",
        "10 -> 20",
        "\"Corporate directory\" -> \"Directory\"",
        "config.profile.email",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    let removed = told.lines().find(|line| line.contains("config.profile.email")).expect("it was told");
    assert!(removed.starts_with("- ") && removed.contains("\"mail\""), "{removed}");
    assert!(!told.contains('\x1b'), "colours are for terminals");
    assert_eq!(desk.db.line("SELECT config ->> 'page_size', config -> 'profile' FROM roster.sources WHERE source = 'corp-ldap'"), "500|{\"display_name\": \"cn\"}");
    assert_eq!(
        desk.db.lines("SELECT permission FROM roster.permission_grants ORDER BY 1"),
        ["approve", "audit"]
    );
    assert_eq!(
        desk.db.line("SELECT display_name FROM roster.identity_managers WHERE iam = 'corp'"),
        "Directory"
    );
    assert_eq!(
        desk.db.line("SELECT max_count FROM roster.guards WHERE source = 'corp-ldap' AND kind = 'user'"),
        "200"
    );
    let json: Value =
        serde_json::from_str(&desk.applied(&example(), &["--json", "--dry-run"])).expect("JSON");
    assert_eq!((&json["applied"], &json["dry_run"]), (&Value::Bool(false), &Value::Bool(true)));
    let names: Vec<_> = json["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .map(|c| c["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["corp", "corp-ldap", "hr"]);
}

#[test]
fn what_the_file_does_not_name_stays_unless_it_is_pruned() {
    let mut desk = Desk::new();
    desk.applied(&example(), &[]);
    desk.db.run(
        "SELECT roster.set_guard('hr', 'user', 1, 1); SELECT roster.set_merge_rule('role', 'nearest');
                 SELECT roster.set_platform_rule('databricks', 'exact')",
    );
    let less = example().replace("[merge_rules]\ncost_center = \"priority\"\n", "");
    let less = without(&less, "sources.partners-okta");
    let told = desk.applied(&less, &[]);
    for stays in [
        "source partners-okta",
        "merge rule of attribute role",
        "guard of source hr on user",
        "platform databricks",
    ] {
        assert!(told.contains(&format!("{stays} is not in the file and stays")), "{stays}\n{told}");
    }
    assert!(told.trim_end().ends_with("no changes"), "{told}");
    let told = desk.applied(&less, &["--prune"]);
    assert!(told.contains("- source partners-okta"), "{told}");
    assert_eq!(desk.db.number("SELECT count(*) FROM roster.sources WHERE source = 'partners-okta'"), 0);
    assert_eq!(desk.db.lines("SELECT name FROM roster.merge_rules WHERE rule <> 'union'"), [""; 0]);
    assert_eq!(
        desk.db.line("SELECT case_rule FROM roster.platforms WHERE platform = 'databricks'"),
        "insensitive"
    );
    assert_eq!(
        desk.db
            .line("SELECT max_count, max_percent FROM roster.guards WHERE source = 'hr' AND kind = 'user'"),
        "50|10"
    );
    assert_eq!(
        desk.db.line("SELECT count(*) FROM roster.identity_managers WHERE iam = 'partners'"),
        "1",
        "users live in it"
    );
    assert!(!desk.applied(&less, &["--prune"]).contains("applied"), "the second time there is nothing to do");
}

/// Without a table and those below it.
fn without(text: &str, table: &str) -> String {
    let mut kept = Vec::new();
    let mut is_in = false;
    for line in text.lines() {
        if line.starts_with('[') {
            is_in = line.starts_with(&format!("[{table}"));
        }
        if !is_in {
            kept.push(line);
        }
    }
    kept.join("\n")
}

#[test]
fn a_source_that_the_guard_keeps_keeps_everything_as_it_is() {
    let lab = Lab::with(&Directory::generated(10, 1));
    lab.sync();
    let Lab { db, slapd: _slapd, .. } = lab;
    let mut desk = Desk::of(db);
    let file = "merge_rules.role = \"nearest\"\n[identity_managers.corp]\nkind = \"ldap\"\n";
    let before = desk.export();
    for options in [&["--prune", "--dry-run"][..], &["--prune"]] {
        let done = desk.apply(file, options);
        assert_eq!(done.code, Some(3), "{done:?}");
        assert!(done.out.contains("dropping source corp-ldap is blocked by the guard"), "{done:?}");
        assert!(
            done.out.contains("SELECT roster.drop_source('corp-ldap', override_guard => true);"),
            "{done:?}"
        );
        assert_eq!(desk.export(), before, "nothing half");
    }
    desk.db.run("SELECT roster.drop_source('corp-ldap', override_guard => true)");
    desk.applied(file, &["--prune"]);
    assert_eq!(desk.db.line("SELECT name, rule FROM roster.merge_rules"), "role|nearest");
}

#[test]
fn unknown_keys_are_refused_with_their_place() {
    let mut desk = Desk::new();
    for (wrong, place, word) in [
        ("[sources.hr]\niam = \"builtin\"\nkind = \"table\"\nshedule = \"@daily\"\n", ":4:1", "shedule"),
        ("[source.hr]\niam = \"builtin\"\n", ":1:2", "source"),
        ("[identity_managers.x]\nkind = \"ldap\"\ncolour = 1\n", ":3:1", "colour"),
        (
            "[sources.s]\niam = \"builtin\"\nkind = \"ldap\"\n[sources.s.config]\nurl = \"ldap://x\"\n",
            ":1:1",
            "url",
        ),
        (
            "[sources.s]\niam = \"builtin\"\nkind = \"push\"\n[sources.s.config]\nnonsense = 1\n",
            ":1:1",
            "nonsense",
        ),
        ("[sources.s]\niam = \"nowhere\"\nkind = \"push\"\n", ":1:1", "nowhere"),
        (
            "[sources.s]\niam = \"builtin\"\nkind = \"table\"\nschedule = \"61 * * * *\"\n[sources.s.config]\nrelation = \"hr.a\"\nformat = \"long\"\nuser_column = \"u\"\nname_column = \"n\"\nvalue_column = \"v\"\n",
            ":1:1",
            "minute",
        ),
        ("[sources.s]\nkind = \"push\"\n", ":1:1", "iam"),
    ] {
        let told = desk.refused(wrong, &[]);
        assert!(told.contains(place) && told.contains(word), "{wrong}\n{told}");
    }
}

#[test]
fn inline_secrets_are_refused_and_not_repeated() {
    let mut desk = Desk::new();
    let source = "[sources.s]\niam = \"builtin\"\nkind = \"KIND\"\n[sources.s.config]\n";
    for (kind, line) in [
        ("ldap", "bind_password = \"hunter2\""),
        ("table", "connection = \"postgres://u:hunter2@h/d\""),
        ("endpoint", "auth = { password = \"hunter2\" }"),
        ("ldap", "bind_password = \"hunter2"),
    ] {
        let told = desk.apply(&format!("{}{line}\n", source.replace("KIND", kind)), &[]);
        assert_eq!(told.code, Some(1), "{told:?}");
        assert!(!told.said().contains("hunter2"), "{told:?}");
    }
}

#[test]
fn one_refusal_undoes_all() {
    let mut desk = Desk::new();
    let file = "[identity_managers.a]\nkind = \"push\"\n[sources.good]\niam = \"a\"\nkind = \"push\"\n\
                [sources.wrong]\niam = \"a\"\nkind = \"push\"\ntime_zone = \"Nowhere/Here\"\n";
    let told = desk.refused(file, &[]);
    assert!(told.contains("source wrong") && told.contains("Nowhere/Here"), "{told}");
    assert_eq!(desk.db.line("SELECT count(*) FROM roster.identity_managers"), "1", "the first was undone");
}

#[test]
fn what_cannot_be_changed_is_refused() {
    let mut desk = Desk::new();
    desk.applied(&example(), &[]);
    for (from, to, word) in [
        ("[sources.hr]\niam = \"corp\"", "[sources.hr]\niam = \"partners\"", "iam corp"),
        (
            "[identity_managers.corp]\nkind = \"ldap\"",
            "[identity_managers.corp]\nkind = \"scim\"",
            "kind ldap",
        ),
    ] {
        let told = desk.refused(&example().replace(from, to), &[]);
        assert!(told.contains(word) && told.contains("cannot be changed"), "{told}");
    }
    desk.db.run("SELECT roster.create_user('sam', iam => 'corp')");
    let told = desk.refused(
        &example().replace("display_name = \"Corporate", "case_sensitive = true\ndisplay_name = \"Corporate"),
        &[],
    );
    assert!(told.contains("case_sensitive"), "{told}");
}

#[test]
fn only_an_administrator_may_apply_and_a_reader_may_export() {
    let mut desk = Desk::new();
    let file = desk.file(&example());
    for role in ["roster_reader", "roster_user_admin"] {
        let done = syncd_as(&desk.db, &[role]).run(&["apply", &file]);
        assert_eq!(done.code, Some(1), "{role}: {done:?}");
        assert!(done.err.contains("roster_admin"), "{role}: {done:?}");
        assert_eq!(syncd_as(&desk.db, &[role]).run(&["export"]).code, Some(0), "{role}");
    }
    let daemon = desk.db.daemon().run(&["apply", &file]);
    assert_eq!(daemon.code, Some(1), "the daemon's own role configures nothing: {daemon:?}");
}

#[test]
fn names_are_compared_as_the_database_does() {
    let mut desk = Desk::new();
    let file = |name: &str| {
        format!(
            "[identity_managers.\"{name}\"]\nkind = \"ldap\"\n[sources.\"{name}\"]\niam = \"{name}\"\nkind = \"push\"\n"
        )
    };
    desk.applied(&file("Ze\u{301}"), &[]);
    assert_eq!(desk.applied(&file("Z\u{e9}"), &[]).trim_end(), "no changes");
    let twice = format!("{}{}", file("Ze\u{301}"), file("Z\u{e9}"));
    assert!(desk.refused(&twice, &[]).contains("declared twice"));
    assert!(
        desk.applied(
            "[identity_managers.bim]\nkind = \"builtin\"\ndefault_permissions = [\"browse\"]\n",
            &[]
        )
        .contains("builtin")
    );
}
