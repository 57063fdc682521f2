//! Setting up, looking at, giving up and dropping webhooks.

use roster_tests::{Db, Reaction, Receiver, wait_until};

use crate::catalog::each_role_may;
use crate::dump::dumped_and_restored;

use super::{lab, told};

#[test]
fn a_webhook_is_set_up_changed_and_dropped_and_all_of_it_is_audited() {
    let db = Db::fresh();
    db.run("SELECT roster.create_webhook('hook', 'builtin', 'https://hooks.example.org/x?token=abc', '{userAdded}', '{\"file\": \"hook\"}')");
    let shown = "SELECT label, iam, url, events, enabled, pending, failed FROM roster.webhooks";
    assert_eq!(db.line(shown), "hook|builtin|https://hooks.example.org/x?...|{userAdded}|t|0|0");
    db.run("SELECT roster.alter_webhook('hook', events => '{}', enabled => false, secret => 'null')");
    assert_eq!(db.line(shown), "hook|builtin|https://hooks.example.org/x?...||f|0|0");
    db.run("SELECT roster.redeliver_webhook('hook')");
    db.run("SELECT roster.drop_webhook('hook')");
    assert_eq!(db.lines(shown), [""; 0]);
    let audit =
        db.lines("SELECT change, subject, before, after FROM roster.read_changes() WHERE kind = 'webhook'");
    assert_eq!(audit.len(), 4, "{audit:?}");
    assert!(audit[0].starts_with("add|hook|") && audit[3].starts_with("remove|hook|"), "{audit:?}");
    assert!(audit.iter().all(|line| !line.contains("abc")), "{audit:?}");
}

#[test]
fn what_cannot_be_a_webhook_is_refused_by_name() {
    let db = Db::fresh();
    db.run("SELECT roster.create_webhook('known', 'builtin', 'https://h.example.org/')");
    for (arguments, word, code) in [
        ("'w', 'builtin', 'http://hooks.example.org/'", "clear text", "22023"),
        ("'w', 'builtin', 'http://127.0.0.1.example.org/'", "clear text", "22023"),
        ("'w', 'builtin', 'https://me:pass@h.example.org/'", "\"url\"", "22023"),
        ("'w', 'builtin', 'ftp://h.example.org/'", "\"url\"", "22023"),
        ("'w', 'builtin', NULL", "\"url\"", "22023"),
        ("'w', 'builtin', 'https://h.example.org/', '{userGone}'", "userGone", "22023"),
        ("'w', 'builtin', 'https://h.example.org/', NULL, '\"hunter2\"'", "\"secret\"", "22023"),
        ("'w', 'nobody', 'https://h.example.org/'", "nobody", "42704"),
        ("'known', 'builtin', 'https://h.example.org/'", "known", "23505"),
        ("'', 'builtin', 'https://h.example.org/'", "\"label\"", "22023"),
    ] {
        let told = db.error(&format!("SELECT roster.create_webhook({arguments})"));
        assert!(told.contains(word) && told.contains(code), "{arguments}: {told}");
        assert!(!told.contains("pass@") && !told.contains("hunter2"), "{told}");
    }
    for (label, url) in
        [("a", "http://localhost:8080/x"), ("b", "http://127.0.0.1/"), ("c", "http://[::1]:9/?x=1")]
    {
        db.run(&format!("SELECT roster.create_webhook('{label}', 'builtin', '{url}')"));
    }
    db.run("SELECT roster.create_webhook('plain', 'builtin', 'http://hooks.example.org/', allow_clear_text => true)");
    for call in
        ["alter_webhook('w')", "drop_webhook('w')", "redeliver_webhook('w')", "redeliver_webhook('known', 7)"]
    {
        let told = db.error(&format!("SELECT roster.{call}"));
        assert!(told.contains("[42704]"), "{call}: {told}");
    }
    db.run("SELECT roster.create_identity_manager('corp'); SELECT roster.create_webhook('of corp', 'corp', 'https://h.example.org/')");
    let told = db.error("SELECT roster.drop_identity_manager('corp')");
    assert!(told.contains("webhook") && told.contains("[2BP01]"), "{told}");
    db.run("SELECT roster.drop_webhook('of corp'); SELECT roster.drop_identity_manager('corp')");
}

#[test]
fn only_administrators_set_up_webhooks_and_only_the_daemon_delivers() {
    let db = Db::fresh();
    db.run("SELECT roster.create_webhook('known', 'builtin', 'https://h.example.org/')");
    let readers: &[&str] = &["roster_reader", "roster_user_admin", "roster_admin"];
    each_role_may(
        &db,
        &[
            ("SELECT roster.create_webhook('w', 'builtin', 'https://h.example.org/')", &["roster_admin"]),
            ("SELECT roster.alter_webhook('known', enabled => false)", &["roster_admin"]),
            ("SELECT roster.redeliver_webhook('known')", &["roster_admin"]),
            ("SELECT roster.drop_webhook('known')", &["roster_admin"]),
            ("SELECT * FROM roster.webhooks", readers),
            ("SELECT * FROM roster.webhook_deliveries", readers),
            ("SELECT * FROM roster_private.webhook", &[]),
            ("SELECT * FROM roster_private.hold_webhooks(gen_random_uuid(), 1)", &["roster_syncd"]),
            ("SELECT * FROM roster_private.feed_page(1, 0, 10)", &["roster_syncd"]),
            ("SELECT roster_private.fill_webhook(1, gen_random_uuid())", &["roster_syncd"]),
            ("SELECT * FROM roster_private.feed_lag()", &["roster_syncd"]),
            ("SELECT * FROM roster_private.webhook_lag()", &["roster_syncd"]),
            ("SELECT * FROM roster_private.events_of(NULL, 1)", &[]),
        ],
    );
}

#[test]
fn what_is_given_up_after_three_days_can_be_delivered_again() {
    let lab = lab(", events => '{attributeAdded}'");
    lab.receiver.answer(|one| {
        if one.text("/data/name") == "bad" { Reaction::Status(410) } else { Reaction::Status(204) }
    });
    let _served = lab.serve();
    lab.db.run("SELECT roster.create_user('sam'); SELECT roster.set_user_attribute('sam', 'bad', '1')");
    wait_until("it was tried", || !lab.receiver.received().is_empty());
    lab.db.run("SELECT roster.set_user_attribute('sam', 'good', '1')");
    wait_until("the first attempt is noted", || {
        lab.db.number("SELECT count(*) FROM roster.webhook_deliveries WHERE attempts > 0") == 1
    });
    // Three days later.
    lab.db.run(
        "UPDATE roster_private.webhook_delivery SET tried_at = tried_at - interval '4 days', next_attempt_at = now() WHERE tried_at IS NOT NULL",
    );
    let taken = lab.await_taken(1);
    assert_eq!(told(&taken), ["attributeAdded sam good +1"], "what comes later goes on");
    wait_until("it is noted", || lab.db.line("SELECT pending FROM roster.webhooks") == "0");
    let failed = lab.db.line("SELECT state, status, attempts > 1, next_attempt_at IS NULL FROM roster.webhook_deliveries WHERE state <> 'delivered'");
    assert_eq!(failed, "failed|410|t|t");
    assert_eq!(lab.db.line("SELECT failed, last_error LIKE '410%' FROM roster.webhooks"), "1|t");
    lab.receiver.answer(|_| Reaction::Status(200));
    assert_eq!(lab.db.number("SELECT roster.redeliver_webhook('hook')"), 1);
    lab.await_taken(2);
    wait_until("it is noted", || lab.db.line("SELECT failed, pending FROM roster.webhooks") == "0|0");
    // What was delivered can be had once more; the receiver knows it by its id.
    let first = lab.db.line("SELECT min(delivery_id) FROM roster.webhook_deliveries");
    let before = lab.receiver.received().len();
    assert_eq!(lab.db.number(&format!("SELECT roster.redeliver_webhook('hook', {first})")), 1);
    wait_until("it comes again", || lab.receiver.received().len() > before);
    assert_eq!(lab.receiver.taken().len(), 2);
}

#[test]
fn a_webhook_that_is_dropped_or_disabled_is_told_nothing_more() {
    let lab = lab("");
    let _served = lab.serve();
    lab.db.run("SELECT roster.create_user('a')");
    lab.await_taken(1);
    lab.db.run("SELECT roster.alter_webhook('hook', enabled => false)");
    let other = Receiver::start();
    lab.db.run(&format!("SELECT roster.create_webhook('other', 'builtin', '{}')", other.url()));
    let held = "SELECT count(*) FROM roster_private.webhook_lease l JOIN roster_private.webhook w USING (webhook_id) WHERE label = 'other'";
    wait_until("the daemon has the other", || lab.db.number(held) == 1);
    lab.db.run("SELECT roster.create_user('b')");
    wait_until("the other is told", || !other.taken().is_empty());
    assert_eq!(lab.receiver.taken().len(), 1, "disabled");
    lab.db.run("SELECT roster.alter_webhook('hook', enabled => true)");
    let taken = lab.await_taken(2);
    assert_eq!(told(&taken[1..]), ["userAdded b"], "told when it is enabled again");
    lab.db.run("SELECT roster.drop_webhook('hook'); SELECT roster.create_user('c')");
    wait_until("the other is told", || other.taken().len() == 2);
    assert_eq!(lab.receiver.taken().len(), 2, "dropped");
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.webhook_deliveries WHERE webhook = 'hook'"), 0);
}

#[test]
fn a_secret_that_is_not_there_is_seen_and_nothing_is_sent_unsigned() {
    let lab = lab(", secret => '{\"env\": \"NOT_THERE\"}'");
    let _served = lab.serve();
    lab.db.run("SELECT roster.create_user('sam')");
    wait_until("the trouble is seen", || {
        lab.db.lines("SELECT last_error FROM roster.webhooks").iter().any(|error| error.contains("NOT_THERE"))
    });
    lab.db.run("SELECT roster.alter_webhook('hook', secret => '{\"env\": \"HOOK_SECRET\"}')");
    let taken = lab.await_taken(1);
    assert!(lab.receiver.received().iter().all(|one| !one.header("webhook-signature").is_empty()));
    assert_eq!(taken.len(), 1);
    wait_until("the trouble is over", || {
        lab.db.line("SELECT last_error IS NULL FROM roster.webhooks") == "t"
    });
}

#[test]
fn everything_since_the_beginning_is_told_on_demand() {
    let db = Db::fresh();
    db.run("SELECT roster.create_user('a'); SELECT roster.create_user('b')");
    let (all, new) = (Receiver::start(), Receiver::start());
    db.run(&format!(
        "SELECT roster.create_webhook('all', 'builtin', '{}', from_now => false); SELECT roster.create_webhook('new', 'builtin', '{}')",
        all.url(),
        new.url()
    ));
    let _served = db.daemon().serve(&[]);
    db.run("SELECT roster.create_user('c')");
    wait_until("both are told", || all.taken().len() == 3 && new.taken().len() == 1);
    assert_eq!(told(&new.taken()), ["userAdded c"]);
}

#[test]
fn a_restored_database_goes_on_where_it_stood() {
    let lab = lab("");
    let served = lab.serve();
    lab.db.run("SELECT roster.create_user('a'); SELECT roster.create_user('b')");
    lab.await_rest();
    drop(served);
    lab.db.run("SELECT roster.create_user('c')");
    let restored = dumped_and_restored(&lab.db);
    lab.receiver.forget();
    let _served = restored.daemon().serve(&[]);
    restored.run("SELECT roster.create_user('d')");
    lab.await_taken(2);
    wait_until("all is delivered", || restored.number("SELECT sum(pending) FROM roster.webhooks") == 0);
    // Two users: told side by side, and nothing of what was told before the backup.
    let mut all = told(&lab.receiver.received());
    all.sort();
    assert_eq!(all, ["userAdded c", "userAdded d"]);
}

#[test]
fn the_log_is_kept_small() {
    let db = Db::fresh();
    db.run("SELECT roster.create_webhook('hook', 'builtin', 'https://h.example.org/')");
    db.run(
        "INSERT INTO roster_private.webhook_delivery (webhook_id, change_id, event, about, about_id, subject, iam, occurred_at, data, state, delivered_at)
         SELECT 1, i, 'userAdded', 'user', i, 'u', 'builtin', now(), '{}', 'delivered', now() - CASE WHEN i > 10400 THEN interval '31 days' ELSE '0' END
         FROM generate_series(1, 10500) i",
    );
    assert_eq!(db.number("SELECT roster_private.purge_deliveries(1)"), 600);
    assert_eq!(db.number("SELECT max(change_id) FROM roster.webhook_deliveries"), 10400);
    assert_eq!(db.number("SELECT roster_private.purge_deliveries(1)"), 0);
}
