//! Synchronisations and calls at the same time.

use std::sync::atomic::{AtomicBool, Ordering};

use roster_tests::{Directory, Rng, Session, group_dn, user_dn};
use serde_json::json;

use super::Lab;
use crate::model::Model;

#[test]
fn syncs_and_calls_at_the_same_time_leave_what_follows_from_the_facts() {
    let lab = Lab::with(&Directory::generated(60, 6));
    // More is taken away than the guard lets runs of one hour take that read what changed.
    lab.configure(json!({"incremental": "off"}));
    lab.sync();
    let calling = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let calls = Calls(&calling);
        for seed in 0..2 {
            let (session, calling) = (lab.db.session(), &calling);
            scope.spawn(move || call_at_random(&session, seed, || calling.load(Ordering::Relaxed)));
        }
        for round in 0..8 {
            for i in 0..10 {
                lab.slapd.set(
                    &user_dn(&format!("u{:04}", (round * 7 + i) % 60)),
                    "labCountry",
                    &[&format!("country {round}")],
                );
            }
            let child = group_dn(&format!("g{:02}", (round + 1) % 6));
            lab.slapd.set(
                &group_dn(&format!("g{:02}", round % 6)),
                "member",
                &[&user_dn("u0001"), &user_dn("u0002"), &child],
            );
            lab.db.run("SELECT roster.set_guard('corp-ldap', 'membership', 1000, 100)");
            lab.sync();
        }
        drop(calls);
    });
    Model::stated_in(&lab.db).assert_derived_in(&lab.db);
    lab.sync();
    assert_eq!(lab.last_run("added, changed, removed"), "0|0|0");
}

/// Dropped, also by a failed assertion, they end.
struct Calls<'a>(&'a AtomicBool);

impl Drop for Calls<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Calls about users and groups of the directory, until told to stop.
fn call_at_random(session: &Session, seed: u64, goes_on: impl Fn() -> bool) {
    let mut rng = Rng::seeded(seed);
    while goes_on() {
        let (user, group, other) = (rng.below(60), rng.below(6), rng.below(6));
        let call = match rng.below(5) {
            0 => format!("set_user_attribute('u{user:04}', 'badge', '{group}', iam => 'corp')"),
            1 => format!("add_member('g{group:02}', 'u{user:04}', iam => 'corp')"),
            2 => format!("set_group_attribute('g{group:02}', 'floor', '{other}', iam => 'corp')"),
            3 if group != other => format!("add_subgroup('g{group:02}', 'g{other:02}', iam => 'corp')"),
            _ => format!("remove_member('g{group:02}', 'u{user:04}', iam => 'corp')"),
        };
        if let Err(told) = session.try_lines(&format!("SELECT roster.{call}")) {
            // What the directory states is not for a call to remove; it may state it at any moment.
            let expected =
                ["[40P01]", "[40001]", "is stated by source"].iter().any(|text| told.contains(text));
            assert!(expected, "{call}: {told}");
        }
    }
}
