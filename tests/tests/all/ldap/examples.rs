//! What docs/connectors/ldap.md shows is accepted by the daemon: configurations, single keys, mapping rules.

use std::fs;

use roster_tests::{Daemon, Db, repository};
use serde_json::{Value, json};

fn page() -> String {
    fs::read_to_string(repository().join("docs/connectors/ldap.md")).expect("there is one")
}

/// What the daemon has against a configuration, whether or not its server can be reached.
fn objection(daemon: &Daemon, source: &str) -> Option<String> {
    let done = daemon.run(&["check", source, "--json"]);
    let report: Value = serde_json::from_str(&done.out).unwrap_or_else(|_| panic!("no report\n{done:?}"));
    let steps = report["sources"][0]["steps"].as_array().expect("steps").clone();
    assert!(!steps.is_empty(), "{report}");
    steps.iter().find(|step| step["step"] == "configuration").map(ToString::to_string)
}

#[test]
fn the_example_of_each_server_is_a_configuration() {
    let db = Db::fresh();
    for (line, block) in crate::readme::sql_blocks(&page()) {
        if let Err(told) = db.try_lines(&block) {
            panic!("docs/connectors/ldap.md, the block at line {line}:\n{block}\n{told}");
        }
    }
    let sources = db.lines("SELECT source FROM roster.sources WHERE kind = 'ldap'");
    assert!(sources.len() >= 5, "{sources:?}");
    for source in sources {
        assert_eq!(objection(&db.daemon(), &source), None, "{source}");
    }
}

#[test]
fn the_keys_and_rules_that_are_shown_one_by_one_are_accepted() {
    let db = Db::fresh();
    db.run("SELECT roster.create_identity_manager('corp', kind => 'ldap')");
    let (keys, rules) = (single_keys(&page()), rules(&page()));
    assert!(keys.len() >= 4 && rules.len() >= 10, "{keys:?}\n{rules:?}");
    for (number, shown) in keys.into_iter().chain(rules).enumerate() {
        let mut config =
            json!({"urls": ["ldap://127.0.0.1:1"], "user_base": "dc=example,dc=org", "timeout_seconds": 1});
        let shown = shown.as_object().expect("keys").clone();
        config.as_object_mut().expect("an object").extend(shown.clone());
        let source = format!("shown-{number}");
        db.call(
            "SELECT roster.create_source($1, iam => 'corp', kind => 'ldap', config => $2)",
            &[&source, &config],
        );
        assert_eq!(objection(&db.daemon(), &source), None, "{shown:?}");
    }
}

/// The lines of text blocks such as `"active": false`.
fn single_keys(page: &str) -> Vec<Value> {
    let blocks = page.split("\n```text\n").skip(1).filter_map(|rest| rest.split_once("\n```"));
    let lines = blocks.flat_map(|(block, _)| block.lines()).filter(|line| line.starts_with('"'));
    lines
        .map(|line| serde_json::from_str(&format!("{{{line}}}")).unwrap_or_else(|_| panic!("{line}")))
        .collect()
}

/// The first column of the table of rules, each as that of an attribute.
fn rules(page: &str) -> Vec<Value> {
    let section = page.split("\n## ").find(|section| section.starts_with("Mapping")).expect("a section");
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let rules = cells.map(|(rule, _)| rule.replace("\\|", "|")).filter(|rule| rule.starts_with(['"', '{']));
    rules
        .map(|rule| {
            let rule: Value = serde_json::from_str(&rule).unwrap_or_else(|_| panic!("{rule}"));
            json!({"attributes": {"shown": rule}})
        })
        .collect()
}
