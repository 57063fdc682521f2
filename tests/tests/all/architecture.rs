//! Who may know whom: the flow goes one way, and a connector cannot reach the database.

use std::fs;
use std::path::{Path, PathBuf};

use roster_tests::repository;

fn sources(below: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(below).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a text file");
            found.push((path, text));
        }
    }
    found
}

fn daemon() -> Vec<(PathBuf, String)> {
    sources(&repository().join("syncd/src"))
}

/// Whether the code (not its comments) contains that text.
fn mentions(text: &str, what: &str) -> bool {
    code(text).any(|line| line.contains(what))
}

fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim_start).filter(|line| !line.starts_with("//"))
}

#[test]
fn connectors_and_records_know_nothing_of_the_database() {
    for (path, text) in daemon() {
        let name = path.display().to_string();
        if name.contains("/connector") || name.ends_with("/record.rs") {
            for forbidden in [
                "crate::database",
                "crate::staging",
                "crate::pipeline",
                "crate::lease",
                "crate::apply",
                "crate::known",
                "roster_private",
            ] {
                assert!(!mentions(&text, forbidden), "{name} knows {forbidden}");
            }
            // A table elsewhere is in a PostgreSQL too, which is not ours.
            if !name.contains("/connector/table") {
                for forbidden in ["tokio_postgres", "crate::postgres"] {
                    assert!(!mentions(&text, forbidden), "{name} knows {forbidden}");
                }
            }
        }
        if name.contains("/src/postgres") {
            assert!(
                !mentions(&text, "PGPASSWORD") && !mentions(&text, "crate::"),
                "{name} knows whose server it is"
            );
        }
        if name.ends_with("/record.rs") {
            assert!(!mentions(&text, "crate::"), "{name} knows nobody");
        }
    }
}

/// The statements that a connector sends elsewhere name nothing of ours.
#[test]
fn another_database_is_not_asked_for_ours() {
    for (path, text) in daemon() {
        if !path.display().to_string().contains("/connector/table") {
            continue;
        }
        for included in code(&text).filter(|line| line.contains("include_str!")) {
            assert!(included.contains("/sql/foreign_"), "{}: {included}", path.display());
        }
    }
    for entry in fs::read_dir(repository().join("syncd/sql")).expect("a folder").flatten() {
        let name = entry.file_name().into_string().expect("UTF-8");
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        assert!(!name.starts_with("foreign_") || !text.contains("roster"), "{name} is for other databases");
    }
}

#[test]
fn the_rules_of_scim_know_no_io() {
    for (path, text) in sources(&repository().join("scim/src")) {
        for forbidden in ["tokio", "axum", "postgres", "std::fs", "std::net", "std::env"] {
            assert!(!mentions(&text, forbidden), "{} knows {forbidden}", path.display());
        }
    }
}

#[test]
fn requests_and_runs_are_apart() {
    for (path, text) in daemon() {
        let name = path.display().to_string();
        if ["/src/http/", "/src/scim/", "/src/push/", "/src/user_info.rs", "/src/metrics"]
            .iter()
            .any(|part| name.contains(part))
        {
            for forbidden in ["crate::pipeline", "crate::staging", "crate::record", "crate::lease"] {
                assert!(!mentions(&text, forbidden), "{name} knows {forbidden}");
            }
        }
    }
}

/// Configuration is what anybody may call: no private schema, no run.
#[test]
fn declarations_use_public_functions_only() {
    let statements = repository().join("syncd/sql/declare");
    for entry in fs::read_dir(statements).expect("a folder").flatten() {
        let text = fs::read_to_string(entry.path()).expect("a statement");
        assert!(!text.contains("roster_private"), "{}", entry.path().display());
    }
    for (path, text) in daemon() {
        let name = path.display().to_string();
        if name.contains("/src/declare") {
            for forbidden in ["crate::lease", "crate::staging", "crate::apply", "crate::http", "crate::scim"]
            {
                assert!(!mentions(&text, forbidden), "{name} knows {forbidden}");
            }
        }
    }
}

#[test]
fn the_feed_and_webhooks_know_no_connector_and_no_request() {
    for (path, text) in daemon() {
        let name = path.display().to_string();
        let mut forbidden =
            vec!["crate::staging", "crate::record", "crate::lease", "crate::connector", "crate::scim"];
        match name.contains("/src/webhooks") {
            true => forbidden.extend(["crate::http", "axum"]),
            false if name.ends_with("/src/feed.rs") => {
                forbidden.extend(["crate::http", "crate::pipeline", "crate::webhooks"])
            }
            false if name.contains("/src/changes") => {
                forbidden.extend(["crate::pipeline", "crate::webhooks"])
            }
            false => continue,
        }
        for forbidden in forbidden {
            assert!(!mentions(&text, forbidden), "{name} knows {forbidden}");
        }
    }
}

#[test]
fn the_daemon_has_no_sql_in_its_code() {
    for (path, text) in daemon() {
        // What a person is told to call is no SQL of the daemon.
        let told = "SELECT roster.apply_run(";
        for verb in ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "COPY ", "TRUNCATE "] {
            let statement = format!("\"{verb}");
            let found = code(&text).find(|line| line.contains(&statement) && !line.contains(told));
            assert_eq!(found, None, "{}: SQL belongs into syncd/sql/", path.display());
        }
    }
}

#[test]
fn the_daemon_and_the_extension_share_nothing_but_sql() {
    for (path, text) in daemon().into_iter().chain(sources(&repository().join("extension/src"))) {
        for forbidden in ["pg_roster::", "syncd::", "roster_tests"] {
            assert!(!mentions(&text, forbidden), "{} knows {forbidden}", path.display());
        }
    }
}
