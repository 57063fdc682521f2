//! `--log-format json`: every line is an object, and says which run or request it belongs to.

use roster_tests::{Directory, wait_until};
use serde_json::Value;

use super::get;
use crate::ldap::Lab;

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

#[test]
fn every_line_is_an_object_and_those_of_a_run_say_which() {
    let lab = Lab::with(&Directory::reference());
    let daemon = lab.daemon.clone().with("RUST_LOG", "syncd=debug");
    let mut served = daemon.serve(&["--log-format", "json"]);
    let run_id = lab.db.number("SELECT roster.sync_now('corp-ldap')");
    wait_until("the run is over", || lab.last_run("state") == "succeeded");
    lab.configure(serde_json::json!({"urls": ["ldap://127.0.0.1:1"]}));
    lab.db.run("SELECT roster.sync_now('corp-ldap')");
    wait_until("the other failed", || lab.last_run("state") == "failed");
    get(served.port, "/readyz");
    wait_until("the end of both was said", || served.running.said().matches("run ").count() >= 4);
    served.running.kill();
    let said = served.running.said();
    let lines = lines(&said);
    for line in &lines {
        for key in ["timestamp", "level", "message"] {
            assert!(line[key].is_string(), "{key}: {line}");
        }
    }
    let of_run: Vec<_> =
        lines.iter().filter(|line| line["message"].as_str().is_some_and(|m| m.starts_with("run "))).collect();
    assert!(of_run.len() >= 4, "{said}");
    for line in of_run {
        assert!(line["run_id"].is_number() && line["source"] == "corp-ldap", "{line}");
    }
    assert!(lines.iter().any(|line| line["run_id"] == run_id && line["message"] == "run ended"), "{said}");
    let request = lines.iter().find(|line| line["path"] == "/readyz").expect("a line of the request");
    assert!(request["request_id"].as_str().is_some_and(|id| id.len() == 32), "{request}");
    assert_eq!(request["status"], 200, "{request}");
    assert!(!said.contains(roster_tests::ADMIN_PASSWORD), "no secrets");
}

#[test]
fn what_works_for_a_run_says_so_too() {
    let lab = Lab::with(&Directory::reference());
    let done =
        lab.daemon.clone().with("RUST_LOG", "debug").run(&["--log-format", "json", "sync", "corp-ldap"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    // The driver of LDAP works for the run, and knows nothing of it.
    let lines = lines(&done.err);
    let inner = lines.iter().filter(|line| !line["message"].as_str().unwrap_or_default().starts_with("run "));
    assert!(inner.filter(|line| line["run_id"].is_number()).count() > 0, "{}", done.err);
}
