//! Many small runs take no more than one large run may.

use serde_json::json;

use super::Lab;

/// With that many users, all in one group.
fn lab_of(users: usize) -> Lab {
    let lab = Lab::with(&json!({"full_every": 3600}));
    let ids: Vec<String> = (0..users).map(|n| format!("u{n}")).collect();
    let mut run = lab.begin();
    for id in &ids {
        run = run.user(id, id);
    }
    let members: Vec<(&str, &str)> = ids.iter().map(|id| ("user", id.as_str())).collect();
    run.group("g1", "staff", &members, &[]).complete();
    lab
}

fn gone(lab: &Lab, from: usize, to: usize) -> String {
    let mut run = lab.begin();
    for n in from..to {
        run = run.gone("user", &format!("u{n}"));
    }
    run.partial()
}

fn last_message(lab: &Lab) -> String {
    lab.db.line("SELECT message FROM roster.sync_runs ORDER BY run_id DESC LIMIT 1")
}

#[test]
fn a_creeping_wipe_is_stopped_at_its_third_step_and_let_through_by_a_person() {
    let lab = lab_of(200);
    assert!(gone(&lab, 0, 20).starts_with("succeeded|"));
    assert!(gone(&lab, 20, 40).starts_with("succeeded|"));
    assert_eq!(gone(&lab, 40, 60), "blocked|0|0|40");
    let told = last_message(&lab);
    assert!(
        told.contains(
            "60 users (40 of them by runs of the last hour) would be removed: more than 50 and more than 10 %"
        ),
        "{told}"
    );
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.users WHERE active"), 160);
    lab.db.run("SELECT roster.apply_run(max(run_id), override_guard => true) FROM roster.sync_runs");
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.users WHERE active"), 140);
    // Counting begins anew.
    assert!(gone(&lab, 60, 80).starts_with("succeeded|"));
    assert!(gone(&lab, 80, 100).starts_with("succeeded|"));
    assert!(gone(&lab, 100, 120).starts_with("blocked|"));
}

#[test]
fn a_complete_run_and_time_end_the_count() {
    let lab = lab_of(200);
    gone(&lab, 0, 20);
    gone(&lab, 20, 40);
    lab.begin().complete();
    assert!(gone(&lab, 40, 60).starts_with("succeeded|"));
    assert!(gone(&lab, 60, 80).starts_with("succeeded|"));
    lab.db.run("UPDATE roster_private.sync_run SET finished_at = finished_at - interval '61 minutes'");
    assert!(gone(&lab, 80, 100).starts_with("succeeded|"));
}

#[test]
fn more_than_half_in_small_steps_is_more_than_half() {
    let lab = lab_of(120);
    lab.db
        .run("SELECT roster.set_guard('ad', 'user', 50, 100), roster.set_guard('ad', 'membership', 50, 100)");
    assert!(gone(&lab, 0, 25).starts_with("succeeded|"));
    assert!(gone(&lab, 25, 50).starts_with("succeeded|"));
    assert!(gone(&lab, 50, 75).starts_with("blocked|"));
    let told = last_message(&lab);
    assert!(
        told.contains(
            "75 of 120 users (50 of them by runs of the last hour) would be removed: all or more than half"
        ),
        "{told}"
    );
}

#[test]
fn a_handful_in_small_steps_is_daily_work() {
    let lab = lab_of(12);
    for (from, to) in [(0, 3), (3, 6), (6, 7)] {
        assert!(gone(&lab, from, to).starts_with("succeeded|"));
    }
    assert!(gone(&lab, 7, 11).starts_with("blocked|"), "in one step it is not");
}

#[test]
fn the_end_of_a_primary_group_is_that_of_a_membership() {
    let lab = Lab::new();
    let mut run = lab.begin().group("g1", "domain users", &[], &[]);
    for n in 0..10 {
        run = run.user_in(&format!("u{n}"), &format!("u{n}"), Some("g1"));
    }
    run.complete();
    let mut run = lab.begin();
    for n in 0..6 {
        run = run.user_in(&format!("u{n}"), &format!("u{n}"), None);
    }
    assert_eq!(run.partial(), "blocked|0|0|6");
    assert!(last_message(&lab).contains("6 of 10 memberships would be removed"));
}
