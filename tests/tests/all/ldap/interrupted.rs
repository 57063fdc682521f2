//! A read that did not come to its end removes nothing, and says so.

use std::time::{Duration, Instant};

use roster_tests::{Directory, Finished, user_dn};
use serde_json::json;

use super::Lab;

/// 105 users in pages of ten, synced once; a tenth of them has left since.
fn with_leavers() -> (Lab, roster_tests::Proxy) {
    let (lab, proxy) = Lab::behind_proxy(&Directory::generated(105, 4));
    lab.sync();
    for i in 0..10 {
        lab.slapd.delete(&user_dn(&format!("u{i:04}")));
    }
    lab.configure(json!({"timeout_seconds": 2}));
    (lab, proxy)
}

/// The next sync is held at the tenth page of users, disturbed, and let go.
fn disturbed(lab: &Lab, proxy: &roster_tests::Proxy, disturb: impl FnOnce(&Lab)) -> Finished {
    let already = proxy.searches().iter().filter(|search| search.base.starts_with("ou=people")).count();
    let hold = proxy.hold(move |search| search.base.starts_with("ou=people") && search.nth == already + 9);
    let running = lab.daemon.spawn(&["sync", "corp-ldap"]);
    hold.reached();
    disturb(lab);
    hold.release();
    running.finished()
}

#[test]
fn a_server_killed_after_page_9_removes_nothing() {
    let (mut lab, proxy) = with_leavers();
    let before = lab.facts();
    let done = disturbed(&lab, &proxy, |lab| lab.slapd.kill());
    lab.assert_failed(&done, &before);
    assert_eq!(lab.health(), "failing");
    assert_ne!(
        lab.db.line("SELECT coalesce(last_error, '') FROM roster.sources WHERE source = 'corp-ldap'"),
        ""
    );
    lab.slapd.restart();
    proxy.behave();
    lab.sync();
    assert_eq!(lab.active_users().len(), 95, "the removals arrive with the next complete read");
    assert_eq!(lab.health(), "ok");
}

#[test]
fn a_server_that_stands_still_runs_into_the_timeout_and_removes_nothing() {
    let (lab, proxy) = with_leavers();
    let before = lab.facts();
    let start = Instant::now();
    let done = disturbed(&lab, &proxy, |lab| lab.slapd.freeze());
    lab.slapd.thaw();
    lab.assert_failed(&done, &before);
    assert!(start.elapsed() < Duration::from_secs(15), "timeout_seconds is 2");
    let said = done.said().to_lowercase();
    assert!(
        said.contains("timeout")
            || said.contains("timed out")
            || said.contains("no answer")
            || said.contains("within 2"),
        "{said}"
    );
}

#[test]
fn a_connection_cut_between_pages_within_a_page_or_gone_silent_removes_nothing() {
    let (lab, proxy) = with_leavers();
    type Disturb = fn(&roster_tests::Proxy);
    let disturbances: [(&str, Disturb); 4] = [
        ("cut between pages", |proxy| proxy.cut_after_pages(6)),
        ("cut within a page", |proxy| proxy.cut_after_entries(33)),
        ("cut in the group pass", |proxy| proxy.cut_after_entries(97)),
        ("silent within a page", |proxy| proxy.silent_after_entries(33)),
    ];
    for (what, disturb) in disturbances {
        disturb(&proxy);
        let said = lab.sync_fails();
        assert!(said.contains("corp-ldap"), "{what}: {said}");
        proxy.behave();
    }
    lab.sync();
    assert_eq!(lab.active_users().len(), 95);
}

#[test]
fn a_base_that_does_not_exist_removes_nothing_and_is_named() {
    let lab = Lab::with(&Directory::reference());
    lab.sync();
    for key in ["user_base", "group_base"] {
        let config = lab.db.line("SELECT config FROM roster.sources WHERE source = 'corp-ldap'");
        let right = serde_json::from_str::<serde_json::Value>(&config).expect("jsonb")[key].clone();
        lab.configure(json!({key: "ou=misspelt,dc=example,dc=org"}));
        let said = lab.sync_fails();
        assert!(said.contains("ou=misspelt,dc=example,dc=org"), "{key}: {said}");
        lab.configure(json!({key: right}));
    }
    lab.sync();
    assert_eq!(lab.last_run("added, changed, removed"), "0|0|0");
}

#[test]
fn a_size_limit_of_the_server_is_an_error_not_an_end() {
    let lab = Lab::with(&Directory::generated(60, 0));
    lab.sync();
    // The server gives this reader 25 entries at most, whatever the pages.
    lab.db.run("SELECT roster.set_guard('corp-ldap', 'user', 1000, 100)");
    lab.configure(json!({"bind_dn": user_dn("reader"), "bind_password": {"env": "READER_PASSWORD"}}));
    lab.slapd.add(|more| {
        more.user("reader", &[("userPassword", "reader-password"), ("description", "limited")]);
    });
    let before = lab.facts();
    let done = lab.daemon.clone().with("READER_PASSWORD", "reader-password").run(&["sync", "corp-ldap"]);
    lab.assert_failed(&done, &before);
    assert!(done.said().to_lowercase().contains("limit"), "{done:?}");
}

#[test]
fn an_unreachable_server_fails_at_once_and_the_second_url_is_tried() {
    let lab = Lab::with(&Directory::reference());
    let (right, closed) = (lab.slapd.url(), "ldap://127.0.0.1:1");
    lab.configure(json!({"urls": [closed]}));
    let said = lab.sync_fails();
    assert!(said.contains("127.0.0.1:1"), "{said}");
    lab.configure(json!({"urls": [closed, right]}));
    lab.sync();
    assert_eq!(lab.active_users().len(), 5);
}

#[test]
fn sigterm_cancels_the_run_within_five_seconds() {
    let (lab, proxy) = with_leavers();
    lab.configure(json!({"timeout_seconds": 60}));
    let before = lab.facts();
    let already = proxy.searches().iter().filter(|search| search.base.starts_with("ou=people")).count();
    let hold = proxy.hold(move |search| search.base.starts_with("ou=people") && search.nth == already + 5);
    let mut running = lab.daemon.spawn(&["sync", "corp-ldap"]);
    hold.reached();
    running.terminate();
    assert!(running.ends_within(Duration::from_secs(5)), "{}", running.said());
    hold.release();
    let done = running.finished();
    assert_ne!(done.code, Some(0), "{done:?}");
    assert_eq!(lab.last_run("state"), "cancelled");
    assert_eq!(lab.facts(), before);
    lab.sync();
    assert_eq!(lab.active_users().len(), 95);
}

#[test]
fn a_lost_connection_to_the_database_is_an_error_and_the_next_sync_works() {
    let (lab, proxy) = with_leavers();
    lab.configure(json!({"timeout_seconds": 60}));
    let before = lab.facts();
    let role = &lab.daemon.role;
    let done = disturbed(&lab, &proxy, |lab| {
        lab.db
            .run(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"));
    });
    assert_eq!(done.code, Some(1), "{done:?}");
    assert_eq!(lab.facts(), before);
    lab.sync();
    assert_eq!(lab.active_users().len(), 95);
    assert_eq!(
        lab.db.number("SELECT count(*) FROM roster.sync_runs WHERE state IN ('running', 'queued')"),
        0
    );
}
