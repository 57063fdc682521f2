//! Who watches a directory, what a change that is noticed asks for, and refused credentials, which make everything wait.

use serde_json::json;

use super::Lab;

const ONE: &str = "00000000-0000-0000-0000-000000000001";
const TWO: &str = "00000000-0000-0000-0000-000000000002";

fn read_once() -> Lab {
    let lab = Lab::new();
    lab.begin().user("u1", "ann").user("u2", "bob").end("complete => true, cursor => '{\"at\": 1}'");
    lab
}

fn held(lab: &Lab, holder: &str) -> Vec<String> {
    lab.daemon.lines(&format!("SELECT source, cursor FROM roster_private.hold_live('{holder}')"))
}

fn runs(lab: &Lab) -> Vec<String> {
    lab.db.lines(
        "SELECT trigger, state FROM roster.sync_runs WHERE state IN ('queued', 'running') ORDER BY run_id",
    )
}

fn ask(lab: &Lab) {
    lab.daemon.run("SELECT roster_private.request_run('ad')");
}

fn fail(lab: &Lab, hold: bool) {
    let run = lab.begin();
    let run_id = &run.run_id;
    lab.daemon.run(&format!(
        "SELECT roster_private.end_run({run_id}, 'failed', 'the directory refused the password', hold => {hold})"
    ));
}

#[test]
fn a_directory_is_watched_by_one_until_it_gives_up_or_is_silent() {
    let lab = read_once();
    assert_eq!(held(&lab, ONE), [r#"ad|{"at": 1}"#]);
    assert_eq!(held(&lab, TWO), [""; 0]);
    assert_eq!(held(&lab, ONE), [r#"ad|{"at": 1}"#]);
    lab.db.run("UPDATE roster_private.source_live SET until = clock_timestamp() - interval '1 second'");
    assert_eq!(held(&lab, TWO), [r#"ad|{"at": 1}"#]);
    assert_eq!(held(&lab, ONE), [""; 0]);
    lab.daemon.run(&format!("SELECT roster_private.release_live('{TWO}')"));
    assert_eq!(held(&lab, ONE), [r#"ad|{"at": 1}"#]);
    // The clock was set back.
    lab.db.run("UPDATE roster_private.source_live SET until = clock_timestamp() + interval '1 hour'");
    assert_eq!(held(&lab, TWO), [r#"ad|{"at": 1}"#]);
}

#[test]
fn what_cannot_be_read_on_is_not_watched() {
    let lab = Lab::new();
    assert_eq!(held(&lab, ONE), [""; 0], "never read");
    lab.begin().user("u1", "ann").user("u2", "bob").complete();
    assert_eq!(held(&lab, ONE), [""; 0], "no cursor");
    let by_time = "complete => true, cursor => '{\"mode\": \"modify_timestamp\"}'";
    lab.begin().user("u1", "ann").user("u2", "bob").end(by_time);
    assert_eq!(held(&lab, ONE), [""; 0], "nobody tells of changes");
    let full = |lab: &Lab| {
        lab.begin().user("u1", "ann").user("u2", "bob").end("complete => true, cursor => '{\"at\": 1}'");
    };
    full(&lab);
    assert_eq!(held(&lab, ONE).len(), 1);
    for config in [json!({"live": false}), json!({"incremental": "off"}), json!({"user_filter": "(cn=*)"})] {
        lab.sets_config(&config);
        assert_eq!(held(&lab, ONE), [""; 0], "{config}");
        assert_eq!(lab.db.number("SELECT count(*) FROM roster_private.source_live"), 0, "{config}");
    }
    lab.sets_config(&json!({}));
    assert_eq!(held(&lab, ONE).len(), 1);
    lab.db.run("SELECT roster.alter_source('ad', enabled => false)");
    assert_eq!(held(&lab, ONE), [""; 0]);
    lab.db.run("SELECT roster.alter_source('ad', enabled => true)");
    lab.begin().gone("user", "u1").gone("user", "u2").partial();
    assert_eq!(held(&lab, ONE), [""; 0], "blocked");
    ask(&lab);
    assert_eq!(runs(&lab), [""; 0]);
    full(&lab);
    assert_eq!(held(&lab, ONE).len(), 1);
}

#[test]
fn changes_that_are_noticed_ask_for_one_run() {
    let lab = read_once();
    let mut told = lab.db.listener("roster_sync");
    ask(&lab);
    assert_eq!(told(), 1);
    ask(&lab);
    assert_eq!(runs(&lab), ["event|queued"]);
    assert_eq!(told(), 0);
    let run = lab.begin_next();
    ask(&lab);
    // What it reads may be from before the change.
    assert_eq!(runs(&lab), ["event|running", "event|queued"]);
    run.partial();
    // A person who asks for the same gets that run, and everything read.
    let asked = lab.db.number("SELECT roster.sync_now('ad', full_read => true)");
    assert_eq!(
        lab.db.line("SELECT trigger, run_id FROM roster.sync_runs WHERE state = 'queued'"),
        format!("manual|{asked}")
    );
    assert_eq!(lab.begin_next().asks("SELECT cursor FROM roster_private.ldap_state(RUN)"), [""]);
}

#[test]
fn after_a_failure_a_change_waits_for_the_repetition() {
    let lab = read_once();
    ask(&lab);
    let run_id = lab.begin_next().run_id;
    lab.daemon.run(&format!("SELECT roster_private.end_run({run_id}, 'failed', 'cut off')"));
    ask(&lab);
    assert_eq!(runs(&lab), [""; 0]);
    lab.db.run("UPDATE roster_private.source_retry SET retry_at = clock_timestamp()");
    assert_eq!(lab.begin_next().partial(), "succeeded|0|0|0");
}

#[test]
fn refused_credentials_make_everything_but_a_person_wait() {
    let lab = read_once();
    fail(&lab, true);
    let until = "SELECT round(extract(epoch FROM hold_until - clock_timestamp()) / 60) FROM roster_private.source_retry";
    assert_eq!(lab.db.number(until), 5);
    lab.db.run(
        "UPDATE roster_private.source SET next_run_at = clock_timestamp() - interval '1 second' WHERE source = 'ad';
         UPDATE roster_private.source_retry SET retry_at = clock_timestamp() - interval '1 second'",
    );
    ask(&lab);
    assert_eq!(runs(&lab), [""; 0]);
    assert_eq!(held(&lab, ONE), [""; 0]);
    let next = "SELECT run_id FROM roster_private.claim_next_run()";
    assert_eq!(lab.daemon.lines(next), [""; 0]);
    // Nobody looks again and again until then.
    assert_eq!(
        lab.daemon.line("SELECT roster_private.next_due() > clock_timestamp() + interval '4 minutes'"),
        "t"
    );
    let health = "SELECT health, last_error, retry_at > now() + interval '4 minutes' FROM roster.sources WHERE source = 'ad'";
    assert_eq!(lab.db.line(health), "failing|the directory refused the password|t");

    let asked = lab.db.line("SELECT roster.sync_now('ad')");
    assert_eq!(lab.daemon.line(next), asked);
    for minutes in [10, 20, 40, 60, 60] {
        fail(&lab, true);
        assert_eq!(lab.db.number(until), minutes);
    }
    // The hold ends, and what was due is done.
    lab.db.run("UPDATE roster_private.source_retry SET hold_until = clock_timestamp() - interval '1 second'");
    lab.begin_next().partial();
    assert_eq!(lab.db.number("SELECT count(*) FROM roster_private.source_retry"), 0);
}

#[test]
fn other_credentials_deserve_an_attempt() {
    let lab = read_once();
    fail(&lab, true);
    lab.db.run("UPDATE roster_private.source_retry SET retry_at = clock_timestamp() - interval '1 second'");
    lab.db.run("SELECT roster.alter_source('ad', priority => 3)");
    assert_eq!(lab.daemon.lines("SELECT run_id FROM roster_private.claim_next_run()"), [""; 0]);
    lab.sets_config(&json!({"bind_password": {"env": "OTHER"}}));
    lab.begin_next().partial();
    fail(&lab, false);
    assert_eq!(lab.db.lines("SELECT hold_until FROM roster_private.source_retry"), [""]);
}

#[test]
fn an_event_that_was_queued_before_the_refusal_waits_too() {
    let lab = read_once();
    ask(&lab);
    fail(&lab, true);
    assert_eq!(runs(&lab), ["event|queued"]);
    assert_eq!(lab.daemon.lines("SELECT run_id FROM roster_private.claim_next_run()"), [""; 0]);
    lab.db.run("UPDATE roster_private.source_retry SET hold_until = clock_timestamp() - interval '1 second'");
    assert_eq!(lab.begin_next().partial(), "succeeded|0|0|0");
}
