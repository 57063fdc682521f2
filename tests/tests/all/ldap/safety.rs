//! What a server says on bad days removes nothing, and arrives when the day is better.

use std::time::{Duration, Instant};

use roster_tests::fake_ldap::{FakeLdap, Script, Trick};
use roster_tests::{Directory, user_dn};
use serde_json::json;

use super::Lab;

const PEOPLE: &str = "ou=people";
const GROUPS: &str = "ou=groups";

/// 45 users in pages of ten, synced once; four have left since.
fn with_leavers() -> Lab<FakeLdap> {
    let lab = Lab::faked(Script::openldap(&Directory::generated(45, 4)));
    lab.configure(json!({"page_size": 10, "group_filter": "(objectClass=labGroup)"}));
    lab.sync();
    assert_eq!((lab.active_users().len(), lab.members().len()), (45, 17));
    lab.fake().change(|script| {
        let left: Vec<_> = (0..4).map(|n| user_dn(&format!("u{n:04}"))).collect();
        script.entries.retain(|entry| !left.contains(&entry.dn));
    });
    lab
}

fn only(lab: &Lab<FakeLdap>, search: &str, trick: &Trick) {
    lab.fake().change(|script| script.tricks = vec![(search.to_owned(), trick.clone())]);
}

fn assert_leavers_leave(lab: &Lab<FakeLdap>) {
    lab.fake().now(None);
    lab.sync();
    assert_eq!(lab.active_users().len(), 41, "the removals arrive with the next complete read");
}

#[test]
fn no_way_of_breaking_off_removes_anything() {
    let lab = with_leavers();
    for (trick, said) in [
        (Trick::Silence { page: 0 }, "no answer within 2 s"),
        (Trick::Cut { page: 0 }, "connection was lost"),
        (Trick::HalfMessage { page: 0 }, "did not come to its end"),
        (Trick::End { page: 0, code: 4 }, "sizeLimitExceeded"),
        (Trick::End { page: 0, code: 3 }, "timeLimitExceeded"),
        (Trick::End { page: 0, code: 11 }, "adminLimitExceeded"),
        (Trick::End { page: 0, code: 1 }, "operationsError"),
        (Trick::End { page: 0, code: 51 }, "busy"),
        (Trick::Referral, "points elsewhere"),
        (Trick::SameCookie, "goes in circles"),
        (Trick::FreshCookies, "goes in circles"),
        (Trick::EmptyPages, "goes in circles"),
    ] {
        for search in [PEOPLE, GROUPS] {
            only(&lab, search, &trick);
            let start = Instant::now();
            let done = lab.sync_fails();
            assert!(done.contains(said), "{trick:?} at {search}: {done}");
            assert!(start.elapsed() < Duration::from_secs(30), "{trick:?} at {search} ends");
        }
    }
    assert_leavers_leave(&lab);
}

#[test]
fn a_later_page_is_no_better_an_end() {
    let lab = with_leavers();
    for page in [1, 4] {
        for trick in [
            Trick::Silence { page },
            Trick::Cut { page },
            Trick::HalfMessage { page },
            Trick::End { page, code: 4 },
        ] {
            only(&lab, PEOPLE, &trick);
            lab.sync_fails();
        }
    }
    assert_leavers_leave(&lab);
}

#[test]
fn an_empty_success_removes_nothing_and_says_how_to_decide() {
    let lab = with_leavers();
    for search in [PEOPLE, GROUPS, ""] {
        only(&lab, search, &Trick::Empty);
        let said = lab.sync_is_blocked();
        assert!(said.contains("never taken without an override"), "{search}: {said}");
    }
    assert_leavers_leave(&lab);
}

/// However few there are, and whatever limits somebody has set.
#[test]
fn an_empty_success_does_not_remove_the_only_user() {
    let mut directory = Directory::default();
    directory.user("ann", &[]);
    directory.group("one", &[&user_dn("ann")], &[]);
    let lab = Lab::faked(Script::openldap(&directory));
    lab.sync();
    lab.db.run(
        "SELECT roster.set_guard('corp-ldap', kind, 1000, 100)
         FROM unnest('{user,group,membership,user_attribute,group_attribute}'::text[]) kind",
    );
    for search in [PEOPLE, GROUPS] {
        only(&lab, search, &Trick::Empty);
        lab.sync_is_blocked();
    }
    assert_eq!(lab.members(), ["ann|one"]);
    // It was true: somebody decides.
    only(&lab, PEOPLE, &Trick::Empty);
    lab.sync_is_blocked();
    let run = lab.last_run("run_id");
    lab.db.run(&format!("SELECT roster.apply_run({run}, override_guard => true)"));
    assert_eq!(lab.active_users(), [""; 0]);
}

#[test]
fn a_directory_that_is_empty_from_the_start_is_no_error() {
    let lab = Lab::faked(Script::openldap(&Directory::default()));
    lab.sync();
    assert_eq!(lab.last_run("state, read"), "succeeded|0");
}

#[test]
fn references_to_other_servers_are_counted_and_left_alone() {
    let lab = with_leavers();
    lab.fake().now(Some(Trick::References));
    lab.sync();
    assert_eq!(lab.active_users().len(), 41, "what was found is complete");
    let message = lab.last_run("message");
    // Each user, and each group in both of its searches.
    assert!(message.contains("49 referrals to other servers were not followed"), "{message}");
}
