//! The daemon may die at any moment: the data is as before the run or as after it, never in between.

use std::time::{Duration, Instant};

use roster_tests::{Directory, Rng, group_dn, user_dn};
use serde_json::json;

use super::Lab;
use super::unchanged::wait_for_statistics;
use crate::model::Model;

const KILLS: usize = 30;

#[test]
fn thirty_kills_at_random_moments_leave_the_state_before_or_after() {
    let lab = Lab::with(&Directory::generated(600, 20));
    lab.configure(json!({"page_size": 100}));
    lab.sync();
    let mut rng = Rng::seeded(30);
    let mut times = vec![timed_sync(&lab, 0)];
    let (mut untouched, mut done) = (0, 0);
    for round in 1..=KILLS {
        change_everything(&lab, round);
        let before = lab.hash();
        let usual = times.iter().sum::<Duration>() / times.len() as u32;
        let mut running = lab.daemon.spawn(&["sync", "corp-ldap"]);
        running.ends_within(usual * rng.below(1100) as u32 / 1000);
        running.kill();
        // The server may still be at it: it learns of the death only when it answers.
        wait_for_statistics(&lab);
        let found = lab.hash();
        times.push(timed_sync(&lab, round));
        let after = lab.hash();
        assert_ne!(before, after);
        assert!(found == before || found == after, "a third state after kill {round}");
        *(if found == before { &mut untouched } else { &mut done }) += 1;
    }
    Model::stated_in(&lab.db).assert_derived_in(&lab.db);
    println!("{untouched} kills before the apply, {done} after it");
    assert!(untouched > 0, "no kill came before the apply: {untouched} before, {done} after");
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.sync_runs WHERE state = 'running'"), 0);
}

/// A complete sync, and how long it takes.
fn timed_sync(lab: &Lab, round: usize) -> Duration {
    let start = Instant::now();
    let done = lab.daemon.run(&["sync", "corp-ldap"]);
    assert_eq!(done.code, Some(0), "round {round}: {done:?}");
    start.elapsed()
}

/// Users, attributes, memberships and nestings, in one modification each.
fn change_everything(lab: &Lab, round: usize) {
    let mut ldif = String::new();
    for i in 0..40 {
        let dn = user_dn(&format!("u{:04}", (round * 40 + i) % 600));
        ldif +=
            &format!("dn: {dn}\nchangetype: modify\nreplace: labCountry\nlabCountry: country {round}\n-\n\n");
    }
    let group = group_dn(&format!("g{:02}", round % 20));
    let child = group_dn(&format!("g{:02}", (round * 7 + 1) % 20));
    let member = user_dn(&format!("u{:04}", (round * 13) % 600));
    for value in [child, member].iter().filter(|value| **value != group) {
        let there =
            lab.slapd.search(&format!("(&(cn=g{:02})(member={value}))", round % 20), &["dn"]).contains("dn:");
        let verb = if there { "delete" } else { "add" };
        ldif += &format!("dn: {group}\nchangetype: modify\n{verb}: member\nmember: {value}\n-\n\n");
    }
    lab.slapd.modify(&ldif);
    lab.slapd.add(|more| more.user(&format!("n{round:04}"), &[]));
}
