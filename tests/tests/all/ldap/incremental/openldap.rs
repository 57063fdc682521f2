//! What happens in a directory, and arrives with what changed.

use roster_tests::{BASE, Directory, Slapd, group_dn, user_dn};

use super::super::unchanged::wait_for_statistics;
use super::{Lab, lab};

#[test]
fn nothing_changed_and_nothing_is_written() {
    let lab = lab(&Directory::generated(300, 10));
    let rows = rows_written(&lab);
    let facts = lab.facts();
    lab.sync_changes();
    assert_eq!(rows_written(&lab), rows, "no row of any fact, staged or not");
    assert_eq!(lab.last_run("state, read, added, changed, removed"), "succeeded|0|0|0|0");
    assert_eq!(lab.facts(), facts);
}

/// Per table; the record of runs is no fact.
fn rows_written(lab: &Lab) -> Vec<String> {
    wait_for_statistics(lab);
    lab.db.lines(
        "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables
         WHERE schemaname = 'roster_private' AND relname NOT IN ('sync_run', 'source', 'source_lease', 'source_retry', 'source_state', 'run_total') ORDER BY 1",
    )
}

#[test]
fn a_renamed_user_keeps_memberships_though_no_group_is_reported() {
    let lab = lab(&Directory::reference());
    let id = lab.user_id("sam");
    lab.slapd.rename(&user_dn("sam"), "uid=samuel");
    lab.sync_changes();
    assert_eq!(lab.user_id("samuel"), id);
    assert_eq!(lab.members(), ["fiona|Field_Sales", "samuel|developers", "stephanie|Field_Sales"]);
    assert_eq!(lab.last_run("read"), "1", "the groups were not even looked at");
    lab.agrees_with_a_first_read();
}

#[test]
fn a_deleted_user_leaves_all_groups_though_none_is_reported() {
    let lab = lab(&Directory::generated(200, 10));
    lab.slapd.delete(&user_dn("u0007"));
    lab.sync_changes();
    assert!(!lab.active_users().contains(&"u0007".to_owned()));
    assert!(lab.members().iter().all(|edge| !edge.starts_with("u0007")));
    assert_eq!(lab.last_run("read"), "0");
    lab.agrees_with_a_first_read();
}

#[test]
fn two_users_swap_names() {
    let lab = lab(&Directory::reference());
    let ids = [lab.user_id("sam"), lab.user_id("steve")];
    for (from, to) in [("sam", "x"), ("steve", "sam"), ("x", "steve")] {
        lab.slapd.rename(&user_dn(from), &format!("uid={to}"));
    }
    lab.sync_changes();
    assert_eq!([lab.user_id("steve"), lab.user_id("sam")], ids);
    assert_eq!(lab.members(), ["fiona|Field_Sales", "stephanie|Field_Sales", "steve|developers"]);
    lab.agrees_with_a_first_read();
}

#[test]
fn a_member_that_is_nobody_waits_until_somebody_arrives() {
    let mut directory = Directory::reference();
    directory.group("mixed", &[&user_dn("sam"), &user_dn("later"), &group_dn("inner")], &[]);
    let lab = lab(&directory);
    lab.slapd.add(|more| {
        more.user("later", &[]);
        more.group("inner", &[&user_dn("fiona")], &[("labOrganization", "inner")]);
    });
    lab.sync_changes();
    assert!(lab.members().contains(&"later|mixed".to_owned()), "{:?}", lab.members());
    lab.agrees_with_a_first_read();
    // In the same run as the group that lists it, and in it before it is read.
    lab.slapd.add(|more| {
        more.group("outer", &[&group_dn("newer"), &user_dn("newest")], &[]);
        more.group("newer", &[&group_dn("outer"), &user_dn("newest")], &[]);
        more.user("newest", &[]);
    });
    lab.sync_changes();
    lab.agrees_with_a_first_read();
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.memberships WHERE member_name = 'newest'"), 2);
}

#[test]
fn users_and_groups_move_between_units_and_out_of_the_source() {
    let mut directory = Directory::reference();
    directory.unit(&format!("ou=inside,ou=people,{BASE}"));
    directory.unit(&format!("ou=elsewhere,{BASE}"));
    directory.unit(&format!("ou=teams,ou=groups,{BASE}"));
    let lab = lab(&directory);
    let id = lab.user_id("sam");
    let inside = lab.slapd.move_below(&user_dn("sam"), &format!("ou=inside,ou=people,{BASE}"));
    lab.slapd.move_below(&group_dn("Field_Sales"), &format!("ou=teams,ou=groups,{BASE}"));
    lab.sync_changes();
    assert_eq!(lab.user_id("sam"), id);
    lab.agrees_with_a_first_read();
    let outside = lab.slapd.move_below(&inside, &format!("ou=elsewhere,{BASE}"));
    lab.sync_changes();
    assert!(!lab.active_users().contains(&"sam".to_owned()), "out of the base is out of the source");
    lab.agrees_with_a_first_read();
    lab.slapd.move_below(&outside, &format!("ou=people,{BASE}"));
    lab.sync_changes();
    assert_eq!(lab.user_id("sam"), id, "the same entry");
    assert!(
        lab.members().contains(&"sam|developers".to_owned()),
        "its group still lists it: {:?}",
        lab.members()
    );
    lab.agrees_with_a_first_read();
}

#[test]
fn a_renamed_container_has_everything_read() {
    let mut directory = Directory::reference();
    directory.unit(&format!("ou=inside,ou=people,{BASE}"));
    directory.entry(
        &format!("uid=ida,ou=inside,ou=people,{BASE}"),
        &[("objectClass", "inetOrgPerson"), ("uid", "ida"), ("cn", "ida"), ("sn", "ida")],
    );
    directory.group("mixed", &[&format!("uid=ida,ou=outside,ou=people,{BASE}")], &[]);
    let lab = lab(&directory);
    assert!(!lab.members().contains(&"ida|mixed".to_owned()));
    lab.slapd.rename(&format!("ou=inside,ou=people,{BASE}"), "ou=outside");
    lab.sync_everything("a container was renamed or moved");
    assert!(lab.members().contains(&"ida|mixed".to_owned()), "{:?}", lab.members());
    lab.agrees_with_a_first_read();
    lab.slapd.add(|more| more.unit(&format!("ou=more,ou=people,{BASE}")));
    lab.sync_changes();
    lab.slapd.rename(&format!("ou=more,ou=people,{BASE}"), "ou=most");
    lab.sync_everything("a container was renamed or moved");
}

#[test]
fn a_user_of_the_same_name_is_another() {
    let lab = lab(&Directory::reference());
    let before = lab.user_id("sam");
    lab.slapd.delete(&user_dn("sam"));
    lab.slapd.add(|more| more.user("sam", &[]));
    lab.sync_changes();
    assert_ne!(lab.user_id("sam"), before);
    assert_eq!(lab.members(), ["fiona|Field_Sales", "stephanie|Field_Sales"]);
    lab.agrees_with_a_first_read();
}

#[test]
fn groups_that_are_emptied_or_made_anew() {
    let lab = lab(&Directory::reference());
    lab.db.run("SELECT roster.set_guard('corp-ldap', 'membership', 100, 100)");
    lab.slapd.delete(&group_dn("Field_Sales"));
    lab.slapd.add(|more| more.group("Field_Sales", &[&user_dn("sara")], &[("labTerritories", "TX")]));
    lab.slapd.set(&group_dn("developers"), "member", &[]);
    lab.sync_changes();
    assert_eq!(lab.members(), ["sara|Field_Sales"]);
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.groups WHERE group_name = 'developers'"), 1);
    lab.agrees_with_a_first_read();
}

#[test]
fn one_more_member_of_a_large_group_writes_one_row() {
    let mut directory = Directory::generated(2000, 0);
    let everyone: Vec<String> = (0..1999).map(|i| user_dn(&format!("u{i:04}"))).collect();
    let everyone: Vec<&str> = everyone.iter().map(String::as_str).collect();
    directory.group("everyone", &everyone, &[]);
    let lab = lab(&directory);
    let edges = || {
        wait_for_statistics(&lab);
        lab.db.number(
            "SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables
             WHERE schemaname = 'roster_private' AND relname = 'membership'",
        )
    };
    let before = edges();
    lab.slapd.tools().add_value(&group_dn("everyone"), "member", &user_dn("u1999"));
    lab.sync_changes();
    assert_eq!(edges() - before, 1);
    lab.slapd.tools().remove_value(&group_dn("everyone"), "member", &user_dn("u0000"));
    lab.sync_changes();
    assert!(edges() - before <= 3, "one closed");
    lab.agrees_with_a_first_read();
}

#[test]
fn a_quarantined_entry_is_taken_as_soon_as_it_is_fine() {
    let mut directory = Directory::reference();
    // No text: cannot be a value.
    directory.user("odd", &[("labBytes", ": //79AA==")]);
    directory.group("mixed", &[&user_dn("odd")], &[]);
    let server = Slapd::options().session_log(1000).start(&directory);
    let url = server.url();
    let lab = Lab::of(roster_tests::Db::fresh(), server, &url);
    lab.configure(serde_json::json!({"attributes": {"bytes": "labBytes"}}));
    lab.sync();
    assert_eq!(lab.last_run("quarantined"), "1");
    lab.sync_changes();
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.quarantine"), 1, "looked at again, and still bad");
    lab.slapd.set(&user_dn("odd"), "labBytes", &["fine"]);
    lab.sync_changes();
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.quarantine"), 0);
    assert!(lab.members().contains(&"odd|mixed".to_owned()), "{:?}", lab.members());
    lab.agrees_with_a_first_read();
    let bad = format!("dn: {}\nchangetype: modify\nadd: labBytes\nlabBytes:: //79AA==\n-\n", user_dn("sam"));
    lab.slapd.modify(&bad);
    lab.slapd.rename(&user_dn("sam"), "uid=samuel");
    lab.sync_changes();
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.quarantine"), 1);
    assert!(lab.active_users().contains(&"sam".to_owned()), "what was known of it stays");
    assert!(lab.members().contains(&"sam|developers".to_owned()));
}
