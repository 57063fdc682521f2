//! Several servers, and what must not be tried twice.

use roster_tests::fake_ldap::{AD_WRONG_PASSWORD, Bind, FakeLdap, Script};
use roster_tests::{Directory, wait_until};
use serde_json::json;

use super::Lab;

/// Everything that a configuration can say about encryption, and nobody to encrypt.
#[test]
fn what_cannot_be_encrypted_is_not_sent() {
    let lab = Lab::with(&Directory::reference());
    let fake = FakeLdap::start(Script::openldap(&Directory::reference()));
    lab.configure(json!({"urls": [fake.url()], "start_tls": true}));
    let said = lab.sync_fails();
    assert!(said.contains("StartTLS"), "{said}");
    lab.configure(
        json!({"urls": [fake.url().replace("ldap:", "ldaps:")], "start_tls": null, "timeout_seconds": 2}),
    );
    lab.sync_fails();
    assert_eq!((fake.binds(), fake.searches()), (vec![], vec![]), "nothing was sent in clear text");
}

fn refusing(code: u16, text: &'static str) -> FakeLdap {
    let mut script = Script::openldap(&Directory::reference());
    script.bind = Bind::Refuse(code, text);
    FakeLdap::start(script)
}

#[test]
fn a_refused_password_is_not_tried_at_the_next_server() {
    let lab = Lab::with(&Directory::reference());
    for (text, words, remedy) in [
        (AD_WRONG_PASSWORD, "wrong password", "bind_password"),
        ("80090308: comment: AcceptSecurityContext error, data 775, v4563", "locked out", "unlock"),
        (
            "80090308: comment: AcceptSecurityContext error, data 532, v4563",
            "password expired",
            "new password",
        ),
        ("we know s3cret-of-the-test", "invalidCredentials", "bind_dn"),
    ] {
        let (one, other) = (refusing(49, text), refusing(49, text));
        lab.configure(json!({"urls": [one.url(), other.url(), lab.slapd.url()]}));
        let said = lab.sync_fails();
        assert!(said.contains(words) && said.contains(remedy), "{said}");
        assert!(!lab.last_run("message").contains(roster_tests::ADMIN_PASSWORD));
        assert_eq!((one.binds().len(), other.binds().len()), (1, 0), "{text}");
    }
}

#[test]
fn a_server_that_cannot_serve_is_passed_over() {
    let lab = Lab::with(&Directory::reference());
    for code in [51, 52] {
        let busy = refusing(code, "");
        lab.configure(json!({"urls": [busy.url(), lab.slapd.url()]}));
        lab.sync();
        assert_eq!(busy.binds().len(), 1);
        let said = lab.daemon.run(&["check", "corp-ldap"]).said();
        assert!(said.contains(if code == 51 { "busy" } else { "unavailable" }), "{said}");
    }
    let silent = refusing(51, "");
    silent.change(|script| script.bind = Bind::Silent);
    lab.configure(json!({"urls": [silent.url(), lab.slapd.url()], "timeout_seconds": 1}));
    lab.sync();
    lab.configure(json!({"urls": [silent.url()]}));
    assert!(lab.sync_fails().contains("no answer within 1 s"));
    assert_eq!(lab.active_users().len(), 5);
}

/// What is due at every minute does not become a wrong password a minute.
#[test]
fn a_refused_password_is_given_a_rest() {
    let lab = Lab::with(&Directory::reference());
    let (one, other) = (refusing(49, AD_WRONG_PASSWORD), refusing(49, AD_WRONG_PASSWORD));
    let healthy = super::config(&lab.slapd.url());
    lab.db.run("SELECT roster.create_identity_manager('second', kind => 'ldap')");
    lab.db.call(
        "SELECT roster.create_source('healthy', iam => 'second', kind => 'ldap', config => $1)",
        &[&healthy],
    );
    lab.configure(json!({"urls": [one.url(), other.url()]}));
    lab.db.run(
        "SELECT roster.alter_source(s, schedule => '* * * * *') FROM unnest('{corp-ldap,healthy}'::text[]) s",
    );
    let _daemon = lab.daemon.spawn(&["run"]);
    let runs = |source: &str, state: &str| {
        lab.db.number(&format!(
            "SELECT count(*) FROM roster.sync_runs WHERE source = '{source}' AND state = '{state}'"
        ))
    };
    for round in 1..=4 {
        // Everything is due, schedule and retry.
        lab.db.run(
            "UPDATE roster_private.source SET next_run_at = now() - interval '1 second';
             UPDATE roster_private.source_retry SET retry_at = now() - interval '1 second'; NOTIFY roster_sync",
        );
        wait_until("the healthy source ran", || runs("healthy", "succeeded") >= round);
        wait_until("the other failed", || runs("corp-ldap", "failed") == 1);
    }
    assert_eq!((one.binds().len(), other.binds().len()), (1, 0));
    let message = lab.db.line("SELECT message FROM roster.sync_runs WHERE source = 'corp-ldap'");
    assert!(message.contains("wrong password"), "{message}");

    // A person may: with the right password all goes on.
    one.change(|script| script.bind = Bind::Accept);
    lab.db.run("SELECT roster.sync_now('corp-ldap')");
    wait_until("it works again", || runs("corp-ldap", "succeeded") == 1);
    assert_eq!((one.binds().len() > 1, other.binds().len()), (true, 0));
}
