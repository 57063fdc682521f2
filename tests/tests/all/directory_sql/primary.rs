//! The group that a user names is one that the user is in, whatever the group lists.

use super::Lab;

fn primary() -> Lab {
    let lab = Lab::new();
    lab.begin()
        .user_in("u1", "ann", Some("g1"))
        .user_in("u2", "bob", Some("g1"))
        .user_in("u3", "cid", None)
        .group("g1", "domain users", &[], &[])
        .group("g2", "admins", &[("user", "u1"), ("user", "u3")], &[])
        .complete();
    assert_eq!(lab.members(), ["admins/ann", "admins/cid", "domain users/ann", "domain users/bob"]);
    lab
}

#[test]
fn it_moves_both_ways() {
    let lab = primary();
    assert_eq!(lab.begin().user_in("u2", "bob", Some("g2")).partial(), "succeeded|1|0|1");
    assert_eq!(lab.members(), ["admins/ann", "admins/bob", "admins/cid", "domain users/ann"]);
    assert_eq!(lab.begin().user_in("u2", "bob", Some("g1")).partial(), "succeeded|1|0|1");
    assert_eq!(lab.members(), ["admins/ann", "admins/cid", "domain users/ann", "domain users/bob"]);
    assert_eq!(lab.begin().user_in("u2", "bob", None).partial(), "succeeded|0|0|1");
    assert_eq!(lab.begin().user_in("u2", "bob", Some("nowhere")).partial(), "succeeded|0|0|0");
    assert_eq!(lab.members(), ["admins/ann", "admins/cid", "domain users/ann"]);
}

#[test]
fn a_group_that_is_looked_at_lets_go_of_those_it_lists_only() {
    let lab = primary();
    // Neither lists any member now.
    assert_eq!(
        lab.begin().group("g1", "everybody", &[], &[]).group("g2", "admins", &[], &[]).partial(),
        "succeeded|0|1|2"
    );
    assert_eq!(lab.members(), ["everybody/ann", "everybody/bob"]);
    // The guard counts anew.
    lab.begin().complete();
    // Active Directory lists the former primary group and takes the new one out of the list.
    let done = lab
        .begin()
        .user_in("u1", "ann", Some("g2"))
        .group("g1", "everybody", &[("user", "u1")], &[])
        .group("g2", "admins", &[], &[])
        .partial();
    assert_eq!(done, "succeeded|1|0|0");
    assert_eq!(lab.members(), ["admins/ann", "everybody/ann", "everybody/bob"]);
    // Both are looked at, and neither has her any more.
    let done = lab
        .begin()
        .user_in("u1", "ann", None)
        .group("g1", "everybody", &[], &[])
        .group("g2", "admins", &[("user", "u3")], &[])
        .partial();
    assert_eq!(done, "succeeded|1|0|2");
    assert_eq!(lab.members(), ["admins/cid", "everybody/bob"]);
}

#[test]
fn it_may_come_later_than_those_who_name_it_and_go_before_them() {
    let lab = primary();
    lab.begin().user_in("u3", "cid", Some("g3")).partial();
    assert_eq!(lab.begin().group("g3", "guests", &[], &[]).partial(), "succeeded|2|0|0");
    assert!(lab.members().contains(&"guests/cid".to_owned()));
    assert_eq!(lab.begin().gone("group", "g3").partial(), "succeeded|0|0|2");
    lab.begin().user_in("u3", "cyd", Some("g3")).partial();
    assert_eq!(lab.members(), ["admins/ann", "admins/cyd", "domain users/ann", "domain users/bob"]);
    lab.begin().group("g3", "guests", &[], &[]).partial();
    assert!(lab.members().contains(&"guests/cyd".to_owned()));
    assert_eq!(lab.begin().gone("user", "u3").partial(), "succeeded|0|0|3");
}

#[test]
fn a_user_who_is_read_again_stays_in_it() {
    let lab = primary();
    let users = |lab: &Lab| {
        lab.begin()
            .user_in("u1", "ann", Some("g1"))
            .user_in("u2", "bobby", Some("g1"))
            .group("g1", "domain users", &[], &["zoe"])
            .complete()
    };
    assert_eq!(users(&lab), "succeeded|0|1|0");
    assert_eq!(users(&lab), "succeeded|0|0|0");
}
