//! `syncd status`: how fresh everything is, what waits, and whether all is well.

use roster_tests::{Daemon, Db, Directory};
use serde_json::{Value, json};

use super::syncd_as;
use crate::ldap::Lab;

fn json_of(daemon: &Daemon) -> Value {
    let done = daemon.run(&["status", "--json"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    serde_json::from_str(&done.out).expect("JSON")
}

fn source<'a>(status: &'a Value, name: &str) -> &'a Value {
    let sources = status["sources"].as_array().expect("sources");
    sources.iter().find(|source| source["source"] == name).unwrap_or_else(|| panic!("{name}: {status}"))
}

#[test]
fn all_is_well_until_something_needs_somebody() {
    let lab = Lab::with(&Directory::generated(10, 1));
    lab.sync();
    let status = json_of(&lab.daemon);
    assert_eq!(status["well"], true, "{status}");
    let ours = source(&status, "corp-ldap");
    assert!(ours["age_seconds"].as_f64().is_some_and(|age| (0.0..600.0).contains(&age)), "{ours}");
    assert_eq!(ours["read"].to_string(), lab.last_run("read"));
    assert_eq!(ours["added"].to_string(), lab.last_run("added"));
    assert_eq!(
        (&ours["failures"], &ours["quarantined"], &ours["dead_letters"]),
        (&json!(0), &json!(0), &json!(0))
    );
    let told = lab.daemon.run(&["status"]).out;
    assert!(told.contains(" ago") || told.contains("just now"), "{told}");
    assert!(told.trim_end().ends_with("all is well"), "{told}");

    lab.configure(json!({"sync_filter": "(uid=nobody)"}));
    assert_eq!(lab.daemon.run(&["sync", "corp-ldap"]).code, Some(3));
    let run_id = lab.last_run("run_id");
    let status = json_of(&lab.daemon);
    assert_eq!(status["well"], false);
    assert!(status["attention"].to_string().contains("corp-ldap is blocked"), "{status}");
    let plan = &status["blocked"][0];
    // What is told works.
    let looked = lab.db.lines(plan["look"].as_str().expect("SQL"));
    assert!(looked.len() >= 10, "{looked:?}");
    let told = lab.daemon.run(&["status"]).out;
    assert!(told.contains(plan["look"].as_str().expect("SQL")) && told.contains(&run_id), "{told}");
    assert!(told.trim_end().ends_with("1 thing needs somebody"), "{told}");
    lab.db.run(plan["release"].as_str().expect("SQL"));
    assert_eq!(json_of(&lab.daemon)["well"], true);
}

#[test]
fn failures_in_a_row_are_counted() {
    let lab = Lab::with(&Directory::reference());
    lab.configure(json!({"urls": ["ldap://127.0.0.1:1"]}));
    lab.sync_fails();
    lab.sync_fails();
    let status = json_of(&lab.daemon);
    assert_eq!(source(&status, "corp-ldap")["failures"], 2, "{status}");
    assert!(status["attention"].to_string().contains("failed 2 times in a row"), "{status}");
}

#[test]
fn values_past_their_age_are_counted() {
    let lab = crate::scim::Lab::with(&json!({"max_age": "1 day", "attributes": {"title": "title"}}));
    lab.scim.post("/Users", &crate::scim::user("sam", json!({"title": "Dr"}))).expect(201);
    let daemon = lab.db.daemon();
    assert_eq!(source(&json_of(&daemon), crate::scim::SOURCE)["stale_values"], 0);
    lab.db.run("UPDATE roster_private.scim_user SET confirmed_at = now() - interval '2 days';
                UPDATE roster_private.run SET at = now() - interval '2 days', begun = now() - interval '2 days'");
    let status = json_of(&daemon);
    assert_eq!(source(&status, crate::scim::SOURCE)["stale_values"], 1, "{status}");
    assert!(status["attention"].to_string().contains("1 value past max_age"), "{status}");
}

#[test]
fn whoever_may_read_may_see_it() {
    let db = Db::fresh();
    db.run(
        "SELECT roster.create_identity_manager('corp', kind => 'ldap');
            SELECT roster.create_source('corp-ldap', iam => 'corp', kind => 'ldap')",
    );
    for role in ["roster_reader", "roster_syncd"] {
        let status = json_of(&syncd_as(&db, &[role]));
        assert_eq!(source(&status, "corp-ldap")["health"], "never_ran", "{role}: {status}");
    }
    let nobody = syncd_as(&db, &[]).run(&["status"]);
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
}
