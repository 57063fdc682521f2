//! `examples/consolidated-attributes` does what its README says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use roster_tests::{Db, pg_binary, repository, run};

use super::{stated, sync};

const EFFECTIVE: &str = r#"SELECT username, value FROM roster.effective_attributes WHERE name = 'region' ORDER BY username, value COLLATE "C""#;

struct Example {
    db: Db,
    home: PathBuf,
}

impl Example {
    /// The table, the two systems, and the users that they speak about.
    fn new() -> Example {
        let db = Db::fresh();
        let home = std::env::temp_dir().join(format!("roster-example-{}-{}", std::process::id(), db.name));
        fs::create_dir_all(&home).expect("a folder");
        fs::copy(file("people.csv"), home.join("people.csv")).expect("the example's file");
        let example = Example { db, home };
        example.crm(&fs::read_to_string(file("crm.sql")).expect("the example's file"));
        for user in ["sara", "sam", "stephanie"] {
            example.db.run(&format!("SELECT roster.create_user('{user}')"));
        }
        example.psql("schema.sql");
        example
    }

    fn crm(&self, sql: &str) {
        let script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])";
        run(Command::new("python3").args(["-c", script]).arg(self.home.join("crm.sqlite")).arg(sql));
    }

    fn psql(&self, script: &str) {
        run(Command::new(pg_binary("psql"))
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &self.db.url("postgres"), "-f"])
            .arg(file(script)));
    }

    fn consolidate(&self) -> Output {
        let path = std::env::var("PATH").unwrap_or_default();
        let tools = pg_binary("psql").parent().map(Path::to_path_buf).expect("a folder of programs");
        Command::new("python3")
            .env("PATH", format!("{}:{path}", tools.display()))
            .arg(file("consolidate.py"))
            .arg("--hr")
            .arg(self.home.join("people.csv"))
            .arg("--crm")
            .arg(self.home.join("crm.sqlite"))
            .args(["-d", &self.db.url("postgres")])
            .output()
            .expect("python3 runs")
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.home));
    }
}

fn file(name: &str) -> PathBuf {
    repository().join("examples/consolidated-attributes").join(name)
}

#[test]
fn one_central_table() {
    let example = Example::new();
    let db = &example.db;
    assert!(example.consolidate().status.success());
    example.psql("central.sql");
    assert_eq!(
        db.lines(EFFECTIVE),
        ["sara|Iowa", "sara|Michigan", "sara|Ohio", "stephanie|Indiana", "stephanie|Texas"]
    );
    // Again, and nothing is written.
    assert!(example.consolidate().status.success());
    assert_eq!(sync(db, "hub"), "succeeded|0|0");
    let people = fs::read_to_string(example.home.join("people.csv")).expect("it is there");
    fs::write(
        example.home.join("people.csv"),
        people.replace("Ohio;Michigan", "Maine").replace("4712", "4713"),
    )
    .expect("it is ours");
    example.crm("DELETE FROM account WHERE customer = 'Acme'");
    assert!(example.consolidate().status.success());
    assert_eq!(sync(db, "hub"), "succeeded|2|4");
    assert_eq!(db.lines(EFFECTIVE), ["sara|Iowa", "sara|Maine", "stephanie|Indiana", "stephanie|Texas"]);
    assert!(stated(db, "hub").contains(&"sam|cost_centre|4713".to_owned()));
    // A system that is gone changes nothing.
    fs::remove_file(example.home.join("people.csv")).expect("it is there");
    assert!(!example.consolidate().status.success());
    assert_eq!(sync(db, "hub"), "succeeded|0|0");
}

#[test]
fn one_source_per_system() {
    let example = Example::new();
    let db = &example.db;
    assert!(example.consolidate().status.success());
    example.psql("one-to-many.sql");
    assert_eq!(db.lines(EFFECTIVE), ["sara|Michigan", "sara|Ohio", "stephanie|Indiana"], "HR decides");
    assert_eq!(
        db.lines(r#"SELECT value, source, wins FROM roster.attribute_origins WHERE username = 'sara' AND name = 'region' ORDER BY value COLLATE "C", source"#),
        ["Iowa|crm|f", "Michigan|hr|t", "Ohio|crm|f", "Ohio|hr|t"]
    );
    assert_eq!(
        stated(db, "crm-only"),
        ["sara|crm.customer|Acme", "sara|crm.customer|Umbrella", "stephanie|crm.customer|Initech"]
    );
    let readme = fs::read_to_string(file("README.md")).expect("there is one");
    for (_, block) in crate::readme::sql_blocks(&readme) {
        assert!(!db.lines(&block).is_empty(), "{block}");
    }
    for row in db.lines(r#"SELECT username, name, value, source, CASE WHEN wins THEN 'yes' ELSE 'no' END FROM roster.attribute_origins WHERE username = 'sara' AND name = 'region'"#) {
        assert!(readme.contains(&format!("| {} |", row.replace('|', " | "))), "README.md shows {row}");
    }
}

#[test]
fn the_sql_of_the_documentation_runs() {
    let db = Db::fresh();
    let page = fs::read_to_string(repository().join("docs/connectors/table.md")).expect("there is one");
    for (line, block) in crate::readme::sql_blocks(&page) {
        if let Err(told) = db.try_lines(&block) {
            panic!("docs/connectors/table.md, the block at line {line}:\n{block}\n{told}");
        }
    }
    assert_eq!(stated(&db, "hr"), ["sam|region|Iowa", "sam|region|Utah", "sara|cost_centre|4711"]);
}
