//! What else a directory states about users: how they are called elsewhere, and that they are gone.

use super::Lab;

fn platforms(lab: &Lab) -> Vec<String> {
    lab.db.lines("SELECT username, platform_username FROM roster.platform_users WHERE platform = 'snowflake' AND username <> platform_username ORDER BY 1")
}

fn called() -> Lab {
    let lab = Lab::new();
    let done = lab
        .begin()
        .user("u1", "ann")
        .value("platform", "u1", "snowflake", "ANN")
        .user("u2", "bob")
        .value("platform", "u2", "snowflake", "BOB")
        .user("u3", "cid")
        .complete();
    assert_eq!(done, "succeeded|5|0|0");
    lab
}

#[test]
fn a_platform_username_comes_changes_and_goes() {
    let lab = called();
    assert_eq!(platforms(&lab), ["ann|ANN", "bob|BOB"]);
    let done = lab
        .begin()
        .user("u1", "anna")
        .value("platform", "u1", "snowflake", "ANNA")
        .user("u2", "bobby")
        .partial();
    assert_eq!(done, "succeeded|1|2|2");
    assert_eq!(platforms(&lab), ["anna|ANNA"]);
    assert_eq!(lab.begin().gone("user", "u1").partial(), "succeeded|0|0|2");
    assert_eq!(lab.db.number("SELECT count(*) FROM roster_private.platform_username"), 0);
    assert_eq!(
        lab.db.lines(
            "SELECT change, subject, before ->> 'platform_username', after ->> 'platform_username' FROM roster.changes
             WHERE kind = 'platform_username' AND subject LIKE 'ann%' ORDER BY change_id"
        ),
        ["add|anna||ANN", "remove|anna|ANN|", "add|anna||ANNA", "remove|anna|ANNA|"]
    );
}

#[test]
fn a_plan_lists_platform_usernames_as_what_they_are() {
    let lab = called();
    lab.begin_by("source => 'ad', mode => 'plan'")
        .user("u1", "anna")
        .value("platform", "u1", "snowflake", "ANNA")
        .user("u4", "dan")
        .value("platform", "u4", "snowflake", "DAN")
        .partial();
    assert_eq!(platforms(&lab), ["ann|ANN", "bob|BOB"]);
    let changes = "SELECT change, subject, name, before, after FROM roster.sync_changes
                   WHERE kind = 'platform_username' AND run_id = (SELECT max(run_id) FROM roster.sync_runs) ORDER BY 1, 2";
    let planned = lab.db.lines(changes);
    assert_eq!(
        planned,
        [
            r#"add|anna|snowflake||{"state": "value", "platform_username": "ANNA"}"#,
            r#"add|dan|snowflake||{"state": "value", "platform_username": "DAN"}"#,
            r#"remove|anna|snowflake|{"state": "value", "platform_username": "ANN"}|"#
        ]
    );
    lab.db.run("SELECT roster.apply_run(max(run_id)) FROM roster.sync_runs");
    assert_eq!(lab.db.lines(changes), planned);
    assert_eq!(platforms(&lab), ["anna|ANNA", "bob|BOB", "dan|DAN"]);
}

#[test]
fn what_an_administrator_set_stands_until_it_is_taken_back() {
    let lab = called();
    lab.db.run("SELECT roster.set_platform_username('ann', 'snowflake', 'BY_HAND', iam => 'corp')");
    lab.db.run("SELECT roster.set_platform_username('cid', 'snowflake', 'C', iam => 'corp')");
    let all = || {
        lab.begin()
            .user("u1", "ann")
            .value("platform", "u1", "snowflake", "ANN")
            .user("u3", "cyd")
            .value("platform", "u3", "snowflake", "CYD")
            .partial()
    };
    assert_eq!(all(), "succeeded|0|1|0");
    assert_eq!(platforms(&lab), ["ann|BY_HAND", "bob|BOB", "cyd|C"]);
    lab.begin().gone("user", "u3").partial();
    assert_eq!(lab.db.number("SELECT count(*) FROM roster_private.platform_username WHERE source_id = 1"), 2);
    lab.db.run("SELECT roster.set_platform_username('ann', 'snowflake', state => 'unset', iam => 'corp')");
    // The entry did not change, and is asked for all the same.
    let run = lab.begin();
    assert_eq!(run.asks("SELECT * FROM roster_private.ldap_again(RUN)"), ["user|u1"]);
    assert_eq!(
        run.user("u1", "ann").value("platform", "u1", "snowflake", "ANN").partial(),
        "succeeded|1|0|0"
    );
    assert_eq!(platforms(&lab), ["ann|ANN", "bob|BOB"]);
}

#[test]
fn a_platform_username_that_cannot_be_is_left_out_and_said() {
    let lab = called();
    let long = "x".repeat(1001);
    lab.begin()
        .user("u1", "anna")
        .value("platform", "u1", "snowflake", &long)
        .value("platform", "u1", "other", " ")
        .partial();
    assert_eq!(platforms(&lab), ["bob|BOB"]);
    assert_eq!(
        lab.db.lines("SELECT kind, key, reason FROM roster.quarantine ORDER BY 2"),
        [
            "platform_username|u1 other|the platform username is empty",
            "platform_username|u1 snowflake|the platform username is longer than 1000 bytes"
        ]
    );
    lab.begin().user("u1", "ann").partial();
    assert_eq!(lab.db.lines("SELECT key FROM roster.quarantine"), [""; 0]);
}

#[test]
fn removed_platform_usernames_are_not_guarded() {
    let lab = called();
    assert_eq!(lab.begin().user("u1", "anna").user("u2", "bobby").partial(), "succeeded|0|2|2");
}
