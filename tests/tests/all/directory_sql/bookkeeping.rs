//! What runs leave behind for the next: when everything is read again, who is missing, what a dropped source had.

use serde_json::json;

use super::Lab;

fn queued(lab: &Lab) -> Vec<String> {
    lab.db.lines("SELECT q.trigger, r.full_read FROM roster.sync_runs q JOIN roster_private.sync_run r USING (run_id) WHERE q.state = 'queued'")
}

fn long_ago(lab: &Lab) {
    lab.db.run(
        "UPDATE roster_private.source_state SET full_at = full_at - interval '2 days';
         UPDATE roster_private.sync_run SET queued_at = queued_at - interval '2 days'",
    );
}

fn two(run: super::Stage<'_>) -> super::Stage<'_> {
    run.user("u1", "ann").user("u2", "bob").user("u3", "cid")
}

const AT_ONE: &str = "complete => true, cursor => '{\"at\": 1}'";

#[test]
fn everything_is_read_again_after_a_day_and_the_run_says_what_was_missed() {
    let lab = Lab::new();
    let first = two(lab.begin_by("source => 'ad', full_read => true"));
    let run_id = first.run_id.clone();
    first.end(AT_ONE);
    let message =
        |run_id: &str| lab.db.line(&format!("SELECT message FROM roster.sync_runs WHERE run_id = {run_id}"));
    assert_eq!(message(&run_id), "", "there was nothing to compare with");
    lab.begin().user("u1", "anna").partial();
    assert_eq!(queued(&lab), [""; 0]);
    long_ago(&lab);
    let run = lab.begin();
    assert_eq!(run.asks("SELECT cursor, full_due FROM roster_private.ldap_state(RUN)"), [r#"{"at": 2}|t"#]);
    run.partial();
    assert_eq!(queued(&lab), ["schedule|t"]);
    lab.begin().partial();
    assert_eq!(queued(&lab), ["schedule|t"], "once");
    let full = lab.begin_next();
    let run_id = full.run_id.clone();
    assert_eq!(full.asks("SELECT cursor, full_due FROM roster_private.ldap_state(RUN)"), ["|t"]);
    full.user("u2", "bobby").value("user", "u2", "team", "red").end(AT_ONE);
    assert_eq!(message(&run_id), "full read: 2 differences that incremental runs had not brought");
    lab.begin().partial();
    assert_eq!(queued(&lab), [""; 0]);
    long_ago(&lab);
    lab.begin().partial();
    let full = lab.begin_next();
    let run_id = full.run_id.clone();
    full.end(&format!("note => 'two servers', {AT_ONE}"));
    assert_eq!(
        message(&run_id),
        "two servers; full read: no difference to what incremental runs had brought"
    );
}

#[test]
fn a_full_read_that_fails_is_not_repeated_with_every_change() {
    let lab = Lab::with(&json!({"full_every": "1 hour"}));
    two(lab.begin()).end(AT_ONE);
    long_ago(&lab);
    lab.begin().partial();
    let run_id = lab.begin_next().run_id;
    lab.daemon.run(&format!("SELECT roster_private.end_run({run_id}, 'failed', 'size limit')"));
    lab.begin().partial();
    assert_eq!(queued(&lab), [""; 0]);
    lab.db.run("UPDATE roster_private.sync_run SET queued_at = queued_at - interval '31 minutes'");
    lab.begin().partial();
    assert_eq!(queued(&lab), ["schedule|t"]);
}

#[test]
fn a_full_read_that_is_blocked_is_decided_before_anything_is_read_on() {
    let lab = Lab::new();
    two(lab.begin()).user("u4", "dan").end(AT_ONE);
    let blocked = lab
        .begin_by("source => 'ad', full_read => true")
        .gone("user", "u1")
        .gone("user", "u2")
        .gone("user", "u4")
        .end(AT_ONE);
    assert_eq!(blocked, "blocked|0|0|3");
    let run = lab.begin();
    assert_eq!(run.asks("SELECT cursor FROM roster_private.ldap_state(RUN)"), [""]);
    run.asks("SELECT roster_private.end_run(RUN, 'failed', 'a test')");
    lab.db.run("SELECT roster.apply_run(max(run_id), override_guard => true) FROM roster.sync_runs WHERE state = 'blocked'");
    assert_eq!(lab.begin().asks("SELECT cursor FROM roster_private.ldap_state(RUN)"), [r#"{"at": 1}"#]);
    assert_eq!(lab.users(), ["cid"]);
}

fn missing(lab: &Lab) -> i64 {
    lab.db.number("SELECT count(*) FROM roster_private.user_claim WHERE missing_since IS NOT NULL")
}

fn an_hour_passes(lab: &Lab) {
    lab.db.run("UPDATE roster_private.user_claim SET missing_since = missing_since - interval '61 minutes'");
}

#[test]
fn whoever_is_missing_stays_for_the_grace() {
    let lab = Lab::with(&json!({"grace": "1 hour"}));
    two(lab.begin()).group("g1", "staff", &[("user", "u1"), ("user", "u2")], &[]).end(AT_ONE);
    let gone = lab.begin().gone("user", "u1");
    let run_id = gone.run_id.clone();
    assert_eq!(gone.partial(), "succeeded|0|0|0");
    assert_eq!(
        lab.db.line(&format!("SELECT message FROM roster.sync_runs WHERE run_id = {run_id}")),
        "1 user is missing and in grace"
    );
    assert_eq!(lab.users(), ["ann", "bob", "cid"]);
    assert_eq!(lab.members(), ["staff/ann", "staff/bob"]);
    let run = lab.begin();
    // Whoever reads everything is not told that she is as she was; whoever is called so now is another.
    assert_eq!(
        run.asks("SELECT count(*), count(fingerprint) FROM roster_private.known_entities(RUN)"),
        ["4|3"]
    );
    assert_eq!(
        run.asks(&format!(
            "SELECT key FROM roster_private.ldap_members(RUN, ARRAY[{}])",
            super::reference("ann")
        )),
        [""; 0]
    );
    assert_eq!(run.waiting("ann"), ["g1"]);
    // Her entry may be back without having changed.
    assert_eq!(run.asks("SELECT * FROM roster_private.ldap_again(RUN)"), ["user|u1"]);
    // Missing still, which is nothing new. The group lists her, or not.
    let before = lab.rows_written();
    assert_eq!(run.gone("user", "u1").end(AT_ONE), "succeeded|0|0|0");
    assert!(lab.rows_written() - before <= 1, "the former name at most");
    assert_eq!(lab.begin().group("g1", "staff", &[("user", "u2")], &["ann"]).partial(), "succeeded|0|0|0");
    assert_eq!(lab.members(), ["staff/ann", "staff/bob"]);
    an_hour_passes(&lab);
    // Any run.
    assert_eq!(lab.begin().partial(), "succeeded|0|0|2");
    assert_eq!(lab.users(), ["bob", "cid"]);
    assert_eq!(lab.members(), ["staff/bob"]);
    assert_eq!(missing(&lab), 0);
}

#[test]
fn whoever_is_back_before_the_grace_is_over_never_left() {
    let lab = Lab::with(&json!({"grace": 3600}));
    two(lab.begin())
        .group("g1", "staff", &[("user", "u1")], &[])
        .group("g2", "team", &[("user", "u1")], &[])
        .end(AT_ONE);
    lab.begin().gone("user", "u1").partial();
    assert_eq!(missing(&lab), 1);
    // A directory that tidies up says that she is in no group.
    assert_eq!(lab.begin().group("g2", "team", &[], &[]).partial(), "succeeded|0|0|1");
    assert_eq!(lab.begin().user("u1", "ann").partial(), "succeeded|0|0|0");
    assert_eq!(missing(&lab), 0);
    an_hour_passes(&lab);
    lab.begin().partial();
    assert_eq!(lab.users(), ["ann", "bob", "cid"]);
    assert_eq!(lab.members(), ["staff/ann"]);
    assert_eq!(
        lab.db.lines("SELECT DISTINCT change FROM roster.changes WHERE kind = 'user' AND subject = 'ann'"),
        ["add"]
    );
}

#[test]
fn an_entry_that_cannot_be_taken_is_not_missing() {
    let lab = Lab::with(&json!({"grace": "1 hour"}));
    two(lab.begin()).end(AT_ONE);
    lab.begin().gone("user", "u1").partial();
    an_hour_passes(&lab);
    assert_eq!(lab.begin().quarantined("u1", Some("bad bytes")).partial(), "succeeded|0|0|0");
    assert_eq!(missing(&lab), 0);
    lab.begin().partial();
    assert_eq!(lab.users(), ["ann", "bob", "cid"]);
}

#[test]
fn a_newcomer_does_not_get_the_name_of_somebody_in_grace() {
    let lab = Lab::with(&json!({"grace": "1 hour"}));
    two(lab.begin()).end(AT_ONE);
    lab.db.run("SELECT roster.disable_user('ann', iam => 'corp')");
    assert_eq!(lab.begin().gone("user", "u1").user("u9", "ann").partial(), "succeeded|0|0|0");
    assert_eq!(lab.db.lines("SELECT key FROM roster.quarantine"), ["u9"]);
    an_hour_passes(&lab);
    assert_eq!(lab.begin().user("u9", "ann").partial(), "succeeded|1|0|0");
}

#[test]
fn without_a_grace_whoever_was_in_one_leaves() {
    let lab = Lab::with(&json!({"grace": "1 hour"}));
    two(lab.begin()).end(AT_ONE);
    lab.begin().gone("user", "u1").partial();
    lab.sets_config(&json!({}));
    assert_eq!(lab.begin().partial(), "succeeded|0|0|1");
    let told = lab.db.error("SELECT roster.alter_source('ad', config => '{\"grace\": \"soon\"}')");
    assert!(told.contains("\"grace\""), "{told}");
    let told = lab.db.error("SELECT roster.alter_source('ad', config => '{\"full_every\": -1}')");
    assert!(told.contains("\"full_every\""), "{told}");
}

#[test]
fn a_dropped_source_leaves_nothing() {
    let lab = Lab::with(&json!({"grace": "1 hour"}));
    two(lab.begin())
        .group("g1", "staff", &[("user", "u1")], &["zoe"])
        .value("platform", "u1", "snowflake", "ANN")
        .end("complete => true, cursor => '{\"at\": 1}', containers => '{\"all\": true, \"set\": {\"00000000-0000-0000-0000-000000000001\": \"00000000-0000-0000-0000-000000000002\"}}'");
    lab.begin().gone("user", "u1").partial();
    lab.daemon.run("SELECT * FROM roster_private.hold_live('00000000-0000-0000-0000-000000000001')");
    lab.db.run("SELECT roster.drop_source('ad', override_guard => true)");
    assert_eq!(lab.users(), [""; 0]);
    for table in [
        "user_claim",
        "group_claim",
        "member_pending",
        "directory_container",
        "source_live",
        "source_state",
        "platform_username",
    ] {
        assert_eq!(lab.db.number(&format!("SELECT count(*) FROM roster_private.{table}")), 0, "{table}");
    }
}
