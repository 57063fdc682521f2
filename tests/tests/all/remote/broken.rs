use roster_tests::{Wire, wait_until};
use serde_json::json;

use super::{LONG, Lab, long};

#[test]
fn a_connection_that_breaks_in_mid_read_removes_nothing() {
    let lab = Lab::with(
        "CREATE TABLE hr.facts (username text, attribute text, value text);
         INSERT INTO hr.facts SELECT 'sam', 'a' || n, repeat('x', 100) FROM generate_series(1, 20000) n;",
        long(),
    );
    let wire = Wire::before(lab.other.cluster.port);
    let url = lab.other.url(&lab.reader).replace(&lab.other.cluster.port.to_string(), &wire.port.to_string());
    let daemon = lab.daemon.clone().with("HR_URL", &url);
    daemon.sync("hr");
    let before = lab.attributes();
    assert_eq!(before.len(), 20000);
    wire.cut_after(1_000_000);
    let done = daemon.run(&["sync", "hr"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    let message = lab.last_run("message");
    assert!(
        message.contains("stopped answering after") && message.contains("nothing was changed"),
        "{message}"
    );
    assert_eq!(lab.attributes(), before);
    wire.mend();
    lab.other.run("DELETE FROM hr.facts WHERE attribute <= 'a11'");
    daemon.sync("hr");
    assert!(lab.attributes().len() < 20000);
}

#[test]
fn a_server_that_ends_the_session_removes_nothing() {
    let lab = Lab::with(
        "CREATE TABLE hr.facts (username text, attribute text, value text);
         INSERT INTO hr.facts VALUES ('sam', 'a', '1');
         CREATE FUNCTION hr.slow() RETURNS text LANGUAGE sql AS $$ SELECT pg_sleep(60)::text $$;",
        long(),
    );
    lab.sync();
    lab.configure(json!({"format": "wide", "user_column": "username",
        "query": "SELECT username, value AS a FROM hr.facts UNION ALL SELECT 'sara', hr.slow()"}));
    let running = lab.daemon.spawn(&["sync", "hr"]);
    wait_until("it reads", || {
        let end = format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '{}' AND wait_event = 'PgSleep'",
            lab.reader
        );
        lab.other.number(&end) > 0
    });
    assert_eq!(running.finished().code, Some(1));
    assert_eq!(lab.last_run("state"), "failed");
    assert_eq!(lab.attributes(), ["sam|a|1"]);
}

#[test]
fn nothing_is_written_there() {
    let lab = Lab::with(
        "CREATE TABLE hr.facts (username text, attribute text, value text); CREATE TABLE hr.trace (at text);
         CREATE FUNCTION hr.leave_trace() RETURNS text LANGUAGE sql VOLATILE AS $$ INSERT INTO hr.trace VALUES ('x') RETURNING at $$;",
        long(),
    );
    lab.other.run(&format!("GRANT INSERT ON ALL TABLES IN SCHEMA hr TO {}", lab.reader));
    let query = |text: &str| json!({"query": text, "format": "wide", "user_column": "username"});
    lab.configure(query("SELECT 'sam' AS username, hr.leave_trace() AS trace"));
    assert!(lab.sync_fails().contains("read-only transaction"));
    lab.configure(query("SELECT 'sam' AS username, set_config('transaction_read_only', 'off', true) AS mode, hr.leave_trace() AS trace"));
    lab.sync_fails();
    lab.configure(query("SELECT 'sam' AS username, 'x' AS x) t; COMMIT; INSERT INTO hr.trace VALUES ('y'); SELECT 1 FROM (SELECT 1"));
    assert!(lab.sync_fails().contains("cannot insert multiple commands"));
    assert_eq!(lab.other.number("SELECT count(*) FROM hr.trace"), 0);
}

#[test]
fn a_password_is_never_told() {
    let lab = Lab::with(LONG, long());
    let port = lab.other.cluster.port;
    for url in [
        "postgres://someone:hunter2@127.0.0.1:1/x".to_owned(),
        format!("postgres://nobody:hunter2@127.0.0.1:{port}/nowhere"),
        format!("postgres://someone:hunter2@127.0.0.1:{port}/x?sslmode=hunter"),
        "postgres://someone:hunter2@127.0.0.1:port/x".to_owned(),
        "hunter2".to_owned(),
        format!("postgres://someone:hunter2@127.0.0.1:{port}/x?sslmode=verify-full"),
    ] {
        let daemon = lab.daemon.clone().with("HR_URL", &url);
        for command in [["sync", "hr"], ["check", "hr"]] {
            let done = daemon.run(&command);
            assert_eq!(done.code, Some(1), "{url}: {done:?}");
            assert!(!done.said().contains("hunter2"), "{done:?}");
        }
        assert!(!lab.last_run("message").contains("hunter2"));
    }
    let done = lab.daemon.clone().without("HR_URL").run(&["sync", "hr"]);
    assert!(done.said().contains("environment variable HR_URL is not set"), "{done:?}");
}

#[test]
fn our_own_password_goes_nowhere_else() {
    let lab = Lab::with(LONG, long());
    let done = lab.daemon.clone().with("PGPASSWORD", "ours").run(&["sync", "hr"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let error = lab.db.error(r#"SELECT roster.alter_source('hr', config => '{"connection": {"env": "PGURL"}, "relation": "a.b", "format": "wide", "user_column": "c"}')"#);
    assert!(error.contains("must not name the daemon's own database variables"), "{error}");
}
