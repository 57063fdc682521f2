//! What the README shows works: its SQL blocks run, in order, on what the demo contains.

use roster_tests::{Db, repository};

use crate::ldap::Lab;

#[test]
fn the_sql_blocks_of_the_readme_run() {
    let readme = std::fs::read_to_string(repository().join("README.md")).expect("there is a README.md");
    let blocks = sql_blocks(&readme);
    assert!(!blocks.is_empty(), "README.md shows SQL");
    let lab = Lab::with(&roster_tests::Directory::reference());
    lab.sync();
    for (line, block) in blocks {
        if let Err(told) = lab.db.try_lines(&block) {
            panic!("README.md, the block at line {line}:\n{block}\n{told}");
        }
    }
}

#[test]
fn the_sql_blocks_of_the_docs_are_sql() {
    let Ok(docs) = std::fs::read_dir(repository().join("docs")) else { return };
    for doc in docs.flatten().filter(|doc| doc.path().extension().is_some_and(|e| e == "md")) {
        let text = std::fs::read_to_string(doc.path()).expect("a readable file");
        let db = Db::fresh();
        for (line, block) in sql_blocks(&text) {
            // 42601 is a syntax error, 42883 a function that does not exist, 42703 a column.
            if let Err(told) = db.try_lines(&block) {
                let wrong = ["[42601]", "[42883]", "[42703]"].iter().any(|code| told.contains(code));
                assert!(!wrong, "{}, the block at line {line}:\n{block}\n{told}", doc.path().display());
            }
        }
    }
}

/// The line and the text of each ```sql block.
fn sql_blocks(markdown: &str) -> Vec<(usize, String)> {
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
