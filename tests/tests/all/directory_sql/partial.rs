//! Runs that looked at a part leave the rest alone.

use super::Lab;

fn three() -> Lab {
    let lab = Lab::new();
    let done = lab
        .begin()
        .user("u1", "ann")
        .value("user", "u1", "team", "red")
        .user("u2", "bob")
        .user("u3", "cid")
        .group("g1", "staff", &[("user", "u1"), ("user", "u2")], &[])
        .end("complete => true, cursor => '{\"at\": 1}'");
    assert_eq!(done, "succeeded|7|0|0");
    lab
}

#[test]
fn what_a_partial_run_does_not_mention_stays() {
    let lab = three();
    let done = lab.begin().user("u3", "cyd").value("user", "u3", "team", "blue").partial();
    assert_eq!(done, "succeeded|1|1|0");
    assert_eq!(lab.users(), ["ann", "bob", "cyd"]);
    assert_eq!(lab.members(), ["staff/ann", "staff/bob"]);
    assert_eq!(
        lab.db.lines("SELECT owner, value FROM roster.user_attributes ORDER BY 1"),
        ["ann|red", "cyd|blue"]
    );
}

#[test]
fn entries_that_are_sent_again_unchanged_write_nothing() {
    let lab = three();
    let again = lab
        .begin()
        .user("u1", "ann")
        .value("user", "u1", "team", "red")
        .group("g1", "staff", &[("user", "u1"), ("user", "u2")], &[])
        // Gone, and never known.
        .gone("user", "u9");
    let before = lab.rows_written();
    assert_eq!(again.partial(), "succeeded|0|0|0");
    assert_eq!(lab.rows_written(), before);
    assert_eq!(lab.members(), ["staff/ann", "staff/bob"]);
}

#[test]
fn who_is_gone_leaves_also_the_groups_that_were_not_looked_at() {
    let lab = three();
    assert_eq!(lab.begin().gone("user", "u2").partial(), "succeeded|0|0|2");
    assert_eq!(lab.users(), ["ann", "cid"]);
    assert_eq!(lab.members(), ["staff/ann"]);
}

#[test]
fn the_cursor_is_that_of_the_data() {
    let lab = three();
    let state = "SELECT cursor, full_due FROM roster_private.ldap_state(RUN)";
    let run = lab.begin();
    assert_eq!(run.asks(state), [r#"{"at": 1}|f"#]);
    run.user("u3", "cyd").partial();
    let run = lab.begin();
    assert_eq!(run.asks(state), [r#"{"at": 2}|f"#]);
    // No cursor: from here on everything is read.
    run.end("complete => false");
    let run = lab.begin();
    assert_eq!(run.asks(state), ["|f"]);
    run.end("complete => true, cursor => '{\"at\": 3}'");
    let full = lab.begin_by("source => 'ad', full_read => true");
    assert_eq!(full.asks(state), ["|f"]);
    full.end("complete => true, cursor => '{\"at\": 4}'");
    lab.sets_config(&serde_json::json!({"live": false, "grace": 60}));
    assert_eq!(lab.begin().asks(state), [r#"{"at": 4}|f"#]);
}

#[test]
fn another_configuration_is_read_from_the_beginning() {
    let lab = three();
    let state = "SELECT cursor FROM roster_private.ldap_state(RUN)";
    lab.sets_config(&serde_json::json!({"user_filter": "(uid=*)"}));
    let run = lab.begin();
    assert_eq!(run.asks(state), [""]);
    // Changed while it was being read: that reading was of the old one.
    lab.sets_config(&serde_json::json!({"user_filter": "(cn=*)"}));
    run.user("u1", "ann").end("complete => true, cursor => '{\"at\": 2}'");
    assert_eq!(lab.begin().asks(state), [""]);
}

#[test]
fn a_blocked_run_carries_its_cursor_quarantine_and_containers_to_whoever_lets_it_through() {
    let lab = three();
    let blocked = lab
        .begin()
        .gone("user", "u1")
        .gone("user", "u2")
        .quarantined("u7", Some("no name"))
        .group("g2", "guests", &[], &["zoe"])
        .end("complete => false, cursor => '{\"at\": 2}', containers => '{\"all\": false, \"set\": {\"00000000-0000-0000-0000-000000000001\": \"00000000-0000-0000-0000-000000000002\"}}'");
    assert!(blocked.starts_with("blocked|"), "{blocked}");
    assert_eq!(lab.users(), ["ann", "bob", "cid"]);
    let carried = "SELECT (SELECT cursor ->> 'at' FROM roster_private.source_state), (SELECT count(*) FROM roster.quarantine),
                          (SELECT count(*) FROM roster_private.directory_container), (SELECT count(*) FROM roster_private.member_pending WHERE NOT former)";
    assert_eq!(lab.db.line(carried), "1|0|0|0");
    lab.db.run("SELECT roster.apply_run(max(run_id), override_guard => true) FROM roster.sync_runs");
    assert_eq!(lab.users(), ["cid"]);
    assert_eq!(lab.db.line(carried), "2|1|1|1");
    assert_eq!(lab.begin().waiting("zoe"), ["g2"]);
}

#[test]
fn quarantine_is_what_was_found_when_an_entry_was_last_looked_at() {
    let lab = three();
    let quarantine = || lab.db.lines("SELECT key FROM roster.quarantine ORDER BY 1");
    lab.begin()
        .quarantined("u4", Some("no name"))
        .quarantined("u5", Some("bad bytes"))
        .quarantined("u6", Some("bad bytes"))
        .quarantined("u7", Some("bad bytes"))
        .partial();
    assert_eq!(quarantine(), ["uid=u4", "uid=u5", "uid=u6", "uid=u7"]);
    let run = lab.begin();
    assert_eq!(
        run.asks("SELECT * FROM roster_private.ldap_again(RUN) ORDER BY 2"),
        ["user|u4", "user|u5", "user|u6", "user|u7"]
    );
    // Taken at last; gone; gone without ever having been there; still so.
    run.user("u4", "dan").gone("user", "u5").quarantined("u6", None).partial();
    assert_eq!(quarantine(), ["uid=u7"]);
    lab.begin().quarantined("u1", Some("bad bytes")).partial();
    // As it was before it was bad.
    lab.begin().user("u1", "ann").value("user", "u1", "team", "red").partial();
    assert_eq!(quarantine(), ["uid=u7"]);
    // Who wants the name of another is quarantined by the database, and looked at again.
    lab.begin().user("u8", "ann").partial();
    assert_eq!(quarantine(), ["u8", "uid=u7"]);
    let run = lab.begin();
    assert!(run.asks("SELECT * FROM roster_private.ldap_again(RUN)").contains(&"user|u8".to_owned()));
    run.user("u8", "eve").partial();
    assert_eq!(quarantine(), ["uid=u7"]);
    lab.begin().complete();
    assert_eq!(quarantine(), [""; 0]);
}

#[test]
fn containers_are_what_was_found() {
    let lab = three();
    let set = |how: &str| lab.begin().end(&format!("complete => false, containers => '{how}'"));
    let of = |n: u8| format!("00000000-0000-0000-0000-00000000000{n}");
    set(&format!(r#"{{"all": true, "set": {{"{}": "{}", "{}": "{}"}}}}"#, of(1), of(5), of(2), of(6)));
    set(&format!(r#"{{"all": false, "set": {{"{}": "{}"}}}}"#, of(2), of(7)));
    let known = "SELECT * FROM roster_private.ldap_containers(RUN) ORDER BY 1";
    let run = lab.begin();
    assert_eq!(run.asks(known), [format!("{}|{}", of(1), of(5)), format!("{}|{}", of(2), of(7))]);
    run.end(&format!(
        "complete => true, containers => '{{\"all\": true, \"set\": {{\"{}\": \"{}\"}}}}'",
        of(2),
        of(7)
    ));
    assert_eq!(lab.begin().asks(known), [format!("{}|{}", of(2), of(7))]);
}
