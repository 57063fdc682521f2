//! `/metrics`: it can be read by anybody who knows the format, says what happened, and names no person.

use roster_tests::{Db, Directory, Served, wait_until};
use serde_json::json;

use super::parser::Scrape;
use super::{exchange, get};
use crate::ldap::Lab;

#[track_caller]
fn scrape(served: &Served) -> Scrape {
    let (status, text) = get(served.port, "/metrics");
    assert_eq!(status, 200, "{text}");
    Scrape::parse(&text)
}

/// Values of the database are good for a second: waits until they are as expected.
#[track_caller]
fn scraped_when(served: &Served, what: &str, expected: impl Fn(&Scrape) -> bool) -> Scrape {
    let mut found = Scrape::default();
    wait_until(what, || {
        found = scrape(served);
        expected(&found)
    });
    found
}

#[test]
fn runs_and_rows_are_those_that_happened() {
    let lab = Lab::with(&Directory::generated(10, 2));
    let served = lab.daemon.serve(&[]);
    lab.sync();
    lab.sync();
    lab.daemon.run(&["sync", "corp-ldap", "--plan"]);
    lab.configure(json!({"sync_filter": "(uid=nobody)"}));
    lab.daemon.run(&["sync", "corp-ldap"]);
    let source = [("source", "corp-ldap"), ("iam", "corp")];
    let runs = |scrape: &Scrape, mode, state| {
        scrape.value("pg_roster_runs_total", &[source[0], source[1], ("mode", mode), ("state", state)])
    };
    let found = scraped_when(&served, "the blocked run is counted", |found| {
        runs(found, "apply", "blocked") == Some(1.0)
    });
    assert_eq!(runs(&found, "apply", "succeeded"), Some(2.0));
    assert_eq!(runs(&found, "plan", "succeeded"), Some(1.0));
    assert_eq!(runs(&found, "apply", "failed"), None);
    let rows = |change| found.value("pg_roster_run_rows_total", &[source[0], source[1], ("change", change)]);
    let told = lab.db.line(
        "SELECT sum(read), sum(added), sum(changed), sum(removed), sum(quarantined)
         FROM roster.sync_runs WHERE mode = 'apply' AND state = 'succeeded'",
    );
    let counted = ["read", "added", "changed", "removed", "quarantined"]
        .map(|change| rows(change).expect("it is there").to_string());
    assert_eq!(counted.join("|"), told);
    assert!(rows("added") > Some(10.0), "{found:#?}");
    assert_eq!(found.value("pg_roster_run_duration_seconds_count", &source), Some(4.0));
    assert!(found.value("pg_roster_run_duration_seconds_sum", &source) > Some(0.0));
    for (state, value) in [("blocked", 1.0), ("ok", 0.0), ("failing", 0.0)] {
        let labels = [source[0], source[1], ("state", state)];
        assert_eq!(found.value("pg_roster_source_health", &labels), Some(value), "{state}");
    }
    let age = found.value("pg_roster_source_age_seconds", &source).expect("it succeeded once");
    assert!((0.0..600.0).contains(&age), "{age}");
    assert!(found.value("pg_roster_source_next_run_timestamp_seconds", &source).is_some());
    assert_eq!(found.value("pg_roster_source_running_runs", &source), Some(0.0));
    assert_eq!(found.value("pg_roster_database_up", &[]), Some(1.0));

    // The decision counts as well, and what was counted outlives what it was counted from.
    lab.db.run(
        "SELECT roster.apply_run((SELECT max(run_id) FROM roster.sync_runs), override_guard => true);
                DELETE FROM roster_private.sync_run",
    );
    let found = scraped_when(&served, "the decision is counted", |found| {
        runs(found, "apply", "succeeded") == Some(3.0)
    });
    assert_eq!(runs(&found, "apply", "blocked"), Some(1.0));
    assert_eq!(
        found.value("pg_roster_run_duration_seconds_count", &source),
        Some(4.0),
        "it was not run again"
    );
}

#[test]
fn failures_in_a_row_and_what_waits_are_told() {
    let lab = Lab::with(&Directory::reference());
    let served = lab.daemon.serve(&[]);
    lab.sync();
    let url = lab.slapd.url();
    lab.configure(json!({"urls": ["ldap://127.0.0.1:1"]}));
    lab.sync_fails();
    lab.sync_fails();
    let source = [("source", "corp-ldap")];
    let failures = |found: &Scrape| found.value("pg_roster_source_failures", &source);
    let found = scraped_when(&served, "both failed", |found| failures(found) == Some(2.0));
    assert_eq!(found.value("pg_roster_source_health", &[source[0], ("state", "failing")]), Some(1.0));
    lab.configure(json!({"urls": [url]}));
    lab.sync();
    scraped_when(&served, "a success ends the row", |found| failures(found) == Some(0.0));
}

#[test]
fn requests_are_counted_by_route_and_nobody_is_named() {
    let lab = crate::scim::Lab::new();
    let id = lab.scim.post("/Users", &crate::scim::user("steve.secret", json!({}))).expect(201).id();
    lab.scim.get(&format!("/Users/{id}")).expect(200);
    lab.scim.get(&format!("/Users/{id}")).expect(200);
    get(lab.served.port, "/nothing/steve.secret");
    get(lab.served.port, "/scim/idp/v2/Nothing/steve.secret");
    exchange(lab.served.port, "STEAL", "/healthz");
    let found = scrape(&lab.served);
    let requests = |method, route, status| {
        let labels = [("method", method), ("route", route), ("status", status)];
        found.value("pg_roster_http_requests_total", &labels)
    };
    assert_eq!(requests("POST", "/scim/{iam}/v2/Users", "201"), Some(1.0), "{found:#?}");
    assert_eq!(requests("GET", "/scim/{iam}/v2/Users/{id}", "200"), Some(2.0));
    assert_eq!(requests("GET", "none", "404"), Some(1.0));
    assert_eq!(requests("other", "/healthz", "405"), Some(1.0));
    let labels = [("method", "GET"), ("route", "/scim/{iam}/v2/Users/{id}")];
    assert_eq!(found.value("pg_roster_http_request_duration_seconds_count", &labels), Some(2.0));
    let (_, text) = get(lab.served.port, "/metrics");
    for personal in ["steve", &id] {
        assert!(!text.contains(personal), "{personal} is in the metrics");
    }
    assert_eq!(found.value("pg_roster_pool_size_max", &[]), Some(16.0));
    assert!(found.value("pg_roster_pool_open", &[]) >= Some(1.0));
    assert_eq!(found.value("pg_roster_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), Some(1.0));
    assert!(found.value("process_start_time_seconds", &[]) > Some(1e9));
    assert!(found.value("process_resident_memory_bytes", &[]) > Some(1e6));
}

#[test]
fn names_are_escaped() {
    let db = Db::fresh();
    let name = "odd \"name\" \\ of\na source";
    db.run("SELECT roster.create_identity_manager('odd', kind => 'ldap')");
    db.call("SELECT roster.create_source($1, iam => 'odd', kind => 'ldap')", &[&name]);
    let served = db.daemon().serve(&[]);
    let found = scrape(&served);
    let labels = [("source", name), ("state", "never_ran")];
    assert_eq!(found.value("pg_roster_source_health", &labels), Some(1.0), "{found:#?}");
}

#[test]
fn without_its_database_the_process_still_answers() {
    let db = Db::fresh();
    let daemon = db.daemon();
    let served = daemon.serve(&[]);
    let up = |found: &Scrape| found.value("pg_roster_database_up", &[]);
    scraped_when(&served, "the database is there", |found| up(found) == Some(1.0));
    let name = &db.name;
    let elsewhere = db.session_in("postgres");
    elsewhere.run(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
    elsewhere.run(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{}'",
        daemon.role
    ));
    let found = scraped_when(&served, "the database is away", |found| up(found) == Some(0.0));
    assert!(found.value("process_start_time_seconds", &[]).is_some());
    assert!(found.value("pg_roster_http_requests_total", &[("route", "/metrics")]).is_some());
    assert_eq!(found.value("pg_roster_feed_lag_seconds", &[]), None, "what is not known is not told");
    elsewhere.run(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
    scraped_when(&served, "the database is back", |found| up(found) == Some(1.0));
}

#[test]
fn what_the_documentation_names_is_there() {
    let db = Db::fresh();
    let served = db.daemon().serve(&[]);
    // The second one tells of the first.
    scrape(&served);
    let found = scrape(&served);
    let mut told = std::collections::BTreeSet::new();
    for file in ["docs/monitoring.md", "examples/alerts.yml"] {
        let text = std::fs::read_to_string(roster_tests::repository().join(file)).expect("a page");
        let words: Vec<String> = text
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .filter(|word| word.starts_with("pg_roster_") || word.starts_with("process_"))
            .map(|word| word.trim_end_matches("_total").trim_end_matches("_info").to_owned())
            .collect();
        assert!(words.len() > 10, "{file}");
        for word in words {
            assert!(found.types.contains_key(&word), "{file} names {word}, which is not told");
            told.insert(word);
        }
    }
    for name in found.types.keys() {
        assert!(told.contains(name), "{name} is not documented");
    }
}
