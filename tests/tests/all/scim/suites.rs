//! The public conformance suites, against the daemon. `scripts/scim-suites.sh` installs them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use roster_tests::{Scim, repository};
use serde_json::{Value, json};

use super::Lab;

/// A program of the suites, without the network settings of whoever runs the tests.
fn suite(program: &str) -> Command {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from);
    let path = target.join("scim-suites/bin").join(program);
    assert!(path.exists(), "there is no {}: run scripts/scim-suites.sh", path.display());
    let mut command = Command::new(path);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(name);
    }
    command
}

/// scim2-tester: every attribute that /Schemas advertises is written, read, patched and removed again.
fn tester(lab: &Lab) {
    let output = suite("scim2")
        .args(["test", "--verbose"])
        .env("SCIM_CLI_URL", lab.scim.base())
        .env("SCIM_CLI_HEADERS", format!("Authorization: {}", lab.scim.authorization))
        .env("NO_COLOR", "1")
        .output()
        .expect("the suite runs");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let mut counts = BTreeMap::<&str, usize>::new();
    for line in said.lines() {
        let word = line.split(' ').next().unwrap_or_default();
        if matches!(
            word,
            "SUCCESS" | "COMPLIANT" | "ACCEPTABLE" | "DEVIATION" | "ERROR" | "CRITICAL" | "SKIPPED"
        ) {
            *counts.entry(word).or_default() += 1;
        }
    }
    println!("scim2-tester: {counts:?}");
    let bad = ["DEVIATION", "ERROR", "CRITICAL", "SKIPPED"].iter().any(|word| counts.contains_key(word));
    assert!(!bad && counts.get("SUCCESS").is_some_and(|count| *count >= 100), "{counts:?}\n{said}");
}

/// scim-sanity: the life of users and groups, discovery, searches and errors.
fn sanity(scim: &Scim, mode: &str) {
    let key = scim.authorization.trim_start_matches("Bearer ");
    let output = suite("scim-sanity")
        .args(["probe", &scim.base(), "--token", key, mode, "--json-output", "--i-accept-side-effects"])
        .output()
        .expect("the suite runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let json = said.find('{').and_then(|at| serde_json::from_str::<Value>(&said[at..]).ok());
    let Some(report) = json else { panic!("{said}\n{}", String::from_utf8_lossy(&output.stderr)) };
    let summary = &report["summary"];
    println!("scim-sanity {mode}: {summary}");
    assert_eq!(report["issues"], json!([]), "{report:#}");
    let counts = (&summary["failed"], &summary["errors"], &summary["warnings"]);
    assert_eq!(counts, (&json!(0), &json!(0), &json!(0)), "{report:#}");
    assert!(summary["passed"].as_u64().is_some_and(|passed| passed >= 25), "{report:#}");
}

#[test]
fn scim2_tester_has_nothing_to_complain_of() {
    tester(&Lab::new());
}

#[test]
fn scim2_tester_has_nothing_to_complain_of_the_strict_profile() {
    tester(&Lab::of_profile("strict"));
}

#[test]
fn scim_sanity_has_nothing_to_complain_of() {
    for lab in [Lab::new(), Lab::of_profile("strict")] {
        for mode in ["--strict", "--compat"] {
            sanity(&lab.scim, mode);
        }
    }
}

#[test]
fn the_clients_of_the_suite_can_work_with_it() {
    let lab = Lab::new();
    let client = |arguments: &[&str]| {
        let output = suite("scim2")
            .args(arguments)
            .env("SCIM_CLI_URL", lab.scim.base())
            .env("SCIM_CLI_HEADERS", format!("Authorization: {}", lab.scim.authorization))
            .stdin(std::process::Stdio::null())
            .output()
            .expect("the client runs");
        assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    client(&["create", "user", "--user-name", "alice", "--display-name", "Alice"]);
    assert_eq!(lab.user("alice", "display_name"), "Alice");
    assert!(client(&["query", "user", "--filter", "userName eq \"alice\""]).contains("alice"));
}
