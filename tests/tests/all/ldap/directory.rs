//! What real directories contain: cycles, dangling members, odd values, groups that come and go.

use roster_tests::{BASE, Directory, group_dn, user_dn};
use serde_json::json;

use super::Lab;
use crate::model::Model;

#[test]
fn nested_groups_with_a_cycle_and_a_group_in_itself_give_the_right_members() {
    let mut directory = Directory::default();
    for user in ["ann", "bob", "cyd"] {
        directory.user(user, &[]);
    }
    directory.group("a", &[&user_dn("ann"), &group_dn("b"), &group_dn("a")], &[("labOrganization", "A")]);
    directory.group("b", &[&user_dn("bob"), &group_dn("c")], &[("labOrganization", "B")]);
    directory.group("c", &[&user_dn("cyd"), &group_dn("a")], &[("labOrganization", "C")]);
    let lab = Lab::with(&directory);
    lab.sync();
    let model = Model::stated_in(&lab.db);
    assert_eq!(lab.members(), ["ann|a", "bob|b", "cyd|c"]);
    let nestings =
        [("a", "b"), ("b", "c"), ("c", "a")].map(|(parent, child)| (parent.to_owned(), child.to_owned()));
    assert_eq!(model.nestings, nestings.into(), "a group in itself says nothing");
    model.assert_derived_in(&lab.db);
    let of_bob =
        lab.db.lines("SELECT value FROM roster.effective_attributes WHERE username = 'bob' ORDER BY 1");
    assert_eq!(of_bob, ["A", "B", "C"]);
    lab.slapd.set(&group_dn("c"), "member", &[&user_dn("cyd")]);
    lab.sync();
    Model::stated_in(&lab.db).assert_derived_in(&lab.db);
    assert_eq!(lab.db.lines("SELECT value FROM roster.effective_attributes WHERE username = 'ann'"), ["A"]);
}

#[test]
fn members_that_are_unknown_wait_until_they_arrive() {
    let mut directory = Directory::reference();
    directory.entry(
        &format!("ou=elsewhere,{BASE}"),
        &[("objectClass", "organizationalUnit"), ("ou", "elsewhere")],
    );
    let outside = format!("uid=out,ou=elsewhere,{BASE}");
    directory
        .entry(&outside, &[("objectClass", "inetOrgPerson"), ("uid", "out"), ("cn", "out"), ("sn", "out")]);
    directory.group("mixed", &[&user_dn("sam"), &user_dn("later"), &outside, "cn=no such,dc=nowhere"], &[]);
    let lab = Lab::with(&directory);
    lab.sync();
    assert_eq!(lab.last_run("state, quarantined"), "succeeded|0", "a dangling member is no error");
    let mixed =
        || lab.db.lines("SELECT member_name FROM roster.memberships WHERE group_name = 'mixed' ORDER BY 1");
    assert_eq!(mixed(), ["sam"]);
    lab.sync();
    assert_eq!(lab.last_run("added, changed, removed"), "0|0|0");
    lab.slapd.add(|more| more.user("later", &[]));
    lab.sync();
    assert_eq!(mixed(), ["later", "sam"], "resolved on arrival, though the group did not change");
    lab.configure(json!({"user_base": BASE}));
    lab.sync();
    assert_eq!(mixed(), ["later", "out", "sam"]);
}

#[test]
fn distinguished_names_are_understood_however_they_are_spelt() {
    let mut directory = Directory::default();
    let dn = format!(r"cn=Smith\2C Jos\C3\A9 \+ Co,ou=people,{BASE}");
    directory.entry(
        &dn,
        &[
            ("objectClass", "inetOrgPerson"),
            ("uid", "jose"),
            ("cn", ": U21pdGgsIEpvc8OpICsgQ28="),
            ("sn", "Smith"),
        ],
    );
    directory.entry(
        &format!("uid=multi+cn=Multi,ou=people,{BASE}"),
        &[("objectClass", "inetOrgPerson"), ("uid", "multi"), ("cn", "Multi"), ("sn", "Multi")],
    );
    directory.group(
        "spelling",
        &[
            "CN=smith\\, jos\\C3\\A9 \\2B co, OU=People, DC=Example, DC=org",
            "cn=multi + UID=Multi,ou=people,dc=example,dc=org",
        ],
        &[],
    );
    let lab = Lab::with(&directory);
    lab.sync();
    assert_eq!(lab.members(), ["jose|spelling", "multi|spelling"]);
}

#[test]
fn odd_values_follow_a_stable_rule() {
    let mut directory = Directory::reference();
    let long = "word ".repeat(13_107) + "end";
    directory.user(
        "odd",
        &[
            ("mail", "second@example.org"),
            ("mail", "third@example.org"),
            ("cn;lang-de", "Ungerade"),
            ("labRole", &long),
        ],
    );
    let lab = Lab::with(&directory);
    lab.sync();
    let mails = ["odd@example.org", "second@example.org", "third@example.org"];
    let email = lab.db.line("SELECT email FROM roster.users WHERE username = 'odd'");
    assert!(mails.contains(&email.as_str()), "one of the values: {email}");
    assert_eq!(
        lab.db.line("SELECT display_name FROM roster.users WHERE username = 'odd'"),
        "odd",
        "an option is another attribute"
    );
    assert_eq!(lab.db.line("SELECT value FROM roster.user_attributes WHERE owner = 'odd'"), long);
    lab.sync();
    assert_eq!(lab.last_run("added, changed, removed, quarantined"), "0|0|0|0");
    lab.slapd.set(&user_dn("odd"), "labRole", &[]);
    lab.sync();
    assert_eq!(lab.db.lines("SELECT value FROM roster.user_attributes WHERE owner = 'odd'"), [""; 0]);
}

#[test]
fn both_normal_forms_of_a_name_in_the_directory_are_the_same_name() {
    let mut directory = Directory::default();
    // base64 of "jose" + combining acute accent, and of "équipe" in one piece.
    directory.entry(
        &format!("uid=one,ou=people,{BASE}"),
        &[
            ("objectClass", "inetOrgPerson"),
            ("uid", "one"),
            ("cn", ": am9zZcyB"),
            ("sn", "x"),
            ("employeeType", ": am9zZcyB"),
        ],
    );
    directory
        .entry(&format!("ou=two,ou=groups,{BASE}"), &[("objectClass", "organizationalUnit"), ("ou", "two")]);
    directory.group("team", &[&user_dn("one")], &[("description", ": ZcyBcXVpcGU=")]);
    let lab = Lab::with(&directory);
    lab.configure(json!({"username_attribute": "cn", "attributes": {"type": "employeeType"}, "group_name_attribute": "description"}));
    lab.sync();
    assert_eq!(lab.members(), ["jos\u{e9}|\u{e9}quipe"]);
    assert_eq!(lab.db.lines("SELECT value FROM roster.effective_attributes"), ["jos\u{e9}"]);
    lab.db.run("SELECT roster.set_user_attribute('JOSE\u{301}', 'badge', 'blue', iam => 'corp')");
}

#[test]
fn a_group_deleted_and_created_anew_has_the_new_members_only() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    lab.slapd.delete(&group_dn("Field_Sales"));
    lab.slapd.add(|more| {
        more.group("Field_Sales", &[&user_dn("sara"), &user_dn("fiona")], &[("labTerritories", "TX")])
    });
    lab.db.run("SELECT roster.set_guard('corp-ldap', 'membership', 100, 100)");
    let done = lab.daemon.run(&["sync", "corp-ldap"]);
    assert_eq!(done.code, Some(0), "2 of 3 memberships are not half of four: {done:?}");
    assert_eq!(lab.members(), ["fiona|Field_Sales", "sam|developers", "sara|Field_Sales"]);
    assert_eq!(lab.db.lines("SELECT value FROM roster.group_attributes WHERE owner = 'Field_Sales'"), ["TX"]);
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.groups WHERE group_name = 'Field_Sales'"), 1);
    Model::stated_in(&lab.db).assert_derived_in(&lab.db);
}

#[test]
fn an_emptied_group_is_kept_empty() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    lab.slapd.set(&group_dn("developers"), "member", &[]);
    lab.sync();
    assert_eq!(lab.members(), ["fiona|Field_Sales", "stephanie|Field_Sales"]);
    assert_eq!(
        lab.db.lines("SELECT group_name FROM roster.groups WHERE group_name = 'developers'"),
        ["developers"]
    );
}

#[test]
fn a_group_that_left_is_invisible_and_back_with_its_manual_facts() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    let id = lab.db.line("SELECT group_id FROM roster.groups WHERE group_name = 'developers'");
    lab.db.run("SELECT roster.set_group_attribute('developers', 'badge', 'blue', iam => 'corp')");
    lab.configure(json!({"group_filter": "(&(objectClass=labGroup)(!(cn=developers)))"}));
    lab.sync();
    assert_eq!(
        lab.db.lines("SELECT * FROM roster.effective_groups WHERE group_name = 'developers'"),
        [""; 0]
    );
    assert_eq!(lab.db.lines("SELECT * FROM roster.effective_attributes WHERE username = 'sam'"), [""; 0]);
    lab.configure(json!({"group_filter": "(objectClass=labGroup)"}));
    lab.sync();
    assert_eq!(lab.db.line("SELECT group_id FROM roster.groups WHERE group_name = 'developers'"), id);
    let sam = lab.db.lines("SELECT value FROM roster.effective_attributes WHERE username = 'sam' ORDER BY 1");
    assert_eq!(sam, ["blue", "engineering"]);
}

#[test]
fn a_second_group_of_the_same_name_is_quarantined_unless_groups_go_by_dn() {
    let mut directory = Directory::reference();
    directory.entry(
        &format!("ou=more,ou=groups,{BASE}"),
        &[("objectClass", "organizationalUnit"), ("ou", "more")],
    );
    directory.entry(
        &format!("cn=developers,ou=more,ou=groups,{BASE}"),
        &[("objectClass", "labGroup"), ("cn", "developers"), ("member", &user_dn("steve"))],
    );
    let lab = Lab::with(&directory);
    lab.sync();
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.groups WHERE group_name = 'developers'"), 1);
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.quarantine WHERE kind = 'group'"), 1);
    lab.configure(json!({"group_name_attribute": "dn"}));
    lab.sync();
    assert_eq!(
        lab.db.number("SELECT count(*) FROM roster.groups WHERE group_name ILIKE 'cn=developers,%'"),
        2
    );
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.quarantine"), 0);
}

#[test]
fn one_member_more_or_less_in_a_big_group_writes_one_or_two_rows() {
    let mut directory = Directory::default();
    let dns: Vec<_> = (0..3000).map(|i| user_dn(&format!("u{i:04}"))).collect();
    for i in 0..3000 {
        directory.user(&format!("u{i:04}"), &[]);
    }
    let members: Vec<_> = dns[1..].iter().map(String::as_str).collect();
    directory.group("everyone", &members, &[("labOrganization", "all")]);
    let lab = Lab::with(&directory);
    lab.configure(json!({"page_size": 500}));
    lab.sync();
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.memberships"), 2999);
    let everyone = group_dn("everyone");
    for (what, dn) in [("add", &dns[0]), ("delete", &dns[7])] {
        let before = edge_rows_written(&lab);
        lab.slapd.modify(&format!("dn: {everyone}\nchangetype: modify\n{what}: member\nmember: {dn}\n-\n"));
        lab.sync();
        assert_eq!(lab.last_run("added + changed + removed"), "1", "{what}");
        let written = edge_rows_written(&lab) - before;
        assert!((1..=2).contains(&written), "{what}: {written} rows of edges written");
    }
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.memberships"), 2999);
}

/// Rows ever written to the tables of memberships, history included.
fn edge_rows_written(lab: &Lab) -> i64 {
    super::unchanged::wait_for_statistics(lab);
    lab.db.number(
        "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables
         WHERE schemaname = 'roster_private' AND relname IN ('membership', 'membership_history')",
    )
}
