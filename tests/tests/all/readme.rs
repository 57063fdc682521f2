//! What the README shows works: its SQL blocks run, in order, on what the demo contains, and answer something.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use roster_tests::{Db, Directory, Slapd, Tls, pg_binary, repository, run};

use crate::ldap::daemon_of;
use crate::reference::REFERENCE;

/// A database as `make demo` leaves it.
fn demo() -> Db {
    let (db, ldif) =
        (Db::fresh(), fs::read_to_string(demo_file("directory.ldif")).expect("the demo's directory"));
    let schema = fs::read_to_string(demo_file("demo.schema")).expect("the demo's schema");
    let slapd = Slapd::start_with(&Directory::from_ldif(ldif), &schema);
    let variables = [format!("url={}", slapd.tls_url()), format!("ca_file={}", Tls::shared().ca.display())];
    psql(&db, &["-v", &variables[0], "-v", &variables[1]], "source.sql");
    daemon_of(&db).sync("corp-ldap");
    db
}

fn demo_file(name: &str) -> PathBuf {
    repository().join("scripts/demo").join(name)
}

fn psql(db: &Db, arguments: &[&str], file: &str) -> String {
    run(Command::new(pg_binary("psql"))
        .args(["-X", "-q", "-d", &db.url("postgres")])
        .args(arguments)
        .arg("-f")
        .arg(demo_file(file)))
}

#[test]
fn the_demo_shows_the_reference_people_as_the_readme_prints_them() {
    let db = demo();
    let people = db.lines(
        r#"SELECT username, name, value FROM roster.effective_attributes WHERE username <> 'nora'
           ORDER BY username COLLATE "C", name COLLATE "C", value COLLATE "C""#,
    );
    assert_eq!(people, REFERENCE);
    let shown = trimmed(&psql(&db, &[], "show.sql"));
    assert!(trimmed(&readme()).contains(&shown), "README.md prints what the demo prints:\n{shown}");
}

#[test]
fn the_sql_blocks_of_the_readme_run() {
    let blocks = sql_blocks(&readme());
    assert!(!blocks.is_empty(), "README.md shows SQL");
    let db = demo();
    for (line, block) in blocks {
        match db.try_lines(&block) {
            Ok(rows) => {
                assert!(!rows.is_empty(), "README.md, the block at line {line} answers nothing:\n{block}")
            }
            Err(told) => panic!("README.md, the block at line {line}:\n{block}\n{told}"),
        }
    }
}

fn readme() -> String {
    fs::read_to_string(repository().join("README.md")).expect("there is a README.md")
}

/// Without what nobody sees: spaces at the ends of lines.
fn trimmed(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

#[test]
fn the_sql_blocks_of_the_docs_are_sql() {
    for doc in pages(&repository().join("docs")) {
        let text = fs::read_to_string(&doc).expect("a readable file");
        let db = Db::fresh();
        for (line, block) in sql_blocks(&text) {
            // 42601 is a syntax error, 42883 a function that does not exist, 42703 a column.
            if let Err(told) = db.try_lines(&block) {
                let wrong = ["[42601]", "[42883]", "[42703]"].iter().any(|code| told.contains(code));
                assert!(!wrong, "{}, the block at line {line}:\n{block}\n{told}", doc.display());
            }
        }
    }
}

/// All Markdown files below a folder.
fn pages(below: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(below).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(pages(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found
}

/// The line and the text of each ```sql block.
pub fn sql_blocks(markdown: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in markdown.lines().enumerate() {
        match &mut open {
            None if line.trim() == "```sql" => open = Some((number + 1, String::new())),
            None => {}
            Some(_) if line.trim() == "```" => blocks.extend(open.take()),
            Some((_, block)) => *block += &(line.to_owned() + "\n"),
        }
    }
    blocks
}
