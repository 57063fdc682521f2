//! What the pages show works: their SQL, and then their calls of curl, in order.

use std::process::Command;

use roster_tests::{Db, repository};
use serde_json::Value;

use super::outcome;

fn blocks(page: &str, language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repository().join("docs/connectors").join(page)).expect("the page");
    let fence = format!("```{language}\n");
    let rest = text.split(fence.as_str()).skip(1);
    rest.map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

/// The outputs of all blocks of commands.
fn run(page: &str) -> Vec<String> {
    let db = Db::fresh();
    let mut key = String::new();
    for block in blocks(page, "sql") {
        for line in db.lines(&block) {
            if line.starts_with("rk_") {
                key = line;
            }
        }
    }
    let served = db.daemon().serve(&[]);
    let address = format!("127.0.0.1:{}", served.port);
    let said = |block: &String| {
        let script = block.replace("127.0.0.1:8480", &address);
        let done = Command::new("sh").args(["-euc", &script]).env("KEY", &key).output().expect("sh and curl");
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success(), "{script}\n{said}{}", String::from_utf8_lossy(&done.stderr));
        said
    };
    let all = blocks(page, "sh").iter().map(said).collect();
    if page == "push.md" {
        let shown =
            db.lines("SELECT username, name, value FROM roster.effective_attributes ORDER BY 1, 2, 3");
        assert_eq!(shown, ["steve|country|USA", "steve|territories|MD", "steve|territories|OH"]);
        assert_eq!(db.number("SELECT count(*) FROM roster.user_attributes WHERE owner = 'stephanie'"), 3);
    }
    all
}

#[test]
fn the_examples_of_push_work() {
    let said = run("push.md");
    assert!(said.len() >= 5, "{said:?}");
    for text in said {
        match serde_json::from_str(&text).expect("JSON") {
            Value::Array(outcomes) => outcomes.iter().for_each(|one| assert_eq!(outcome(one), "applied")),
            one => assert_eq!(outcome(&one), "applied"),
        }
    }
}

#[test]
fn the_examples_of_user_info_work() {
    let shown = blocks("user-info.md", "json").remove(0);
    let said = run("user-info.md").remove(0);
    assert_eq!(said, shown.trim().repeat(2));
}
