//! Groups are found by what they call their members.

use super::{Lab, reference};

#[test]
fn a_name_that_leads_to_nobody_is_waited_for() {
    let lab = Lab::new();
    lab.begin()
        .user("u1", "ann")
        .group("g1", "staff", &[("user", "u1")], &["zoe", "yan"])
        .group("g2", "admins", &[("user", "u1")], &[])
        .group("g3", "guests", &[("user", "u1")], &[])
        .complete();
    assert_eq!(lab.pending(), ["staff|f", "staff|f"]);
    let run = lab.begin();
    assert_eq!(run.waiting("zoe"), ["g1"]);
    assert_eq!(run.waiting("ann"), [""; 0]);
    // She arrives, and the group is looked at with her.
    run.user("u2", "zoe").group("g1", "staff", &[("user", "u1"), ("user", "u2")], &["yan"]).partial();
    assert_eq!(lab.members(), ["admins/ann", "guests/ann", "staff/ann", "staff/zoe"]);
    assert_eq!(lab.pending(), ["staff|f"]);
    let run = lab.begin();
    assert_eq!(run.waiting("zoe"), [""; 0]);
    assert_eq!(run.waiting("yan"), ["g1"]);
    run.gone("group", "g1").partial();
    assert_eq!(lab.db.number("SELECT count(*) FROM roster_private.member_pending"), 0);
}

#[test]
fn a_renamed_member_keeps_memberships_and_leaves_the_name_behind() {
    let lab = Lab::new();
    lab.begin()
        .user("u1", "ann")
        .user("u2", "bob")
        .group("g1", "staff", &[("user", "u1"), ("group", "g2")], &[])
        .group("g2", "team", &[("user", "u2")], &[])
        .complete();
    assert_eq!(
        lab.begin().user("u1", "anna").group("g2", "squad", &[("user", "u2")], &[]).partial(),
        "succeeded|0|2|0"
    );
    assert_eq!(lab.members(), ["squad/bob", "staff/anna", "staff/squad"]);
    let run = lab.begin();
    let known = |dn: &str| {
        run.asks(&format!("SELECT kind, key FROM roster_private.ldap_members(RUN, ARRAY[{}])", reference(dn)))
            .len()
    };
    assert_eq!((known("ann"), known("anna"), known("team"), known("squad")), (0, 1, 0, 1));
    // Whoever is called so next may be meant by the group, which nobody would report.
    assert_eq!(run.waiting("ann"), ["g1"]);
    assert_eq!(run.waiting("team"), ["g1"]);
    assert_eq!(run.waiting("bob"), [""; 0]);
    // A group that was looked at says what it lists.
    run.group("g1", "staff", &[("user", "u1"), ("group", "g2")], &["ann"]).partial();
    assert_eq!(lab.pending(), ["staff|f"]);
    // Everything was read: what names groups use is known.
    lab.begin().complete();
    assert_eq!(lab.pending(), ["staff|f"]);
}

#[test]
fn a_complete_run_forgets_former_names() {
    let lab = Lab::new();
    lab.begin()
        .user("u1", "ann")
        .user("u2", "bob")
        .group("g1", "staff", &[("user", "u1"), ("user", "u2")], &[])
        .complete();
    assert_eq!(lab.begin().gone("user", "u1").partial(), "succeeded|0|0|2");
    assert_eq!(lab.pending(), ["staff|t"]);
    lab.begin().complete();
    assert_eq!(lab.pending(), [""; 0]);
}

#[test]
fn a_member_who_could_not_be_taken_is_waited_for() {
    let lab = Lab::new();
    lab.begin().user("u1", "ann").complete();
    // Two who cannot be taken: the name is another's, or empty.
    lab.begin()
        .user("u2", "ann")
        .user("u3", "")
        .group("g1", "staff", &[("user", "u2"), ("user", "u3")], &[])
        .partial();
    assert_eq!(lab.members(), [""; 0]);
    let run = lab.begin();
    assert_eq!(run.waiting("ann"), ["g1"]);
    assert_eq!(run.waiting(""), ["g1"]);
    run.user("u2", "anton").group("g1", "staff", &[("user", "u2"), ("user", "u3")], &[]).partial();
    assert_eq!(lab.members(), ["staff/anton"]);
}

#[test]
fn two_who_swap_names_stay_who_they_are() {
    let lab = Lab::new();
    lab.begin().user("u1", "ann").user("u2", "bob").group("g1", "staff", &[("user", "u1")], &[]).complete();
    assert_eq!(lab.begin().user("u1", "bob").user("u2", "ann").partial(), "succeeded|0|2|0");
    assert_eq!(lab.members(), ["staff/bob"]);
    assert_eq!(lab.begin().waiting("ann"), ["g1"]);
}
