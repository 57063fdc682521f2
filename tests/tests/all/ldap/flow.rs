//! The reference directory, from LDIF to effective attributes.

use roster_tests::{Directory, group_dn, user_dn};

use super::{Lab, daemon_of};
use crate::dump::{assert_same, contents, dumped_and_restored};
use crate::model::Model;
use crate::reference::{REFERENCE, effective};

#[test]
fn the_reference_directory_gives_exactly_the_reference_people() {
    let mut directory = Directory::reference();
    // Stephanie is in Field_Sales only to have a second member; the reference does not know of it.
    directory.ldif_replace(&format!("member: {}\n", user_dn("stephanie")), "");
    let lab = Lab::with(&directory);
    let done = lab.sync();
    assert_eq!(effective(&lab.db), REFERENCE, "{done:?}");
    assert_eq!(
        lab.last_run("mode, trigger, state, added > 0, changed, removed, quarantined"),
        "apply|manual|succeeded|t|0|0|0"
    );
    assert_eq!(lab.health(), "ok");
    Model::stated_in(&lab.db).assert_derived_in(&lab.db);
}

#[test]
fn entries_become_users_and_groups_with_their_immutable_ids() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    assert_eq!(
        lab.db.lines(
            "SELECT iam, username, display_name, email, active FROM roster.users WHERE username = 'sara'"
        ),
        ["corp|sara|sara|sara@example.org|t"]
    );
    let entry = lab.slapd.search("(uid=sara)", &["entryUUID"]);
    let uuid =
        entry.lines().find_map(|line| line.strip_prefix("entryUUID: ")).expect("slapd gives every entry one");
    assert_eq!(lab.db.line("SELECT lower(external_id) FROM roster.users WHERE username = 'sara'"), uuid);
    assert_eq!(
        lab.db.lines("SELECT group_name FROM roster.groups ORDER BY group_name COLLATE \"C\""),
        ["Field_Sales", "developers"]
    );
    assert_eq!(lab.db.lines("SELECT DISTINCT source FROM roster.memberships"), ["corp-ldap"]);
}

#[test]
fn both_user_filters_must_hold() {
    let lab = Lab::with(&Directory::reference());
    lab.configure(serde_json::json!({"user_filter": "(|(uid=s*)(uid=f*))", "sync_filter": "(!(uid=st*))"}));
    lab.sync();
    assert_eq!(lab.active_users(), ["fiona", "sam", "sara"]);
}

#[test]
fn every_kind_of_change_arrives_removals_too() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    lab.slapd.set(&user_dn("steve"), "labCountry", &["France", "Spain"]);
    lab.slapd.set(&user_dn("sara"), "mail", &["sara@new.example.org"]);
    lab.slapd.set(&group_dn("developers"), "member", &[&user_dn("sara")]);
    lab.slapd.set(&group_dn("Field_Sales"), "labTerritories", &["OH"]);
    lab.slapd.add(|more| {
        more.user("zoe", &[("labRole", "auditor")]);
        more.group("auditors", &[&user_dn("zoe"), &group_dn("developers")], &[("labOrganization", "audit")]);
    });
    lab.sync();
    assert_eq!(
        effective(&lab.db),
        [
            "fiona|territories|OH",
            "sara|organization|audit",
            "sara|organization|engineering",
            "sara|role|administrator",
            "stephanie|sales_region|Indiana",
            "stephanie|sales_region|Michigan",
            "stephanie|sales_region|Ohio",
            "stephanie|territories|OH",
            "steve|country|France",
            "steve|country|Spain",
            "zoe|organization|audit",
            "zoe|role|auditor",
        ]
    );
    assert_eq!(lab.db.line("SELECT email FROM roster.users WHERE username = 'sara'"), "sara@new.example.org");
    Model::stated_in(&lab.db).assert_derived_in(&lab.db);
}

#[test]
fn the_feed_tells_the_changes_of_a_run() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    let last = lab.db.line("SELECT max(change_id) FROM roster.read_changes(0, 1000)");
    lab.slapd.set(&user_dn("steve"), "labCountry", &["France"]);
    lab.sync();
    let run_id = lab.last_run("run_id");
    assert_eq!(
        lab.db.lines(&format!(
            "SELECT run_id, source, actor, change, kind, subject FROM roster.read_changes({last}, 1000) ORDER BY change"
        )),
        ["add", "remove"].map(|change| format!("{run_id}|corp-ldap|{}|{change}|user_attribute|steve", lab.daemon.role))
    );
    let told = lab.db.lines(&format!("SELECT change, kind, iam, subject, name FROM roster.sync_changes WHERE run_id = {run_id} ORDER BY change"));
    assert_eq!(told, ["add|user_attribute|corp|steve|country", "remove|user_attribute|corp|steve|country"]);
}

#[test]
fn a_source_never_touches_the_facts_of_another() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    lab.db.run(
        "SELECT roster.set_user_attribute('steve', 'badge', 'blue', iam => 'corp');
         SELECT roster.set_group_attribute('developers', 'badge', 'green', iam => 'corp');
         SELECT roster.add_member('developers', 'steve', iam => 'corp')",
    );
    lab.slapd.set(&user_dn("steve"), "labCountry", &["France"]);
    lab.slapd.set(&group_dn("developers"), "labOrganization", &["research"]);
    lab.sync();
    let steve = lab
        .db
        .lines("SELECT name, value FROM roster.effective_attributes WHERE username = 'steve' ORDER BY 1, 2");
    assert_eq!(steve, ["badge|blue", "badge|green", "country|France", "organization|research"]);
}

#[test]
fn two_sources_of_one_identity_manager_each_own_their_facts() {
    let lab = Lab::with(&Directory::reference());
    let config = lab.db.line("SELECT config FROM roster.sources WHERE source = 'corp-ldap'");
    let mut other: serde_json::Value = serde_json::from_str(&config).expect("jsonb");
    other["user_filter"] = "(uid=steve)".into();
    other["attributes"] = serde_json::json!({"land": "labCountry"});
    other["group_filter"] = "(cn=developers)".into();
    lab.db.call(
        "SELECT roster.create_source('second', iam => 'corp', kind => 'ldap', config => $1)",
        &[&other],
    );
    lab.sync();
    let hash = lab.hash();
    lab.daemon.sync("second");
    let steve =
        lab.db.lines("SELECT name, source FROM roster.user_attributes WHERE owner = 'steve' ORDER BY 1");
    assert_eq!(steve, ["country|corp-ldap", "land|second"]);
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.users WHERE username = 'steve'"), 1);
    lab.sync();
    assert_eq!(lab.last_run("added, changed, removed"), "0|0|0", "the first source has nothing to say to it");
    let run_id = lab.db.line("SELECT roster.drop_source('second')");
    assert_eq!(
        lab.db.line(&format!("SELECT state FROM roster.sync_runs WHERE run_id = {run_id}")),
        "blocked"
    );
    lab.db.run(&format!("SELECT roster.apply_run({run_id}, override_guard => true)"));
    assert_eq!(lab.db.lines("SELECT source FROM roster.sources WHERE source = 'second'"), [""; 0]);
    assert_eq!(lab.hash(), hash, "what the second source stated is gone, and only that");
}

#[test]
fn what_a_source_states_is_not_removed_by_a_call() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    let before = lab.facts();
    for call in [
        "remove_member('developers', 'sam', iam => 'corp')",
        "remove_user_attribute('steve', 'country', 'USA', iam => 'corp')",
        "remove_group_attribute('developers', 'organization', iam => 'corp')",
    ] {
        let told = lab.db.error(&format!("SELECT roster.{call}"));
        assert!(told.contains("corp-ldap"), "{call} names the source: {told}");
    }
    assert_same(&lab.facts(), &before);
}

#[test]
fn after_a_restore_a_sync_finds_zero_changes() {
    let lab = Lab::with(&Directory::reference());
    lab.slapd.set(
        &group_dn("developers"),
        "member",
        &[&user_dn("sam"), &group_dn("Field_Sales"), "uid=unknown,dc=example,dc=org"],
    );
    lab.sync();
    let restored = dumped_and_restored(&lab.db);
    assert_same(&contents(&restored), &contents(&lab.db));
    daemon_of(&restored).sync("corp-ldap");
    assert_eq!(
        restored
            .line("SELECT state, added, changed, removed FROM roster.sync_runs ORDER BY run_id DESC LIMIT 1"),
        "succeeded|0|0|0"
    );
    lab.slapd.set(&user_dn("steve"), "labCountry", &["France"]);
    daemon_of(&restored).sync("corp-ldap");
    assert_eq!(
        restored.lines("SELECT value FROM roster.effective_attributes WHERE username = 'steve'"),
        ["France"]
    );
}

#[test]
fn two_databases_sync_the_same_directory_on_their_own() {
    let lab = Lab::with(&Directory::reference());
    let other = Lab::of(
        roster_tests::Db::fresh(),
        roster_tests::Slapd::start(&Directory::default()),
        &lab.slapd.url(),
    );
    let (mut one, mut two) =
        (lab.daemon.spawn(&["sync", "corp-ldap"]), other.daemon.spawn(&["sync", "corp-ldap"]));
    assert!(one.ends_within(roster_tests::PATIENCE) && two.ends_within(roster_tests::PATIENCE));
    assert_eq!((one.finished().code, two.finished().code), (Some(0), Some(0)));
    assert_eq!(effective(&lab.db), effective(&other.db));
    assert_eq!(lab.hash(), other.hash());
}

#[test]
fn check_shows_a_sample_entry_and_changes_nothing() {
    let lab = Lab::with(&Directory::reference());
    let before = lab.facts();
    let done = lab.daemon.run(&["check", "corp-ldap"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let known = ["fiona", "sam", "sara", "stephanie", "steve"];
    assert!(
        known.iter().any(|name| done.out.contains(&format!("{name}@example.org"))),
        "a mapped sample: {done:?}"
    );
    assert_eq!(lab.facts(), before);
    let json: serde_json::Value =
        serde_json::from_str(&lab.daemon.run(&["check", "corp-ldap", "--json"]).out).expect("JSON");
    assert!(json.is_object() || json.is_array());
    lab.configure(serde_json::json!({"user_base": "ou=nowhere,dc=example,dc=org"}));
    let wrong = lab.daemon.run(&["check", "corp-ldap"]);
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    assert!(wrong.said().contains("ou=nowhere,dc=example,dc=org"), "{wrong:?}");
}

#[test]
fn status_shows_the_sources_and_their_health() {
    let lab = Lab::with(&Directory::reference());
    let before = lab.daemon.run(&["status"]);
    assert_eq!(before.code, Some(0), "{before:?}");
    assert!(before.out.contains("corp-ldap"), "{before:?}");
    lab.sync();
    let after = lab.daemon.run(&["status"]);
    assert!(after.out.contains("ok"), "{after:?}");
    let json: serde_json::Value =
        serde_json::from_str(&lab.daemon.run(&["status", "--json"]).out).expect("JSON");
    let health = &json["sources"]
        .as_array()
        .expect("sources")
        .iter()
        .find(|s| s["source"] == "corp-ldap")
        .expect("ours")["health"];
    assert_eq!(health, "ok");
}

#[test]
fn wrong_usage_ends_with_code_2() {
    let lab = Lab::with(&Directory::default());
    assert_eq!(lab.daemon.run(&["sync"]).code, Some(2));
    assert_eq!(lab.daemon.run(&["nonsense"]).code, Some(2));
    let unknown = lab.daemon.run(&["sync", "nowhere"]);
    assert!(matches!(unknown.code, Some(1 | 2)), "{unknown:?}");
    assert!(unknown.err.contains("nowhere"), "{unknown:?}");
    let help = lab.daemon.run(&["--help"]);
    assert_eq!(help.code, Some(0));
    for word in ["run", "sync", "check", "status", "DATABASE_URL"] {
        assert!(help.out.contains(word), "--help explains {word}");
    }
}
