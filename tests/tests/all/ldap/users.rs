//! Identity is the immutable id: renames, swaps, leavers, returners, adoption.

use roster_tests::{BASE, Directory, Search, group_dn, user_dn};
use serde_json::json;

use super::Lab;
use crate::model::Model;

#[test]
fn a_renamed_user_stays_the_same_user_with_the_same_memberships() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    let (id, since) =
        (lab.user_id("sam"), lab.db.line("SELECT since FROM roster.memberships WHERE member_name = 'sam'"));
    lab.slapd.rename(&user_dn("sam"), "uid=samuel");
    lab.sync();
    assert_eq!(lab.user_id("samuel"), id);
    assert_eq!(lab.db.lines("SELECT since FROM roster.memberships WHERE member_name = 'samuel'"), [since]);
    assert_eq!(lab.db.lines("SELECT * FROM roster.users WHERE username = 'sam'"), [""; 0]);
    assert_eq!(lab.last_run("added, changed, removed"), "0|1|0");
}

#[test]
fn two_users_who_swap_their_names_stay_who_they_are() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    let (sam, fiona) = (lab.user_id("sam"), lab.user_id("fiona"));
    lab.slapd.rename(&user_dn("sam"), "uid=nobody");
    lab.slapd.rename(&user_dn("fiona"), "uid=sam");
    lab.slapd.rename(&user_dn("nobody"), "uid=fiona");
    lab.sync();
    assert_eq!((lab.user_id("fiona"), lab.user_id("sam")), (sam, fiona));
    assert_eq!(lab.members(), ["fiona|developers", "sam|Field_Sales", "stephanie|Field_Sales"]);
    Model::stated_in(&lab.db).assert_derived_in(&lab.db);
}

#[test]
fn a_ring_of_names_turns() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    let ids = ["sam", "sara", "steve", "fiona"].map(|name| lab.user_id(name));
    lab.slapd.rename(&user_dn("fiona"), "uid=spare");
    lab.slapd.rename(&user_dn("steve"), "uid=fiona");
    lab.slapd.rename(&user_dn("sara"), "uid=steve");
    lab.slapd.rename(&user_dn("sam"), "uid=sara");
    lab.slapd.rename(&user_dn("spare"), "uid=sam");
    lab.sync();
    assert_eq!(["sara", "steve", "fiona", "sam"].map(|name| lab.user_id(name)), ids);
}

#[test]
fn groups_that_swap_their_names_keep_their_members() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    lab.slapd.rename(&group_dn("developers"), "cn=spare");
    lab.slapd.rename(&group_dn("Field_Sales"), "cn=developers");
    lab.slapd.rename(&group_dn("spare"), "cn=Field_Sales");
    lab.sync();
    assert_eq!(lab.members(), ["fiona|developers", "sam|Field_Sales", "stephanie|developers"]);
    assert_eq!(lab.last_run("added, changed, removed"), "0|2|0");
}

#[test]
fn a_missing_user_is_disabled_and_comes_back_under_the_same_id() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    let (id, before) = (lab.user_id("sam"), lab.hash());
    lab.configure(json!({"sync_filter": "(!(uid=sam))"}));
    lab.sync();
    assert_eq!(
        lab.db.lines("SELECT user_id, active FROM roster.users WHERE username = 'sam'"),
        [format!("{id}|f")]
    );
    assert_eq!(lab.db.lines("SELECT * FROM roster.effective_attributes WHERE username = 'sam'"), [""; 0]);
    assert_eq!(lab.last_run("removed > 0"), "t");
    lab.configure(json!({"sync_filter": null}));
    lab.sync();
    assert_eq!(lab.user_id("sam"), id);
    assert_eq!(lab.members(), ["fiona|Field_Sales", "sam|developers", "stephanie|Field_Sales"]);
    assert_eq!(lab.hash(), before);
}

#[test]
fn what_an_admin_gave_a_leaver_waits_for_the_return() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    lab.db.run("SELECT roster.set_user_attribute('sam', 'badge', 'blue', iam => 'corp')");
    lab.configure(json!({"sync_filter": "(!(uid=sam))"}));
    lab.sync();
    lab.configure(json!({"sync_filter": null}));
    lab.sync();
    let sam = lab.db.lines("SELECT name FROM roster.effective_attributes WHERE username = 'sam' ORDER BY 1");
    assert_eq!(sam, ["badge", "organization"]);
}

#[test]
fn a_new_entry_of_an_old_name_is_a_new_user_who_inherits_nothing() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    let old = lab.user_id("sam");
    lab.db.run("SELECT roster.set_user_attribute('sam', 'badge', 'blue', iam => 'corp')");
    lab.slapd.delete(&user_dn("sam"));
    lab.slapd.add(|more| more.user("sam", &[]));
    lab.sync();
    assert_ne!(lab.user_id("sam"), old);
    assert_eq!(lab.db.lines("SELECT * FROM roster.effective_attributes WHERE username = 'sam'"), [""; 0]);
    assert_eq!(lab.members(), ["fiona|Field_Sales", "stephanie|Field_Sales"]);
    assert_eq!(lab.db.lines(&format!("SELECT active FROM roster.users WHERE user_id = {old}")), ["f"]);
}

#[test]
fn a_manual_user_is_adopted_by_the_directory() {
    let lab = Lab::with(&Directory::reference());
    lab.db.run(
        "SELECT roster.create_user('SAM', iam => 'corp', display_name => 'made by hand');
         SELECT roster.set_user_attribute('sam', 'badge', 'blue', iam => 'corp')",
    );
    let id = lab.user_id("SAM");
    lab.sync();
    assert_eq!(
        lab.db.lines("SELECT user_id, username, display_name, external_id IS NOT NULL FROM roster.users WHERE lower(username) = 'sam'"),
        [format!("{id}|sam|sam|t")]
    );
    let sam = lab.db.lines("SELECT name FROM roster.effective_attributes WHERE username = 'sam' ORDER BY 1");
    assert_eq!(sam, ["badge", "organization"]);
    assert_eq!(lab.db.lines("SELECT * FROM roster.quarantine"), [""; 0]);
}

#[test]
fn two_entries_of_one_name_are_not_one_user() {
    let mut directory = Directory::reference();
    directory.entry(
        &format!("ou=more,ou=people,{BASE}"),
        &[("objectClass", "organizationalUnit"), ("ou", "more")],
    );
    directory.entry(
        &format!("uid=SAM,ou=more,ou=people,{BASE}"),
        &[("objectClass", "inetOrgPerson"), ("uid", "SAM"), ("cn", "another"), ("sn", "another")],
    );
    let lab = Lab::with(&directory);
    lab.sync();
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.users WHERE lower(username) = 'sam'"), 1);
    assert_eq!(
        lab.db.number("SELECT count(*) FROM roster.quarantine WHERE source = 'corp-ldap' AND kind = 'user'"),
        1
    );
    assert_eq!(lab.active_users().len(), 5, "the others came");
    let (first, facts) = (
        lab.db.line("SELECT user_id, display_name FROM roster.users WHERE lower(username) = 'sam'"),
        lab.facts(),
    );
    lab.sync();
    assert_eq!(
        lab.db.line("SELECT user_id, display_name FROM roster.users WHERE lower(username) = 'sam'"),
        first
    );
    assert_eq!(lab.facts(), facts, "the rule is stable");
}

#[test]
fn an_admins_disable_outlives_every_sync() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    lab.db.run("SELECT roster.disable_user('sam', iam => 'corp')");
    lab.slapd.set(&user_dn("sam"), "mail", &["sam@new.example.org"]);
    lab.sync();
    assert_eq!(
        lab.db.lines("SELECT active, email FROM roster.users WHERE username = 'sam'"),
        ["f|sam@new.example.org"]
    );
    lab.db.run("SELECT roster.enable_user('sam', iam => 'corp')");
    assert_eq!(
        lab.db.lines("SELECT value FROM roster.effective_attributes WHERE username = 'sam'"),
        ["engineering"]
    );
}

/// The case that distinguished names cannot survive, only immutable ids: a rename between two passes of one read.
/// It comes at every moment where the daemon goes over from one base to another.
#[test]
fn a_user_renamed_between_the_user_pass_and_the_group_pass_loses_no_membership() {
    let (lab, proxy) = Lab::behind_proxy(&Directory::reference());
    lab.configure(serde_json::json!({"incremental": "off"}));
    lab.sync();
    let passes = Passes::of(&proxy.searches()).0;
    assert!(passes.len() >= 2, "{passes:?}");
    let id = lab.user_id("sam");
    let membership = || {
        lab.db.lines(&format!(
            "SELECT since FROM roster.memberships WHERE member_id = {id} AND member_kind = 'user'"
        ))
    };
    let since = membership();
    let mut name = "sam".to_owned();
    for pass in 1..passes.len() {
        let done_before = proxy.searches().len();
        let hold = proxy.hold_back(move |searches| Passes::of(&searches[done_before..]).0.len() > pass);
        let running = lab.daemon.spawn(&["sync", "corp-ldap"]);
        hold.reached();
        let new_name = format!("sam{pass}");
        lab.slapd.rename(&user_dn(&name), &format!("uid={new_name}"));
        hold.release();
        let done = running.finished();
        assert_eq!(done.code, Some(0), "renamed before pass {pass} of {passes:?}: {done:?}");
        assert_eq!(
            membership(),
            since,
            "renamed before pass {pass} of {passes:?}: it stays, not closed and opened again"
        );
        lab.sync();
        assert_eq!(lab.user_id(&new_name), id);
        assert_eq!(membership(), since);
        name = new_name;
    }
    assert_eq!(
        lab.members(),
        ["fiona|Field_Sales".to_owned(), format!("{name}|developers"), "stephanie|Field_Sales".to_owned()]
    );
}

/// The bases of the searches for many entries, in order, each as often as the daemon came back to it.
#[derive(Debug)]
struct Passes(Vec<String>);

impl Passes {
    fn of(searches: &[Search]) -> Passes {
        let mut bases: Vec<_> =
            searches.iter().map(|s| s.base.clone()).filter(|base| base.starts_with("ou=")).collect();
        bases.dedup();
        Passes(bases)
    }
}
