//! API keys: what they are good for, when they end; and what passwords and keys have in common: rights, audit, secrecy, dumps.

use std::sync::Barrier;
use std::thread;

use roster_tests::{Cluster, Db, Session};

use crate::catalog::each_role_may;
use crate::dump::dumped_and_restored;
use crate::passwords::{authenticated, sams_id};

/// A database with a source for each kind of key.
fn with_sources() -> Db {
    let db = Db::fresh();
    db.run(
        "SELECT roster.create_identity_manager('okta', kind => 'scim');
         SELECT roster.create_source('okta-scim', iam => 'okta', kind => 'scim');
         SELECT roster.create_identity_manager('corp', kind => 'ldap');
         SELECT roster.create_source('one', iam => 'corp', kind => 'push');
         SELECT roster.create_source('two', iam => 'corp', kind => 'push')",
    );
    db
}

/// label, iam, source and why it is refused.
fn used(db: &Session, key: &str, scope: &str) -> String {
    db.line(&format!(
        "SELECT u.label, u.iam, u.source, u.refusal FROM roster_private.use_api_key('{key}', '{scope}') u"
    ))
}

#[test]
fn a_key_is_shown_once_and_good_for_its_scopes_in_its_source() {
    let db = with_sources();
    let key = db.line("SELECT roster.create_api_key('okta provisioning', iam => 'okta', scopes => '{scim}')");
    assert_eq!(key.len(), 3 + 8 + 1 + 43, "{key}");
    assert!(key.starts_with("rk_"), "{key}");
    assert_eq!(used(&db, &key, "scim"), "okta provisioning|okta|okta-scim|");
    assert_eq!(used(&db, &key, "push"), "okta provisioning|||scope");
    for wrong in ["", "rk_", &key[..key.len() - 1], &key[..11], &format!("{key}x"), &key.to_uppercase()] {
        assert_eq!(used(&db, wrong, "scim"), "|||unknown", "{wrong}");
    }
    assert_eq!(
        db.lines("SELECT label, prefix, iam, source, scopes, expires_at, last_used_at IS NOT NULL, revoked_at FROM roster.api_keys"),
        [format!("okta provisioning|{}|okta|okta-scim|{{scim}}||t|", &key[..11])]
    );
    let other = db.line("SELECT roster.create_api_key('reader', 'builtin', '{changes,user-info,changes}')");
    assert_eq!(used(&db, &other, "changes"), "reader|builtin||");
    assert_eq!(db.line("SELECT scopes FROM roster.api_keys WHERE label = 'reader'"), "{user-info,changes}");
    assert_ne!(key[11..], other[11..]);
    assert!(db.error("SELECT roster_private.use_api_key('x', 'telepathy')").contains("[22023]"));
}

#[test]
fn a_wrong_key_is_refused_by_argument_and_remedy() {
    let db = with_sources();
    db.run("SELECT roster.create_api_key('taken', 'okta', '{scim}')");
    for (call, words) in [
        ("create_api_key('', 'okta', '{scim}')", "label"),
        ("create_api_key(NULL, 'okta', '{scim}')", "label"),
        ("create_api_key('a:b', 'okta', '{scim}')", "label"),
        ("create_api_key('taken', 'okta', '{scim}')", "label"),
        ("create_api_key('k', 'nowhere', '{scim}')", "nowhere"),
        ("create_api_key('k', 'okta', '{}')", "scopes"),
        ("create_api_key('k', 'okta', NULL)", "scopes"),
        ("create_api_key('k', 'okta', ARRAY['scim', NULL])", "scopes"),
        ("create_api_key('k', 'okta', '{scim,telepathy}')", "telepathy"),
        ("create_api_key('k', 'okta', '{scim}', source => 'nothing')", "nothing"),
        ("create_api_key('k', 'okta', '{scim}', source => 'one')", "okta"),
        ("create_api_key('k', 'corp', '{scim}', source => 'one')", "scim"),
        ("create_api_key('k', 'builtin', '{changes}', source => 'manual')", "manual"),
        ("create_api_key('k', 'corp', '{push}')", "one, two"),
        ("create_api_key('k', 'okta', '{scim}', expires_at => now() - interval '1 s')", "expires_at"),
        ("create_api_key('k', 'okta', '{scim}', expires_at => '-infinity')", "expires_at"),
        ("revoke_api_key('nothing')", "label"),
        ("rotate_api_key('nothing')", "label"),
        ("rotate_api_key('taken', overlap => '-1 s')", "overlap"),
        ("rotate_api_key('taken', overlap => NULL)", "overlap"),
    ] {
        let told = db.error(&format!("SELECT roster.{call}"));
        assert!(told.contains(words) && told.contains('\n') && !told.contains("[XX000]"), "{call}: {told}");
    }
    assert_eq!(db.lines("SELECT label FROM roster.api_keys"), ["taken"]);
}

#[test]
fn a_key_acts_in_one_source_only() {
    let db = with_sources();
    let one = db.line("SELECT roster.create_api_key('one', 'corp', '{push}', source => 'one')");
    assert_eq!(used(&db, &one, "push"), "one|corp|one|");
    // Made before its source: refused until there is one, and again once there are two.
    let early = db.line("SELECT roster.create_api_key('early', 'okta', '{push}')");
    assert_eq!(used(&db, &early, "push"), "early|||source");
    db.run("SELECT roster.create_source('first', iam => 'okta', kind => 'push')");
    assert_eq!(used(&db, &early, "push"), "early|okta|first|");
    db.run("SELECT roster.create_source('second', iam => 'okta', kind => 'push')");
    assert_eq!(used(&db, &early, "push"), "early|||source");
    db.run("SELECT roster.alter_source('one', enabled => false)");
    assert_eq!(used(&db, &one, "push"), "one|||inactive");
    db.run(
        "SELECT roster.drop_source('one'); SELECT roster.create_source('one', iam => 'corp', kind => 'push')",
    );
    assert_eq!(used(&db, &one, "push"), "one|||inactive", "a namesake of its source is another");
}

#[test]
fn keys_expire_and_are_revoked() {
    let db = with_sources();
    let brief = db.line(
        "SELECT roster.create_api_key('brief', 'okta', '{scim}', expires_at => clock_timestamp() + interval '0.3 s')",
    );
    roster_tests::wait_until("it expires", || used(&db, &brief, "scim") == "brief|||expired");
    let next = db.line("SELECT roster.create_api_key('brief', 'okta', '{scim}', expires_at => 'infinity')");
    assert_eq!(used(&db, &next, "scim"), "brief|okta|okta-scim|", "the label is free again");
    db.run("SELECT roster.revoke_api_key('brief')");
    assert_eq!(used(&db, &next, "scim"), "brief|||revoked");
    assert_eq!(used(&db, &brief, "scim"), "brief|||expired");
    db.error("SELECT roster.revoke_api_key('brief')");
    db.run("SELECT roster.create_api_key('brief', 'okta', '{scim}')");
    assert_eq!(
        db.lines("SELECT revoked_at IS NOT NULL FROM roster.api_keys WHERE label = 'brief' ORDER BY 1"),
        ["f", "f", "t"]
    );
}

#[test]
fn rotation_leaves_the_old_key_valid_for_the_overlap() {
    let db = with_sources();
    let old = db.line(
        "SELECT roster.create_api_key('k', 'okta', '{scim}', expires_at => now() + interval '90 days')",
    );
    let new = db.line("SELECT roster.rotate_api_key('k')");
    assert_ne!(old, new);
    for key in [&old, &new] {
        assert_eq!(used(&db, key, "scim"), "k|okta|okta-scim|");
    }
    assert_eq!(
        db.lines(
            "SELECT round(extract(epoch FROM expires_at - now()) / 3600) FROM roster.api_keys ORDER BY 1"
        ),
        ["24", "2160"]
    );
    // The overlap ends.
    db.run(&format!("UPDATE roster_private.api_key SET expires_at = now() WHERE prefix = '{}'", &old[..11]));
    assert_eq!(used(&db, &old, "scim"), "k|||expired");
    let newest = db.line("SELECT roster.rotate_api_key('k', overlap => '0')");
    assert_eq!(used(&db, &new, "scim"), "k|||expired");
    let last = db.line("SELECT roster.rotate_api_key('k', overlap => '1 hour')");
    db.run("SELECT roster.revoke_api_key('k')");
    for key in [&newest, &last] {
        assert_eq!(used(&db, key, "scim"), "k|||revoked", "revocation ends the overlap too");
    }
}

#[test]
fn rotations_at_once_leave_one_current_key() {
    let db = with_sources();
    db.run("SELECT roster.create_api_key('k', 'okta', '{scim}')");
    let start = Barrier::new(4);
    let keys: Vec<String> = thread::scope(|scope| {
        let rotate = |_| {
            let (session, start) = (db.session(), &start);
            scope.spawn(move || {
                start.wait();
                session.try_lines("SELECT roster.rotate_api_key('k')")
            })
        };
        let running: Vec<_> = (0..4).map(rotate).collect();
        let ended = running.into_iter().map(|thread| thread.join().expect("no panic"));
        ended.filter_map(Result::ok).map(|mut lines| lines.remove(0)).collect()
    });
    assert!(!keys.is_empty());
    assert!(keys.iter().all(|key| used(&db, key, "scim") == "k|okta|okta-scim|"));
    assert_eq!(db.number("SELECT count(*) FROM roster.api_keys WHERE expires_at IS NULL"), 1);
}

#[test]
fn use_is_noted_once_a_minute_and_delays_nobody() {
    let db = with_sources();
    let key = db.line("SELECT roster.create_api_key('k', 'okta', '{scim}')");
    let noted = || db.line("SELECT last_used_at FROM roster.api_keys");
    assert_eq!(noted(), "");
    let (one, other) = (db.session(), db.session());
    one.run("BEGIN");
    used(&one, &key, "scim");
    other.run("SET lock_timeout = '5s'");
    assert_eq!(used(&other, &key, "scim"), "k|okta|okta-scim|", "nobody waits for the note of another");
    one.run("COMMIT");
    let first = noted();
    assert_ne!(first, "");
    used(&db, &key, "scim");
    assert_eq!(noted(), first);
    db.run("UPDATE roster_private.api_key SET last_used_at = now() - interval '2 minutes'");
    db.run("BEGIN READ ONLY");
    assert_eq!(used(&db, &key, "scim"), "k|okta|okta-scim|", "a standby can check keys");
    db.run("COMMIT");
    used(&db, &key, "scim");
    assert!(noted() > first);
    assert_eq!(db.number("SELECT count(*) FROM roster.read_changes(0, 100) WHERE kind = 'api_key'"), 1);
}

#[test]
fn the_audit_trail_says_that_and_never_what() {
    let db = with_sources();
    let admin = db.new_role(&["roster_admin"]);
    let after = db.line("SELECT coalesce(max(change_id), 0) FROM roster.read_changes(0, 100)");
    db.run(&format!(
        "SET ROLE {admin}; SELECT roster.create_user('sam', password => 'correct horse');
         SELECT roster.set_password('sam', 'another horse'); SELECT roster.remove_password('sam');
         SELECT roster.create_api_key('k', 'okta', '{{scim}}'); SELECT roster.rotate_api_key('k');
         SELECT roster.revoke_api_key('k'); RESET ROLE"
    ));
    assert_eq!(
        db.lines(&format!(
            "SELECT change, kind, iam, subject, before IS NULL, after IS NULL FROM roster.read_changes({after}, 100)
             WHERE kind <> 'user' AND actor = '{admin}'"
        )),
        [
            "add|password|builtin|sam|t|t",
            "change|password|builtin|sam|t|t",
            "remove|password|builtin|sam|t|t",
            "add|api_key|okta|k|t|f",
            "change|api_key|okta|k|f|f",
            "remove|api_key|okta|k|f|t",
        ]
    );
    assert_eq!(
        db.lines("SELECT DISTINCT k FROM roster.changes c, jsonb_object_keys(coalesce(c.before, '{}') || coalesce(c.after, '{}')) k WHERE c.kind = 'api_key' ORDER BY 1"),
        ["expires_at", "prefix", "scopes", "source"]
    );
}

#[test]
fn no_secret_is_in_any_table_view_error_or_the_log_of_failed_calls() {
    let db = with_sources();
    let word = format!("opensesame{}", db.name);
    db.run(&format!("SELECT roster.create_user('sam', password => '{word}')"));
    let key = db.line("SELECT roster.create_api_key('k', 'okta', '{scim}')");
    used(&db, &key, "scim");
    for call in [
        format!("roster.create_user('sam', password => '{word}')"),
        format!("roster.create_user('x', iam => 'nowhere', password => '{word}')"),
        format!("roster.set_password('nobody', '{word}')"),
        format!(r"roster.set_password('sam', E'{word}\n')"),
        format!("roster.set_password('sam', '$2b${word}')"),
        format!("roster.authenticate('sam', '{word}', iam => 'nowhere')"),
        format!("roster_private.use_api_key('{key}', 'telepathy')"),
    ] {
        let told = db.error(&format!("SELECT {call}"));
        assert!(!told.contains(&word) && !told.contains(&key), "{told}");
    }
    let relations = db.lines(
        "SELECT oid::regclass FROM pg_class WHERE relkind IN ('r', 'p', 'v')
         AND relnamespace IN ('roster'::regnamespace, 'roster_private'::regnamespace)",
    );
    for relation in relations {
        for secret in [word.as_str(), &key, &key[12..]] {
            let found = db
                .number(&format!("SELECT count(*) FROM {relation} t WHERE strpos(t::text, '{secret}') > 0"));
            assert_eq!(found, 0, "{relation}");
        }
    }
    let log = std::fs::read(&Cluster::shared().log).expect("the log of the server");
    let log = String::from_utf8_lossy(&log);
    assert!(log.contains("ERROR:"), "failed calls are logged");
    assert!(!log.contains(&word) && !log.contains(&key), "the log has a secret");
}

#[test]
fn each_role_may_do_its_part() {
    let db = with_sources();
    db.run("SELECT roster.create_user('sam'); SELECT roster.create_api_key('k', 'okta', '{scim}')");
    let users: &[&str] = &["roster_user_admin", "roster_admin"];
    let calls: &[(&str, &[&str])] = &[
        ("SELECT roster.set_password('sam', 'correct horse')", users),
        ("SELECT roster.remove_password('sam')", users),
        ("SELECT roster.authenticate('sam', 'correct horse')", &["roster_authenticator"]),
        ("SELECT roster.create_api_key('new', 'okta', '{scim}')", &["roster_admin"]),
        ("SELECT roster.rotate_api_key('k')", &["roster_admin"]),
        ("SELECT roster.revoke_api_key('k')", &["roster_admin"]),
        ("SELECT label FROM roster.api_keys", &["roster_reader", "roster_user_admin", "roster_admin"]),
        ("SELECT roster_private.use_api_key('x', 'scim')", &["roster_syncd"]),
        ("SELECT roster_private.hash_password('correct horse')", &[]),
        ("SELECT roster_private.verify_password('correct horse', NULL)", &[]),
        ("SELECT roster_private.random_token()", &[]),
        ("SELECT * FROM roster_private.user_password", &[]),
        ("SELECT * FROM roster_private.api_key", &[]),
        ("SET log_min_error_statement = 'panic'", &[]),
    ];
    each_role_may(&db, calls);
}

#[test]
fn passwords_and_keys_survive_dump_and_restore() {
    let db = with_sources();
    db.run("SELECT roster.create_user('sam', password => 'correct horse'); SELECT roster.create_user('eve', password => 'horse correct')");
    for _ in 0..5 {
        authenticated(&db, "eve", "wrong");
    }
    let old = db.line("SELECT roster.create_api_key('k', 'okta', '{scim}')");
    let new = db.line("SELECT roster.rotate_api_key('k')");
    let keys = "SELECT label, prefix, iam, source, scopes, expires_at, last_used_at, revoked_at FROM roster.api_keys ORDER BY prefix";
    let restored = dumped_and_restored(&db);
    assert_eq!(restored.lines(keys), db.lines(keys));
    assert_eq!(authenticated(&restored, "sam", "correct horse"), sams_id(&db));
    assert_eq!(authenticated(&restored, "eve", "horse correct"), "", "the lock-out stays");
    for key in [&old, &new] {
        assert_eq!(used(&restored, key, "scim"), "k|okta|okta-scim|");
    }
    let next = restored.line("SELECT roster.rotate_api_key('k')");
    assert_eq!(used(&restored, &next, "scim"), "k|okta|okta-scim|");
}
